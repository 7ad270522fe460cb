// Tells a checker what happened, entry by entry, as a person would tell it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/sim/report.hpp>
#include <restante/sim/trace.hpp>
#include <restante/time.hpp>
#include <restante/transport.hpp>

namespace restante::sim {

using Bytes = std::vector<std::uint8_t>;

inline Bytes associate(std::uint8_t id) {
  return {0, 0, id};
}
inline Bytes associated(std::uint8_t id) {
  return {0, 1, id};
}
inline Bytes association_failed(std::uint8_t id) {
  return {0, 2, id};
}
inline Bytes unknown_error(std::uint8_t id) {
  return {0, 3, id};
}
inline Bytes get(std::uint8_t id) {
  return {1, 0, id};
}
inline Bytes empty(std::uint8_t id) {
  return {1, 1, id};
}
inline Bytes accepted(std::uint8_t id) {
  return {1, 2, id};
}
inline Bytes full(std::uint8_t id) {
  return {1, 3, id};
}
inline Bytes response(std::uint8_t id, std::uint8_t sender, std::uint8_t payload) {
  return {2, 0, id, sender, 1, payload};
}
inline Bytes push(std::uint8_t sender, std::uint8_t receiver, std::uint8_t payload) {
  return {2, 1, sender, receiver, 1, payload};
}

/// One checker, and what it is told.
template <class Checker>
class Story {
 public:
  Story(Checker& checker, const Findings& findings) : checker_{checker}, findings_{findings} {}

  void opens(Connection connection) {
    tell(EntryKind::opening, connection);
    tell(EntryKind::opened_at_server, connection);
    tell(EntryKind::opened_at_client, connection);
  }

  void tell(EntryKind kind, Connection connection = {}, const Bytes& bytes = {}, CloseCode code = 0,
            std::string_view text = {}, MessageType type = MessageType::binary) {
    checker_.observe({.time = now,
                      .kind = kind,
                      .client = client,
                      .connection = connection,
                      .type = type,
                      .code = code,
                      .bytes = bytes,
                      .text = text});
  }

  /// At the server's end of the wire.
  void asks(Connection connection, const Bytes& bytes) { tell(EntryKind::received_by_server, connection, bytes); }
  void replies(Connection connection, const Bytes& bytes) { tell(EntryKind::sent_by_server, connection, bytes); }
  void asks_and_gets(Connection connection, const Bytes& request, const Bytes& reply) {
    asks(connection, request);
    replies(connection, reply);
  }

  /// What was found first: a violation, or what did not come about; nothing when all was right.
  std::string finding() const {
    if (!findings_.violations().empty()) {
      return findings_.violations().front().sentence;
    }
    return findings_.liveness_failures().empty() ? "" : findings_.liveness_failures().front().sentence;
  }

  SteadyTime now{};
  ClientIndex client = 0;

 private:
  Checker& checker_;
  const Findings& findings_;
};

}  // namespace restante::sim
