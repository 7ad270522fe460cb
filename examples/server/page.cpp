#include "page.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
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

restante::HttpResponse refusal(unsigned status, const char* sentence) {
  return {.status = status, .body = std::string{sentence} + "\n", .headers = {{"X-Content-Type-Options", "nosniff"}}};
}

// A name that needs no decoding and means no folder above: letters, digits, '-', '_', '.' and '/', no part of it
// beginning with a dot.
bool is_plain(std::string_view path) {
  const bool plain_characters = std::all_of(path.begin(), path.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.' || c == '/';
  });
  return plain_characters && path.starts_with('/') && path.find("/.") == std::string_view::npos;
}

// A link in the folder may lead out of it: then it is not given out.
bool is_below(const fs::path& file, const fs::path& directory) {
  return std::mismatch(directory.begin(), directory.end(), file.begin(), file.end()).first == directory.end();
}

}  // namespace

std::optional<fs::path> find_web_directory() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  for (const fs::path& directory :
       {program.parent_path().parent_path() / "share" / "restante" / "web", fs::path{RESTANTE_WEB_DIRECTORY}}) {
    if (fs::is_regular_file(directory / "index.html", error)) {
      return directory;
    }
  }
  return std::nullopt;
}

Page::Page(const fs::path& directory) : directory_{fs::canonical(directory)} {}

restante::HttpResponse Page::answer(const restante::HttpRequest& request) const {
  if (request.method != "GET" && request.method != "HEAD") {
    restante::HttpResponse response = refusal(405, "Only GET and HEAD are understood.");
    response.headers.emplace_back("Allow", "GET, HEAD");
    return response;
  }
  std::string_view path = request.target.substr(0, request.target.find('?'));
  if (path == "/") {
    path = "/index.html";
  }
  const restante::HttpResponse not_found = refusal(404, "There is no such file.");
  if (!is_plain(path)) {
    return not_found;
  }
  std::error_code error;
  const fs::path file = fs::canonical(directory_ / path.substr(1), error);
  if (error || !is_below(file, directory_) || !fs::is_regular_file(file, error)) {
    return not_found;
  }
  const std::string extension = file.extension().string();
  const auto* const type = std::find_if(std::begin(content_types), std::end(content_types),
                                        [&](const auto& entry) { return entry.first == extension; });
  if (type == std::end(content_types) || fs::file_size(file, error) > file_bytes_max || error) {
    return not_found;
  }
  std::ifstream stream{file, std::ios::binary};
  std::string body{std::istreambuf_iterator<char>{stream}, {}};
  if (!stream) {
    return refusal(500, "The file cannot be read.");
  }
  return {.content_type = std::string{type->second},
          .body = std::move(body),
          .headers = {{"Content-Security-Policy", std::string{content_security_policy}},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Referrer-Policy", "no-referrer"},
                      // Asked for anew each time: a page and a server of different versions would not do.
                      {"Cache-Control", "no-cache"}}};
}

}  // namespace restante_server
