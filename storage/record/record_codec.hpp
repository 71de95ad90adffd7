#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "storage/record/layout_table.hpp"
#include "storage/record/record.hpp"
#include "storage/record/record_key.hpp"

/// The stored form of records. Every value begins with a checksum: XXH3-64 of what follows, seeded
/// with a hash of the value's own key and the folder's seed, so that a value that belongs
/// elsewhere does not pass for this one. All integers are varints unless a width is given.
///
///   head:     u64 checksum | u8 form=1 | u8 kind=1 | layout | key length, key | scalars length,
///             scalars | segment count, next number; each segment: lane, number, zigzag first,
///             last - first, count | each lane: (count << 2 | rollup kept << 1 | wide), and where
///             count > 0: zigzag bucket of the first tile; then the tiles: bucket - previous
///             bucket, tile (see tile.cpp)
///   segment:  u64 checksum | u8 form=1 | u8 kind=2 | layout | lane | (count << 1 | wide) | zigzag
///             first | tiles as above
///   kind:     with 0x40 where a partial has overflowed: then each tile is followed by its flags, a
///             bit per partial (tile.hpp)
///   scalars:  u16 place, i64 event time, u32 length, value (see value_codec.hpp), repeated
///
/// A layout is the number that the shard's file has for it (layout_table.hpp); its id goes into
/// the checksum. Lanes, places and the partials of tiles are those of that layout: a record stored
/// under another catalog is translated when it is read, and written in the layout of now.
namespace windrow::storage {

/// Where a value is stored; segment number 0 is the head.
using storage_key = record_key;

/// The range of keys of one stripe: from its first key to before the next one's.
storage_key first_key_of(std::uint32_t stripe);
storage_key end_key_of(std::uint32_t stripe);

/// `corrupt`: a stored `what` (record, segment, stripe) is not what was written.
failure damaged(std::string_view what);

/// Appends the record's head without its checksum, in the layout of now.
void encode_head(std::string& out, const record_pool& pool, const layout_table& layouts,
                 const record& r);
void encode_segment(std::string& out, const record_pool& pool, const layout_table& layouts,
                    const record& r, const segment& s);

/// The checksum that stands in front of a value stored at `key` in the layout of that id.
std::uint64_t value_checksum(const storage_key& key, std::uint64_t folder_seed,
                             std::uint64_t layout_id, std::span<const std::uint8_t> body);
/// The bytes behind the checksum; nothing if it does not match or the layout is unknown.
std::span<const std::uint8_t> checked_body(const storage_key& key, std::uint64_t folder_seed,
                                           const layout_table& layouts,
                                           std::span<const std::uint8_t> stored);

struct decoded_head {
  record* r = nullptr;  ///< null: of a key space that the plan no longer has
  /// It was stored in another layout: to be written again. What has left the layout is gone from
  /// it, and the segments of lanes that have are listed as erased.
  bool translated = false;
};
/// Builds a record from a checked head; nothing on bytes that are not one. `lo` is the low half of
/// its key hash. Its segments are not in memory.
std::optional<decoded_head> decode_head(record_pool& pool, const layout_table& layouts,
                                        std::span<const std::uint8_t> body, std::uint64_t lo);
/// Fills a segment's tiles; false on bytes that are not that segment.
bool decode_segment(record_pool& pool, const layout_table& layouts, record& r, segment& s,
                    std::span<const std::uint8_t> body);

}  // namespace windrow::storage
