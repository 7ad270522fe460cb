// How much a FETCH still delivers (docs/protocol.md, restante.v2, rule 5).
#pragma once

#include <algorithm>
#include <cstdint>

#include <restante/core/limits.hpp>
#include <restante/core/message_pool.hpp>

namespace restante {

/// What a fetch may still deliver.
struct Credit {
  std::uint64_t messages = 0;
  /// Of payloads; the first message may have more.
  std::uint64_t bytes = 0;
  std::uint64_t delivered = 0;
  /// Something was said.
  bool used = false;

  /// That of a fetch that asks for so much.
  static Credit of(const Limits& limits, std::uint64_t messages_max, std::uint64_t bytes_max) noexcept {
    return {.messages = std::min<std::uint64_t>(messages_max, limits.fetch_messages_max),
            .bytes = std::min<std::uint64_t>(bytes_max, limits.fetch_bytes_max)};
  }

  bool allows(const MessagePool::Message& message) const noexcept {
    return messages != 0 && (delivered == 0 || message.payload_bytes <= bytes);
  }

  /// The message, which is allowed, is delivered.
  void use(const MessagePool::Message& message) noexcept {
    --messages;
    bytes -= std::min<std::uint64_t>(bytes, message.payload_bytes);
    ++delivered;
    used = true;
  }
};

}  // namespace restante
