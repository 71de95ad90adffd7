#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

/// Variable-length integers of the record formats: seven bits a byte, least significant first,
/// the top bit set on all but the last byte; signed ones zigzag.
namespace windrow {

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

template <class Unsigned>
void put_varint(std::string& out, Unsigned v) {
  char bytes[19];
  int n = 0;
  while (v >= 0x80) {
    bytes[n++] = static_cast<char>(static_cast<std::uint8_t>(v) | 0x80);
    v >>= 7;
  }
  bytes[n++] = static_cast<char>(v);
  out.append(bytes, static_cast<std::size_t>(n));
}

inline void put_zigzag(std::string& out, std::int64_t v) {
  put_varint(out, (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63));
}
inline void put_zigzag128(std::string& out, int128 v) {
  const uint128 sign = v < 0 ? ~uint128{0} : uint128{0};
  put_varint(out, (static_cast<uint128>(v) << 1) ^ sign);
}

template <class T>
void put_raw(std::string& out, const T& v) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &v, sizeof(T));
  out.append(bytes, sizeof(T));
}

/// Its length, then the text.
inline void put_text(std::string& out, std::string_view text) {
  put_varint(out, text.size());
  out.append(text);
}

/// Reads from the front of a span; `ok` turns false for good at the first read past the end.
class varint_reader {
public:
  explicit varint_reader(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

  bool ok() const noexcept { return ok_; }
  bool done() const noexcept { return rest_.empty(); }
  std::span<const std::uint8_t>& rest() noexcept { return rest_; }
  void fail() noexcept { ok_ = false, rest_ = {}; }

  template <class Unsigned>
  Unsigned varint() noexcept {
    Unsigned v = 0;
    for (unsigned shift = 0; shift < sizeof(Unsigned) * 8; shift += 7) {
      if (rest_.empty()) break;
      const std::uint8_t byte = rest_.front();
      rest_ = rest_.subspan(1);
      v |= static_cast<Unsigned>(byte & 0x7f) << shift;
      if (!(byte & 0x80)) return v;
    }
    fail();
    return 0;
  }
  std::int64_t zigzag() noexcept {
    const auto v = varint<std::uint64_t>();
    return static_cast<std::int64_t>(v >> 1) ^ -static_cast<std::int64_t>(v & 1);
  }
  int128 zigzag128() noexcept {
    const auto v = varint<uint128>();
    return static_cast<int128>(v >> 1) ^ -static_cast<int128>(v & 1);
  }
  template <class T>
  T raw() noexcept {
    T v{};
    if (rest_.size() < sizeof(T)) {
      fail();
      return v;
    }
    std::memcpy(&v, rest_.data(), sizeof(T));
    rest_ = rest_.subspan(sizeof(T));
    return v;
  }
  std::span<const std::uint8_t> bytes(std::size_t n) noexcept {
    if (rest_.size() < n) {
      fail();
      return {};
    }
    auto taken = rest_.first(n);
    rest_ = rest_.subspan(n);
    return taken;
  }
  /// What `put_text` wrote; belongs to the span.
  std::string_view text() noexcept {
    const auto taken = bytes(varint<std::uint64_t>());
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }

private:
  std::span<const std::uint8_t> rest_;
  bool ok_ = true;
};

}  // namespace windrow
