// What a load is made of.
#pragma once

#include <cstddef>
#include <cstdint>

namespace restante::bench {

/// Which requests a connection makes. With restante.v2, what is a GET of the classic protocol is a FETCH and the ACK of
/// what it brought.
enum class Mix : std::uint8_t {
  /// Pushes to itself and gets that, in turn: every reply is known beforehand.
  echo,
  /// Pushes to the next connection's mailbox, and gets from its own, in turn.
  ring,
  /// All push to the first connection's mailbox, which gets and does nothing else, with as many messages in flight as
  /// all others have together. Where that is more than the mailbox holds, it is full at times.
  fan_in,
  /// The same, and the first has no more in flight than anybody else: the mailbox is full nearly always.
  hot,
  /// Pushes to itself alone: the mailbox is full after a while.
  push,
  /// Gets alone: the mailbox is empty.
  get,
};

/// Which connection receives what this one pushes.
inline std::size_t receiver_of(Mix mix, std::size_t index, std::size_t connections) {
  switch (mix) {
    case Mix::ring:
      return (index + 1) % connections;
    case Mix::fan_in:
    case Mix::hot:
      return 0;
    case Mix::echo:
    case Mix::push:
    case Mix::get:
      break;
  }
  return index;
}

/// Whether a connection pushes, and whether it gets.
inline bool pushes(Mix mix, std::size_t index) {
  return mix != Mix::get && ((mix != Mix::fan_in && mix != Mix::hot) || index != 0);
}
inline bool gets(Mix mix, std::size_t index) {
  return mix != Mix::push && ((mix != Mix::fan_in && mix != Mix::hot) || index == 0);
}

}  // namespace restante::bench
