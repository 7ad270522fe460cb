#include "packet_text.hpp"

#include <string>
#include <string_view>
#include <variant>

#include <restante/classic/codec.hpp>
#include <restante/classic/packet.hpp>

#include "text.hpp"

namespace restante_sim {
namespace {

namespace classic = restante::classic;

struct Described {
  std::string_view name;
  std::string details;
};

std::string id_text(classic::ClientId id) {
  return " " + std::to_string(id);
}

// One function for each packet.
struct Describe {
  Described operator()(const classic::Malformed&) const { return {"malformed", ""}; }
  Described operator()(const classic::Associate& packet) const { return {"ASSOCIATE", id_text(packet.id)}; }
  Described operator()(const classic::Get& packet) const { return {"GET", id_text(packet.id)}; }
  Described operator()(const classic::Push& packet) const {
    return {"PUSH", " from" + id_text(packet.sender) + " to" + id_text(packet.receiver) + ", " +
                        counted(packet.payload.size(), "byte") +
                        (packet.length_is_valid() ? "" : ", of the wrong length")};
  }
  Described operator()(const classic::AssociationSuccess& packet) const {
    return {"ASSOCIATIONSUCCESS", id_text(packet.id)};
  }
  Described operator()(const classic::AssociationFailed& packet) const {
    return {"ASSOCIATIONFAILED", id_text(packet.id)};
  }
  Described operator()(const classic::UnknownError& packet) const { return {"UNKNOWNERROR", id_text(packet.id)}; }
  Described operator()(const classic::BufferEmpty& packet) const { return {"BUFFEREMPTY", id_text(packet.id)}; }
  Described operator()(const classic::PositiveAck& packet) const { return {"POSITIVEACK", id_text(packet.id)}; }
  Described operator()(const classic::BufferFull& packet) const { return {"BUFFERFULL", id_text(packet.id)}; }
  Described operator()(const classic::GetResponse& packet) const {
    return {"GETRESPONSE", " to" + id_text(packet.id) + " from" + id_text(packet.sender) + ", " +
                               counted(packet.payload.size(), "byte")};
  }
};

Described described(restante::sim::EntryKind kind, restante::MessageType type, restante::BytesView bytes) {
  if (!is_request(kind) && !is_reply(kind)) {
    return {"", ""};
  }
  if (type == restante::MessageType::text) {
    return {"text", ""};
  }
  return is_request(kind) ? std::visit(Describe{}, classic::decode_client_packet(bytes))
                          : std::visit(Describe{}, classic::decode_server_packet(bytes));
}

}  // namespace

std::string_view packet_name(restante::sim::EntryKind kind, restante::MessageType type, restante::BytesView bytes) {
  return described(kind, type, bytes).name;
}

std::string packet_text(restante::sim::EntryKind kind, restante::MessageType type, restante::BytesView bytes) {
  const Described packet = described(kind, type, bytes);
  return std::string{packet.name} + packet.details;
}

}  // namespace restante_sim
