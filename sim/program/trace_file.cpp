#include "trace_file.hpp"

#include <string>

#include <restante/bytes.hpp>
#include <restante/transport.hpp>

#include "packet_text.hpp"
#include "text.hpp"

namespace restante_sim {

void TraceFile::observe(const restante::sim::Entry& entry) {
  std::string line = "{\"time_ns\":" + std::to_string(entry.time.time_since_epoch().count()) +
                     ",\"kind\":" + json_text(name(entry.kind));
  if (entry.client != restante::sim::no_client) {
    line += ",\"client\":" + std::to_string(entry.client);
  }
  if (entry.connection != restante::Connection{}) {
    line += ",\"connection\":\"" + std::to_string(entry.connection.slot) + "." +
            std::to_string(entry.connection.generation) + "\"";
  }
  if (const std::string_view packet = packet_name(entry.kind, entry.type, entry.bytes); !packet.empty()) {
    line += ",\"packet\":" + json_text(packet) + ",\"hex\":\"" + hex(entry.bytes) + "\"";
  }
  if (entry.code != 0) {
    line += ",\"code\":" + std::to_string(entry.code);
  }
  if (!entry.text.empty()) {
    line += ",\"text\":" + json_text(entry.text);
  }
  stream_ << line << "}\n";
}

}  // namespace restante_sim
