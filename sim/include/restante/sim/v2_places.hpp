// Mailboxes and rooms of restante.v2 as they must be: a model that was written from docs/protocol.md, rules 2 to 8, and
// shares nothing with the core.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include <restante/core/change.hpp>
#include <restante/core/counters.hpp>
#include <restante/core/reply.hpp>
#include <restante/sim/letters.hpp>
#include <restante/transport.hpp>

namespace restante::sim {

/// A member of a room. What is called `_left` is what replies that left the server have said: no crash may undo it.
struct PlaceMember {
  /// The offset that is delivered next, one more than the highest ever delivered, and the first not acknowledged.
  Offset next = 0;
  Offset delivered_end = 0;
  Offset cursor = 0;
  bool joined_left = false;
  Offset delivered_left = 0;
  Offset cursor_left = 0;
};

/// An address, as a mailbox or a room and as a sender.
struct Place {
  /// So many numbers are kept of a sender: W.
  static constexpr std::uint64_t window = 256;

  struct Kept {
    Offset offset = 0;
    LetterNumber letter = 0;
    std::uint64_t time_ms = 0;
    /// 0 for never.
    std::uint64_t expires_ms = 0;
    bool delivered = false;
  };
  struct Number {
    LetterNumber letter = 0;
    MessageState state = MessageState::unknown;
  };

  /// 0 until somebody was told.
  Epoch epoch = 0;
  Epoch epoch_left = 0;
  std::deque<Kept> kept;
  Offset next_offset = 0;
  /// Where delivery to the owner stands; rooms have it for each member.
  Offset next = 0;
  Offset delivered_end = 0;
  /// The connection that opened it.
  Connection holder = {};
  std::map<std::string, PlaceMember, std::less<>> members;
  /// The latest numbers that were accepted from it, and some before, which are the latest again after a failure of the
  /// store.
  std::map<std::uint64_t, Number> numbers;
  /// One more than the highest offset of a message that was promised, delivered or acknowledged.
  Offset promised_left = 0;
  Offset delivered_left = 0;
  Offset acknowledged_left = 0;

  std::uint64_t highest() const { return numbers.empty() ? 0 : numbers.rbegin()->first; }
  /// What is known of a number; nullptr where it was not accepted, or is too old.
  const Number* find_number(std::uint64_t sequence) const {
    const auto found = numbers.find(sequence);
    return found == numbers.end() || highest() - sequence >= window ? nullptr : &found->second;
  }
  Offset first_kept() const { return kept.empty() ? next_offset : kept.front().offset; }

  /// The first message from an offset on, or the end.
  std::deque<Kept>::iterator from(Offset offset) {
    return std::find_if(kept.begin(), kept.end(), [offset](const Kept& it) { return it.offset >= offset; });
  }
  /// Its offset; that of the next message where there is none.
  Offset offset_from(Offset offset) {
    const auto found = from(offset);
    return found == kept.end() ? next_offset : found->offset;
  }

  /// Whether there is something to say to a member: a message, or that some were missed.
  bool has_news_for(const PlaceMember& member) {
    return from(member.next) != kept.end() || next_offset > std::max(member.next, member.delivered_end);
  }
};

inline bool is_room(std::string_view name) noexcept {
  return name.starts_with('#');
}

/// All places by their names.
class Places {
 public:
  using All = std::map<std::string, Place, std::less<>>;

  explicit Places(Letters& letters) : letters_{letters} {}

  Place& at(std::string_view name) { return all_.try_emplace(std::string{name}).first->second; }
  Place* find(std::string_view name) {
    const auto found = all_.find(name);
    return found == all_.end() ? nullptr : &found->second;
  }
  All& all() noexcept { return all_; }

  const Books& books() const noexcept { return books_; }
  Books& books() noexcept { return books_; }
  std::uint64_t payload_bytes_held = 0;

