// What the server answers to plain HTTP: the files of the page.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <restante/asio/options.hpp>

namespace restante_server {

/// A file that is built into the program; made by cmake/RestanteEmbed.cmake.
struct BuiltInFile {
  std::string_view name;
  std::string_view content;
};

/// The files of the page as it was when the program was built, and nothing after the last.
extern const BuiltInFile built_in_files[];
extern const std::size_t built_in_files_count;

/// Gives out the files of the page: those that are built in, or those of a folder, and nothing else.
class Page {
 public:
  /// The files that are built in.
  Page() = default;

  /// The files of a folder that a page can be made of, as they are at each request. Throws
  /// std::filesystem::filesystem_error when there is no such folder.
  explicit Page(const std::filesystem::path& directory);

  restante::HttpResponse answer(const restante::HttpRequest& request) const;

 private:
  std::optional<std::string> read(std::string_view name) const;

  std::optional<std::filesystem::path> directory_;
};

/// A short text for a person, with the headers that every answer has.
restante::HttpResponse plain_answer(unsigned status, std::string text);

}  // namespace restante_server
