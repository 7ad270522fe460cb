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

/// Keeps what happens, in order, up to a bound: a run of hours must not fill the memory.
class RecordedTrace final : public restante::sim::Observer {
 public:
  static constexpr std::size_t entries_max_usual = 200'000;

  /// What comes after `entries_max` entries is counted, and not kept.
  explicit RecordedTrace(std::size_t entries_max = entries_max_usual) : entries_max_{entries_max} {}

  void observe(const restante::sim::Entry& entry) override {
    if (entries_.size() == entries_max_) {
      ++left_out_;
      return;
    }
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

  /// How many entries came after the last that is kept.
  std::uint64_t left_out() const noexcept { return left_out_; }

 private:
  std::size_t entries_max_;
  std::vector<RecordedEntry> entries_;
  std::uint64_t left_out_ = 0;
};

}  // namespace restante_sim
