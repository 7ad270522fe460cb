#include "page.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

namespace restante_server {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t file_bytes_max = 4 * 1024 * 1024;

constexpr std::pair<std::string_view, std::string_view> content_types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".svg", "image/svg+xml"},
};

// The page may run its own scripts, and connect to whatever server its user names: nothing else.
constexpr std::string_view content_security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' ws: wss:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

// The name of a file of the folder itself, which needs no decoding: letters, digits, '-', '_' and '.', with no dot in
// front.
bool is_plain(std::string_view name) {
  return !name.empty() && name.front() != '.' && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  });
}

std::optional<std::string_view> content_type_of(std::string_view name) {
  for (const auto& [extension, type] : content_types) {
    if (name.ends_with(extension)) {
      return type;
    }
  }
  return std::nullopt;
}

}  // namespace

restante::HttpResponse plain_answer(unsigned status, std::string text) {
  return {.status = status,
          .body = std::move(text) + "\n",
          .headers = {{"X-Content-Type-Options", "nosniff"}, {"Cache-Control", "no-store"}}};
}

Page::Page(const fs::path& directory) : directory_{fs::canonical(directory)} {}

restante::HttpResponse Page::answer(const restante::HttpRequest& request) const {
  std::string_view name = request.target.substr(0, request.target.find('?'));
  name = name == "/" ? std::string_view{"index.html"} : name.starts_with('/') ? name.substr(1) : std::string_view{};
  const std::optional<std::string_view> type = content_type_of(name);
  if (!is_plain(name) || !type) {
    return plain_answer(404, "There is no such file.");
  }
  std::optional<std::string> body = read(name);
  if (!body) {
    return plain_answer(404, "There is no such file.");
  }
  return {.content_type = std::string{*type},
          .body = std::move(*body),
          .headers = {{"Content-Security-Policy", std::string{content_security_policy}},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Referrer-Policy", "no-referrer"},
                      // Asked for anew each time: a page and a server of different versions would not do.
                      {"Cache-Control", "no-cache"}}};
}

std::optional<std::string> Page::read(std::string_view name) const {
  if (!directory_) {
    for (std::size_t i = 0; i < built_in_files_count; ++i) {
      if (built_in_files[i].name == name) {
        return std::string{built_in_files[i].content};
      }
    }
    return std::nullopt;
  }
  // A link in the folder may lead out of it: then it is not given out.
  std::error_code error;
  const fs::path file = fs::canonical(*directory_ / name, error);
  if (error || file.parent_path() != *directory_ || !fs::is_regular_file(file, error) ||
      fs::file_size(file, error) > file_bytes_max || error) {
    return std::nullopt;
  }
  std::ifstream stream{file, std::ios::binary};
  std::string content{std::istreambuf_iterator<char>{stream}, {}};
  return stream ? std::optional{std::move(content)} : std::nullopt;
}

}  // namespace restante_server
