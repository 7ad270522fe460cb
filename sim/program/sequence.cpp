#include "sequence.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <variant>

#include <restante/classic/codec.hpp>

namespace restante_sim {
namespace {

using restante::Connection;
using restante::Direction;
using restante::MessageType;
using restante::SteadyTime;
using restante::sim::ClientIndex;
using restante::sim::EntryKind;
using restante::sim::no_client;

namespace classic = restante::classic;

class Builder {
 public:
  Builder(const RecordedTrace& trace, const SequenceRules& rules) : trace_{trace}, rules_{rules} {}

  Sequence build() {
    for (std::size_t i = 0; i < trace_.entries().size(); ++i) {
      number_ = i;
      tell(trace_.entries()[i]);
    }
    sort_arrows();
    return std::move(sequence_);
  }

 private:
  // What is on its way in one direction of a connection, and what arrived there last: numbers of arrows.
  struct Way {
    std::deque<std::size_t> on_its_way;
    std::deque<std::size_t> arrived;
  };

  struct State {
    Way to_server;
    Way to_client;
    /// Requests that the server has not answered.
    std::deque<std::size_t> unanswered;
    std::optional<std::size_t> span;
    bool opened_at_server = false;
  };

  // A datagram's second copy comes soon after the first, if not before it.
  static constexpr std::size_t arrived_kept_max = 256;

  void tell(const RecordedEntry& entry) {
    sequence_.end = std::max(sequence_.end, entry.time);
    switch (entry.kind) {
      case EntryKind::opening:
        end_fault(entry, "crash");
        send(entry, Arrow::What::opening, Direction::to_server);
        break;
      case EntryKind::opened_at_server:
        receive(entry, Direction::to_server, true);
        send(entry, Arrow::What::opening, Direction::to_client);
        break;
      case EntryKind::opened_at_client:
        receive(entry, Direction::to_client, true);
        state(entry).span = sequence_.connections.size();
        sequence_.connections.push_back({entry.client, entry.time, {}, {}});
        break;
      case EntryKind::sent_by_client:
        send(entry, entry.type == MessageType::text ? Arrow::What::text : Arrow::What::packet, Direction::to_server);
        break;
      case EntryKind::received_by_server:
        request(entry);
        break;
      case EntryKind::sent_by_server:
        reply(entry);
        break;
      case EntryKind::received_by_client:
        receive(entry, Direction::to_client, false);
        break;
      case EntryKind::closed_at_client:
      case EntryKind::closed_at_server:
        close(entry);
        break;
      default:
        tell_fault(entry);
        break;
    }
  }

  State& state(const RecordedEntry& entry) {
    return states_[std::pair{entry.connection.slot, entry.connection.generation}];
  }

  static Way& way(State& state, Direction direction) {
    return direction == Direction::to_server ? state.to_server : state.to_client;
  }

  // Arrows.

  std::size_t send(const RecordedEntry& entry, Arrow::What what, Direction direction) {
    const std::size_t arrow = sequence_.arrows.size();
    sequence_.arrows.push_back(
        {.what = what, .direction = direction, .client = entry.client, .sent = entry.time, .entry = number_});
    way(state(entry), direction).on_its_way.push_back(arrow);
    return arrow;
  }

  bool is_same(std::size_t arrow, const RecordedEntry& entry, bool opening) const {
    const Arrow& sent = sequence_.arrows[arrow];
    return opening ? sent.what == Arrow::What::opening
                   : sent.what != Arrow::What::opening && trace_.entries()[sent.entry].bytes == entry.bytes;
  }

  // The number of the arrow that arrived; nothing when the trace does not have its sending.
  std::optional<std::size_t> receive(const RecordedEntry& entry, Direction direction, bool opening) {
    Way& ways = way(state(entry), direction);
    const auto same = [&](std::size_t arrow) { return is_same(arrow, entry, opening); };
    if (const auto found = std::find_if(ways.on_its_way.begin(), ways.on_its_way.end(), same);
        found != ways.on_its_way.end()) {
      const std::size_t arrow = *found;
      ways.on_its_way.erase(found);
      sequence_.arrows[arrow].received = entry.time;
      ways.arrived.push_back(arrow);
      if (ways.arrived.size() > arrived_kept_max) {
        ways.arrived.pop_front();
      }
      return arrow;
    }
    const auto found = std::find_if(ways.arrived.rbegin(), ways.arrived.rend(), same);
    if (found == ways.arrived.rend()) {
      return std::nullopt;
    }
    Arrow copy = sequence_.arrows[*found];
    copy.received = entry.time;
    copy.doubled = true;
    sequence_.arrows.push_back(copy);
    return sequence_.arrows.size() - 1;
  }

  void request(const RecordedEntry& entry) {
    const std::optional<std::size_t> arrow = receive(entry, Direction::to_server, false);
    if (entry.type == MessageType::text) {
      // The server closes the connection: what it has not answered yet, it never will.
      state(entry).unanswered.clear();
    } else if (arrow) {
      state(entry).unanswered.push_back(*arrow);
    }
  }

