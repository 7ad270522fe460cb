// Does what was accepted reach the programs of restante.v2 as it is promised? Judged by what programs push, what they
// are told, and what they are handed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include <restante/error.hpp>
#include <restante/sim/letters.hpp>
#include <restante/sim/mail_storage.hpp>
#include <restante/sim/report.hpp>
#include <restante/sim/trace.hpp>
#include <restante/sim/v2_places.hpp>
#include <restante/v2/client_options.hpp>
#include <restante/v2/codec.hpp>
#include <restante/v2/error.hpp>
#include <restante/v2/inbox.hpp>

namespace restante::sim {

/// Checks that each push ends once, and is told what became of it: accepted only what the server accepted, unknown only
/// where the server lost what it knew. That messages are handed over in the order of their acceptance: exactly once
/// where a program stores offsets with its effects, again only after the program ended where it does not. That a
/// program is told when everything was lost, and exactly how many messages of a room it missed: from the cursor on that
/// it had when it joined, each offset was handed over, or told of when its message had gone. When all is quiet: that
/// each message which was accepted was handed to whom it was for, unless it expired, a room made place, or the server
/// lost it, and that nothing of a room is left to tell.
class V2DeliveryChecker final : public Observer {
 public:
  /// `keeps` says that the server has a disk.
  V2DeliveryChecker(Findings& findings, Letters& letters, bool keeps)
      : findings_{findings}, letters_{letters}, keeps_{keeps} {}

  struct Habits {
    std::string address = {};
    /// Stores offsets with the effects of messages, and its outbox, so that they outlive the program.
    bool keeps_offsets = false;
    bool keeps_outbox = false;
    /// Has one push to each receiver under way.
    bool keeps_order = false;
  };

  /// Judges this client from now on.
  void judge(ClientIndex client, Habits habits) { readers_[client].habits = std::move(habits); }

  /// Sees where members of rooms begin.
  void observe(const Entry& entry) override {
    const auto found = readers_.find(entry.client);
    if (found == readers_.end()) {
      return;
    }
    if (entry.kind == EntryKind::sent_by_client) {
      const v2::Request request = v2::decode_request(entry.bytes);
      if (const auto* const join = std::get_if<v2::Join>(&request); join != nullptr) {
        found->second.joining[join->tag] = as_text(join->room);
      }
    } else if (entry.kind == EntryKind::received_by_client) {
      const v2::Reply reply = v2::decode_reply(entry.bytes);
      if (const auto* const joined = std::get_if<v2::Joined>(&reply); joined != nullptr) {
        begin(entry.time, found->second, *joined);
      }
    }
  }

  /// A program was told what became of a push.
  void told(SteadyTime time, LetterNumber number, std::error_code error) {
    Letter& letter = letters_[number];
    expect(time, letter.told == Letter::Told::nothing, "a program was told twice what became of a push");
    if (!error) {
      letter.told = Letter::Told::accepted;
      expect(time, letter.promised, "a program was told that a push was accepted, and it was not");
    } else if (error == Error::outcome_unknown) {
      letter.told = Letter::Told::unknown;
      findings_.sometimes.reach(Sometimes::push_unknown);
      expect(time, readers_[letter.sender].lost_all,
             "a program was told that nothing is known of a push, and the server lost nothing");
    } else {
      letter.told = Letter::Told::refused;
      expect(time,
             error == Refusal::mailbox_full || error == Refusal::quota_exceeded || error == Error::outbox_full ||
                 error == MailStorage::failure,
             "a push ended with " + error.message());
      expect(time, !letter.promised, "a program was told that a push was refused, and it was accepted");
    }
  }

