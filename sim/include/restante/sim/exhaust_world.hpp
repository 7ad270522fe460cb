// Small worlds: clients, what each of them does, and what may go wrong; and the steps that can be taken in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <restante/client_options.hpp>
#include <restante/core/limits.hpp>
#include <restante/sim/correspondent.hpp>
#include <restante/transport.hpp>

namespace restante::sim {

/// What a program does with its client.
struct Operation {
  enum class Kind : std::uint8_t {
    associate,
    push,
    get,
    forget,
    close,
    connect,
    // Of restante.v2 alone.
    push_to_name,
    /// It is done with the message that it was handed first, of those that it has in hand.
    finish,
    /// What it should keep next cannot be kept.
    fail_storage,
    /// The program ends without a word, and another starts with what it kept.
    restart,
  };
  Kind kind = Kind::connect;
  std::uint8_t id = 0;
  std::uint8_t receiver = 0;
  /// The single byte of a message.
  std::uint8_t payload = 0;
  /// Done in the callback of the operation before, instead of when its turn is chosen.
  bool in_callback = false;
  /// For push_to_name; the message is a letter.
  std::string to = {};
};

/// A message that a client without a Client sends.
struct ScriptedMessage {
  std::vector<std::uint8_t> bytes;
  MessageType type = MessageType::binary;
};

/// A program with a Client, which does one operation after the other, whether it is connected or not; or, where packets
/// are given, somebody who sends them on each of his connections and listens to nothing.
struct SmallClient {
  std::vector<Operation> operations = {};
  /// Done before the first choice, each with all that follows from it.
  std::vector<Operation> before = {};
  /// Done each time that a connection stands.
  std::vector<Operation> when_connected = {};
  /// ClientOptions::requests_max.
  std::size_t requests_max = ClientOptions{}.requests_max;
  std::vector<ScriptedMessage> packets = {};
  /// Speaks restante.v2. Either all clients of a world do or none, and operations are those of that protocol.
  std::optional<CorrespondentSetup> correspondent = {};

  bool is_raw() const noexcept { return !packets.empty(); }
};

struct SmallWorld {
  std::string name;
  std::vector<SmallClient> clients;
  std::uint32_t mailbox_messages_max = 2;
  /// The same for restante.v2, and more.
  Limits limits = {};
  bool disk = false;
  /// What is written to it is written in transactions, as a store in a database does: several commits as one, of which
  /// only the last is told; all of it is kept or nothing; and what failed can be told along with what was durable
  /// before.
  bool transactions = false;
  /// Replies that nobody has read yet count as waiting, and more bytes than that pause a connection; 0: they do not.
  std::uint32_t waiting_bytes_max = 0;
  /// How often each may happen in one interleaving.
  std::uint32_t breaks_max = 0;
  /// Connections of clients that have no Client; one comes back as often as its connection ends.
  std::uint32_t reconnects_max = 0;
  /// A Client that is connected finds that a time has come: it claims an id again, or gives up waiting for a reply.
  std::uint32_t wakes_max = 0;
  std::uint32_t crashes_max = 0;
  std::uint32_t failures_max = 0;
  /// The server finds that a time has come.
  std::uint32_t time_steps_max = 0;
  bool shuts_down = false;
  /// Interleavings are followed for so many steps, and then to a quiet end in one way.
  std::uint32_t depth = 10;

  bool is_v2() const noexcept { return !clients.empty() && clients.front().correspondent.has_value(); }
};

/// One step that a world can take.
struct Step {
  enum class Kind : std::uint8_t {
    /// `detail` says which operation, or which message.
    client_acts,
    /// Without a Client.
    client_connects,
    /// The time has come that a Client waits for.
    client_wakes,
    connection_opens,
    /// With `detail` 1 the server knows first, otherwise its client.
    connection_breaks,
    arrives_at_server,
    arrives_at_client,
    server_learns,
    client_learns,
    turn_ends,
    /// With transactions, and `detail` more commits with it.
    commit_completes,
    /// `detail` changes of it were kept; one more than there are: none was, and the disk is away. With transactions,
    /// `detail` commits in the same way, and `which` commits before them became durable and were not told yet.
    commit_fails,
    /// Another starts at once. With `detail` 1, what was under way to the disk is kept; with transactions, `detail`
    /// commits of it.
    server_crashes,
    time_passes,
    server_shuts_down,
  };
  Kind kind = Kind::client_acts;
  /// A client or a slot.
  std::uint32_t which = 0;
  std::uint32_t detail = 0;

