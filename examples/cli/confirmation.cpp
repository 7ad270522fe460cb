#include "confirmation.hpp"

#include <unistd.h>

#include <cstdio>
#include <iostream>

namespace restante::cli {

bool can_ask(const Output& output) {
  if (::isatty(STDIN_FILENO) != 0) {
    return true;
  }
  output.error("there is nobody to ask whether that is meant: say --yes");
  return false;
}

bool is_meant(const std::string& question) {
  std::fprintf(stderr, "%s [y/N] ", question.c_str());
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace restante::cli