  void reply(const RecordedEntry& entry) {
    const std::size_t arrow = send(entry, Arrow::What::packet, Direction::to_client);
    State& connection = state(entry);
    if (connection.unanswered.empty()) {
      return;
    }
    const std::size_t request = connection.unanswered.front();
    connection.unanswered.pop_front();
    sequence_.arrows[arrow].answers = request;
    count_messages(entry, trace_.entries()[sequence_.arrows[request].entry]);
  }

  // Copies were added when they arrived; all that refers to arrows by number moves with them.
  void sort_arrows() {
    std::vector<std::size_t> order(sequence_.arrows.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      order[i] = i;
    }
    std::stable_sort(order.begin(), order.end(), [this](std::size_t left, std::size_t right) {
      return sequence_.arrows[left].sent < sequence_.arrows[right].sent;
    });
    std::vector<std::size_t> place(order.size());
    std::vector<Arrow> arrows;
    arrows.reserve(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      place[order[i]] = i;
      arrows.push_back(sequence_.arrows[order[i]]);
    }
    for (Arrow& arrow : arrows) {
      if (arrow.answers) {
        arrow.answers = place[*arrow.answers];
      }
    }
    sequence_.arrows = std::move(arrows);
  }

  // Connections.

  void close(const RecordedEntry& entry) {
    const bool at_server = entry.kind == EntryKind::closed_at_server;
    State& connection = state(entry);
    std::string text = std::to_string(entry.code) + (entry.text.empty() ? "" : " " + entry.text);
    // Whoever learnt of the end receives nothing more.
    way(connection, at_server ? Direction::to_server : Direction::to_client) = {};
    if (at_server) {
      connection.unanswered.clear();
    } else if (connection.span) {
      Span& span = sequence_.connections[*connection.span];
      span.end = entry.time;
      span.text = text;
    }
    sequence_.closings.push_back({entry.client, entry.time, at_server, std::move(text)});
  }

  // Faults.

  void tell_fault(const RecordedEntry& entry) {
    switch (entry.kind) {
      case EntryKind::fault:
        begin_fault(entry, entry.text);
        break;
      case EntryKind::healed:
        end_fault(entry, entry.text);
        break;
      case EntryKind::server_crashed:
        begin_fault(entry, "the server crashed");
        if (!rules_.keeps_messages_in_a_crash) {
          forget_messages(entry.time);
        }
        break;
      case EntryKind::server_started:
        end_fault(entry, "the server crashed");
        break;
      case EntryKind::store_failed:
        begin_fault(entry, "the store failed");
        break;
      case EntryKind::store_recovered:
        end_fault(entry, "the store failed");
        break;
      default:
        break;
    }
  }

  void begin_fault(const RecordedEntry& entry, const std::string& text) {
    sequence_.faults.push_back({entry.client, entry.time, {}, text});
    // A fault that begins again while it lasts has one end: that of the first.
    lasting_.try_emplace({entry.client, text}, sequence_.faults.size() - 1);
  }

  void end_fault(const RecordedEntry& entry, const std::string& text) {
    if (const auto found = lasting_.find({entry.client, text}); found != lasting_.end()) {
      sequence_.faults[found->second].end = entry.time;
      lasting_.erase(found);
    }
  }

  // Mailboxes.

  void set_depth(std::uint8_t mailbox, SteadyTime time, std::uint32_t messages) {
    if (depths_[mailbox] != messages) {
      depths_[mailbox] = messages;
      sequence_.depths.push_back({mailbox, time, messages});
    }
  }

  void count_messages(const RecordedEntry& reply, const RecordedEntry& request) {
    const classic::ServerPacket packet = classic::decode_server_packet(reply.bytes);
    const classic::ClientPacket asked = classic::decode_client_packet(request.bytes);
    if (const auto* const push = std::get_if<classic::Push>(&asked); push != nullptr) {
      if (std::holds_alternative<classic::PositiveAck>(packet)) {
        set_depth(push->receiver, reply.time, depths_[push->receiver] + 1);
      } else if (std::holds_alternative<classic::BufferFull>(packet)) {
        set_depth(push->receiver, reply.time, rules_.mailbox_messages_max);
      }
    } else if (const auto* const response = std::get_if<classic::GetResponse>(&packet); response != nullptr) {
      // Messages whose POSITIVEACK a crash prevented are given out without having been counted.
      set_depth(response->id, reply.time, std::max(depths_[response->id], 1U) - 1);
    } else if (const auto* const empty = std::get_if<classic::BufferEmpty>(&packet); empty != nullptr) {
      set_depth(empty->id, reply.time, 0);
    }
  }

  void forget_messages(SteadyTime time) {
    for (std::size_t mailbox = 0; mailbox < depths_.size(); ++mailbox) {
      set_depth(static_cast<std::uint8_t>(mailbox), time, 0);
    }
  }

  const RecordedTrace& trace_;
  const SequenceRules& rules_;
  Sequence sequence_;
  std::size_t number_ = 0;
  std::map<std::pair<std::uint32_t, std::uint32_t>, State> states_;
  /// By client and text: the number of the fault.
  std::map<std::pair<ClientIndex, std::string>, std::size_t> lasting_;
  std::array<std::uint32_t, 256> depths_{};
};

}  // namespace

Sequence make_sequence(const RecordedTrace& trace, const SequenceRules& rules) {
  return Builder{trace, rules}.build();
}

}  // namespace restante_sim
