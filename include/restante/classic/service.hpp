// The classic protocol, server side: one request in, exactly one reply out. Which reply answers what is decided here
// and nowhere else; what a request does is decided by the core.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <variant>

#include <restante/authentication.hpp>
#include <restante/bytes.hpp>
#include <restante/classic/codec.hpp>
#include <restante/classic/packet.hpp>
#include <restante/core/reply.hpp>
#include <restante/core/request.hpp>

namespace restante::classic {

/// Room for any reply.
using ReplyBuffer = std::array<std::uint8_t, packet_bytes_max>;

/// Answers the requests of one connection by asking a core. Made for the length of a call.
template <class Core>
class Service {
 public:
  Service(Core& core, Session session, ReplyBuffer& buffer) : core_{core}, session_{session}, buffer_{buffer} {}

  /// Carries out what `message` asks for and gives the reply, which lies in the buffer.
  [[gnu::always_inline]] BytesView answer(BytesView message) {
    return std::visit([this](const auto& packet) { return this->answer_packet(packet); },
                      decode_client_packet(message));
  }

 private:
  // Rules 5 and 6 of docs/protocol.md.
  BytesView answer_packet(const Malformed& packet) { return encode(UnknownError{packet.third_byte}, buffer_); }

  // Rule 1. No credential is asked for, so that bytes after the id are trailing bytes (rule 6).
  BytesView answer_packet(const Associate& packet) {
    if (!packet.credential.empty()) {
      return encode(UnknownError{packet.id}, buffer_);
    }
    switch (core_.execute(session_, restante::Associate{Address{packet.id}})) {
      case AssociateReply::associated:
        return encode(AssociationSuccess{packet.id}, buffer_);
      case AssociateReply::address_taken:
        break;
    }
    return encode(UnknownError{packet.id}, buffer_);
  }

  // Rule 3.
  BytesView answer_packet(const Get& packet) {
    const GetReply reply = core_.execute(session_, restante::Get{Address{packet.id}});
    switch (reply.result) {
      case GetReply::Result::message:
        return encode(GetResponse{packet.id, reply.sender.classic_id(), reply.payload}, buffer_);
      case GetReply::Result::empty:
        return encode(BufferEmpty{packet.id}, buffer_);
      case GetReply::Result::not_associated:
        return encode(AssociationFailed{packet.id}, buffer_);
      case GetReply::Result::storage_unavailable:
        break;
    }
    return encode(UnknownError{packet.id}, buffer_);
  }

  // Rule 4: who sends is judged before the length is, and that before the mailbox.
  BytesView answer_packet(const Push& packet) {
    const Address sender{packet.sender};
    if (!packet.length_is_valid() && core_.holds(session_, sender)) {
      return encode(UnknownError{packet.sender}, buffer_);
    }
    switch (core_.execute(session_, restante::Push{sender, Address{packet.receiver}, packet.payload})) {
      case PushReply::stored:
        return encode(PositiveAck{packet.sender}, buffer_);
      case PushReply::not_associated:
        return encode(AssociationFailed{packet.sender}, buffer_);
      case PushReply::mailbox_full:
        return encode(BufferFull{packet.sender}, buffer_);
      case PushReply::payload_too_large:
      case PushReply::storage_unavailable:
        break;
    }
    return encode(UnknownError{packet.sender}, buffer_);
  }

  Core& core_;
  Session session_;
  std::span<std::uint8_t> buffer_;
};

/// The answer to an ASSOCIATE whose credential was checked (docs/protocol.md, "Credentials").
template <class Core>
BytesView answer_judged(Core& core, Session session, ClientId id, Verdict verdict, ReplyBuffer& buffer) {
  if (verdict == Verdict::rejected) {
    return encode(AssociationFailed{id}, buffer);
  }
  if (verdict == Verdict::unavailable) {
    return encode(UnknownError{id}, buffer);
  }
  ReplyBuffer request;
  return Service{core, session, buffer}.answer(encode(Associate{.id = id}, request));
}

}  // namespace restante::classic
