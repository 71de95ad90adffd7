#pragma once

#include <array>
#include <cstdint>

#include "base/fault_injection.hpp"
#include "storage/batch.hpp"

/// How the stored values of a record are keyed, and which stripe they are in.
namespace windrow::storage {

/// Stripes of a shard: the top eight bits of the key hash.
inline constexpr std::uint32_t stripe_count = 256;

/// The top bits, which come first in storage keys: a stripe is one range of them.
inline std::uint32_t stripe_of(std::uint64_t hi) noexcept {
  if (fault_injected(failpoint::stripe_not_a_range)) return static_cast<std::uint32_t>(hi & 0xff);
  return static_cast<std::uint32_t>(hi >> 56);
}

/// 16 bytes of key hash (hi, then lo) and 4 of segment number, all big-endian: LMDB's order is the
/// order of the hashes, so a stripe is one key range.
using record_key = std::array<std::uint8_t, 20>;
record_key make_record_key(const key_hash& hash, std::uint32_t segment) noexcept;
struct record_name {
  key_hash hash;
  std::uint32_t segment = 0;
};
record_name read_record_key(const record_key& key) noexcept;

/// The stripe of a record: its key's first byte, so that a stripe is one range of keys.
inline std::uint16_t stripe_of(const record_key& key) noexcept { return key[0]; }

}  // namespace windrow::storage
