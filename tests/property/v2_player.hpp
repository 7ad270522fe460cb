// What peers of restante.v2, an operator and chance do, in a V2World.
#pragma once

#include <rapidcheck.h>

#include <array>
#include <cstdint>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "v2_world.hpp"

namespace restante::property {

/// Something that a peer or an operator does, or that happens; the numbers are chosen before it is known what they will
/// mean.
struct Step {
  std::uint8_t kind = 0;
  std::uint8_t peer = 0;
  std::uint8_t a = 0;
  std::uint8_t b = 0;
  std::uint8_t c = 0;
  bool flag = false;
};

/// Steps of peers, and of what happens to them, are of the kinds below this one.
inline constexpr std::uint8_t an_operators = 32;
inline constexpr std::uint8_t a_power_failure = 33;

inline std::ostream& operator<<(std::ostream& stream, const Step& step) {
  return stream << "{" << int{step.kind} << ", " << int{step.peer} << ", " << int{step.a} << ", " << int{step.b} << ", "
                << int{step.c} << ", " << step.flag << "}";
}

/// Carries steps out in a world.
template <class Place>
class Player {
 public:
  /// The place is made of these.
  template <class... Arguments>
  explicit Player(const Arguments&... arguments) : world_{arguments...} {}

  void play(const Step& step) {
    const std::size_t peer = step.peer % v2_peers;
    const std::uint8_t kind = step.kind;
    if (kind == 31) {
      return world_.advance(step.flag ? step.a : step.a * 60U);
    }
    if (kind == 30) {
      return world_.set_wall((step.a - 128) * 40);
    }
    if (kind == an_operators) {
      const std::string name = step.a % 4 == 0 ? room_of(step.a / 4) : name_of(step.a / 4);
      return step.c % 4 == 0 ? world_.purge(name) : world_.retire(name);
    }
    if (kind == a_power_failure) {
      return world_.restart();
    }
    if (kind == 29) {
      return step.a == 0 ? world_.restart() : world_.advance(step.b);
    }
    if (!world_.is_connected(peer)) {
      world_.connect(peer);
    }
    address_ = world_.model().address_of(peer);
    if (kind == 28) {
      return world_.disconnect(peer);
    }
    if (address_.empty() && kind < 26) {
      return open(peer, step);
    }
    kind < 9    ? push(peer, step)
    : kind < 15 ? fetch(peer, step)
    : kind < 18 ? acknowledge(peer, step)
    : kind < 20 ? receipt(peer, step)
    : kind < 23 ? attend(peer, step)
    : kind < 25 ? status(peer, step)
    : kind < 26 ? open(peer, step)
                : odd(peer, step);
  }

  void finish() { world_.end_turn(); }

 private:
  static std::string name_of(std::uint8_t choice) {
    return std::string{choice % 16 == 15 ? v2_bad_names[choice / 16 % 4] : v2_names[choice % v2_names.size()]};
  }
  static std::string room_of(std::uint8_t choice) {
    return std::string{choice % 32 == 31 ? name_of(choice) : v2_rooms[choice % v2_rooms.size()]};
  }
  /// The own mailbox, a room, or everything.
  static std::string source_of(std::uint8_t choice) {
    return choice % 4 == 0 ? "*" : choice % 4 == 1 ? room_of(choice / 4) : "";
  }

  // Tags are used again as soon as they may be, and sometimes before.
  v2::Tag tag(std::size_t peer, const Step& step) {
    const std::vector<v2::Tag> waiting = world_.model().waiting_tags(peer);
    if (!waiting.empty() && step.c == 255) {
      return waiting.front();
    }
    v2::Tag free = 1;
    while (std::find(waiting.begin(), waiting.end(), free) != waiting.end()) {
      ++free;
    }
    return free;
  }

  static std::uint64_t wait_of(const Step& step) { return step.c % 4 == 0 ? 0 : step.c * 20U; }

  Epoch epoch_of(const std::string& source, const Step& step) {
    const Epoch epoch = world_.model().epoch_of(source.empty() || source == "*" ? address_ : source);
    return step.c % 32 == 31 ? epoch + 1 : epoch;
  }

  void open(std::size_t peer, const Step& step) {
    const std::string name = step.a % 16 == 14 ? "#a" : name_of(step.a);
    ResumeToken token = world_.model().token_of(name);
    token[0] = static_cast<std::uint8_t>(token[0] + (step.c % 8 == 7 ? 1 : 0));
    const std::uint8_t proof = step.b % 3;
    const std::string credential = "secret";
    world_.send(peer,
                v2::Open{.tag = tag(peer, step),
                         .address = as_bytes(name),
                         .proof = static_cast<Proof>(proof),
                         .secret = proof == 0   ? BytesView{}
                                   : proof == 1 ? as_bytes(credential)
                                                : BytesView{token}},
                step.flag);
  }

