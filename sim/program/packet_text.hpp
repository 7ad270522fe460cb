// Packets in words, for people who read traces.
#pragma once

#include <string>
#include <string_view>

#include <restante/bytes.hpp>
#include <restante/sim/trace.hpp>
#include <restante/transport.hpp>

namespace restante_sim {

/// Which way something went over the wire.
constexpr bool is_request(restante::sim::EntryKind kind) noexcept {
  return kind == restante::sim::EntryKind::sent_by_client || kind == restante::sim::EntryKind::received_by_server;
}
constexpr bool is_reply(restante::sim::EntryKind kind) noexcept {
  return kind == restante::sim::EntryKind::sent_by_server || kind == restante::sim::EntryKind::received_by_client;
}

/// The protocol's name of a packet that went over the wire: "PUSH"; "malformed" for bytes that are none, "text" for a
/// text message, "" for entries that are no packets.
std::string_view packet_name(restante::sim::EntryKind kind, restante::MessageType type, restante::BytesView bytes);

/// A whole packet in words: "PUSH from 1 to 2, 12 bytes"; otherwise as packet_name().
std::string packet_text(restante::sim::EntryKind kind, restante::MessageType type, restante::BytesView bytes);

}  // namespace restante_sim
