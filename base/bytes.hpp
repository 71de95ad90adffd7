#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The two byte orders of stored things: keys are big-endian, so that LMDB's byte order is numeric
/// order; everything in values is little-endian.
namespace windrow {

using bytes = std::span<const std::uint8_t>;
using byte_buffer = std::vector<std::uint8_t>;

inline bytes as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(bytes data) noexcept {
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

template <class Unsigned>
void store_big(std::uint8_t* to, Unsigned number) noexcept {
  for (std::size_t i = sizeof(Unsigned); i-- > 0;) {
    to[i] = static_cast<std::uint8_t>(number);
    number = static_cast<Unsigned>(number >> 8);
  }
}
template <class Unsigned>
Unsigned load_big(const std::uint8_t* from) noexcept {
  Unsigned number = 0;
  for (std::size_t i = 0; i < sizeof(Unsigned); ++i)
    number = static_cast<Unsigned>(number << 8 | from[i]);
  return number;
}

/// The key that numbers make, one behind the other.
template <class... Unsigned>
std::array<std::uint8_t, (sizeof(Unsigned) + ...)> big_key(Unsigned... numbers) noexcept {
  std::array<std::uint8_t, (sizeof(Unsigned) + ...)> key;
  std::uint8_t* to = key.data();
  ((store_big(to, numbers), to += sizeof(Unsigned)), ...);
  return key;
}

/// Appends little-endian fields to a buffer that it does not own.
class byte_writer {
public:
  explicit byte_writer(byte_buffer& out) : out_(out) {}

  template <class Integer>
  void number(Integer value) {
    auto rest = static_cast<std::uint64_t>(value);
    for (std::size_t i = 0; i < sizeof(Integer); ++i, rest >>= 8)
      out_.push_back(static_cast<std::uint8_t>(rest));
  }
  void raw(bytes data) { out_.insert(out_.end(), data.begin(), data.end()); }
  /// A 32-bit length and the bytes.
  void text(std::string_view data) {
    number(static_cast<std::uint32_t>(data.size()));
    raw(as_bytes(data));
  }

private:
  byte_buffer& out_;
};

/// Reads little-endian fields. Reading past the end gives zeros and clears `ok()`, so that a
/// decoder checks once, when it is done.
class byte_reader {
public:
  explicit byte_reader(bytes data) : data_(data) {}

  template <class Integer>
  Integer number() {
    const bytes field = raw(sizeof(Integer));
    std::uint64_t value = 0;
    for (std::size_t i = field.size(); i-- > 0;) value = value << 8 | field[i];
    return static_cast<Integer>(value);
  }
  bytes raw(std::size_t count) {
    if (count > data_.size()) {
      ok_ = false;
      data_ = {};
      return {};
    }
    const bytes head = data_.first(count);
    data_ = data_.subspan(count);
    return head;
  }
  std::string text() {
    const auto length = number<std::uint32_t>();
    return std::string(as_text(raw(length)));
  }
  bool ok() const noexcept { return ok_; }
  /// Everything was there and nothing is left over.
  bool done() const noexcept { return ok_ && data_.empty(); }

private:
  bytes data_;
  bool ok_ = true;
};

}  // namespace windrow
