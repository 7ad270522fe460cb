// The requests of a client that wait for their replies: each packet that can be a reply to the oldest one is given to
// it, and no other packet is given to anybody.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <ostream>
#include <system_error>
#include <utility>
#include <vector>

#include <restante/classic/pipeline.hpp>

#include "generators.hpp"

namespace restante::property {
namespace {

enum class Kind { associate, push, get };

struct Waiting {
  Kind kind = Kind::get;
  Id id = 0;
};

std::ostream& operator<<(std::ostream& out, const Waiting& waiting) {
  constexpr const char* names[] = {"associate", "push", "get"};
  return out << names[static_cast<std::size_t>(waiting.kind)] << " of " << unsigned{waiting.id};
}

rc::Gen<Waiting> waiting() {
  return rc::gen::build<Waiting>(rc::gen::set(&Waiting::kind, rc::gen::element(Kind::associate, Kind::push, Kind::get)),
                                 rc::gen::set(&Waiting::id, generate::id()));
}

/// By the table of packets in docs/protocol.md, and its rules 1, 3 and 4.
bool can_be_a_reply(const Waiting& waiting, const Bytes& bytes) {
  if (bytes.size() < 3 || bytes[2] != waiting.id) {
    return false;
  }
  if (bytes[0] == 0x02) {
    return waiting.kind == Kind::get && bytes[1] == 0x00 && bytes.size() >= 5 && bytes[4] != 255 &&
           bytes.size() - 5 == bytes[4];
  }
  if (bytes.size() != 3) {
    return false;
  }
  if (bytes[0] == 0x00) {
    return bytes[1] == 0x02 || bytes[1] == 0x03 || (bytes[1] == 0x01 && waiting.kind == Kind::associate);
  }
  return bytes[0] == 0x01 && ((bytes[1] == 0x01 && waiting.kind == Kind::get) ||
                              ((bytes[1] == 0x02 || bytes[1] == 0x03) && waiting.kind == Kind::push));
}

/// What a callback was told, as the packet that says so.
struct Told {
  std::size_t request = 0;
  Bytes reply;
};

class Listener {
 public:
  classic::Request request(const Waiting& waiting) {
    const std::size_t number = requests_++;
    const Id id = waiting.id;
    switch (waiting.kind) {
      case Kind::associate:
        return classic::AssociateRequest{id, [=, this](std::error_code error, classic::AssociateResult result) {
                                           hear(number, error, reply_of(id, result));
                                         }};
      case Kind::push:
        return classic::PushRequest{id, [=, this](std::error_code error, classic::PushResult result) {
                                      hear(number, error, reply_of(id, result));
                                    }};
      case Kind::get:
        break;
    }
    return classic::GetRequest{id, [=, this](std::error_code error, const classic::GetResult& result) {
                                 hear(number, error, reply_of(id, result));
                               }};
  }

  const std::vector<Told>& told() const { return told_; }

 private:
  static Bytes reply_of(Id id, classic::AssociateResult result) {
    switch (result) {
      case classic::AssociateResult::associated:
        return {0x00, 0x01, id};
      case classic::AssociateResult::unauthorised:
        return {0x00, 0x02, id};
      case classic::AssociateResult::taken:
        break;
    }
    return {0x00, 0x03, id};
  }

  static Bytes reply_of(Id id, classic::PushResult result) {
    switch (result) {
      case classic::PushResult::accepted:
        return {0x01, 0x02, id};
      case classic::PushResult::mailbox_full:
        return {0x01, 0x03, id};
      case classic::PushResult::not_associated:
        return {0x00, 0x02, id};
      case classic::PushResult::refused:
        break;
    }
    return {0x00, 0x03, id};
  }

  static Bytes reply_of(Id id, const classic::GetResult& result) {
    switch (result.kind) {
      case classic::GetResult::Kind::message: {
        Bytes reply{0x02, 0x00, id, result.sender, static_cast<std::uint8_t>(result.payload.size())};
        reply.insert(reply.end(), result.payload.begin(), result.payload.end());
        return reply;
      }
      case classic::GetResult::Kind::empty:
        return {0x01, 0x01, id};
      case classic::GetResult::Kind::not_associated:
        return {0x00, 0x02, id};
      case classic::GetResult::Kind::refused:
        break;
    }
    return {0x00, 0x03, id};
  }

  void hear(std::size_t number, std::error_code error, Bytes reply) {
    RC_ASSERT(!error);
    told_.push_back({number, std::move(reply)});
  }

  std::size_t requests_ = 0;
  std::vector<Told> told_;
};

RC_GTEST_PROP(Pipeline, GivesEachReplyToTheOldestRequestAndTakesNothingElse, ()) {
  const auto requests = *rc::gen::container<std::vector<Waiting>>(waiting());
  const auto packets = *rc::gen::scale(4, rc::gen::container<std::vector<Packet>>(rc::gen::weightedOneOf<Packet>(
                                              {{4, generate::server_packet()}, {1, generate::any_packet()}})));
  Listener listener;
  classic::Pipeline pipeline;
  for (const Waiting& request : requests) {
    pipeline.push_back(listener.request(request));
  }
  std::size_t answered = 0;
  for (const Packet& packet : packets) {
    const bool expected = answered < requests.size() && can_be_a_reply(requests[answered], packet.bytes);
    RC_ASSERT(pipeline.accept(packet.bytes) == expected);
    if (expected) {
      RC_ASSERT(listener.told().back().request == answered);
      RC_ASSERT(listener.told().back().reply == packet.bytes);
      ++answered;
    }
    RC_ASSERT(listener.told().size() == answered);
    RC_ASSERT(pipeline.size() == requests.size() - answered);
  }
}

}  // namespace
}  // namespace restante::property
