// What a core is made with.
#pragma once

#include <cstdint>

#include <restante/core/authoriser.hpp>
#include <restante/core/limits.hpp>
#include <restante/core/message_pool.hpp>

namespace restante {

/// Where a core gets numbers that nobody can foresee: epochs, resume tokens, the key of its table of names.
struct Entropy {
  void* context = nullptr;
  /// Gives 64 random bits.
  std::uint64_t (*draw)(void* context) = nullptr;
};

struct CoreOptions {
  /// Messages that a classic mailbox holds, 1–1,000,000; the next one is refused.
  std::uint32_t mailbox_messages_max = 100;
  /// Bytes of a payload of the classic protocol, 0–254; a longer one is refused.
  std::uint32_t payload_bytes_max = MessagePool::place_bytes;
  /// For everything of restante.v2.
  Limits limits = {};
  /// Needed for restante.v2.
  Entropy entropy = {};
  /// Nobody needs leave for anything where there is none. Must live longer than the core.
  const Authoriser* authoriser = nullptr;
};

}  // namespace restante
