// Packets for people to read.
#pragma once

#include <string>
#include <string_view>

#include <restante/bytes.hpp>

namespace restante_server {

/// "PUSH from 1 to 2, 5 bytes [02 01 01 02 05 68 65 6c 6c 6f]"; a long packet is cut, and says so.
std::string describe_client_packet(restante::BytesView packet, std::string_view protocol);
std::string describe_server_packet(restante::BytesView packet, std::string_view protocol);

}  // namespace restante_server
