// Does the server keep to restante.v2? Judged by the requests that reach it, the replies that it makes and those that
// leave it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <restante/core/limits.hpp>
#include <restante/sim/connection_table.hpp>
#include <restante/sim/disk_contents.hpp>
#include <restante/sim/letters.hpp>
#include <restante/sim/queue.hpp>
#include <restante/sim/report.hpp>
#include <restante/sim/trace.hpp>
#include <restante/sim/v2_durability.hpp>
#include <restante/sim/v2_places.hpp>
#include <restante/sim/v2_reply_checker.hpp>
#include <restante/sim/v2_sessions.hpp>
#include <restante/v2/codec.hpp>

namespace restante::sim {

/// Checks each reply when it is made: that somebody asked for it; that messages come in the order of their acceptance,
/// each with its own offset, none left out, and no more of them than there is credit for; that rooms tell exactly what
/// was missed; that a push is stored once; that an address keeps its epoch while nothing is lost, and gets another one
/// when all is. Each reply that leaves the server is one that was made. When a server starts from a disk, or loads it
/// again, everything is there that replies which left it have said. When all is quiet, nobody waits for what is there.
class V2ProtocolChecker final : public Observer, private V2ReplyChecker {
 public:
  /// `durable` is what the server would find on its disk now, or nullptr where it has none.
  V2ProtocolChecker(Findings& findings, Letters& letters, const Limits& limits, const DiskContents* durable)
      : V2ReplyChecker{findings, letters, limits}, durable_{durable} {}

  /// Of connections that speak restante.v2, and of the server.
  void observe(const Entry& entry) override {
    switch (entry.kind) {
      case EntryKind::opened_at_server:
        sessions_.insert(entry.connection).connection = entry.connection;
        ++findings_.totals.connections_opened;
        break;
      case EntryKind::received_by_server:
        received(entry);
        break;
      case EntryKind::sent_by_server:
        left(entry);
        break;
      case EntryKind::closed_at_server:
        closed(entry.connection);
        break;
      case EntryKind::server_crashed:
        crashed();
        break;
      case EntryKind::server_started:
      case EntryKind::store_recovered:
        load(entry.time);
        break;
      case EntryKind::store_failed:
        store_failed();
        break;
      default:
        break;
    }
  }

  /// The server made a reply; a resume token at its end is left out.
  void made(SteadyTime time, Connection connection, BytesView packet) {
    Session* const session = sessions_.find(connection);
    if (session == nullptr) {
      fail(time, "a reply was made for a connection that is not open");
      return;
    }
    std::vector<std::uint8_t> bytes{packet.begin(), packet.end()};
    if (!bytes.empty() && bytes[0] == v2::code::opened) {
      bytes.resize(bytes.size() + sizeof(ResumeToken));
    }
    session->made.push_back({fingerprint(packet), packet.size()});
    judge_reply(time, *session, v2::decode_reply(bytes));
  }

  Places& places() noexcept { return places_; }

  /// What has expired by now is gone, in the server as well.
  void set_time(SteadyTime time) {
    for (auto& [name, place] : places_.all()) {
      expire(place, time);
    }
  }

  /// Connections that are open, and those that opened an address.
  std::size_t connections() const { return sessions_.size(); }
  std::size_t addresses_held() {
    std::size_t count = 0;
    sessions_.for_each([&count](Connection, const Session& session) { count += session.is_open ? 1 : 0; });
    return count;
  }

  /// Whether an address is open and everything that there is for it was acknowledged.
  bool is_caught_up(std::string_view address) {
    Place* const own = places_.find(address);
    if (own == nullptr || own->holder == Connection{} || !own->kept.empty()) {
      return false;
    }
    return std::all_of(places_.all().begin(), places_.all().end(), [&](auto& it) {
      const auto member = it.second.members.find(address);
      return member == it.second.members.end() || it.second.from(member->second.cursor) == it.second.kept.end();
    });
  }

  /// After everything healed and fell quiet: nobody waits for what is there, or for a reply that is due.
  void check_quiet(SteadyTime time) {
    set_time(time);
    sessions_.for_each([&](Connection, Session& session) {
      for (const auto& [tag, asked] : session.asked) {
        if (const std::string_view why = why_due(session, asked); !why.empty()) {
          findings_.liveness_failure(checker_name, time, std::string{why} + ", at " + session.address);
        }
      }
    });
  }

 private:
  // Requests.

  void received(const Entry& entry) {
    Session* const session = sessions_.find(entry.connection);
    if (session == nullptr) {
      fail(entry.time, "the server received something on a connection that is not open");
      return;
    }
    if (entry.type != MessageType::binary || session->was_replaced) {
      session->was_replaced = true;
      return;
    }
    ++findings_.totals.requests_received;
    std::visit([&](const auto& request) { this->note(entry.time, *session, request); },
               v2::decode_request(entry.bytes));
  }

