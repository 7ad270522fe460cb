// A trace that is kept: for reports, which need all of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <restante/bytes.hpp>
#include <restante/sim/trace.hpp>
#include <restante/time.hpp>
#include <restante/transport.hpp>

namespace restante_sim {

/// An entry of a trace that owns what it shows.
struct RecordedEntry {
  restante::SteadyTime time{};
  restante::sim::EntryKind kind = restante::sim::EntryKind::fault;
  restante::sim::ClientIndex client = restante::sim::no_client;
  restante::Connection connection = {};
  restante::MessageType type = restante::MessageType::binary;
  restante::CloseCode code = 0;
  std::vector<std::uint8_t> bytes;
  std::string text;
};

/// Keeps everything that happens, in order.
class RecordedTrace final : public restante::sim::Observer {
 public:
  void observe(const restante::sim::Entry& entry) override {
    entries_.push_back({.time = entry.time,
                        .kind = entry.kind,
                        .client = entry.client,
                        .connection = entry.connection,
                        .type = entry.type,
                        .code = entry.code,
                        .bytes = {entry.bytes.begin(), entry.bytes.end()},
                        .text = std::string{entry.text}});
  }

  const std::vector<RecordedEntry>& entries() const noexcept { return entries_; }

 private:
  std::vector<RecordedEntry> entries_;
};

}  // namespace restante_sim
