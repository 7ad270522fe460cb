// Packets for people to read.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <restante/bytes.hpp>

namespace restante_server {

/// "PUSH from 1 to 2, 5 bytes [02 01 01 02 05 68 65 6c 6c 6f]"; a long packet is cut, and says so.
std::string describe_client_packet(restante::BytesView packet, std::string_view protocol);
std::string describe_server_packet(restante::BytesView packet, std::string_view protocol);

/// The name of a request of restante.v2 in docs/protocol.md, "OPEN" for 1; nothing for a code that has none.
std::string_view v2_request_name(std::size_t code);

}  // namespace restante_server