  /// A message was handed to a program.
  void handed(SteadyTime time, ClientIndex client, const v2::Delivery& delivery) {
    Reader& reader = readers_[client];
    const auto number = letters_.find(delivery.payload);
    if (!number) {
      fail(time, "a program was handed a message that nobody pushed");
      return;
    }
    ++findings_.totals.messages_delivered;
    Letter& letter = letters_[*number];
    expect(time, letter.to == (delivery.source.empty() ? reader.habits.address : delivery.source),
           "a program was handed a message that is for somebody else");
    expect(time, letter.from == delivery.sender, "a program was handed a message as one of another sender");
    expect(time, letter.fate != Letter::Fate::not_stored, "a program was handed a message that was not accepted");
    if (is_room(delivery.source)) {
      expect_next(time, reader, delivery);
    }
    Last& last = reader.last[std::string{delivery.source}];
    if (last.epoch == delivery.epoch) {
      expect(time, delivery.offset > last.offset, "a program was handed a message again, or too late");
      expect(time, letter.position > last.position, "messages were handed over in another order than accepted");
    }
    if (readers_[letter.sender].habits.keeps_order) {
      LetterNumber& before = last.numbers[letter.sender];
      expect(time, *number >= before, "messages of one sender were handed over in another order than pushed");
      before = *number + 1;
    }
    last.epoch = delivery.epoch;
    last.offset = delivery.offset;
    last.position = letter.position;
    const bool is_again = std::count(letter.handed_to.begin(), letter.handed_to.end(), client) > 0;
    expect(time, !is_again || !reader.habits.keeps_offsets, "a program was handed a message twice");
    findings_.sometimes.reach(Sometimes::handed_again, is_again ? 1 : 0);
    letter.handed_to.push_back(client);
  }

  /// The address is open.
  void opened(SteadyTime time, ClientIndex client, Epoch epoch, bool says_changed) {
    Reader& reader = readers_[client];
    const bool has_changed = reader.epoch != 0 && reader.epoch != epoch;
    expect(time, says_changed == has_changed,
           has_changed ? "a program was not told that everything was lost"
                       : "a program was told of a loss that there was not");
    findings_.sometimes.reach(Sometimes::epoch_changed, has_changed ? 1 : 0);
    reader.epoch = epoch;
    reader.lost_all = reader.latest_epoch != 0 && reader.latest_epoch != epoch;
    reader.latest_epoch = epoch;
  }

  /// A program was told that something could not be kept.
  void storage_failed() { findings_.sometimes.reach(Sometimes::client_storage_failed); }

  /// A program was told that it missed messages of a room.
  void missed(SteadyTime time, ClientIndex client, const v2::client_event::MessagesMissed& event) {
    const auto found = readers_[client].rooms.find(event.room);
    if (found == readers_[client].rooms.end() || found->second.epoch != event.epoch) {
      fail(time, "a program was told that it missed messages of a room where it is not");
      return;
    }
    Offset& end = found->second.known_end;
    const bool is_there = std::any_of(letters_.begin(), letters_.end(), [&](const Letter& letter) {
      return letter.fate == Letter::Fate::held && letter.to == event.room && letter.stored_epoch == event.epoch &&
             letter.stored_offset >= end && letter.stored_offset < end + event.count;
    });
    expect(time, !is_there, "a program was told that it missed a message that its room has");
    end += event.count;
    expect(time, event.count > 0 && event.offset + 1 == end,
           "a program was told of another place than that behind what it missed");
  }

  /// The program ended without a word, with all that it did not keep.
  void ended(ClientIndex client) {
    Reader& reader = readers_[client];
    reader.epoch = 0;
    if (!reader.habits.keeps_offsets) {
      reader.last.clear();
      reader.rooms.clear();
    }
    for (LetterNumber number = 0; number < letters_.size() && !reader.habits.keeps_outbox; ++number) {
      Letter& letter = letters_[number];
      if (letter.sender == client && letter.told == Letter::Told::nothing) {
        letter.told = Letter::Told::forgotten;
      }
    }
  }

  /// Whether a program knows of all that the rooms had in which it is: that it was handed it, or that it missed it.
  bool knows_all(ClientIndex client, Places& places) {
    return std::all_of(places.all().begin(), places.all().end(),
                       [&](const auto& it) { return knows_all(readers_[client], it.first, it.second); });
  }

  /// After everything healed and fell quiet.
  void check_quiet(SteadyTime time, Places& places) {
    for (const Letter& letter : letters_) {
      check_quiet(time, letter);
    }
    for (const auto& [name, place] : places.all()) {
      for (const Place::Kept& it : place.kept) {
        check_room(time, letters_[it.letter], place);
      }
      if (is_room(name)) {
        check_told(time, name, place);
      }
    }
  }

 private:
  static constexpr std::string_view checker_name = "v2 delivery";

