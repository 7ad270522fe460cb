// The page, given out on the server's own port.
#pragma once

#include <filesystem>
#include <optional>

#include <restante/websocketpp/options.hpp>

namespace restante_server {

/// Where the page is that comes with the server: next to an installed program, or in the source tree. Nothing when it
/// is in neither.
std::optional<std::filesystem::path> find_web_directory();

/// Gives out the files of one folder: those whose kind it knows, and nothing outside of it.
class Page {
 public:
  explicit Page(const std::filesystem::path& directory);

  restante::HttpResponse answer(const restante::HttpRequest& request) const;

 private:
  std::filesystem::path directory_;
};

}  // namespace restante_server
