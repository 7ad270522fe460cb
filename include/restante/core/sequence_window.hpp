// Which pushes of a sender were accepted (docs/protocol.md, restante.v2, rule 3), and what became of them.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include <restante/core/reply.hpp>

namespace restante {

/// The last `width` numbers below and including the highest that was accepted, each with the state of its message.
class SequenceWindow {
 public:
  /// W.
  static constexpr std::uint64_t width = 256;

  enum class Verdict : std::uint8_t { unseen, duplicate, stale, ahead };

  /// The highest number accepted; 0 for none.
  std::uint64_t highest() const noexcept { return highest_; }

  /// What a push with this number, which must not be 0, is.
  [[gnu::always_inline]] Verdict judge(std::uint64_t sequence) const noexcept {
    if (sequence > highest_) {
      return sequence - highest_ > width ? Verdict::ahead : Verdict::unseen;
    }
    if (highest_ - sequence >= width) {
      return Verdict::stale;
    }
    return states_[sequence % width] == MessageState::unknown ? Verdict::unseen : Verdict::duplicate;
  }

  /// Notes an unseen number; its message waits from now on.
  void accept(std::uint64_t sequence) {
    if (sequence > highest_) {
      // The numbers between are not seen yet; what lay in their places is too old now.
      for (std::uint64_t between = highest_ + 1; between < sequence; ++between) {
        states_[between % width] = MessageState::unknown;
      }
      highest_ = sequence;
    }
    states_[sequence % width] = MessageState::waiting;
  }

  /// Takes in a number that was accepted in another life, above all that are here: what a store gives back, in rising
  /// order. Takes the same time for any number.
  void restore(std::uint64_t sequence, MessageState state) {
    if (sequence - highest_ > width) {
      states_.fill(MessageState::unknown);
      highest_ = sequence - 1;
    }
    accept(sequence);
    note(sequence, state);
  }

  /// What became of the message with this number: unknown outside of the window, for what was not accepted, and for 0.
  [[gnu::always_inline]] MessageState state(std::uint64_t sequence) const noexcept {
    // A number above the highest wraps to one that is far below it. Where 0 would lie nothing does until 256 is seen.
    return highest_ - sequence >= width ? MessageState::unknown : states_[sequence % width];
  }

  /// Something became of a message. Gives whether anybody could still ask for it.
  [[gnu::always_inline]] bool note(std::uint64_t sequence, MessageState state) noexcept {
    if (this->state(sequence) == MessageState::unknown) {
      return false;
    }
    states_[sequence % width] = state;
    return true;
  }

 private:
  std::uint64_t highest_ = 0;
  std::array<MessageState, width> states_{};
};

}  // namespace restante
