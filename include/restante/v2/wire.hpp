// The fields that packets of restante.v2 are made of (docs/protocol.md, "What is written how").
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <restante/assert.hpp>
#include <restante/bytes.hpp>
#include <restante/v2/packet.hpp>

namespace restante::v2::detail {

template <class Packet, class Reference>
concept Is = std::same_as<Packet, std::remove_cvref_t<Reference>>;

/// How many bytes a number takes.
constexpr std::size_t number_bytes(std::uint64_t number) noexcept {
  return number < (1U << 6U) ? 1 : number < (1U << 14U) ? 2 : number < (1U << 30U) ? 4 : 8;
}

/// A number that lies at the beginning of bytes, and how many bytes it takes: 0 where there is none.
struct NumberField {
  std::uint64_t number = 0;
  std::size_t bytes = 0;
};

// Compilers make one load, or one store, of bytes that are joined and split like this, but not of a loop.
[[gnu::always_inline]] constexpr std::uint32_t load_four(const std::uint8_t* bytes) noexcept {
  return std::uint32_t{bytes[0]} << 24U | std::uint32_t{bytes[1]} << 16U | std::uint32_t{bytes[2]} << 8U |
         std::uint32_t{bytes[3]};
}
[[gnu::always_inline]] constexpr std::uint64_t load_eight(const std::uint8_t* bytes) noexcept {
  return std::uint64_t{load_four(bytes)} << 32U | load_four(bytes + 4);
}
[[gnu::always_inline]] constexpr void store_four(std::uint8_t* bytes, std::uint32_t number) noexcept {
  bytes[0] = static_cast<std::uint8_t>(number >> 24U);
  bytes[1] = static_cast<std::uint8_t>(number >> 16U);
  bytes[2] = static_cast<std::uint8_t>(number >> 8U);
  bytes[3] = static_cast<std::uint8_t>(number);
}
[[gnu::always_inline]] constexpr void store_eight(std::uint8_t* bytes, std::uint64_t number) noexcept {
  store_four(bytes, static_cast<std::uint32_t>(number >> 32U));
  store_four(bytes + 4, static_cast<std::uint32_t>(number));
}

constexpr NumberField read_number(const std::uint8_t* bytes, std::size_t left) noexcept {
  const std::size_t size = left == 0 ? 1 : std::size_t{1} << (bytes[0] >> 6U);
  if (size > left) {
    return {};
  }
  const std::uint64_t number = size == 1   ? bytes[0]
                               : size == 2 ? (bytes[0] & 0x3fU) << 8U | bytes[1]
                               : size == 4 ? load_four(bytes) & 0x3fff'ffffU
                                           : load_eight(bytes) & number_max;
  return number_bytes(number) == size ? NumberField{number, size} : NumberField{};
}

// Each function of InFields and OutFields says whether its field was there, so that the first one that was not ends a
// list of them, and nothing is carried along but where the next one begins. All are inlined: that way it stays in a
// register.

/// Takes fields off the beginning of bytes. One that is not there is left as it was.
class InFields {
 public:
  constexpr explicit InFields(BytesView bytes) noexcept : at_{bytes.data()}, end_{bytes.data() + bytes.size()} {}

  /// What was not taken yet.
  constexpr BytesView left() const noexcept { return {at_, end_}; }

  [[gnu::always_inline]] constexpr bool byte(std::uint8_t& field) noexcept {
    if (at_ == end_) [[unlikely]] {
      return false;
    }
    field = *at_++;
    return true;
  }

  [[gnu::always_inline]] constexpr bool number(std::uint64_t& field) noexcept {
    // The shortest forms first: nearly all numbers are small.
    if (at_ != end_ && *at_ < 0x40U) [[likely]] {
      field = *at_++;
      return true;
    }
    if (size() >= 2 && *at_ < 0x80U) {
      const std::uint64_t two_bytes = (at_[0] & 0x3fU) << 8U | at_[1];
      if (number_bytes(two_bytes) != 2) [[unlikely]] {
        return false;
      }
      field = two_bytes;
      at_ += 2;
      return true;
    }
    const NumberField read = read_number(at_, size());
    if (read.bytes == 0) [[unlikely]] {
      return false;
    }
    field = read.number;
    at_ += read.bytes;
    return true;
  }

  [[gnu::always_inline]] constexpr bool tag(Tag& field, Tag minimum) noexcept {
    std::uint64_t number = 0;
    if (!this->number(number) || number < minimum || number > tag_max) [[unlikely]] {
      return false;
    }
    field = static_cast<Tag>(number);
    return true;
  }

  [[gnu::always_inline]] constexpr bool name(Name& field) noexcept {
    std::uint8_t length = 0;
    if (!byte(length) || length > name_bytes_max || length > size()) [[unlikely]] {
      return false;
    }
    field = {at_, length};
    at_ += length;
    return true;
  }

  [[gnu::always_inline]] constexpr bool epoch(Epoch& field) noexcept {
    if (size() < 8) [[unlikely]] {
      return false;
    }
    field = load_eight(at_);
    at_ += 8;
    return true;
  }

  [[gnu::always_inline]] constexpr bool flag(bool& field) noexcept {
    std::uint8_t byte = 0;
    if (!this->byte(byte) || byte > 1) [[unlikely]] {
      return false;
    }
    field = byte == 1;
    return true;
  }

