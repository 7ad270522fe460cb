// What the tests of authentication share: a folder for files, hashes that are cheap, and somebody who waits for
// verdicts.
#pragma once

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>

#include <restante/authentication.hpp>
#include <restante/authentication/password_hash.hpp>

namespace restante::test {

/// The least that libsodium takes, so that a test need not wait.
inline constexpr PasswordCost cheap{.memory_bytes = 8192, .passes = 1};
inline constexpr PasswordCostLimits cheap_limits{.least = cheap, .most = {}};

/// A folder that goes with the test.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "restante.XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw std::runtime_error("no folder can be made");
    }
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

  /// Writes a file, and gives its path.
  std::filesystem::path write(std::string_view name, std::string_view content, mode_t mode = 0600) const {
    const std::filesystem::path path = path_ / name;
    std::ofstream{path, std::ios::binary} << content;
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline std::string read(const std::filesystem::path& path) {
  std::ifstream stream{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

/// Is woken by an authenticator, and collects its verdicts.
class Verdicts {
 public:
  Waker waker() {
    return {this, [](void* self) { static_cast<Verdicts*>(self)->woken(); }};
  }

  /// Waits until so many checks have ended, and gives the verdict of each by its number.
  template <class A>
  std::map<std::uint64_t, Verdict> wait_for(A& authenticator, std::size_t count) {
    std::map<std::uint64_t, Verdict> verdicts;
    std::unique_lock lock{mutex_};
    for (;;) {
      while (const std::optional<CredentialChecked> checked = authenticator.completed()) {
        EXPECT_TRUE(verdicts.emplace(checked->check, checked->verdict).second) << "a check ended twice";
      }
      if (verdicts.size() >= count) {
        return verdicts;
      }
      changed_.wait(lock, [this] { return woken_; });
      woken_ = false;
    }
  }

 private:
  void woken() {
    const std::lock_guard lock{mutex_};
    woken_ = true;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
};

}  // namespace restante::test