  friend bool operator==(const Step&, const Step&) = default;
};

namespace detail {

inline std::string describe(const Operation& operation) {
  const std::string id = std::to_string(operation.id);
  switch (operation.kind) {
    case Operation::Kind::associate:
      return "associates " + id;
    case Operation::Kind::push:
      return "pushes " + std::to_string(operation.payload) + " from " + id + " to " +
             std::to_string(operation.receiver);
    case Operation::Kind::get:
      return "gets from " + id;
    case Operation::Kind::forget:
      return "forgets " + id;
    case Operation::Kind::close:
      return "closes its connection";
    case Operation::Kind::connect:
      return "connects";
    case Operation::Kind::push_to_name:
      return "pushes to " + operation.to;
    case Operation::Kind::finish:
      return "is done with a message";
    case Operation::Kind::fail_storage:
      return "will not be able to keep the next";
    case Operation::Kind::restart:
      return "ends and starts again";
  }
  return "unknown";
}

inline std::string describe(const ScriptedMessage& message) {
  constexpr std::size_t shown_max = 8;
  constexpr const char* digits = "0123456789abcdef";
  std::string text = message.type == MessageType::text ? "sends a text:" : "sends";
  for (std::size_t i = 0; i < message.bytes.size() && i < shown_max; ++i) {
    text += {' ', digits[message.bytes[i] >> 4U], digits[message.bytes[i] & 15U]};
  }
  return text + (message.bytes.size() > shown_max ? " …" : "");
}

inline std::string describe_act(const SmallClient& client, std::size_t number) {
  if (client.is_raw()) {
    return describe(client.packets[number]);
  }
  std::string text = describe(client.operations[number]);
  for (++number; number < client.operations.size() && client.operations[number].in_callback; ++number) {
    text += ", then " + describe(client.operations[number]);
  }
  return text;
}

}  // namespace detail

/// A step of a world, in words.
inline std::string describe(const SmallWorld& world, const Step& step) {
  const std::string client = "client " + std::to_string(step.which);
  const std::string slot = " in slot " + std::to_string(step.which);
  switch (step.kind) {
    case Step::Kind::client_acts:
      return client + " " + detail::describe_act(world.clients[step.which], step.detail);
    case Step::Kind::client_connects:
      return client + " connects";
    case Step::Kind::client_wakes:
      return "the time comes that " + client + " waits for";
    case Step::Kind::connection_opens:
      return "the connection" + slot + " opens";
    case Step::Kind::connection_breaks:
      return "the connection" + slot + " breaks, the " + (step.detail == 1 ? "server" : "client") + " knows";
    case Step::Kind::arrives_at_server:
      return "a message or a close arrives at the server" + slot;
    case Step::Kind::arrives_at_client:
      return "a message or a close arrives at the client" + slot;
    case Step::Kind::server_learns:
      return "the server learns that the connection" + slot + " broke";
    case Step::Kind::client_learns:
      return "the client learns that the connection" + slot + " broke";
    case Step::Kind::turn_ends:
      return "the turn ends";
    case Step::Kind::commit_completes:
      return step.detail == 0 ? "a commit completes" : std::to_string(step.detail + 1) + " commits complete as one";
    case Step::Kind::commit_fails:
      if (world.transactions) {
        return (step.which == 0 ? "" : std::to_string(step.which) + " commits complete untold, and then ") +
               "one fails of which " + std::to_string(step.detail) + " commits are kept";
      }
      return "a commit fails after " + std::to_string(step.detail) + " changes";
    case Step::Kind::server_crashes:
      return std::string{"the server crashes, "} +
             (world.transactions ? std::to_string(step.detail) + " commits are kept, "
              : step.detail == 1 ? "what it wrote is kept, "
                                 : "") +
             "and another starts";
    case Step::Kind::time_passes:
      return "the time comes that the server waits for";
    case Step::Kind::server_shuts_down:
      return "the server shuts down";
  }
  return "unknown";
}

}  // namespace restante::sim
