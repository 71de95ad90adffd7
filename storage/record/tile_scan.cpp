#include "storage/record/tile_scan.hpp"

#include <algorithm>

namespace windrow::storage {

namespace {

/// Without rollups.
result<void> merge_flat(const record_pool& pool, record& r, int lane, std::int64_t from,
                        std::int64_t to, tile_total& total, const segment_loader& load) {
  if (from >= to) return {};
  const record_layout& sp = pool.layout(r.space);
  const tile_type& type = *sp.lanes[static_cast<std::size_t>(lane)].tiles;
  // Merges the tiles of [from, to) of a sorted run.
  const auto run = [&](const std::byte* tiles, std::uint32_t count, bool wide, std::int64_t base) {
    const std::size_t stride = type.form(wide).stride;
    std::uint32_t low = 0, high = count;  // the first tile at or after `from`
    while (low < high) {
      const std::uint32_t middle = (low + high) / 2;
      if (base + tile_type::bucket(tiles + middle * stride) < from)
        low = middle + 1;
      else
        high = middle;
    }
    for (const std::byte* tile = tiles + low * stride; low < count; ++low, tile += stride) {
      if (base + tile_type::bucket(tile) >= to) break;
      total.merge(tile, wide);
    }
  };
  if (segment_directory* d = pool.directory(r)) {
    auto s = std::lower_bound(d->segments.begin(), d->segments.end(), from,
                              [&](const segment& a, std::int64_t wanted) {
                                return a.lane != lane ? a.lane < lane : a.last < wanted;
                              });
    for (; s != d->segments.end() && s->lane == lane && s->first < to; ++s) {
      if (!s->tiles) {
        if (auto loaded = load(r, *s); !loaded) return loaded;
      }
      run(s->tiles, s->count, s->wide, s->first);
    }
  }
  run(pool.tiles(r, lane), pool.tile_count(r, lane), pool.lane_wide(r, lane), pool.base(&r, lane));
  return {};
}

}  // namespace

result<void> visit_tiles(const record_pool& pool, record& r, int lane, std::int64_t from,
                         std::int64_t to,
                         const std::function<void(std::int64_t, const std::byte*, bool)>& visit,
                         const segment_loader& load) {
  const record_layout& sp = pool.layout(r.space);
  const tile_type& type = *sp.lanes[static_cast<std::size_t>(lane)].tiles;
  if (segment_directory* d = pool.directory(r)) {
    for (segment& s : d->segments) {
      if (s.lane != lane || s.last < from || s.first >= to) continue;
      if (!s.tiles) {
        if (auto loaded = load(r, s); !loaded) return loaded;
      }
      const std::size_t stride = type.form(s.wide).stride;
      for (std::uint32_t i = 0; i < s.count; ++i) {
        const std::byte* tile = s.tiles + i * stride;
        const std::int64_t index = s.first + tile_type::bucket(tile);
        if (index >= from && index < to) visit(index, tile, s.wide);
      }
    }
  }
  const bool wide = pool.lane_wide(r, lane);
  const std::size_t stride = type.form(wide).stride;
  const std::byte* tile = pool.tiles(r, lane);
  for (std::uint32_t i = 0; i < pool.tile_count(r, lane); ++i, tile += stride) {
    const std::int64_t index = pool.base(&r, lane) + tile_type::bucket(tile);
    if (index >= from && index < to) visit(index, tile, wide);
  }
  return {};
}

result<void> merge_tiles(const record_pool& pool, record& r, int lane, std::int64_t from,
                         std::int64_t to, tile_total& total, const segment_loader& load) {
  const int upper = pool.layout(r.space).lanes[static_cast<std::size_t>(lane)].upper;
  if (upper != schema::none && pool.rollup_kept(r, upper)) {
    const std::int64_t a = (from + (rollup_fan - 1)) >> 5;  // first whole rollup bucket
    const std::int64_t b = to >> 5;                         // after the last
    if (a < b) {
      if (auto done = merge_flat(pool, r, lane, from, a * rollup_fan, total, load); !done)
        return done;
      if (auto done = merge_tiles(pool, r, upper, a, b, total, load); !done) return done;
      return merge_flat(pool, r, lane, b * rollup_fan, to, total, load);
    }
  }
  return merge_flat(pool, r, lane, from, to, total, load);
}

}  // namespace windrow::storage
