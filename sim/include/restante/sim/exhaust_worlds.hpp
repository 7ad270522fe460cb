// The small worlds that are exhausted by default.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <restante/sim/exhaust_world.hpp>
#include <restante/transport.hpp>

namespace restante::sim {

namespace detail {

inline Operation associate(std::uint8_t id) {
  return {.kind = Operation::Kind::associate, .id = id};
}
inline Operation push(std::uint8_t sender, std::uint8_t receiver, std::uint8_t payload) {
  return {.kind = Operation::Kind::push, .id = sender, .receiver = receiver, .payload = payload};
}
inline Operation get(std::uint8_t id) {
  return {.kind = Operation::Kind::get, .id = id};
}
inline Operation forget(std::uint8_t id) {
  return {.kind = Operation::Kind::forget, .id = id};
}
inline Operation close() {
  return {.kind = Operation::Kind::close};
}
inline Operation connect() {
  return {.kind = Operation::Kind::connect};
}
inline Operation push_to(std::string_view name) {
  return {.kind = Operation::Kind::push_to_name, .to = std::string{name}};
}
inline Operation finish() {
  return {.kind = Operation::Kind::finish};
}
inline Operation fail_storage() {
  return {.kind = Operation::Kind::fail_storage};
}
inline Operation restart() {
  return {.kind = Operation::Kind::restart};
}
inline Operation then(Operation operation) {
  operation.in_callback = true;
  return operation;
}

// More than a packet holds, with the length modulo 256, as one existing client sends it.
inline ScriptedMessage over_long_push(std::uint8_t sender, std::uint8_t receiver) {
  ScriptedMessage message{{2, 1, sender, receiver, 300 % 256}};
  message.bytes.insert(message.bytes.end(), 300, std::uint8_t{7});
  return message;
}

// Nothing breaks.
inline std::vector<SmallWorld> quiet_worlds() {
  return {
      {.name = "two friends",
       .clients = {{.operations = {associate(1), push(1, 2, 11), get(1)}},
                   {.operations = {associate(2), push(2, 1, 22), get(2)}}},
       .depth = 9},
      {.name = "three",
       .clients = {{.operations = {associate(1), get(1)}},
                   {.operations = {associate(2), push(2, 1, 2)}},
                   {.operations = {associate(3), push(3, 1, 3)}}},
       .depth = 7},
      {.name = "somebody else's id",
       .clients = {{.operations = {associate(1), push(1, 1, 1)}},
                   {.operations = {push(1, 1, 6), get(1), associate(1)}}},
       .depth = 10},
      {.name = "callbacks that ask",
       .clients = {{.operations = {associate(1), then(push(1, 2, 1)), then(get(1))}, .requests_max = 1},
                   {.operations = {associate(2), get(2), then(push(2, 1, 2)), get(2)}, .requests_max = 1}},
       .depth = 11},
  };
}

inline std::vector<SmallWorld> worlds_with_breaks() {
  return {
      {.name = "a broken connection",
       .clients = {{.operations = {push(1, 2, 1), push(1, 2, 2)}, .before = {associate(1)}},
                   {.operations = {get(2), get(2)}, .before = {associate(2)}}},
       .breaks_max = 1,
       .wakes_max = 1,
       .depth = 7},
      {.name = "rivals for one id",
       .clients = {{.operations = {associate(1), push(1, 1, 1), associate(1)}},
                   {.operations = {associate(1), get(1), associate(1)}}},
       .breaks_max = 1,
       .wakes_max = 1,
       .depth = 7},
      {.name = "several ids",
       .clients = {{.operations = {push(2, 1, 9)}, .before = {associate(1), associate(2)}},
                   {.operations = {associate(2), get(2), get(1)}}},
       .breaks_max = 1,
       .wakes_max = 1,
       .depth = 7},
      {.name = "a forgotten id",
       .clients = {{.operations = {forget(1), get(2)}, .before = {associate(1), associate(2)}},
                   {.operations = {associate(1)}}},
       .breaks_max = 1,
       .wakes_max = 1,
       .depth = 9},
      {.name = "asked for when connected",
       .clients = {{.operations = {get(1)}, .before = {associate(1)}, .when_connected = {push(1, 2, 1), get(1)}},
                   {.operations = {get(2), get(2)}, .before = {associate(2)}}},
       .breaks_max = 2,
       .wakes_max = 1,
       .depth = 6},
      {.name = "close and connect",
       .clients = {{.operations = {push(1, 2, 1), close(), connect(), associate(1)}, .before = {associate(1)}},
                   {.operations = {associate(1), get(2)}, .before = {associate(2)}}},
       .breaks_max = 1,
       .depth = 7},
      {.name = "a reply that does not come",
       .clients = {{.operations = {push(1, 1, 1), get(1), get(1)}, .before = {associate(1)}}},
       .breaks_max = 2,
       .wakes_max = 2,
       .depth = 10},
      {.name = "a crash",
       .clients = {{.operations = {push(1, 2, 5), get(1)}, .before = {associate(1)}},
                   {.operations = {get(2), push(2, 1, 6)}, .before = {associate(2)}}},
       .wakes_max = 1,
       .crashes_max = 1,
       .depth = 8},
      {.name = "a crash and a break",
       .clients = {{.operations = {push(1, 2, 5), get(1)}, .before = {associate(1)}},
                   {.operations = {associate(1), then(get(1))}}},
       .breaks_max = 1,
       .wakes_max = 1,
       .crashes_max = 1,
       .depth = 8},
  };
}

// In each of them is somebody without a Client, because no Client would do this: send what is malformed, or text.
inline std::vector<SmallWorld> worlds_with_garbage() {
  return {
      {.name = "malformed",
       .clients = {{.packets = {{{0, 9, 1}}, {{0, 1, 1}}, {{7, 7, 7}}, {{1, 0}}, {{2, 1, 1, 1}}, {{1, 0, 1, 0}}}},
                   {.operations = {associate(1), push(1, 1, 1), get(1)}}},
       .depth = 9},
      {.name = "pushes of a wrong length",
       .clients = {{.packets = {{{0, 0, 1}}, over_long_push(1, 1), {{2, 1, 1, 1, 255}}, {{1, 0, 1, 1}}}},
                   {.operations = {associate(1), push(1, 1, 1)}}},
       .depth = 9},
      {.name = "a full mailbox",
       .clients = {{.packets = {{{0, 0, 1}}, {{2, 1, 1, 2, 1, 9}}, {{2, 1, 1, 2, 3}}, {{2, 1, 1, 2, 0}}}},
                   {.operations = {associate(2), push(2, 2, 1), get(2)}}},
       .mailbox_messages_max = 1,
       .depth = 9},
      {.name = "an imposter",
       .clients = {{.operations = {associate(1), push(1, 1, 1), get(1)}},
                   {.packets = {{{2, 1, 1, 1, 1, 6}}, {{2, 1, 1, 1, 9}}, {{1, 0, 1}}}}},
       .depth = 9},
      {.name = "text",
       .clients = {{.packets = {{{0, 0, 1}}, {{'h', 'i'}, MessageType::text}, {{1, 0, 1}}}},
                   {.operations = {associate(1), push(1, 1, 3), get(1)}}},
       .reconnects_max = 1,
       .depth = 9},
  };
}

// Clients without a Client ask for more than they read.
inline std::vector<SmallWorld> worlds_with_slow_readers() {
  return {
      {.name = "slow readers",
       .clients = {{.packets = {{{0, 0, 1}}, {{1, 0, 1}}, {{1, 0, 1}}, {{1, 0, 1}}}},
                   {.operations = {associate(2), push(2, 1, 4)}}},
       .waiting_bytes_max = 5,
       .time_steps_max = 1,
       .depth = 9},
      {.name = "slow connections",
       .clients = {{.operations = {get(1), get(1), close()}, .before = {associate(1)}},
                   {.operations = {push(2, 1, 4), push(2, 1, 5)}, .before = {associate(2)}}},
       .waiting_bytes_max = 5,
       .breaks_max = 1,
       .wakes_max = 1,
       .time_steps_max = 1,
       .depth = 7},
      {.name = "a disk and slow connections",
       .clients = {{.operations = {push(1, 2, 1), push(1, 2, 2)}, .before = {associate(1)}},
                   {.operations = {get(2), get(2)}, .before = {associate(2)}}},
       .disk = true,
       .waiting_bytes_max = 5,
       .failures_max = 1,
       .time_steps_max = 1,
       .depth = 9},
      {.name = "a disk and slow readers",
       .clients = {{.packets = {{{0, 0, 1}}, {{2, 1, 1, 1, 1, 1}}, {{1, 0, 1}}, {{1, 0, 1}}}}},
       .disk = true,
       .waiting_bytes_max = 5,
       .failures_max = 1,
       .time_steps_max = 1,
       .depth = 13},
  };
}

inline std::vector<SmallWorld> worlds_with_a_disk() {
  return {
      {.name = "a disk",
       .clients = {{.operations = {push(1, 2, 1), associate(1), push(1, 2, 2)}, .before = {associate(1)}},
                   {.operations = {get(2), get(2)}, .before = {associate(2)}}},
       .disk = true,
       .failures_max = 1,
       .depth = 9},
      {.name = "a disk and a crash",
       .clients = {{.operations = {push(1, 2, 1), get(1)}, .before = {associate(1)}},
                   {.operations = {get(2), push(2, 1, 2)}, .before = {associate(2)}}},
       .disk = true,
       .crashes_max = 1,
       .depth = 8},
      {.name = "a disk that is away",
       .clients = {{.operations = {push(1, 1, 1), get(1), push(1, 1, 2)}, .before = {associate(1)}}},
       .disk = true,
       .failures_max = 1,
       .time_steps_max = 1,
       .depth = 11},
      {.name = "a disk and reused slots",
       .clients = {{.operations = {push(1, 2, 1), push(1, 2, 2)}, .before = {associate(1)}},
                   {.operations = {associate(2)}}},
       .disk = true,
       .breaks_max = 1,
       .depth = 8},
      {.name = "a disk, and the server shuts down",
       .clients = {{.operations = {push(1, 2, 1), push(1, 2, 2)}, .before = {associate(1)}},
                   {.operations = {associate(2), get(2)}}},
       .disk = true,
       .shuts_down = true,
       .depth = 8},
      {.name = "a disk, a crash and a break",
       .clients = {{.operations = {push(1, 2, 1), push(1, 2, 2), get(1)}, .before = {associate(1)}},
                   {.operations = {get(2), push(2, 1, 3)}, .before = {associate(2)}}},
       .disk = true,
       .breaks_max = 1,
       .wakes_max = 1,
       .crashes_max = 1,
       .depth = 7},
      {.name = "three, a disk, a crash and a break",
       .clients = {{.operations = {push(1, 2, 1)}, .before = {associate(1)}},
                   {.operations = {get(2)}, .before = {associate(2)}},
                   {.operations = {associate(2), push(3, 2, 3)}, .before = {associate(3)}}},
       .disk = true,
       .breaks_max = 1,
       .crashes_max = 1,
       .depth = 7},
  };
}

// The disk is written to as a database is.
inline std::vector<SmallWorld> worlds_with_transactions() {
  return {
      {.name = "transactions that fail",
       .clients = {{.operations = {push(1, 2, 1), push(1, 2, 2), get(1)}, .before = {associate(1)}},
                   {.operations = {get(2), push(2, 1, 3)}, .before = {associate(2)}}},
       .disk = true,
       .transactions = true,
       .failures_max = 1,
       .depth = 8},
      {.name = "transactions and a crash",
       .clients = {{.operations = {push(1, 2, 1), push(1, 2, 2)}, .before = {associate(1)}},
                   {.operations = {get(2), get(2)}, .before = {associate(2)}}},
       .disk = true,
       .transactions = true,
       .crashes_max = 1,
       .depth = 8},
      {.name = "transactions, a disk that is away and a crash",
       .clients = {{.packets = {{{0, 0, 1}}, {{2, 1, 1, 1, 1, 1}}, {{2, 1, 1, 1, 1, 2}}, {{1, 0, 1}}}}},
       .disk = true,
       .transactions = true,
       .crashes_max = 1,
       .failures_max = 2,
       .time_steps_max = 1,
       .depth = 12},
  };
}

inline CorrespondentSetup ada() {
  return {.address = "ada"};
}
inline CorrespondentSetup bob() {
  return {.address = "bob"};
}
inline CorrespondentSetup in_room(CorrespondentSetup setup) {
  setup.rooms = {"#room"};
  return setup;
}
// Offsets and outbox outlive its program.
inline CorrespondentSetup that_keeps_all(CorrespondentSetup setup) {
  setup.keeps_offsets = true;
  setup.keeps_outbox = true;
  return setup;
}
// It says when it is done with a message.
inline CorrespondentSetup that_takes_its_time(CorrespondentSetup setup) {
  setup.handles_for = std::chrono::seconds{1};
  return setup;
}
inline CorrespondentSetup with_two_at_once(CorrespondentSetup setup) {
  setup.pushes_per_receiver_max = 2;
  return setup;
}

inline std::vector<SmallWorld> worlds_of_v2() {
  return {
      {.name = "correspondents",
       .clients = {{.operations = {push_to("bob"), push_to("bob")}, .correspondent = with_two_at_once(ada())},
                   {.operations = {push_to("ada")}, .correspondent = bob()}},
       .depth = 9},
      {.name = "correspondents and a broken connection",
       .clients = {{.operations = {push_to("bob"), push_to("bob")}, .correspondent = ada()}, {.correspondent = bob()}},
       .breaks_max = 1,
       .wakes_max = 1,
       .depth = 8},
      {.name = "two pushes at once and two broken connections",
       .clients = {{.operations = {push_to("bob"), push_to("bob")}, .correspondent = with_two_at_once(ada())},
                   {.correspondent = bob()}},
       .breaks_max = 2,
       .depth = 7},
      {.name = "a letter to oneself, and programs that end",
       .clients = {{.operations = {push_to("ada"), restart(), push_to("ada"), restart()},
                    .correspondent = that_takes_its_time(ada())}},
       .breaks_max = 1,
       .depth = 10},
      {.name = "a program that keeps all, and ends",
       .clients = {{.operations = {push_to("bob"), restart(), push_to("bob")}, .correspondent = that_keeps_all(ada())},
                   {.operations = {restart()}, .correspondent = that_keeps_all(bob())}},
       .depth = 8},
      {.name = "a disk of a client's own that fails",
       .clients = {{.operations = {push_to("bob"), push_to("bob"), fail_storage(), push_to("bob"), restart()},
                    .correspondent = that_keeps_all(ada())},
                   {.operations = {fail_storage()}, .correspondent = bob()}},
       .depth = 10},
      {.name = "a reader that takes its time",
       .clients = {{.operations = {push_to("bob"), push_to("bob")}, .correspondent = ada()},
                   {.operations = {finish(), finish()}, .correspondent = that_takes_its_time(bob())}},
       .breaks_max = 1,
       .depth = 8},
      {.name = "correspondents and a full mailbox",
       .clients = {{.operations = {push_to("bob"), push_to("bob")}, .correspondent = ada()},
                   {.operations = {finish(), finish()}, .correspondent = that_takes_its_time(bob())}},
       .limits = {.mailbox_messages_max = 1},
       .wakes_max = 2,
       .depth = 8},
      {.name = "a room",
       .clients = {{.operations = {push_to("#room")}, .correspondent = in_room(ada())},
                   {.operations = {push_to("#room")}, .correspondent = in_room(bob())}},
       .breaks_max = 1,
       .depth = 8},
      {.name = "a room that makes place",
       .clients = {{.operations = {push_to("#room"), push_to("#room"), push_to("#room")},
                    .correspondent = in_room(with_two_at_once(ada()))},
                   {.correspondent = in_room(bob())}},
       .limits = {.room_messages_max = 1},
       .breaks_max = 1,
       .depth = 8},
      {.name = "a message that expires",
       .clients = {{.operations = {push_to("bob"), push_to("bob")},
                    .correspondent =
                        CorrespondentSetup{.address = "ada", .time_to_live = std::chrono::milliseconds{20}}},
                   {.correspondent = bob()}},
       .breaks_max = 1,
       .time_steps_max = 1,
       .depth = 8},
  };
}

inline std::vector<SmallWorld> worlds_of_v2_with_crashes() {
  return {
      {.name = "a server that forgets",
       .clients = {{.operations = {push_to("bob"), push_to("bob")}, .correspondent = that_keeps_all(ada())},
                   {.operations = {push_to("ada")}, .correspondent = bob()}},
       .crashes_max = 1,
       .depth = 8},
      {.name = "a server that forgets, and a break",
       .clients = {{.operations = {push_to("bob")}, .correspondent = ada()}, {.correspondent = bob()}},
       .breaks_max = 1,
       .wakes_max = 1,
       .crashes_max = 1,
       .depth = 8},
      {.name = "correspondents and a disk that fails",
       .clients = {{.operations = {push_to("bob"), push_to("bob")}, .correspondent = ada()}, {.correspondent = bob()}},
       .disk = true,
       .failures_max = 1,
       .depth = 14},
      {.name = "correspondents, a disk and a crash",
       .clients = {{.operations = {push_to("bob"), push_to("bob")}, .correspondent = that_keeps_all(ada())},
                   {.operations = {restart()}, .correspondent = that_keeps_all(bob())}},
       .disk = true,
       .crashes_max = 1,
       .depth = 9},
      {.name = "correspondents and transactions that fail",
       .clients = {{.operations = {push_to("bob"), push_to("bob")}, .correspondent = with_two_at_once(ada())},
                   {.operations = {push_to("ada")}, .correspondent = bob()}},
       .disk = true,
       .transactions = true,
       .failures_max = 1,
       .depth = 10},
      {.name = "a room, transactions, a failure and a crash",
       .clients = {{.operations = {push_to("#room"), push_to("#room")},
                    .correspondent = in_room(with_two_at_once(ada()))},
                   {.correspondent = in_room(bob())}},
       .limits = {.room_messages_max = 1},
       .disk = true,
       .transactions = true,
       .crashes_max = 1,
       .failures_max = 1,
       .depth = 10},
      {.name = "a room, a disk and a crash",
       .clients = {{.operations = {push_to("#room"), push_to("#room")}, .correspondent = in_room(ada())},
                   {.correspondent = in_room(bob())}},
       .limits = {.room_messages_max = 1},
       .disk = true,
       .crashes_max = 1,
       .depth = 10},
      {.name = "correspondents, a disk, a crash and a break",
       .clients = {{.operations = {push_to("bob")}, .correspondent = ada()}, {.correspondent = bob()}},
       .disk = true,
       .breaks_max = 1,
       .crashes_max = 1,
       .depth = 9},
  };
}

}  // namespace detail

/// Worlds that bring every rule of docs/protocol.md and every habit of both clients to the test, with steps
/// enough to tell them apart. Messages of more than 64 KiB, which the real transports close with 1009, are not among
/// them.
inline std::vector<SmallWorld> small_worlds() {
  std::vector<SmallWorld> worlds;
  for (auto* some : {detail::quiet_worlds, detail::worlds_with_breaks, detail::worlds_with_garbage,
                     detail::worlds_with_slow_readers, detail::worlds_with_a_disk, detail::worlds_with_transactions,
                     detail::worlds_of_v2, detail::worlds_of_v2_with_crashes}) {
    for (SmallWorld& world : some()) {
      worlds.push_back(std::move(world));
    }
  }
  return worlds;
}

}  // namespace restante::sim
