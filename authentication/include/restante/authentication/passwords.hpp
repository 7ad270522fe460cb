// Checks passwords, on threads of its own: one check takes tens of milliseconds on purpose, and nobody else is to wait.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <restante/authentication.hpp>
#include <restante/authentication/password_file.hpp>

namespace restante {

struct PasswordAuthenticationOptions {
  std::filesystem::path file;
  /// Threads that check passwords, at least 1. Each takes as much memory as a hash asks for while it checks one.
  std::size_t threads = 1;
  /// Checks that wait for a thread; the next one ends with Verdict::unavailable at once.
  std::size_t checks_waiting_max = 64;
  /// What hashes may cost.
  PasswordCostLimits cost_limits = {};
};

/// An Authenticator to whom a credential is a password in UTF-8, and who knows addresses and passwords from a file
/// (PasswordFile). Those addresses may receive before they were opened, and may create and join every room.
///
/// An address that is not in the file is checked as long as one that is, so that time does not tell which there are: as
/// long as the costliest in the file, and thus the same where all were made at the same cost.
///
/// All functions may be called from any thread.
class PasswordAuthentication {
 public:
  /// Reads the file. Throws AuthenticationError.
  explicit PasswordAuthentication(PasswordAuthenticationOptions options) : options_{std::move(options)} {
    RESTANTE_ASSERT(options_.threads > 0, "passwords are checked by at least one thread");
    take(PasswordFile::read(options_.file, options_.cost_limits));
  }
  PasswordAuthentication(const PasswordAuthentication&) = delete;
  PasswordAuthentication& operator=(const PasswordAuthentication&) = delete;
  ~PasswordAuthentication() { stop(); }

  /// Reads the file again. A file that cannot be used changes nothing: the text says why. Empty when all went well.
  /// A check under way is accepted only where the password is still the right one.
  std::string reload() {
    try {
      PasswordFile file = PasswordFile::read(options_.file, options_.cost_limits);
      const std::lock_guard lock{mutex_};
      take(std::move(file));
      return {};
    } catch (const AuthenticationError& error) {
      return error.what();
    }
  }

  /// What an operator should hear about the file that was read last; empty where there is nothing.
  std::string warning() const {
    const std::lock_guard lock{mutex_};
    return file_.warning();
  }

  bool asks_for_credentials() const noexcept { return true; }

  void start(Waker waker) {
    const std::lock_guard lock{mutex_};
    RESTANTE_ASSERT(threads_.empty(), "an authenticator is started once");
    waker_ = waker;
    stopping_ = false;
    for (std::size_t i = 0; i < options_.threads; ++i) {
      threads_.emplace_back([this] { work(); });
    }
  }

  void stop() {
    std::vector<std::thread> threads;
    {
      const std::lock_guard lock{mutex_};
      stopping_ = true;
      waiting_.clear();
      threads.swap(threads_);
    }
    changed_.notify_all();
    for (std::thread& thread : threads) {
      thread.join();
    }
    const std::lock_guard lock{mutex_};
    ended_.clear();
    waker_ = {};
  }

  void check(std::uint64_t check, std::string_view address, BytesView credential) {
    Waker waker;
    {
      const std::lock_guard lock{mutex_};
      RESTANTE_ASSERT(!threads_.empty(), "an authenticator checks nothing before it is started");
      if (credential.empty() || credential.size() > password_bytes_max) {
        ended_.push_back({check, Verdict::rejected});
      } else if (waiting_.size() >= options_.checks_waiting_max) {
        ended_.push_back({check, Verdict::unavailable});
      } else {
        const std::string* const known = file_.find(address);
        waiting_.push_back(
            {check, std::string{address}, known != nullptr ? *known : hash_of_nothing_, Secret{credential}});
        changed_.notify_one();
        return;
      }
      waker = waker_;
    }
    waker();
  }

  std::optional<CredentialChecked> completed() {
    const std::lock_guard lock{mutex_};
    if (ended_.empty()) {
      return std::nullopt;
    }
    const CredentialChecked checked = ended_.front();
    ended_.pop_front();
    return checked;
  }

  bool provisioned(std::string_view address) const {
    const std::lock_guard lock{mutex_};
    return file_.find(address) != nullptr;
  }
  bool may_create(std::string_view address, std::string_view) const { return provisioned(address); }
  bool may_join(std::string_view address, std::string_view) const { return provisioned(address); }

 private:
  struct Waiting {
    std::uint64_t check = 0;
    std::string address;
    std::string hash;
    Secret password;
  };

  void take(PasswordFile file) {
    file_ = std::move(file);
    hash_of_nothing_ = hash_of_nothing(file_.highest_cost().value_or(PasswordCost{}));
  }

  void work() {
    std::unique_lock lock{mutex_};
    for (;;) {
      changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (stopping_) {
        return;
      }
      const Waiting next = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      Verdict verdict = check_password(next.password.bytes(), next.hash);
      lock.lock();
      // The file may have been read again meanwhile.
      const std::string* const now = file_.find(next.address);
      if (verdict == Verdict::accepted && (now == nullptr || *now != next.hash)) {
        verdict = Verdict::rejected;
      }
      ended_.push_back({next.check, verdict});
      const Waker waker = waker_;
      lock.unlock();
      // stop() waits for this thread.
      waker();
      lock.lock();
    }
  }

  const PasswordAuthenticationOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  PasswordFile file_;
  std::string hash_of_nothing_;
  Waker waker_;
  bool stopping_ = false;
  std::deque<Waiting> waiting_;
  std::deque<CredentialChecked> ended_;
  std::vector<std::thread> threads_;
};

static_assert(Authenticator<PasswordAuthentication>);

}  // namespace restante
