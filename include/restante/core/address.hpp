// Who mail is for.
#pragma once

#include <compare>
#include <cstdint>

namespace restante {

/// Names a mailbox or a room of one core: a dense number, good for indexing. A classic client id is the address of that
/// number, 0–255 (docs/protocol.md, "Ids"); the numbers of other addresses are given out by the core, and again after
/// an address was forgotten.
class Address {
 public:
  /// How many addresses are classic client ids.
  static constexpr std::uint32_t classic_count = 256;

  constexpr Address() = default;
  constexpr explicit Address(std::uint8_t classic_id) noexcept : index_{classic_id} {}

  /// The address of a number.
  static constexpr Address at(std::uint32_t index) noexcept {
    Address address;
    address.index_ = index;
    return address;
  }

  constexpr bool is_classic() const noexcept { return index_ < classic_count; }

  /// The id by which classic clients know this address, which must be classic.
  constexpr std::uint8_t classic_id() const noexcept { return static_cast<std::uint8_t>(index_); }

  constexpr std::uint32_t index() const noexcept { return index_; }

  friend constexpr bool operator==(Address, Address) = default;
  friend constexpr auto operator<=>(Address, Address) = default;

 private:
  std::uint32_t index_ = 0;
};

}  // namespace restante