  /// The first of the flags that a reply has; a newer server may set others.
  [[gnu::always_inline]] constexpr bool first_of_flags(bool& field) noexcept {
    std::uint8_t byte = 0;
    if (!this->byte(byte)) [[unlikely]] {
      return false;
    }
    field = (byte & 1U) != 0;
    return true;
  }

  /// A byte that is one of those from 0 to `last`.
  template <class Enumeration>
  [[gnu::always_inline]] constexpr bool one_of(Enumeration& field, Enumeration last) noexcept {
    std::uint8_t byte = 0;
    if (!this->byte(byte) || byte > static_cast<std::uint8_t>(last)) [[unlikely]] {
      return false;
    }
    field = static_cast<Enumeration>(byte);
    return true;
  }

  [[gnu::always_inline]] constexpr bool token(ResumeToken& field) noexcept {
    if (size() < field.size()) [[unlikely]] {
      return false;
    }
    std::copy_n(at_, field.size(), field.begin());
    at_ += field.size();
    return true;
  }

  [[gnu::always_inline]] constexpr bool rest(BytesView& field) noexcept {
    field = left();
    at_ = end_;
    return true;
  }

  /// Why something was refused, known or not; what follows it is not of this version.
  [[gnu::always_inline]] constexpr bool reason(Refusal& field) noexcept {
    std::uint8_t byte = 0;
    BytesView ignored;
    if (!this->byte(byte) || !rest(ignored)) [[unlikely]] {
      return false;
    }
    field = static_cast<Refusal>(byte);
    return true;
  }

 private:
  [[gnu::always_inline]] constexpr std::size_t size() const noexcept { return static_cast<std::size_t>(end_ - at_); }

  const std::uint8_t* at_;
  const std::uint8_t* end_;
};

/// Writes fields one after the other, which always succeeds. Whether there is room is asserted for each of them, unless
/// it is known.
template <bool room_is_known>
class OutFields {
 public:
  constexpr explicit OutFields(std::span<std::uint8_t> to) noexcept
      : begin_{to.data()}, at_{to.data()}, left_{to.size()} {}

  constexpr BytesView written() const noexcept { return {begin_, at_}; }

  [[gnu::always_inline]] constexpr bool byte(std::uint8_t field) {
    *room(1) = field;
    return true;
  }

  [[gnu::always_inline]] constexpr bool number(std::uint64_t field) {
    return field < 0x40U ? byte(static_cast<std::uint8_t>(field)) : long_number(field);
  }

  [[gnu::always_inline]] constexpr bool name(Name field) {
    RESTANTE_ASSERT(field.size() <= name_bytes_max, "a name is longer than 64 bytes");
    byte(static_cast<std::uint8_t>(field.size()));
    copy_short(field, room(field.size()));
    return true;
  }

  constexpr bool epoch(Epoch field) {
    store_eight(room(8), field);
    return true;
  }

  constexpr bool flag(bool field) { return byte(field ? 1 : 0); }

  constexpr bool first_of_flags(bool field) { return flag(field); }

  template <class Enumeration>
  constexpr bool one_of(Enumeration field, Enumeration) {
    return byte(static_cast<std::uint8_t>(field));
  }

  constexpr bool token(const ResumeToken& field) { return rest(field); }

  [[gnu::always_inline]] constexpr bool rest(BytesView field) {
    std::copy(field.begin(), field.end(), room(field.size()));
    return true;
  }

  constexpr bool reason(Refusal field) { return byte(static_cast<std::uint8_t>(field)); }

 private:
  [[gnu::always_inline]] constexpr bool long_number(std::uint64_t field) {
    RESTANTE_ASSERT(field <= number_max, "a number is larger than 2^62 - 1");
    if (field < 1U << 14U) {
      std::uint8_t* const bytes = room(2);
      bytes[0] = static_cast<std::uint8_t>(field >> 8U | 0x40U);
      bytes[1] = static_cast<std::uint8_t>(field);
    } else if (field < 1U << 30U) {
      store_four(room(4), static_cast<std::uint32_t>(field | 0x8000'0000U));
    } else {
      store_eight(room(8), field | 0xc000'0000'0000'0000U);
    }
    return true;
  }

  // Names are so short that calling memmove() takes longer than to copy them.
  [[gnu::always_inline]] static constexpr void copy_short(BytesView bytes, std::uint8_t* to) {
    if (bytes.size() < 8) {
      for (const std::uint8_t byte : bytes) {
        *to++ = byte;
      }
      return;
    }
    // The last eight bytes may have been copied in part before.
    const std::size_t last = bytes.size() - 8;
    for (std::size_t at = 0; at < last; at += 8) {
      store_eight(to + at, load_eight(&bytes[at]));
    }
    store_eight(to + last, load_eight(&bytes[last]));
  }

  [[gnu::always_inline]] constexpr std::uint8_t* room(std::size_t size) {
    if constexpr (!room_is_known) {
      RESTANTE_ASSERT(size <= left_, "the packet does not fit where it is to be written");
      left_ -= size;
    }
    std::uint8_t* const bytes = at_;
    at_ += size;
    return bytes;
  }

  std::uint8_t* begin_;
  std::uint8_t* at_;
  std::size_t left_;
};

}  // namespace restante::v2::detail
