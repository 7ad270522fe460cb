// One direction of a connection: what waits to leave, what is on its way, what has arrived and was not taken yet.
//
// A pipe is told the time and calls nobody: it can be watched and tested without a network around it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <restante/assert.hpp>
#include <restante/bytes.hpp>
#include <restante/memory/link.hpp>
#include <restante/memory/random.hpp>
#include <restante/transport.hpp>

namespace restante::memory {

/// What a frame says.
enum class FrameKind : std::uint8_t {
  message,
  /// From a client: let me in. From a server: you are in.
  open,
  /// From a server that does not listen.
  refuse,
  /// The last of its direction.
  close,
};

/// What goes through a pipe as a whole.
struct Frame {
  FrameKind kind = FrameKind::message;
  MessageType type = MessageType::binary;
  CloseCode code = close_code::abnormal;
  std::string reason;
  std::vector<std::uint8_t> bytes;

  static Frame message(MessageType type, BytesView bytes) {
    return {.kind = FrameKind::message, .type = type, .code = {}, .reason = {}, .bytes = {bytes.begin(), bytes.end()}};
  }
  static Frame control(FrameKind kind) { return {.kind = kind, .reason = {}, .bytes = {}}; }
  static Frame close(CloseCode code, std::string_view reason) {
    return {.kind = FrameKind::close, .code = code, .reason = std::string{reason}, .bytes = {}};
  }

  bool is_message() const noexcept { return kind == FrameKind::message; }
};

/// Carries frames by the rules of LinkOptions. A frame goes through three stations: it waits with its sender until the
/// window has room, is under way until its time of arrival, and has arrived until it is taken. All functions that take
/// a time must be called with times that do not go back.
class Pipe {
 public:
  /// The options must have passed check(). Every pipe has its own generator, so that connections do not disturb each
  /// other.
  Pipe(const LinkOptions& options, Random random) : options_{options}, random_{random} {}

  /// Other options for what enters from now on. The kind stays what it was: a stream does not become a datagram link.
  void set_options(SteadyTime now, const LinkOptions& options) {
    const LinkKind kind = options_.kind;
    options_ = options;
    options_.kind = kind;
    refill(now);
  }

  /// Sends a frame, and gives how many bytes now wait with the sender.
  std::uint64_t send(SteadyTime now, Frame frame) {
    if (frame.is_message()) {
      ++counters_.sent;
      counters_.sent_bytes += frame.bytes.size();
    }
    if (waiting_.empty() && fits(frame)) {
      enter(now, std::move(frame));
    } else if (is_stream() || !frame.is_message()) {
      waiting_bytes_ += frame.bytes.size();
      waiting_.push_back(std::move(frame));
    } else {
      ++counters_.lost;
    }
    return waiting_bytes_;
  }

  /// Bytes of frames that wait with the sender.
  std::uint64_t waiting_bytes() const noexcept { return waiting_bytes_; }

  /// Whether the bytes that waited with the sender fell to zero since this was asked last.
  bool take_drained() noexcept { return std::exchange(drained_, false); }

  /// When arrive() will have something to do; never, when only a change from outside can bring that about.
  SteadyTime next_event() const noexcept {
    const SteadyTime arrival =
        under_way_.empty() || is_held(under_way_.front().frame) ? never : under_way_.front().arrival;
    return std::min(arrival, end_);
  }

  /// Lets arrive what is due. In a partition, due datagrams are lost.
  void arrive(SteadyTime now) {
    while (!under_way_.empty() && under_way_.front().arrival <= now && !is_held(under_way_.front().frame)) {
      Frame frame = std::move(under_way_.front().frame);
      under_way_.pop_front();
      if (partitioned_ && frame.is_message()) {
        lose(frame);
        used_ -= frame.bytes.size();
      } else {
        arrived_.push_back(std::move(frame));
      }
    }
    refill(now);
  }

  /// The frame that arrived first and was not taken; nullptr when there is none. Valid until another call.
  const Frame* front() const noexcept { return arrived_.empty() ? nullptr : &arrived_.front(); }

  /// Takes the frame that front() shows, which must exist. Whether a listener will see it is only for the counters.
  Frame take(SteadyTime now, bool delivered) {
    RESTANTE_ASSERT(!arrived_.empty(), "there is no frame to take");
    Frame frame = std::move(arrived_.front());
    arrived_.pop_front();
    used_ -= frame.bytes.size();
    if (frame.is_message() && delivered) {
      ++counters_.delivered;
      counters_.delivered_bytes += frame.bytes.size();
    } else {
      lose(frame);
    }
    refill(now);
    return frame;
  }

  /// While a pipe is stalled nothing arrives and nothing is lost; afterwards what is overdue arrives at once.
  void set_stalled(bool stalled) noexcept { stalled_ = stalled; }

  /// In a partition a stream behaves as if it was stalled, and datagrams that would arrive are lost.
  void set_partitioned(bool partitioned) noexcept { partitioned_ = partitioned; }

  /// Breaks the pipe: of the frames under way only the first `kept` will arrive (drawn when there is no number), and
  /// what is sent later never does. The receiver finds out at `end` or with the last of those that still arrive,
  /// whichever is later. Of several breaks each takes its share, and the earliest end counts.
  void break_off(SteadyTime end, std::optional<std::uint64_t> kept) {
    const std::uint64_t present = under_way_.size();
    const std::uint64_t keep = std::min(kept.has_value() ? *kept : random_.below(present + 1), present);
    broken_ = true;
    while (under_way_.size() > keep) {
      // The bytes stay in the window: nobody tells the sender that it could send more.
      lose(under_way_.back().frame);
      under_way_.pop_back();
    }
    drop_waiting();
    const SteadyTime last_arrival = under_way_.empty() ? end : std::max(end, under_way_.back().arrival);
    end_ = std::min(end_, last_arrival);
  }

