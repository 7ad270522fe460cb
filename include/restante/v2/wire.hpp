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

/// Takes fields off the beginning of bytes. Once one was not there, all that follow are not there, and are left as they
/// were.
class InFields {
 public:
  constexpr explicit InFields(BytesView bytes) noexcept : bytes_{bytes} {}

  /// Every field was there.
  constexpr bool sound() const noexcept { return sound_; }
  /// And nothing is left.
  constexpr bool complete() const noexcept { return sound_ && bytes_.empty(); }
  constexpr BytesView left() const noexcept { return bytes_; }

  constexpr InFields& byte(std::uint8_t& field) noexcept {
    if (need(1)) {
      field = bytes_[0];
      bytes_ = bytes_.subspan(1);
    }
    return *this;
  }

  constexpr InFields& number(std::uint64_t& field) noexcept {
    if (!need(1)) {
      return *this;
    }
    // The shortest form first: nearly all numbers are small.
    if (bytes_[0] < 0x40U) {
      field = bytes_[0];
      bytes_ = bytes_.subspan(1);
      return *this;
    }
    const std::size_t size = std::size_t{1} << (bytes_[0] >> 6U);
    if (!need(size)) {
      return *this;
    }
    std::uint64_t number = bytes_[0] & 0x3fU;
    for (std::size_t i = 1; i < size; ++i) {
      number = number << 8U | bytes_[i];
    }
    sound_ = number_bytes(number) == size;
    if (sound_) {
      field = number;
      bytes_ = bytes_.subspan(size);
    }
    return *this;
  }

  constexpr InFields& tag(Tag& field, Tag minimum) noexcept {
    std::uint64_t number = 0;
    this->number(number);
    sound_ = sound_ && number >= minimum && number <= tag_max;
    if (sound_) {
      field = static_cast<Tag>(number);
    }
    return *this;
  }

  constexpr InFields& name(Name& field) noexcept {
    std::uint8_t size = 0;
    byte(size);
    if (need(size) && (sound_ = size <= name_bytes_max)) {
      field = bytes_.first(size);
      bytes_ = bytes_.subspan(size);
    }
    return *this;
  }

  constexpr InFields& epoch(Epoch& field) noexcept {
    if (need(8)) {
      Epoch epoch = 0;
      for (std::size_t i = 0; i < 8; ++i) {
        epoch = epoch << 8U | bytes_[i];
      }
      field = epoch;
      bytes_ = bytes_.subspan(8);
    }
    return *this;
  }

  constexpr InFields& flag(bool& field) noexcept {
    std::uint8_t byte = 0;
    this->byte(byte);
    sound_ = sound_ && byte <= 1;
    if (sound_) {
      field = byte == 1;
    }
    return *this;
  }

  /// The first of the flags that a reply has; a newer server may set others.
  constexpr InFields& first_of_flags(bool& field) noexcept {
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
      std::copy_n(bytes_.begin(), field.size(), field.begin());
      bytes_ = bytes_.subspan(field.size());
    }
    return *this;
  }

  constexpr InFields& rest(BytesView& field) noexcept {
    if (sound_) {
      field = bytes_;
      bytes_ = {};
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
  constexpr bool need(std::size_t size) noexcept { return sound_ = sound_ && bytes_.size() >= size; }

  BytesView bytes_;
  bool sound_ = true;
};

/// Writes fields one after the other.
class OutFields {
 public:
  constexpr explicit OutFields(std::span<std::uint8_t> to) noexcept : to_{to} {}

  constexpr BytesView written() const noexcept { return to_.first(size_); }

  constexpr OutFields& byte(std::uint8_t field) {
    *room(1) = field;
    return *this;
  }

  constexpr OutFields& number(std::uint64_t field) {
    if (field < 0x40U) {
      return byte(static_cast<std::uint8_t>(field));
    }
    RESTANTE_ASSERT(field <= number_max, "a number is larger than 2^62 - 1");
    const std::size_t size = number_bytes(field);
    std::uint8_t* const bytes = room(size);
    for (std::size_t i = size; i-- > 0;) {
      bytes[i] = static_cast<std::uint8_t>(field);
      field >>= 8U;
    }
    bytes[0] |= static_cast<std::uint8_t>(size == 2 ? 0x40U : size == 4 ? 0x80U : 0xc0U);
    return *this;
  }

  constexpr OutFields& name(Name field) {
    RESTANTE_ASSERT(field.size() <= name_bytes_max, "a name is longer than 64 bytes");
    return byte(static_cast<std::uint8_t>(field.size())).rest(field);
  }

  constexpr OutFields& epoch(Epoch field) {
    std::uint8_t* const bytes = room(8);
    for (std::size_t i = 8; i-- > 0;) {
      bytes[i] = static_cast<std::uint8_t>(field);
      field >>= 8U;
    }
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
  constexpr std::uint8_t* room(std::size_t size) {
    RESTANTE_ASSERT(size <= to_.size() - size_, "the packet does not fit where it is to be written");
    std::uint8_t* const bytes = to_.data() + size_;
    size_ += size;
    return bytes;
  }

  std::span<std::uint8_t> to_;
  std::size_t size_ = 0;
};

}  // namespace restante::v2::detail
