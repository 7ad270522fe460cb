#include "packet_text.hpp"

#include <cstddef>
#include <string_view>
#include <variant>

#include <restante/classic/codec.hpp>
#include <restante/v2/codec.hpp>

namespace restante_server {
namespace {

namespace classic = restante::classic;

std::string bytes(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " byte" : " bytes");
}

struct Words {
  std::string operator()(const classic::Malformed&) const { return "no packet of the protocol"; }
  // A credential is a secret.
  std::string operator()(const classic::Associate& packet) const {
    return "ASSOCIATE " + std::to_string(packet.id) + (packet.credential.empty() ? "" : " with a credential");
  }
  std::string operator()(const classic::Get& packet) const { return "GET " + std::to_string(packet.id); }
  std::string operator()(const classic::Push& packet) const {
    return "PUSH from " + std::to_string(packet.sender) + " to " + std::to_string(packet.receiver) + ", " +
           bytes(packet.payload.size()) +
           (packet.length_is_valid() ? "" : ", but its length says " + std::to_string(packet.length));
  }
  std::string operator()(const classic::AssociationSuccess& packet) const {
    return "ASSOCIATIONSUCCESS " + std::to_string(packet.id);
  }
  std::string operator()(const classic::AssociationFailed& packet) const {
    return "ASSOCIATIONFAILED " + std::to_string(packet.id);
  }
  std::string operator()(const classic::UnknownError& packet) const {
    return "UNKNOWNERROR " + std::to_string(packet.id);
  }
  std::string operator()(const classic::BufferEmpty& packet) const {
    return "BUFFEREMPTY " + std::to_string(packet.id);
  }
  std::string operator()(const classic::PositiveAck& packet) const {
    return "POSITIVEACK " + std::to_string(packet.id);
  }
  std::string operator()(const classic::BufferFull& packet) const { return "BUFFERFULL " + std::to_string(packet.id); }
  std::string operator()(const classic::GetResponse& packet) const {
    return "GETRESPONSE for " + std::to_string(packet.id) + " from " + std::to_string(packet.sender) + ", " +
           bytes(packet.payload.size());
  }
};

std::string hexadecimal(restante::BytesView packet) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text = " [";
  const std::size_t shown = packet.size() > classic::packet_bytes_max ? classic::packet_bytes_max : packet.size();
  for (std::size_t i = 0; i < shown; ++i) {
    text += i == 0 ? "" : " ";
    text += digits[packet[i] >> 4U];
    text += digits[packet[i] & 15U];
  }
  return text + (shown < packet.size() ? " and " + bytes(packet.size() - shown) + " more]" : "]");
}

// The names of docs/protocol.md, restante.v2, with the tag.
std::string v2_words(restante::BytesView packet) {
  constexpr std::string_view replies[] = {"OPENED", "ACCEPTED", "MESSAGE", "FETCHED", "MISSED", "ACKED",
                                          "STATE",  "JOINED",   "LEFT",    "MAILBOX", "MEMBERS"};
  const std::size_t code = packet.empty() ? 0 : packet[0];
  const std::string_view request = v2_request_name(code);
  const std::string_view name = !request.empty()                                  ? request
                                : code > 0x80 && code - 0x81 < std::size(replies) ? replies[code - 0x81]
                                : code == restante::v2::code::refused             ? "REFUSED"
                                                                                  : "no packet of restante.v2";
  restante::v2::Tag tag = 0;
  restante::v2::detail::InFields{packet.subspan(packet.empty() ? 0 : 1)}.tag(tag, 1);
  return std::string{name} + " " + std::to_string(tag);
}

// Of an OPEN, only what stands before its proof: one that cannot be read may hold a secret, too.
restante::BytesView without_proof(restante::BytesView packet) {
  if (packet.empty() || packet[0] != restante::v2::code::open) {
    return packet;
  }
  restante::v2::detail::InFields fields{packet.subspan(1)};
  restante::v2::Tag tag = 0;
  restante::v2::Name address;
  std::uint8_t proof = 0;
  const bool can_be_read = fields.tag(tag, 1) && fields.name(address) && fields.byte(proof);
  return packet.first(can_be_read ? packet.size() - fields.left().size() : 1);
}

}  // namespace

std::string_view v2_request_name(std::size_t code) {
  constexpr std::string_view names[] = {"", "OPEN", "PUSH", "FETCH", "ACK", "RECEIPT", "JOIN", "LEAVE", "STATUS"};
  return code < std::size(names) ? names[code] : names[0];
}

std::string describe_client_packet(restante::BytesView packet, std::string_view protocol) {
  if (protocol == restante::v2::protocol_name) {
    return v2_words(packet) + hexadecimal(without_proof(packet));
  }
  const classic::ClientPacket decoded = classic::decode_client_packet(packet);
  const auto* associate = std::get_if<classic::Associate>(&decoded);
  const bool has_secret = associate != nullptr && !associate->credential.empty();
  return std::visit(Words{}, decoded) + hexadecimal(has_secret ? packet.first(3) : packet);
}

std::string describe_server_packet(restante::BytesView packet, std::string_view protocol) {
  if (protocol == restante::v2::protocol_name) {
    return v2_words(packet) + hexadecimal(packet);
  }
  return std::visit(Words{}, classic::decode_server_packet(packet)) + hexadecimal(packet);
}

}  // namespace restante_server
