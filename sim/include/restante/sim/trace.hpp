// What happens in a simulation, as it happens: the one source from which checkers, traces and reports are made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <restante/bytes.hpp>
#include <restante/time.hpp>
#include <restante/transport.hpp>

namespace restante::sim {

/// The number of a client of a simulation, from 0.
using ClientIndex = std::uint32_t;

/// Something that no client did.
inline constexpr ClientIndex no_client = UINT32_MAX;

enum class EntryKind : std::uint8_t {
  /// A client began to connect.
  opening,
  opened_at_client,
  opened_at_server,
  sent_by_client,
  received_by_server,
  sent_by_server,
  received_by_client,
  /// With code and reason, as this side learnt them.
  closed_at_client,
  closed_at_server,
  /// Something that a network, a machine or a person did to the simulation; the text says what.
  fault,
  /// A fault ended; the text says which.
  healed,
  /// The server program ended without a word.
  server_crashed,
  server_started,
  /// The server noticed that its store failed, or that it works again.
  store_failed,
  store_recovered,
};

/// Something that happened. Views are valid for the length of the call.
struct Entry {
  SteadyTime time{};
  EntryKind kind = EntryKind::fault;
  ClientIndex client = no_client;
  Connection connection = {};
  MessageType type = MessageType::binary;
  CloseCode code = 0;
  /// A message, as it went over the wire.
  BytesView bytes = {};
  /// A reason, or what was done.
  std::string_view text = {};
};

/// The word that traces and reports use.
constexpr std::string_view name(EntryKind kind) noexcept {
  switch (kind) {
    case EntryKind::opening:
      return "opening";
    case EntryKind::opened_at_client:
      return "opened_at_client";
    case EntryKind::opened_at_server:
      return "opened_at_server";
    case EntryKind::sent_by_client:
      return "sent_by_client";
    case EntryKind::received_by_server:
      return "received_by_server";
    case EntryKind::sent_by_server:
      return "sent_by_server";
    case EntryKind::received_by_client:
      return "received_by_client";
    case EntryKind::closed_at_client:
      return "closed_at_client";
    case EntryKind::closed_at_server:
      return "closed_at_server";
    case EntryKind::fault:
      return "fault";
    case EntryKind::healed:
      return "healed";
    case EntryKind::server_crashed:
      return "server_crashed";
    case EntryKind::server_started:
      return "server_started";
    case EntryKind::store_failed:
      return "store_failed";
    case EntryKind::store_recovered:
      return "store_recovered";
  }
  return "unknown";
}

/// Sees everything that happens, in order. Must not do anything to the simulation.
class Observer {
 public:
  virtual void observe(const Entry& entry) = 0;

 protected:
  ~Observer() = default;
};

/// A number for all that happened: two runs that did the same have the same, and two that did not, most likely not.
class TraceHash final : public Observer {
 public:
  void observe(const Entry& entry) override {
    add(static_cast<std::uint64_t>(entry.time.time_since_epoch().count()));
    add(std::uint64_t{static_cast<std::uint8_t>(entry.kind)} << 56U |
        std::uint64_t{static_cast<std::uint8_t>(entry.type)} << 48U | std::uint64_t{entry.code} << 32U | entry.client);
    add(std::uint64_t{entry.connection.slot} << 32U | entry.connection.generation);
    add(entry.bytes);
    add(as_bytes(entry.text));
  }

  std::uint64_t value() const noexcept { return value_; }

 private:
  void add(BytesView bytes) noexcept {
    add(bytes.size());
    std::uint64_t word = 0;
    std::size_t count = 0;
    for (const std::uint8_t byte : bytes) {
      word = word << 8U | byte;
      if (++count % 8 == 0) {
        add(word);
        word = 0;
      }
    }
    if (count % 8 != 0) {
      add(word);
    }
  }

  // FNV-1a on words, with a shift so that high bits reach low ones.
  void add(std::uint64_t word) noexcept {
    value_ = (value_ ^ word) * 0x100000001b3U;
    value_ ^= value_ >> 32U;
  }

  std::uint64_t value_ = 0xcbf29ce484222325U;
};

}  // namespace restante::sim
