// What a trace says as a sequence diagram: arrows from who sent to who received, lives of connections, and faults.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <restante/memory/link.hpp>
#include <restante/sim/trace.hpp>
#include <restante/time.hpp>
#include <restante/transport.hpp>

#include "recorded_trace.hpp"

namespace restante_sim {

/// Something that went from a client to the server or back, or was lost on its way.
struct Arrow {
  enum class What : std::uint8_t {
    packet,
    /// A text message, which the classic protocol does not know.
    text,
    /// The opening of a connection: towards the server, and back.
    opening,
  };

  What what = What::packet;
  restante::Direction direction = restante::Direction::to_server;
  restante::sim::ClientIndex client = restante::sim::no_client;
  restante::SteadyTime sent{};
  /// Nothing when nobody received it, be it that it was lost or that the trace ended before.
  std::optional<restante::SteadyTime> received = {};
  /// The second copy of a packet, which a datagram link made.
  bool doubled = false;
  /// Of a reply: the number of the arrow of the request that the server answered.
  std::optional<std::size_t> answers = {};
  /// The entry of the trace that has the bytes.
  std::size_t entry = 0;
};

/// Some time in which a client, or the server where there is no client, was in a state.
struct Span {
  restante::sim::ClientIndex client = restante::sim::no_client;
  restante::SteadyTime begin{};
  /// Nothing when it did not end, or has no length.
  std::optional<restante::SteadyTime> end = {};
  /// Of a fault: which one. Of a connection: what its client learnt about its end.
  std::string text;
};

/// A moment at which something ended or was noticed.
struct Mark {
  restante::sim::ClientIndex client = restante::sim::no_client;
  restante::SteadyTime time{};
  bool at_server = false;
  std::string text;
};

/// How many messages waited in a mailbox from a time on.
struct Depth {
  std::uint8_t mailbox = 0;
  restante::SteadyTime time{};
  std::uint32_t messages = 0;
};

struct Sequence {
  /// By the time of their sending.
  std::vector<Arrow> arrows;
  /// Connections as their clients saw them.
  std::vector<Span> connections;
  std::vector<Span> faults;
  /// Ends of connections, at each side.
  std::vector<Mark> closings;
  /// Each change of each mailbox, as the server's replies tell it: POSITIVEACK puts a message in, GETRESPONSE takes one
  /// out, BUFFEREMPTY and BUFFERFULL say how many there are, and a crash without a disk leaves none.
  std::vector<Depth> depths;
  restante::SteadyTime end{};
};

struct SequenceRules {
  std::uint32_t mailbox_messages_max = 100;
  bool keeps_messages_in_a_crash = false;
};

/// A packet received is the oldest one sent with the same bytes on its connection that did not arrive yet. On a stream
/// this is exact; on a datagram link, packets with equal bytes that overtook each other are taken for one another,
/// which nobody can tell from outside. The server answers what it receives on a connection in order, so that a reply
/// belongs to the oldest request without one.
Sequence make_sequence(const RecordedTrace& trace, const SequenceRules& rules);

}  // namespace restante_sim
