// Segments and rollups of records: how they are made, changed and dropped.
#include <algorithm>
#include <cstring>

#include "storage/record/record.hpp"
#include "storage/record/tile_scan.hpp"

namespace windrow::storage {

void record_pool::trim_directory(record& r, keep_from keep) {
  segment_directory* d = directory(r);
  if (!d) return;
  std::erase_if(d->segments, [&](segment& s) {
    if (s.last >= keep[s.lane]) return false;
    d->erased.push_back(s.number);
    count_buckets(r, s.lane, -std::int64_t{s.count});
    free_segment(r, s);
    own(r, -static_cast<std::ptrdiff_t>(segment_directory::entry_bytes));
    return true;
  });
}

std::uint64_t record_pool::total_tiles(const record& r, int lane) const noexcept {
  std::uint64_t n = tile_count(r, lane);
  if (const segment_directory* d = directory(r)) n += d->tiles_of(lane);
  return n;
}

result<void> record_pool::seal(record*& r, int lane, keep_from keep, const segment_loader& load) {
  seal_oldest(r, lane, keep);
  return build_rollup_if_due(r, lane, keep, load);
}

// Moves the oldest tiles of a full lane into a new segment.
void record_pool::seal_oldest(record*& r, int lane, keep_from keep) {
  segment_directory& d = make_directory(r);
  trim_directory(*r, keep);
  const record_layout& sp = layout(r->space);
  const lane_type& type = sp.lanes[static_cast<std::size_t>(lane)];
  const bool wide = lane_wide(*r, lane);
  const std::size_t stride = type.tiles->form(wide).stride;
  const std::size_t bytes = type.seal_count * stride;
  std::byte* begin = lane_begin(r, sp, lane);

  segment s;
  s.number = d.next_number++;
  s.lane = static_cast<std::uint16_t>(lane);
  s.wide = wide;
  s.dirty = true;
  s.count = type.seal_count;
  s.first = static_cast<std::int64_t>(tile_type::bucket(begin)) + base(r, lane);
  s.last = static_cast<std::int64_t>(tile_type::bucket(begin + bytes - stride)) + base(r, lane);
  allocate_segment(*r, s, bytes);
  std::memcpy(s.tiles, begin, bytes);
  for (std::uint32_t i = 0; i < s.count; ++i) {
    std::byte* tile = s.tiles + i * stride;
    tile_type::set_bucket(
        tile, static_cast<std::uint32_t>(tile_type::bucket(tile) + base(r, lane) - s.first));
  }
  d.insert(s);
  own(*r, segment_directory::entry_bytes);
  count_buckets(*r, lane, s.count);
  // The tiles now belong to the segment: the bytes leave the head without being destroyed.
  const auto offset = static_cast<std::size_t>(begin - reinterpret_cast<std::byte*>(r));
  resize_lane(r, lane, lane_word(r, lane) - type.seal_count, offset, bytes, 0);
}

result<void> record_pool::build_rollup_if_due(record*& r, int lane, keep_from keep,
                                              const segment_loader& load) {
  const record_layout& sp = layout(r->space);
  if (sp.lanes[static_cast<std::size_t>(lane)].upper == schema::none || upper_active(r, sp, lane) ||
      total_tiles(*r, lane) <= rollup_at) {
    return {};
  }
  return build_rollup(r, lane, keep, load);
}

result<void> record_pool::build_rollup(record*& r, int lane, keep_from keep,
                                       const segment_loader& load) {
  const lane_type& type = layout(r->space).lanes[static_cast<std::size_t>(lane)];
  const int upper = type.upper;
  std::vector<std::pair<std::int64_t, tile_total>> totals;
  auto done = visit_tiles(
      *this, *r, lane, INT64_MIN / 64, INT64_MAX / 64,
      [&](std::int64_t index, const std::byte* tile, bool wide) {
        if (totals.empty() || totals.back().first != index >> 5) {
          totals.emplace_back(index >> 5, *type.tiles);
        }
        totals.back().second.merge(tile, wide);
      },
      load);
  if (!done) return done;
  keep_rollup(*r, upper);
  for (auto& [index, total] : totals) {
    if (tile_count(*r, upper) >=
        layout(r->space).lanes[static_cast<std::size_t>(upper)].inline_max) {
      seal_oldest(r, upper, keep);
    }
    std::byte* tile = append(r, upper, index, lane_wide(*r, upper));
    if (!tile) continue;
    if (!type.tiles->merge(tile, lane_wide(*r, upper), total.tile(), true)) {
      widen(r, upper);
      const std::size_t stride = type.tiles->form(true).stride;
      tile = lane_begin(r, layout(r->space), upper) + (tile_count(*r, upper) - 1) * stride;
      type.tiles->merge(tile, true, total.tile(), true);
    }
    own(*r, static_cast<std::ptrdiff_t>(type.tiles->owned_bytes(tile, lane_wide(*r, upper))));
  }
  // Only now: a rollup of the rollup is built from all of it.
  return build_rollup_if_due(r, upper, keep, load);
}

void record_pool::widen_segment(record& r, segment& s) {
  const tile_type& type = *layout(r.space).lanes[s.lane].tiles;
  const std::size_t narrow = type.form(false).stride, wide = type.form(true).stride;
  std::byte* old = s.tiles;
  const std::uint32_t old_capacity = s.capacity;
  allocate_segment(r, s, s.count * wide);
  for (std::uint32_t i = 0; i < s.count; ++i) type.widen(old + i * narrow, s.tiles + i * wide);
  s.wide = true;
  r.owned -= old_capacity;
  arena_.release(old, old_capacity);
}

// Cuts a segment that late events have filled into two.
void record_pool::split_segment(record& r, std::size_t position) {
  segment_directory& d = *directory(r);
  const tile_type& type = *layout(r.space).lanes[d.segments[position].lane].tiles;
  segment& low = d.segments[position];
  const std::size_t stride = type.form(low.wide).stride;
  const std::uint32_t half = low.count / 2;
  segment high = low;
  high.number = d.next_number++;
  high.count = low.count - half;
  high.dirty = true;
  high.first = low.first + tile_type::bucket(low.tiles + half * stride);
  allocate_segment(r, high, high.count * stride);
  std::memcpy(high.tiles, low.tiles + half * stride, high.count * stride);
  for (std::uint32_t i = 0; i < high.count; ++i) {
    std::byte* tile = high.tiles + i * stride;
    tile_type::set_bucket(
        tile, static_cast<std::uint32_t>(tile_type::bucket(tile) + low.first - high.first));
  }
  low.count = half;
  low.last = low.first + tile_type::bucket(low.tiles + (half - 1) * stride);
  d.segments.insert(d.segments.begin() + static_cast<std::ptrdiff_t>(position) + 1, high);
  own(r, segment_directory::entry_bytes);
}

// A late event whose bucket lies among sealed tiles.
result<void> record_pool::fold_sealed(record*& r, int lane, std::int64_t index, const fold_row& row,
                                      const segment_loader& load) {
  segment_directory& d = *directory(*r);
  const tile_type& type = *layout(r->space).lanes[static_cast<std::size_t>(lane)].tiles;
  const std::size_t at = d.index_for(lane, index);
  segment& s = d.segments[at];
  if (s.last - index > std::int64_t{UINT32_MAX}) return {};  // too old for any rule
  if (!s.tiles) {
    if (auto loaded = load(*r, s); !loaded) return loaded;
  }
  s.dirty = true;
  std::size_t stride = type.form(s.wide).stride;
  if (index < s.first) {
    for (std::uint32_t i = 0; i < s.count; ++i) {
      std::byte* tile = s.tiles + i * stride;
      tile_type::set_bucket(tile,
                            static_cast<std::uint32_t>(tile_type::bucket(tile) + s.first - index));
    }
    s.first = index;
  }
  const auto offset = static_cast<std::uint32_t>(index - s.first);
  std::uint32_t position = s.count;
  while (position > 0 && tile_type::bucket(s.tiles + (position - 1) * stride) > offset) --position;
  if (position > 0 && tile_type::bucket(s.tiles + (position - 1) * stride) == offset) {
    --position;
  } else {
    if ((s.count + 1) * stride > s.capacity) {
      std::byte* old = s.tiles;
      const std::uint32_t old_capacity = s.capacity;
      allocate_segment(*r, s, (s.count + 1) * stride);
      std::memcpy(s.tiles, old, s.count * stride);
      r->owned -= old_capacity;
      arena_.release(old, old_capacity);
    }
    std::byte* hole = s.tiles + position * stride;
    std::memmove(hole + stride, hole, (s.count - position) * stride);
    type.create(hole, s.wide, offset);
    ++s.count;
    count_buckets(*r, lane, 1);
    s.last = std::max(s.last, index);
  }
  for (;;) {
    std::byte* tile = s.tiles + position * stride;
    if (fold_owning(*r, type, tile, s.wide, row)) break;
    widen_segment(*r, s);
    stride = type.form(true).stride;
  }
  if (s.count > 2 * layout(r->space).lanes[static_cast<std::size_t>(lane)].seal_count)
    split_segment(*r, at);
  return {};
}

}  // namespace windrow::storage