  void push(std::size_t peer, const Step& step) {
    const std::uint64_t highest = world_.model().highest_sequence_of(address_);
    // Mostly the next one; sometimes none, one that was, one at the ends of the window or behind them.
    const std::array<std::uint64_t, 16> ahead{0, 1, 2, 255, 256, 257, 300, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    const std::array<std::uint64_t, 16> back{0, 1, 2, 255, 256, 257, 300, 3, 0, 0, 0, 0, 0, 0, 0, 0};
    const std::uint64_t difference = step.b % 5 == 0 ? back[step.b / 5 % 16] : ahead[step.b / 5 % 16];
    const std::uint64_t sequence = step.b % 5 != 0         ? highest + difference
                                   : highest >= difference ? highest - difference
                                                           : 0;
    const std::string receiver = step.a % 3 == 0 ? room_of(step.a / 3) : name_of(step.a / 3);
    // The last byte makes every payload another.
    std::string payload(std::array<std::size_t, 8>{0, 1, 5, 5, 200, 254, 300, 301}[step.c / 4 % 8], 'p');
    if (!payload.empty()) {
      payload.back() = static_cast<char>(++pushes_);
    }
    const std::array<std::uint64_t, 4> times_to_live{0, 0, step.c * 10U, 20'000};
    world_.send(peer,
                v2::Push{.tag = tag(peer, step),
                         .receiver = as_bytes(receiver),
                         .sequence = sequence,
                         .time_to_live_ms = times_to_live[step.c % 4],
                         .payload = as_bytes(payload)},
                step.flag);
  }

  void fetch(std::size_t peer, const Step& step) {
    const std::string source = source_of(step.a);
    world_.send(peer,
                v2::Fetch{.tag = tag(peer, step),
                          .source = as_bytes(source),
                          .epoch = epoch_of(source, step),
                          .rewind = step.b % 4 == 3,
                          .messages_max = 1U + step.b / 4 % 4,
                          .bytes_max = std::array<std::uint64_t, 4>{0, 5, 300, 100'000}[step.b / 16 % 4],
                          .wait_ms = wait_of(step)},
                step.flag);
  }

  void acknowledge(std::size_t peer, const Step& step) {
    const std::string source = step.a % 4 == 0 ? "" : source_of(static_cast<std::uint8_t>(step.a | 1U));
    // From one above what was delivered downwards. Where nothing was delivered to a new member, what lies below its
    // cursor is neither delivered nor not: nobody asks.
    const bool knows = source.empty() || world_.model().is_member(address_, source);
    const Offset end = knows ? world_.model().delivered_end_of(address_, source) : 1;
    const Offset offset = end >= step.b % 4U ? end - step.b % 4U : end;
    world_.send(
        peer,
        v2::Acknowledge{
            .tag = tag(peer, step), .source = as_bytes(source), .epoch = epoch_of(source, step), .offset = offset},
        step.flag);
  }

  void receipt(std::size_t peer, const Step& step) {
    const std::uint64_t highest = world_.model().highest_sequence_of(address_);
    const std::array<std::uint64_t, 8> back{0, 0, 1, 2, 3, 255, 256, 400};
    const std::uint64_t difference = back[step.a % 8];
    world_.send(peer,
                v2::Receipt{.tag = tag(peer, step),
                            .sequence = step.a % 16 == 9 ? highest + 1 : highest - std::min(highest, difference),
                            .known_state = static_cast<std::uint8_t>(step.b % 8),
                            .wait_ms = wait_of(step)},
                step.flag);
  }

  void attend(std::size_t peer, const Step& step) {
    const std::string room = room_of(step.a);
    step.b % 4 == 0 ? world_.send(peer, v2::Leave{tag(peer, step), as_bytes(room)}, step.flag)
                    : world_.send(peer, v2::Join{tag(peer, step), as_bytes(room)}, step.flag);
  }

  void status(std::size_t peer, const Step& step) {
    const std::string source = step.a % 2 == 0 ? "" : room_of(step.a / 2);
    const std::string after = step.b % 4 == 0 ? "bob" : "";
    world_.send(peer,
                v2::Status{.tag = tag(peer, step),
                           .source = as_bytes(source),
                           .known_version = step.b % 3 == 0 ? 0 : world_.model().told_version(address_, source),
                           .after = as_bytes(after),
                           .members_max = step.b / 16U % 4,
                           .wait_ms = wait_of(step)},
                step.flag);
  }

  // What is no request.
  void odd(std::size_t peer, const Step& step) {
    const std::array<std::uint8_t, 4> bytes{step.a, step.b, step.c, 1};
    if (std::holds_alternative<v2::Unreadable>(v2::decode_request(bytes))) {
      world_.send_bytes(peer, bytes, step.flag);
    }
  }

  V2World<Place> world_;
  std::string address_;
  unsigned pushes_ = 0;
};

inline rc::Gen<Step> any_step(rc::Gen<std::uint8_t> any_kind = rc::gen::inRange<std::uint8_t>(0, an_operators)) {
  return rc::gen::apply([](std::uint8_t kind, std::uint8_t peer, std::uint8_t a, std::uint8_t b, std::uint8_t c,
                           bool flag) { return Step{kind, peer, a, b, c, flag}; },
                        std::move(any_kind), rc::gen::inRange<std::uint8_t>(0, v2_peers),
                        rc::gen::resize(100, rc::gen::arbitrary<std::uint8_t>()),
                        rc::gen::resize(100, rc::gen::arbitrary<std::uint8_t>()),
                        rc::gen::resize(100, rc::gen::arbitrary<std::uint8_t>()),
                        rc::gen::map(rc::gen::inRange(0, 4), [](int n) { return n != 0; }));
}

/// Plays any number of steps; the place is made of the arguments.
template <class Place = InMemory, class... Arguments>
void play(const rc::Gen<Step>& step, const Arguments&... arguments) {
  const auto steps = *rc::gen::scale(3.0, rc::gen::container<std::vector<Step>>(step));
  Player<Place> player{arguments...};
  for (const Step& one : steps) {
    player.play(one);
  }
  player.finish();
}

/// Fewer kinds of steps, so that those before an address was retired meet those after it.
inline rc::Gen<Step> any_step_around_an_operator() {
  return any_step(
      rc::gen::element<std::uint8_t>(0, 0, 0, 0, 9, 9, 15, 18, 18, 18, 20, 23, 28, 30, an_operators, an_operators));
}

}  // namespace restante::property
