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
constexpr std::uint32_t load_four(const std::uint8_t* bytes) noexcept {
  return std::uint32_t{bytes[0]} << 24U | std::uint32_t{bytes[1]} << 16U | std::uint32_t{bytes[2]} << 8U |
         std::uint32_t{bytes[3]};
}
constexpr std::uint64_t load_eight(const std::uint8_t* bytes) noexcept {
  return std::uint64_t{load_four(bytes)} << 32U | load_four(bytes + 4);
}
constexpr void store_four(std::uint8_t* bytes, std::uint32_t number) noexcept {
  bytes[0] = static_cast<std::uint8_t>(number >> 24U);
  bytes[1] = static_cast<std::uint8_t>(number >> 16U);
  bytes[2] = static_cast<std::uint8_t>(number >> 8U);
  bytes[3] = static_cast<std::uint8_t>(number);
}
constexpr void store_eight(std::uint8_t* bytes, std::uint64_t number) noexcept {
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

/// Takes fields off the beginning of bytes. Once one was not there, all that follow are not there, and are left as they
/// were.
class InFields {
 public:
  constexpr explicit InFields(BytesView bytes) noexcept : at_{bytes.data()}, left_{bytes.size()} {}

  /// Every field was there.
  constexpr bool sound() const noexcept { return sound_; }
  /// And nothing is left.
  constexpr bool complete() const noexcept { return sound_ && left_ == 0; }
  constexpr BytesView left() const noexcept { return {at_, left_}; }

  [[gnu::always_inline]] constexpr InFields& byte(std::uint8_t& field) noexcept {
    if (need(1)) {
      field = *at_;
      take(1);
    }
    return *this;
  }

  [[gnu::always_inline]] constexpr InFields& number(std::uint64_t& field) noexcept {
    // The shortest form first: nearly all numbers are small.
    if (need(1) && *at_ < 0x40U) [[likely]] {
      field = *at_;
      take(1);
    } else if (sound_) {
      const NumberField read = read_number(at_, left_);
      sound_ = read.bytes != 0;
      if (sound_) {
        field = read.number;
        take(read.bytes);
      }
    }
    return *this;
  }

  [[gnu::always_inline]] constexpr InFields& tag(Tag& field, Tag minimum) noexcept {
    std::uint64_t number = 0;
    this->number(number);
    sound_ = sound_ && number >= minimum && number <= tag_max;
    if (sound_) {
      field = static_cast<Tag>(number);
    }
    return *this;
  }

  [[gnu::always_inline]] constexpr InFields& name(Name& field) noexcept {
    std::uint8_t size = 0;
    byte(size);
    if (need(size) && (sound_ = size <= name_bytes_max)) {
      field = {at_, size};
      take(size);
    }
    return *this;
  }

  [[gnu::always_inline]] constexpr InFields& epoch(Epoch& field) noexcept {
    if (need(8)) {
      field = load_eight(at_);
      take(8);
    }
    return *this;
  }

  [[gnu::always_inline]] constexpr InFields& flag(bool& field) noexcept {
    std::uint8_t byte = 0;
    this->byte(byte);
    sound_ = sound_ && byte <= 1;
    if (sound_) {
      field = byte == 1;
    }
    return *this;
  }

  /// The first of the flags that a reply has; a newer server may set others.
  [[gnu::always_inline]] constexpr InFields& first_of_flags(bool& field) noexcept {
    std::uint8_t byte = 0;
    this->byte(byte);
    if (sound_) {
      field = (byte & 1U) != 0;
    }
    return *this;
  }

  /// A byte that is one of those from 0 to `last`.
  template <class Enumeration>
  constexpr InFields& one_of(Enumeration& field, Enumeration last) noexcept {
    std::uint8_t byte = 0;
    this->byte(byte);
    sound_ = sound_ && byte <= static_cast<std::uint8_t>(last);
    if (sound_) {
      field = static_cast<Enumeration>(byte);
    }
    return *this;
  }

  constexpr InFields& token(ResumeToken& field) noexcept {
    if (need(field.size())) {
      std::copy_n(at_, field.size(), field.begin());
      take(field.size());
    }
    return *this;
  }

  [[gnu::always_inline]] constexpr InFields& rest(BytesView& field) noexcept {
    if (sound_) {
      field = left();
      take(left_);
    }
    return *this;
  }

  /// Why something was refused, known or not; what follows it is not of this version.
  constexpr InFields& reason(Refusal& field) noexcept {
    std::uint8_t byte = 0;
    BytesView ignored;
    this->byte(byte).rest(ignored);
    field = static_cast<Refusal>(byte);
    return *this;
  }

 private:
  [[gnu::always_inline]] constexpr bool need(std::size_t size) noexcept { return sound_ = sound_ && left_ >= size; }

  [[gnu::always_inline]] constexpr void take(std::size_t size) noexcept {
    at_ += size;
    left_ -= size;
  }

  const std::uint8_t* at_;
  std::size_t left_;
  bool sound_ = true;
};

/// Writes fields one after the other. Whether there is room is asserted for each of them, unless it is known.
template <bool room_is_known>
class OutFields {
 public:
  constexpr explicit OutFields(std::span<std::uint8_t> to) noexcept
      : begin_{to.data()}, at_{to.data()}, left_{to.size()} {}

  constexpr BytesView written() const noexcept { return {begin_, at_}; }

  [[gnu::always_inline]] constexpr OutFields& byte(std::uint8_t field) {
    *room(1) = field;
    return *this;
  }

  [[gnu::always_inline]] constexpr OutFields& number(std::uint64_t field) {
    return field < 0x40U ? byte(static_cast<std::uint8_t>(field)) : long_number(field);
  }

  [[gnu::always_inline]] constexpr OutFields& name(Name field) {
    RESTANTE_ASSERT(field.size() <= name_bytes_max, "a name is longer than 64 bytes");
    return byte(static_cast<std::uint8_t>(field.size())).rest(field);
  }

  constexpr OutFields& epoch(Epoch field) {
    store_eight(room(8), field);
    return *this;
  }

  constexpr OutFields& flag(bool field) { return byte(field ? 1 : 0); }

  constexpr OutFields& first_of_flags(bool field) { return flag(field); }

  template <class Enumeration>
  constexpr OutFields& one_of(Enumeration field, Enumeration) {
    return byte(static_cast<std::uint8_t>(field));
  }

  constexpr OutFields& token(const ResumeToken& field) { return rest(field); }

  constexpr OutFields& rest(BytesView field) {
    std::copy(field.begin(), field.end(), room(field.size()));
    return *this;
  }

  constexpr OutFields& reason(Refusal field) { return byte(static_cast<std::uint8_t>(field)); }

 private:
  [[gnu::always_inline]] constexpr OutFields& long_number(std::uint64_t field) {
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
    return *this;
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