  /// A push was accepted. Gives its offset.
  Offset store(std::string_view sender, std::string_view receiver, std::uint64_t sequence, LetterNumber number,
               std::size_t payload_bytes, std::uint64_t now_ms, std::size_t room_messages_max) {
    Place& to = at(receiver);
    while (is_room(receiver) && to.kept.size() >= room_messages_max) {
      ++books_.trimmed;
      remove(to, to.kept.begin(), MessageState::purged, Letter::Fate::trimmed);
    }
    Letter& letter = letters_[number];
    letter.fate = Letter::Fate::held;
    letter.position = ++accepted_;
    letter.stored_epoch = to.epoch;
    letter.stored_offset = to.next_offset;
    sizes_[number] = payload_bytes;
    const std::uint64_t expires_ms = letter.time_to_live_ms == 0 ? 0 : now_ms + letter.time_to_live_ms;
    to.kept.push_back({to.next_offset, number, now_ms, expires_ms});
    ++books_.stored;
    ++books_.held;
    payload_bytes_held += payload_bytes;
    if (sequence != 0) {
      Place& from = at(sender);
      from.numbers[sequence] = {number, MessageState::waiting};
      while (from.highest() - from.numbers.begin()->first >= 2 * Place::window) {
        from.numbers.erase(from.numbers.begin());
      }
    }
    return to.next_offset++;
  }

  /// A message was delivered to its owner, or to a member.
  void deliver(Place::Kept& it) {
    if (!it.delivered) {
      it.delivered = true;
      note(it.letter, MessageState::fetched);
    }
  }

  /// The owner acknowledged everything below an offset.
  void acknowledge(Place& place, Offset end) {
    while (!place.kept.empty() && place.kept.front().offset < end) {
      ++books_.acknowledged;
      remove(place, place.kept.begin(), MessageState::acknowledged, Letter::Fate::acknowledged);
    }
  }

  /// What has expired is gone. Gives how many messages that were.
  std::size_t expire(Place& place, std::uint64_t now_ms) {
    std::size_t count = 0;
    for (auto it = place.kept.begin(); it != place.kept.end();) {
      if (it->expires_ms == 0 || it->delivered || it->expires_ms > now_ms) {
        ++it;
        continue;
      }
      ++count;
      ++books_.expired;
      it = remove(place, it, MessageState::expired, Letter::Fate::expired);
    }
    return count;
  }

  /// A server that keeps nothing has ended.
  void lose_everything() {
    for (auto& [name, place] : all_) {
      for (const Place::Kept& it : place.kept) {
        letters_[it.letter].fate = Letter::Fate::lost;
      }
    }
    clear();
  }

  void clear() {
    all_.clear();
    books_ = {};
    payload_bytes_held = 0;
  }

  /// A message that a server found on its disk.
  void load(Place& place, const Place::Kept& it, std::size_t payload_bytes) {
    letters_[it.letter].fate = Letter::Fate::held;
    sizes_[it.letter] = payload_bytes;
    place.kept.push_back(it);
    ++books_.loaded;
    ++books_.held;
    payload_bytes_held += payload_bytes;
  }

 private:
  std::deque<Place::Kept>::iterator remove(Place& place, const std::deque<Place::Kept>::iterator& it,
                                           MessageState state, Letter::Fate fate) {
    note(it->letter, state);
    letters_[it->letter].fate = fate;
    --books_.held;
    payload_bytes_held -= sizes_[it->letter];
    return place.kept.erase(it);
  }

  // What its sender may ask for.
  void note(LetterNumber number, MessageState state) {
    if (Place* const sender = find(letters_[number].from); sender != nullptr) {
      for (auto& [sequence, it] : sender->numbers) {
        if (it.letter == number) {
          it.state = state;
        }
      }
    }
  }

  Letters& letters_;
  All all_;
  Books books_;
  std::uint64_t accepted_ = 0;
  std::map<LetterNumber, std::size_t> sizes_;
};

}  // namespace restante::sim