  /// Whether the receiver finds out now that the pipe broke: to be asked after all that can be taken was taken.
  bool has_ended(SteadyTime now) const noexcept { return end_ <= now; }

  /// Forgets what waits with the sender.
  void drop_waiting() {
    for (const Frame& frame : waiting_) {
      lose(frame);
    }
    waiting_.clear();
    waiting_bytes_ = 0;
  }

  /// Forgets everything, because nobody will take it, and breaks: what is sent later never arrives.
  void drop_all() {
    drop_waiting();
    for (const UnderWay& flight : under_way_) {
      lose(flight.frame);
    }
    for (const Frame& frame : arrived_) {
      lose(frame);
    }
    under_way_.clear();
    arrived_.clear();
    broken_ = true;
    end_ = never;
  }

  const LinkCounters& counters() const noexcept { return counters_; }

 private:
  struct UnderWay {
    SteadyTime arrival;
    Frame frame;
  };

  bool is_stream() const noexcept { return options_.kind == LinkKind::stream; }

  bool is_held(const Frame& frame) const noexcept {
    return stalled_ || (partitioned_ && (is_stream() || !frame.is_message()));
  }

  /// Frames without bytes always fit behind others that did: only bytes fill a window.
  bool fits(const Frame& frame) const noexcept {
    const std::uint64_t size = frame.bytes.size();
    return size == 0 || used_ == 0 || (used_ <= options_.window_bytes && size <= options_.window_bytes - used_);
  }

  void lose(const Frame& frame) noexcept { counters_.lost += frame.is_message() ? 1 : 0; }

  void refill(SteadyTime now) {
    const bool waited = waiting_bytes_ > 0;
    while (!waiting_.empty() && fits(waiting_.front())) {
      waiting_bytes_ -= waiting_.front().bytes.size();
      Frame frame = std::move(waiting_.front());
      waiting_.pop_front();
      enter(now, std::move(frame));
    }
    drained_ = drained_ || (waited && waiting_bytes_ == 0);
  }

  /// Puts a frame on its way, or loses it.
  void enter(SteadyTime now, Frame frame) {
    const SteadyTime leaves = occupy(now, frame.bytes.size());
    if (broken_) {
      used_ += frame.bytes.size();
      lose(frame);
      return;
    }
    if (!is_stream() && frame.is_message()) {
      if (random_.chance(options_.loss_per_million, 1'000'000)) {
        lose(frame);
        return;
      }
      if (random_.chance(options_.duplication_per_million, 1'000'000)) {
        ++counters_.duplicated;
        put_under_way(now, leaves, frame);
      }
    }
    put_under_way(now, leaves, std::move(frame));
  }

  /// Gives when the last byte has left a wire that carries one frame after the other.
  SteadyTime occupy(SteadyTime now, std::uint64_t bytes) noexcept {
    if (options_.bytes_per_second == 0) {
      return now;
    }
    constexpr std::uint64_t second_ns = 1'000'000'000;
    const std::uint64_t rate = options_.bytes_per_second;
    // Rounded up, and whole seconds apart so that the product fits: the remainder is at most the length of a message.
    const std::uint64_t product = bytes % rate * second_ns;
    const std::uint64_t part_ns = product / rate + (product % rate == 0 ? 0 : 1);
    wire_free_ = after(after(std::max(now, wire_free_), std::chrono::seconds{bytes / rate}),
                       Duration{static_cast<Duration::rep>(part_ns)});
    return wire_free_;
  }

  void put_under_way(SteadyTime now, SteadyTime leaves, Frame frame) {
    const Duration jitter = random_.between(Duration::zero(), options_.jitter);
    SteadyTime arrival = std::max(after(after(leaves, options_.latency), jitter), after(now, Duration{1}));
    // On a stream nothing overtakes; on a datagram link nothing overtakes the opening, and the closing overtakes
    // nothing.
    arrival = std::max(arrival, is_stream() || !frame.is_message() ? latest_arrival_ : earliest_arrival_);
    latest_arrival_ = std::max(latest_arrival_, arrival);
    if (!frame.is_message()) {
      earliest_arrival_ = arrival;
    }
    used_ += frame.bytes.size();
    const auto place = std::upper_bound(under_way_.begin(), under_way_.end(), arrival,
                                        [](SteadyTime time, const UnderWay& flight) { return time < flight.arrival; });
    under_way_.insert(place, UnderWay{arrival, std::move(frame)});
  }

  LinkOptions options_;
  Random random_;
  std::deque<Frame> waiting_;
  std::uint64_t waiting_bytes_ = 0;
  bool drained_ = false;
  /// Bytes in the window: under way or arrived.
  std::uint64_t used_ = 0;
  /// Sorted by arrival; of the same arrival, what entered first comes first.
  std::deque<UnderWay> under_way_;
  std::deque<Frame> arrived_;
  SteadyTime wire_free_{};
  SteadyTime earliest_arrival_{};
  SteadyTime latest_arrival_{};
  bool stalled_ = false;
  bool partitioned_ = false;
  bool broken_ = false;
  /// When the receiver finds out that the pipe is broken.
  SteadyTime end_ = never;
  LinkCounters counters_;
};

}  // namespace restante::memory
