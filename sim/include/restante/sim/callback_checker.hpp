// Do callbacks and events say what happened? Judged by what goes over a client's end of the wire.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <variant>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/client_options.hpp>
#include <restante/error.hpp>
#include <restante/sim/id_set.hpp>
#include <restante/sim/queue.hpp>
#include <restante/sim/report.hpp>
#include <restante/sim/trace.hpp>
#include <restante/time.hpp>
#include <restante/transport.hpp>

namespace restante::sim {

/// Checks what Client promises to the program that uses it: that a request is sent as it was asked for, and at once
/// where a connection stands; that each callback is called exactly once, in the order of the requests that were sent,
/// with what the reply said, or with the error where none can come any more, and never from inside the call that made
/// the request; that ids which were associated are claimed again on each connection before anything else is sent, and
/// no others; that events tell of each connection and of each such claim.
///
/// Whoever uses the Client says what he does, and calls check_settled() whenever the Client had its turn.
class CallbackChecker final : public Observer {
 public:
  /// Names a request from asks() on; never 0.
  using Request = std::uint32_t;

  /// Judges this client, which may have so many requests under way.
  CallbackChecker(Findings& findings, ClientIndex client, std::size_t requests_max)
      : findings_{findings}, client_{client}, requests_max_{requests_max} {}

  // What the program does.

  /// A request is about to be made, which is this packet. `stands` says whether there is a connection to send it on.
  Request asks(BytesView packet, bool stands) {
    asking_ = ++requests_;
    asking_error_ = !stands                            ? Error::not_connected
                    : waiting_.size() >= requests_max_ ? std::optional{Error::too_many_requests}
                                                       : std::nullopt;
    asking_packet_.assign(packet.begin(), packet.end());
    in_call_ = true;
    return asking_;
  }

  /// The call that made it has returned.
  void asked(SteadyTime time) {
    if (asking_ != 0) {
      if (!asking_error_) {
        fail(time, "a request was not sent, although it could be");
      }
      unsent_.push_back({asking_, asking_error_.value_or(Error::not_connected)});
      asking_ = 0;
    }
    in_call_ = false;
  }

  /// The program hears of a request: an error, or what it heard, as the packet that says so.
  void called_back(SteadyTime time, Request request, std::error_code error, BytesView reply) {
    if (in_call_) {
      fail(time, "a callback was called from inside a call that made a request");
    }
    if (error) {
      failed(time, request, error);
    } else if (!answer_due_ || answered_.request != request) {
      fail(time, "a callback was called that is not the one of the request whose reply came");
    } else {
      answer_due_ = false;
      if (!std::equal(reply.begin(), reply.end(), reply_.begin(), reply_.end())) {
        fail(time, "a callback says something else than the reply");
      }
      if (reply_.size() == 3 && reply_[0] == 0 && reply_[1] == 1) {
        kept_.insert(reply_[2]);
        held_.insert(reply_[2]);
      }
    }
  }

  void hears(SteadyTime time, const ClientEvent& event) {
    if (std::holds_alternative<client_event::Connected>(event)) {
      expect(time, connected_due_, "an event tells of a connection that was not made");
      connected_due_ = false;
    } else if (const auto* gone = std::get_if<client_event::Disconnected>(&event)) {
      expect(time, disconnected_due_ && gone->code == close_code_ && gone->reconnects == wanted_,
             "an event tells another end of a connection than the one it had");
      disconnected_due_ = false;
    } else if (const auto* restored = std::get_if<client_event::IdRestored>(&event)) {
      hears_of_claim(time, restored->id, 1);
      held_.insert(restored->id);
    } else if (const auto* refused = std::get_if<client_event::IdNotRestored>(&event)) {
      hears_of_claim(time, refused->id, refused->result == classic::AssociateResult::taken ? 3 : 2);
    }
  }

  void connects() { wanted_ = true; }
  void closes() {
    wanted_ = false;
    kept_.clear();
    unclaimed_.clear();
  }
  void forgets(std::uint8_t id) {
    kept_.erase(id);
    unclaimed_.erase(id);
  }

  /// Ids that were associated, and come back after each connection that ends; and those that are held now.
  const IdSet& kept() const noexcept { return kept_; }
  const IdSet& held() const noexcept { return held_; }
  /// How many requests are under way.
  std::size_t waiting() const noexcept { return waiting_.size(); }

  // What happens on the wire.

  void observe(const Entry& entry) override {
    if (entry.client != client_) {
      return;
    }
    switch (entry.kind) {
      case EntryKind::opening:
        connection_ = entry.connection;
        ended_ = false;
        held_.clear();
        break;
      case EntryKind::opened_at_client:
        connected_due_ = true;
        unclaimed_ = kept_;
        break;
      case EntryKind::sent_by_client:
        asking_ != 0 ? sent(entry) : claimed(entry);
        break;
      case EntryKind::received_by_client:
        received(entry);
        break;
      case EntryKind::closed_at_client:
        ended_ = true;
        disconnected_due_ = true;
        close_code_ = entry.code;
        unclaimed_.clear();
        held_.clear();
        drop_claims();
        break;
      default:
        break;
    }
  }

