#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "storage/record/record.hpp"
#include "storage/window/tile.hpp"
#include "windrow/result.hpp"

/// Reading a record: the tiles of a lane, wherever they are. A segment that is not in memory is
/// loaded by `load`, whose error ends the reading, and stays; nothing else changes.
namespace windrow::storage {

/// Calls `visit(bucket index, tile, wide)` for the lane's tiles of [from, to), oldest first.
result<void> visit_tiles(const record_pool& pool, record& r, int lane, std::int64_t from,
                         std::int64_t to,
                         const std::function<void(std::int64_t, const std::byte*, bool)>& visit,
                         const segment_loader& load);

/// Merges the lane's tiles of buckets [from, to) into `total`, using rollups.
result<void> merge_tiles(const record_pool& pool, record& r, int lane, std::int64_t from,
                         std::int64_t to, tile_total& total, const segment_loader& load);

}  // namespace windrow::storage