  void note(SteadyTime time, Session&, const v2::Unreadable&) { fail(time, "a client sent what is no request"); }

  template <class Request>
  void note(SteadyTime, Session& session, const Request& request) {
    Asked asked{.kind = kind_of<Request>};
    if constexpr (std::is_same_v<Request, v2::Open>) {
      asked.name = as_text(request.address);
    } else if constexpr (std::is_same_v<Request, v2::Push>) {
      asked.name = as_text(request.receiver);
      asked.sequence = request.sequence;
      asked.payload_bytes = request.payload.size();
      asked.letter = letter_of(session, request);
    } else if constexpr (std::is_same_v<Request, v2::Fetch>) {
      asked.name = as_text(request.source);
      asked.rewind = request.rewind;
      asked.messages_left = request.messages_max;
      asked.bytes_left = request.bytes_max;
    } else if constexpr (std::is_same_v<Request, v2::Acknowledge>) {
      asked.name = as_text(request.source);
      asked.offset = request.offset;
    } else if constexpr (std::is_same_v<Request, v2::Receipt>) {
      asked.sequence = request.sequence;
      asked.known_state = request.known_state;
    } else if constexpr (std::is_same_v<Request, v2::Join>) {
      asked.name = as_text(request.room);
    }
    if (!session.was_replaced) {
      session.asked[request.tag] = std::move(asked);
    }
  }

  LetterNumber letter_of(const Session& session, const v2::Push& push) {
    const auto number = letters_.find(push.payload);
    if (!number) {
      fail("a client pushed what its program did not");
      return 0;
    }
    Letter& letter = letters_[*number];
    expect(letter.to == as_text(push.receiver) && letter.time_to_live_ms == push.time_to_live_ms,
           "a client pushed a message otherwise than its program said");
    if (Place* const own = places_.find(session.address); session.is_open && own != nullptr) {
      expect(letter.epoch == 0 || letter.epoch == own->epoch,
             "a push was sent again although its outcome in another epoch is not known");
      letter.epoch = own->epoch;
    }
    return *number;
  }

  // What leaves, and what ends.

  void left(const Entry& entry) {
    Session* const session = sessions_.find(entry.connection);
    ++findings_.totals.replies_sent;
    if (session == nullptr || session->made.empty() ||
        session->made.front().fingerprint !=
            fingerprint(entry.bytes.first(std::min(session->made.front().bytes, entry.bytes.size())))) {
      fail(entry.time, "another reply left the server than was made next");
      return;
    }
    const Made& made = session->made.front();
    findings_.totals.pushes_accepted += made.says == Made::Says::promised ? 1 : 0;
    note_left(made, places_, letters_);
    session->made.pop_front();
  }

  void closed(Connection connection) {
    for (auto& [name, place] : places_.all()) {
      place.holder = place.holder == connection ? Connection{} : place.holder;
    }
    sessions_.erase(connection);
  }

  void crashed() {
    if (places_.books().held > 0) {
      findings_.sometimes.reach(Sometimes::server_crashed_with_messages_held);
    }
    sessions_.clear();
    for (auto& [name, place] : places_.all()) {
      place.holder = {};
    }
    if (durable_ == nullptr) {
      findings_.totals.messages_lost_in_crash += places_.books().held;
      places_.lose_everything();
    }
  }

  // Whoever opened an address, or waits, is to be disconnected.
  void store_failed() {
    is_writable_ = false;
    sessions_.for_each([](Connection, Session& session) {
      session.is_open = false;
      session.asked.clear();
      session.made.clear();
    });
    for (auto& [name, place] : places_.all()) {
      place.holder = {};
    }
  }

  // A server begins with what its store has.
  void load(SteadyTime time) {
    is_writable_ = true;
    if (durable_ != nullptr) {
      V2Durability{findings_, letters_, places_, *durable_}.load(time);
    }
  }

  std::string_view why_due(Session& session, const Asked& asked) {
    if (asked.kind == kind_of<v2::Receipt>) {
      const bool is_due = static_cast<std::uint8_t>(state_of(session, asked)) != asked.known_state;
      return is_due ? "a receipt waits for another state although there is one" : "";
    }
    if (asked.kind != kind_of<v2::Fetch>) {
      return "a request got no reply";
    }
    Place& own = places_.at(session.address);
    bool is_due = !is_room(asked.name) && own.from(own.next) != own.kept.end();
    for (auto& [name, place] : places_.all()) {
      const auto member = place.members.find(session.address);
      is_due = is_due || (member != place.members.end() && (asked.name == "*" || asked.name == name) &&
                          place.has_news_for(member->second));
    }
    return is_due ? "a fetch waits although there is something for it" : "";
  }

  const DiskContents* durable_;
};

}  // namespace restante::sim