  /// The Client has done what there was to do. `stands` as in asks().
  void check_settled(SteadyTime time, bool stands) {
    expect(time, !answer_due_, "a reply came and nobody was told");
    expect(time, !connected_due_ && !disconnected_due_, "a connection began or ended and no event told of it");
    expect(time, unsent_.empty(), "a request was not sent and its callback was not called");
    expect(time, !ended_ || waiting_.empty(), "a connection ended and not all of its requests were told so");
    expect(time, !stands || !failed_early_, "a request was told that its connection ended, which stands");
    expect(time, !stands || unclaimed_.empty(), "an id was not claimed again on a new connection");
    answer_due_ = connected_due_ = disconnected_due_ = failed_early_ = false;
  }

  /// After everything healed and fell quiet. `is_held` says of an id whether anybody holds it.
  template <class IsHeld>
  void check_quiet(SteadyTime time, bool stands, IsHeld&& is_held) {
    late(time, !waiting_.empty(), "a callback was never called");
    late(time, wanted_ && !stands, "a client did not come back");
    late(time, !wanted_ && !ended_, "a client did not close its connection");
    kept_.for_each([&](std::uint8_t id) { late(time, !is_held(id), "an id did not come back to its client"); });
  }

 private:
  // Requests that the Client makes by itself, to claim ids, have no number.
  struct Waiting {
    Request request = 0;
    Connection connection = {};
  };

  struct Unsent {
    Request request = 0;
    Error error{};
  };

  static constexpr std::string_view checker_name = "callback";

  void fail(SteadyTime time, std::string_view sentence) {
    findings_.violation(checker_name, time, std::string{sentence});
  }
  void expect(SteadyTime time, bool condition, std::string_view sentence) {
    if (!condition) {
      fail(time, sentence);
    }
  }
  void late(SteadyTime time, bool condition, std::string_view sentence) {
    if (condition) {
      findings_.liveness_failure(checker_name, time, std::string{sentence});
    }
  }

  void sent(const Entry& entry) {
    const BytesView packet{asking_packet_};
    expect(entry.time, !asking_error_, "a request was sent that should be refused");
    expect(entry.time, std::equal(packet.begin(), packet.end(), entry.bytes.begin(), entry.bytes.end()),
           "something else was sent than what was asked for");
    expect(entry.time, unclaimed_.empty(), "something was asked for before ids were claimed again");
    waiting_.push_back({asking_, entry.connection});
    asking_ = 0;
  }

  void claimed(const Entry& entry) {
    if (entry.bytes.size() != 3 || entry.bytes[0] != 0 || entry.bytes[1] != 0) {
      fail(entry.time, "something was sent that nobody had asked for");
      return;
    }
    const std::uint8_t id = entry.bytes[2];
    expect(entry.time, kept_.contains(id) && !held_.contains(id), "an id was claimed that should not be");
    unclaimed_.erase(id);
    waiting_.push_back({0, entry.connection});
  }

  void received(const Entry& entry) {
    if (waiting_.empty()) {
      fail(entry.time, "a reply came that nobody had asked for");
      return;
    }
    answered_ = waiting_.front();
    waiting_.pop_front();
    reply_.assign(entry.bytes.begin(), entry.bytes.end());
    answer_due_ = true;
  }

  void hears_of_claim(SteadyTime time, std::uint8_t id, std::uint8_t code) {
    expect(time,
           answer_due_ && answered_.request == 0 && reply_.size() == 3 && reply_[0] == 0 && reply_[1] == code &&
               reply_[2] == id,
           "an event tells of a claim what its reply did not say");
    answer_due_ = false;
  }

  void failed(SteadyTime time, Request request, std::error_code error) {
    const auto unsent =
        std::find_if(unsent_.begin(), unsent_.end(), [request](const Unsent& one) { return one.request == request; });
    if (unsent != unsent_.end()) {
      expect(time, error == make_error_code(unsent->error), "a request was refused for a reason that is not true");
      unsent_.erase(unsent);
      return;
    }
    drop_claims();
    if (waiting_.empty() || waiting_.front().request != request) {
      fail(time, "a callback was called out of order, or again");
      return;
    }
    expect(time, error == make_error_code(Error::disconnected), "a request that was sent failed for a wrong reason");
    // Also a Client that gives a connection up says so first.
    failed_early_ = failed_early_ || (waiting_.front().connection == connection_ && !ended_);
    waiting_.pop_front();
  }

  // Nobody is told of claims that get no reply.
  void drop_claims() {
    for (std::size_t count = waiting_.size(); count > 0; --count) {
      const Waiting waiting = waiting_.front();
      waiting_.pop_front();
      if (waiting.request != 0) {
        waiting_.push_back(waiting);
      }
    }
  }

  Findings& findings_;
  ClientIndex client_;
  std::size_t requests_max_;

  Request requests_ = 0;
  bool in_call_ = false;
  /// The request of the call under way that has not been sent; 0 where there is none.
  Request asking_ = 0;
  std::optional<Error> asking_error_;
  std::vector<std::uint8_t> asking_packet_;

  Queue<Waiting> waiting_;
  std::vector<Unsent> unsent_;
  /// A reply that came, and has not been told.
  bool answer_due_ = false;
  Waiting answered_;
  std::vector<std::uint8_t> reply_;

  Connection connection_;
  bool wanted_ = false;
  /// Also before the first one.
  bool ended_ = true;
  bool connected_due_ = false;
  bool disconnected_due_ = false;
  bool failed_early_ = false;
  CloseCode close_code_ = 0;

  /// Ids that were associated, those of them that this connection has not claimed yet, and those that it holds.
  IdSet kept_;
  IdSet unclaimed_;
  IdSet held_;
};

}  // namespace restante::sim
