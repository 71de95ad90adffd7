#pragma once

#include <cstddef>
#include <cstdint>

#include "base/huge_pages.hpp"

namespace windrow::storage {

/// Which keys may be stored, from their hashes: so that a new key costs no read.
///
/// A Bloom filter of fixed size, six bits a key in one cache line. It never denies what was added;
/// at sixteen bits a key it confirms 1 in 500 others, at eight 1 in 30, and with ever more keys it
/// confirms everything: then each new key is looked for in storage, and nothing else changes.
/// One thread.
class stored_filter {
public:
  /// Takes `bytes` (a power of two, at least 1 KiB) from `memory`, which outlives it.
  void allocate(table_memory& memory, std::size_t bytes) {
    lines_ = static_cast<std::uint64_t*>(memory.allocate(bytes));
    mask_ = bytes / line_bytes - 1;
  }
  explicit operator bool() const noexcept { return lines_ != nullptr; }

  void add(std::uint64_t hash) noexcept {
    std::uint64_t* line = line_of(hash);
    for (std::uint64_t bits = mix(hash), i = 0; i < 6; ++i, bits >>= 9)
      line[bits >> 6 & 7] |= std::uint64_t{1} << (bits & 63);
  }
  bool may_hold(std::uint64_t hash) const noexcept {
    const std::uint64_t* line = line_of(hash);
    for (std::uint64_t bits = mix(hash), i = 0; i < 6; ++i, bits >>= 9) {
      if (!(line[bits >> 6 & 7] >> (bits & 63) & 1)) return false;
    }
    return true;
  }

private:
  static constexpr std::size_t line_bytes = 64;

  // The stripe is the hash's top byte and the table slot its lowest bits: all of it is used here.
  static std::uint64_t mix(std::uint64_t hash) noexcept {
    hash *= 0x9e3779b97f4a7c15;
    return hash ^ hash >> 32;
  }
  std::uint64_t* line_of(std::uint64_t hash) const noexcept {
    return lines_ + (hash >> 8 & mask_) * (line_bytes / sizeof(std::uint64_t));
  }

  std::uint64_t* lines_ = nullptr;
  std::size_t mask_ = 0;
};

}  // namespace windrow::storage