  // What was handed over last from a source.
  struct Last {
    Epoch epoch = 0;
    Offset offset = 0;
    std::uint64_t position = 0;
    /// By sender: the least number that may come.
    std::map<ClientIndex, LetterNumber> numbers;
  };

  // How a member stands in a room: everything from its cursor when it joined up to here was handed over or told of.
  struct Standing {
    Epoch epoch = 0;
    Offset known_end = 0;
  };

  struct Reader {
    Habits habits;
    std::map<std::string, Last> last;
    std::map<v2::Tag, std::string> joining;
    std::map<std::string, Standing, std::less<>> rooms;
    /// The last one that this run of the program was told, and that any was.
    Epoch epoch = 0;
    Epoch latest_epoch = 0;
    /// What was known before the address was opened last is lost.
    bool lost_all = false;
  };

  void fail(SteadyTime time, std::string sentence) { findings_.violation(checker_name, time, std::move(sentence)); }
  void expect(SteadyTime time, bool condition, std::string_view sentence) {
    if (!condition) {
      fail(time, std::string{sentence});
    }
  }

  // A member was told where it stands in its room.
  void begin(SteadyTime time, Reader& reader, const v2::Joined& joined) {
    Standing& standing = reader.rooms[reader.joining[joined.tag]];
    if (standing.epoch != joined.epoch) {
      standing = {joined.epoch, joined.cursor};
    }
    expect(time, joined.cursor <= standing.known_end, "a room takes for acknowledged what a program does not know of");
  }

  // A message of a room is handed over.
  void expect_next(SteadyTime time, Reader& reader, const v2::Delivery& delivery) {
    Standing& standing = reader.rooms[std::string{delivery.source}];
    expect(time, standing.epoch == delivery.epoch, "a program was handed a message of a room where it is not");
    expect(time, delivery.offset <= standing.known_end, "messages of a room were passed over, and nobody was told");
    expect(time, delivery.offset >= standing.known_end, "a program was handed a message that it was told it missed");
    standing.known_end = std::max(standing.known_end, delivery.offset + 1);
  }

  static bool was_handed(const Letter& letter, ClientIndex client) {
    return std::find(letter.handed_to.begin(), letter.handed_to.end(), client) != letter.handed_to.end();
  }

  void check_quiet(SteadyTime time, const Letter& letter) {
    if (letter.told == Letter::Told::nothing) {
      findings_.liveness_failure(checker_name, time, "a push to " + letter.to + " was never told what became of it");
    }
    expect(time, letter.fate != Letter::Fate::lost || !keeps_, "a server with a disk lost a message");
    expect(time, !letter.promised || letter.fate != Letter::Fate::not_stored, "a message that was accepted is nowhere");
    if (!is_room(letter.to)) {
      expect(time, letter.fate != Letter::Fate::acknowledged || !letter.handed_to.empty(),
             "a message was acknowledged that nobody was handed");
      if (letter.fate == Letter::Fate::held) {
        findings_.liveness_failure(checker_name, time, "a message for " + letter.to + " was not handed over");
      }
    }
  }

  // Who is in a room at the end has all that it holds.
  void check_room(SteadyTime time, const Letter& letter, const Place& room) {
    for (const auto& [client, reader] : readers_) {
      if (room.members.contains(reader.habits.address) && !was_handed(letter, client)) {
        findings_.liveness_failure(checker_name, time,
                                   "a message in " + letter.to + " was not handed to " + reader.habits.address);
      }
    }
  }

  static bool knows_all(const Reader& reader, const std::string& name, const Place& place) {
    const auto standing = reader.rooms.find(name);
    return !place.members.contains(reader.habits.address) || standing == reader.rooms.end() ||
           standing->second.known_end == place.next_offset;
  }

  // And knows of all that it had.
  void check_told(SteadyTime time, const std::string& name, const Place& room) {
    for (const auto& [client, reader] : readers_) {
      if (!knows_all(reader, name, room)) {
        findings_.liveness_failure(checker_name, time,
                                   reader.habits.address + " was not told of all that it missed of " + name);
      }
    }
  }

  Findings& findings_;
  Letters& letters_;
  bool keeps_;
  std::map<ClientIndex, Reader> readers_;
};

}  // namespace restante::sim
