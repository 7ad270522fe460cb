// What a client of restante.v2 can ask besides pushing and receiving, and what it remembers of what it asked.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include <restante/callback.hpp>
#include <restante/time.hpp>
#include <restante/v2/outbox.hpp>
#include <restante/v2/packet.hpp>

namespace restante::v2 {

/// One member of a room.
struct RoomMember {
  /// Valid for the length of the call.
  std::string_view name = {};
  /// Its address is held by a connection.
  bool present = false;
};

/// Members of a room, in the order of the bytes of their names.
struct RoomMembers {
  /// Changes when somebody joins, leaves, comes or goes; never 0.
  std::uint64_t version = 0;
  std::uint64_t total = 0;
  /// There are members behind the last one here: ask again with its name.
  bool more = false;
  std::vector<RoomMember> members = {};
};

/// Which members to ask for.
struct MembersQuery {
  /// Those behind this name; all when it is empty.
  std::string_view after = {};
  std::uint64_t members_max = 100;
  /// When the room still has this version, the answer waits for another one, for so long. What was told before a
  /// reconnect may mean something else now: then it is 0 again.
  std::uint64_t known_version = 0;
  std::chrono::milliseconds wait = {};
};

// Each is called once. When the error is set (an Error, or the Refusal of the server), the rest says nothing.
using JoinCallback = Callback<void(std::error_code, const Joined&)>;
using LeaveCallback = Callback<void(std::error_code)>;
using ReceiptCallback = Callback<void(std::error_code, MessageState)>;
using MembersCallback = Callback<void(std::error_code, const RoomMembers&)>;
using MailboxCallback = Callback<void(std::error_code, const Mailbox&)>;

}  // namespace restante::v2

// What is remembered of each kind of request until its reply comes.
namespace restante::v2::detail::asked {

struct Opening {
  bool with_token = false;
};
struct Pushing {
  PushId id = 0;
};
struct Fetching {
  /// How many messages may still come.
  std::uint64_t messages_left = 0;
  bool rewind = false;
  /// Something was missed: that ends it as well.
  bool told_missed = false;
  /// When it may end without any of this.
  SteadyTime waits_until = {};
};
struct Acknowledging {
  std::string source;
};
struct Joining {
  std::string room;
};
struct Leaving {
  std::string room;
  LeaveCallback callback;
};
struct AskingReceipt {
  ReceiptCallback callback;
};
struct AskingMembers {
  MembersCallback callback;
};
struct AskingMailbox {
  MailboxCallback callback;
};

}  // namespace restante::v2::detail::asked

namespace restante::v2::detail {

using Asked = std::variant<asked::Opening, asked::Pushing, asked::Fetching, asked::Acknowledging, asked::Joining,
                           asked::Leaving, asked::AskingReceipt, asked::AskingMembers, asked::AskingMailbox>;

// Tells whoever asked that there is no answer, where somebody did.
inline void fail(auto&, std::error_code) {}
inline void fail(asked::Leaving& request, std::error_code error) {
  if (request.callback) {
    request.callback(error);
  }
}
inline void fail(asked::AskingReceipt& request, std::error_code error) {
  request.callback(error, {});
}
inline void fail(asked::AskingMembers& request, std::error_code error) {
  request.callback(error, {});
}
inline void fail(asked::AskingMailbox& request, std::error_code error) {
  request.callback(error, {});
}

}  // namespace restante::v2::detail
