// The file that says which addresses there are, and what their passwords are.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <restante/authentication/file.hpp>
#include <restante/authentication/password_hash.hpp>

namespace restante {

/// Whether credentials can belong to this text: 1 to 64 bytes without control characters, and no room. What else an
/// address must be, docs/protocol.md says, and is checked where addresses are opened.
inline bool may_log_in(std::string_view address) {
  constexpr std::size_t address_bytes_max = 64;
  return !address.empty() && address.size() <= address_bytes_max && address.front() != '#' &&
         std::none_of(address.begin(), address.end(), [](char c) { return (c >= '\0' && c < ' ') || c == '\x7f'; });
}

/// Lines of an address, a tab and a hash of its password; empty lines, and lines that begin with '#', are for people,
/// and stay as they are. Not thread safe; may be read by several threads at once.
class PasswordFile {
 public:
  /// The bytes of a file, at most: some 100,000 addresses.
  static constexpr std::size_t bytes_max = std::size_t{16} * 1024 * 1024;

  /// Without any address.
  PasswordFile() = default;

  /// Reads what a file holds. `name` is for the text of an error. Throws AuthenticationError.
  static PasswordFile parse(std::string_view text, const std::string& name, const PasswordCostLimits& limits = {}) {
    PasswordFile file;
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      file.add_line(text.substr(0, end), name, limits);
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    return file;
  }

  /// Reads a file. Throws AuthenticationError.
  static PasswordFile read(const std::filesystem::path& path, const PasswordCostLimits& limits = {}) {
    const SecretFile file = read_secret_file(path, bytes_max);
    PasswordFile passwords = parse(file.content.text(), path.string(), limits);
    if (file.others_may_read) {
      passwords.warning_ = path.string() +
                           " can be read or written by others than its owner, who can then try passwords "
                           "at their leisure: chmod 600";
    }
    return passwords;
  }

  /// What an operator should hear about the file; empty where there is nothing.
  const std::string& warning() const noexcept { return warning_; }

  /// The hash of an address, valid until it is changed; nullptr where there is none.
  const std::string* find(std::string_view address) const {
    const auto found = hashes_.find(address);
    return found == hashes_.end() ? nullptr : &found->second;
  }

  /// The highest memory and the most passes that any hash asks for; nothing without hashes.
  std::optional<PasswordCost> highest_cost() const noexcept { return highest_cost_; }

  /// In the order of their bytes.
  std::vector<std::string> addresses() const {
    std::vector<std::string> names;
    names.reserve(hashes_.size());
    for (const auto& [address, hash] : hashes_) {
      names.push_back(address);
    }
    return names;
  }

  /// Sets or changes the hash of an address that may_log_in().
  void set(std::string_view address, std::string hash) {
    const std::string line = std::string{address} + '\t' + hash;
    const auto found = line_of(address);
    if (found == lines_.end()) {
      lines_.push_back(line);
    } else {
      *found = line;
    }
    hashes_.insert_or_assign(std::string{address}, std::move(hash));
  }

  /// Gives false where there is no such address.
  bool remove(std::string_view address) {
    const auto found = hashes_.find(address);
    if (found == hashes_.end()) {
      return false;
    }
    hashes_.erase(found);
    lines_.erase(line_of(address));
    return true;
  }

  /// As it is written to a file.
  std::string text() const {
    std::string text;
    for (const std::string& line : lines_) {
      text += line + '\n';
    }
    return text;
  }

 private:
  void add_line(std::string_view line, const std::string& name, const PasswordCostLimits& limits) {
    lines_.emplace_back(line);
    if (line.empty() || line.front() == '#') {
      return;
    }
    const auto fail = [&](const std::string& what) {
      throw AuthenticationError(name + ":" + std::to_string(lines_.size()) + ": " + what);
    };
    const std::size_t tab = line.find('\t');
    if (tab == std::string_view::npos) {
      fail("a line is an address, a tab and a hash");
    }
    const std::string_view address = line.substr(0, tab);
    if (!may_log_in(address)) {
      fail("before the tab stands no address");
    }
    std::string hash{line.substr(tab + 1)};
    const std::optional<PasswordCost> cost = cost_of_password_hash(hash);
    if (!cost) {
      fail("behind the tab stands no hash as 'restante passwd' makes them, $argon2id$v=19$…");
    }
    if (cost->memory_bytes < limits.least.memory_bytes || cost->passes < limits.least.passes) {
      fail("the hash is too easy to guess: it must take " + describe(limits.least) + " at least");
    }
    if (cost->memory_bytes > limits.most.memory_bytes || cost->passes > limits.most.passes) {
      fail("the hash costs too much: it may take " + describe(limits.most) + " at most");
    }
    if (!hashes_.emplace(address, std::move(hash)).second) {
      fail("the address stands on an earlier line, too");
    }
    highest_cost_ = highest_cost_.value_or(*cost);
    highest_cost_ = PasswordCost{std::max(highest_cost_->memory_bytes, cost->memory_bytes),
                                 std::max(highest_cost_->passes, cost->passes)};
  }

  static std::string describe(const PasswordCost& cost) {
    return std::to_string(cost.memory_bytes / 1024) + " KiB and " + std::to_string(cost.passes) + " passes";
  }

  std::vector<std::string>::iterator line_of(std::string_view address) {
    return std::find_if(lines_.begin(), lines_.end(), [&](std::string_view line) {
      return line.size() > address.size() && line[address.size()] == '\t' && line.starts_with(address);
    });
  }

  std::vector<std::string> lines_;
  std::map<std::string, std::string, std::less<>> hashes_;
  std::optional<PasswordCost> highest_cost_;
  std::string warning_;
};

}  // namespace restante
