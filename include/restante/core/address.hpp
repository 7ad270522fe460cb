// Who mail is for.
#pragma once

#include <compare>
#include <cstdint>

namespace restante {

/// The address of a mailbox. A classic client id is the address of that number, 0–255 (docs/protocol.md, "Ids").
class Address {
 public:
  /// How many addresses there are: indices go from 0 to count - 1.
  static constexpr std::uint32_t count = 256;

  constexpr Address() = default;
  constexpr explicit Address(std::uint8_t classic_id) noexcept : classic_id_{classic_id} {}

  /// The id by which classic clients know this address.
  constexpr std::uint8_t classic_id() const noexcept { return classic_id_; }

  /// A dense number, for indexing.
  constexpr std::uint32_t index() const noexcept { return classic_id_; }

  friend constexpr bool operator==(Address, Address) = default;
  friend constexpr auto operator<=>(Address, Address) = default;

 private:
  std::uint8_t classic_id_ = 0;
};

}  // namespace restante
