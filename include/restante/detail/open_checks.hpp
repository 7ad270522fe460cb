// Credentials that are being checked, and those that were found wrong.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <restante/bytes.hpp>
#include <restante/core/address_name.hpp>
#include <restante/time.hpp>
#include <restante/transport.hpp>

namespace restante::detail {

/// An ASSOCIATE or OPEN whose credential is checked.
struct OpenCheck {
  Connection connection = {};
  /// The tag of an OPEN; nothing in the classic protocol.
  std::uint32_t tag = 0;
  bool is_v2 = false;
  std::string address = {};

  /// Of an ASSOCIATE.
  std::uint8_t classic_id() const noexcept { return static_cast<std::uint8_t>(classic_id_of(as_bytes(address))); }
};

/// At most one for each connection, for nothing more is read from it meanwhile. Not thread safe.
class OpenChecks {
 public:
  /// Begins one, and gives its number.
  std::uint64_t add(OpenCheck check) {
    checks_.emplace(++last_, std::move(check));
    return last_;
  }

  /// Ends one.
  std::optional<OpenCheck> take(std::uint64_t number) {
    const auto found = checks_.find(number);
    if (found == checks_.end()) {
      return std::nullopt;
    }
    OpenCheck check = std::move(found->second);
    checks_.erase(found);
    return check;
  }

  /// A wrong one is to be answered at this time, which never is before that of another one.
  void refuse_at(SteadyTime time, OpenCheck check) { refused_.emplace_back(time, std::move(check)); }

  /// The next one whose time has come.
  std::optional<OpenCheck> take_refused(SteadyTime now) {
    if (refused_.empty() || refused_.front().first > now) {
      return std::nullopt;
    }
    OpenCheck check = std::move(refused_.front().second);
    refused_.pop_front();
    return check;
  }

  SteadyTime next_deadline() const { return refused_.empty() ? never : refused_.front().first; }

 private:
  std::map<std::uint64_t, OpenCheck> checks_;
  std::deque<std::pair<SteadyTime, OpenCheck>> refused_;
  std::uint64_t last_ = 0;
};

}  // namespace restante::detail
