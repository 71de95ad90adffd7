#include "storage/record/record.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <limits>
#include <new>

namespace windrow::storage {

record_pool::record_pool(schema::plan_ptr plan)
    : layouts_(std::move(plan)), bases_(layouts_), held_(layouts_.size()) {}

record_pool::~record_pool() = default;

void record_pool::own(record& r, std::ptrdiff_t bytes) noexcept {
  r.owned = static_cast<std::uint32_t>(r.owned + bytes);
  owned_ = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(owned_) + bytes);
}

// ---- bytes -------------------------------------------------------------------------------------

record* record_pool::create(int key_space, std::string_view key, std::uint64_t lo,
                            std::size_t room) {
  const record_layout& s = layout(key_space);
  const std::size_t bytes = (s.key_offset + key.size() + 7) & ~std::size_t{7};
  const arena::block block = arena_.allocate(bytes + room);
  auto* r = new (block.data) record{};
  r->lo = lo;
  r->capacity = block.capacity;
  r->used = static_cast<std::uint32_t>(bytes);
  r->key_length = static_cast<std::uint16_t>(key.size());
  r->space = static_cast<std::uint16_t>(key_space);
  r->epoch = bases_.latest();
  std::memset(reinterpret_cast<char*>(r + 1), 0, s.key_offset - sizeof(record));
  std::memcpy(reinterpret_cast<char*>(r) + s.key_offset, key.data(), key.size());
  ++held_[r->space].records;
  return r;
}

void record_pool::destroy(record* r) noexcept {
  const record_layout& s = layout(r->space);
  --held_[r->space].records;
  for (std::size_t k = 0; k < s.lanes.size(); ++k) {
    const tile_type& type = *s.lanes[k].tiles;
    count_buckets(*r, static_cast<int>(k), -std::int64_t{tile_count(*r, static_cast<int>(k))});
    if (!type.owns_memory()) continue;
    const bool wide = lane_wide(*r, static_cast<int>(k));
    std::byte* tile = lane_begin(r, s, static_cast<int>(k));
    for (std::uint32_t i = tile_count(*r, static_cast<int>(k)); i > 0; --i) {
      type.destroy(tile, wide);
      tile += type.form(wide).stride;
    }
  }
  if (segment_directory* d = directory(*r)) {
    for (segment& g : d->segments) {
      count_buckets(*r, g.lane, -std::int64_t{g.count});
      free_segment(*r, g);
    }
    delete d;
  }
  owned_ -= r->owned;
  arena_.release(r, r->capacity);
}

void record_pool::splice(record*& r, std::size_t offset, std::size_t old_bytes,
                         std::size_t new_bytes) {
  const std::size_t tail = r->used - offset - old_bytes;
  const std::size_t used = r->used - old_bytes + new_bytes;
  auto* from = reinterpret_cast<std::byte*>(r);
  if (used <= r->capacity) {
    std::memmove(from + offset + new_bytes, from + offset + old_bytes, tail);
    r->used = static_cast<std::uint32_t>(used);
    return;
  }
  const arena::block block = arena_.allocate(new_bytes > old_bytes ? used + used / 8 : used);
  auto* to = static_cast<std::byte*>(block.data);
  std::memcpy(to, from, offset);
  std::memcpy(to + offset + new_bytes, from + offset + old_bytes, tail);
  arena_.release(r, r->capacity);
  r = reinterpret_cast<record*>(to);
  r->capacity = block.capacity;
  r->used = static_cast<std::uint32_t>(used);
}

void record_pool::resize_lane(record*& r, int lane, unsigned word, std::size_t offset,
                              std::size_t old_bytes, std::size_t new_bytes) {
  splice(r, offset, old_bytes, new_bytes);
  set_lane_word(r, lane, word);
  const record_layout& s = layout(r->space);
  for (auto a = static_cast<std::uint32_t>(lane / lanes_per_anchor); a < s.anchors; ++a)
    anchors(r, s)[a] += static_cast<std::uint32_t>(new_bytes - old_bytes);
}

void record_pool::shrink(record*& r) {
  const arena::block block = arena_.allocate(r->used);
  if (block.capacity >= r->capacity) return arena_.release(block.data, block.capacity);
  std::memcpy(block.data, r, r->used);
  arena_.release(r, r->capacity);
  r = static_cast<record*>(block.data);
  r->capacity = block.capacity;
}

void record_pool::defragment(record*& r) {
  const auto moved = [this](void* old, std::uint32_t capacity, std::size_t bytes) -> void* {
    if (!arena_.sparse(old, capacity)) return old;
    const arena::block block = arena_.allocate(capacity);
    std::memcpy(block.data, old, bytes);
    arena_.release(old, capacity);
    return block.data;
  };
  r = static_cast<record*>(moved(r, r->capacity, r->used));
  if (segment_directory* d = directory(*r)) {
    for (segment& s : d->segments) {
      if (s.tiles) s.tiles = static_cast<std::byte*>(moved(s.tiles, s.capacity, s.capacity));
    }
  }
}

void record_pool::unload_segments(record& r) noexcept {
  segment_directory* d = directory(r);
  if (!d) return;
  for (segment& s : d->segments) {
    if (!s.dirty) free_segment(r, s);
  }
}

segment_directory* record_pool::directory(const record& r) const noexcept {
  if (!(r.flags & record::has_directory)) return nullptr;
  segment_directory* d;
  std::memcpy(&d, reinterpret_cast<const std::byte*>(&r) + body_offset(&r, layout(r.space)),
              sizeof d);
  return d;
}

segment_directory& record_pool::make_directory(record*& r) {
  if (segment_directory* d = directory(*r)) return *d;
  const std::size_t at = body_offset(r, layout(r->space));
  splice(r, at, 0, sizeof(segment_directory*));
  auto* d = new segment_directory;
  std::memcpy(reinterpret_cast<std::byte*>(r) + at, &d, sizeof d);
  r->flags |= record::has_directory;
  own(*r, sizeof *d);
  return *d;
}

void record_pool::list_segment(record& r, const segment& s) {
  directory(r)->segments.push_back(s);
  own(r, segment_directory::entry_bytes);
  count_buckets(r, s.lane, s.count);
}

void record_pool::allocate_segment(record& r, segment& s, std::size_t bytes) {
  const arena::block block = arena_.allocate(bytes);
  s.tiles = static_cast<std::byte*>(block.data);
  s.capacity = block.capacity;
  r.owned += block.capacity;  // the arena counts the bytes themselves
}

void record_pool::free_segment(record& r, segment& s) noexcept {
  if (!s.tiles) return;
  const tile_type& type = *layout(r.space).lanes[s.lane].tiles;
  if (type.owns_memory()) {
    std::byte* tile = s.tiles;
    for (std::uint32_t i = 0; i < s.count; ++i, tile += type.form(s.wide).stride) {
      own(r, -static_cast<std::ptrdiff_t>(type.owned_bytes(tile, s.wide)));
      type.destroy(tile, s.wide);
    }
  }
  r.owned -= s.capacity;
  arena_.release(s.tiles, s.capacity);
  s.tiles = nullptr;
  s.capacity = 0;
}

// ---- bases -------------------------------------------------------------------------------------

// Rewrites the record's offsets for another epoch. What lies before the new base is older than any
// rule retains and is dropped.
void record_pool::rebase(record*& r, std::uint16_t epoch) {
  const record_layout& s = layout(r->space);
  for (int k = 0; k < static_cast<int>(s.lanes.size()); ++k) {
    const std::int64_t shift = base(r, k) - bases_.of(epoch, r->space, k);
    const std::size_t stride =
        s.lanes[static_cast<std::size_t>(k)].tiles->form(lane_wide(*r, k)).stride;
    std::uint32_t gone = 0;
    std::byte* tile = lane_begin(r, s, k);
    for (std::uint32_t i = 0; i < tile_count(*r, k); ++i, tile += stride) {
      const std::int64_t moved = static_cast<std::int64_t>(tile_type::bucket(tile)) + shift;
      if (moved < 0) ++gone;
      tile_type::set_bucket(tile, static_cast<std::uint32_t>(moved));
    }
    if (gone) drop_front(r, k, gone);
  }
  r->epoch = epoch;
}

bool record_pool::fit_epoch(record*& r, int lane, std::int64_t index) {
  const auto epoch = bases_.epoch_for(r->epoch, r->space, lane, index);
  if (!epoch) return false;
  if (*epoch != r->epoch) rebase(r, *epoch);
  return true;
}

// ---- lanes -------------------------------------------------------------------------------------

void record_pool::drop_front(record*& r, int lane, std::uint32_t tiles) {
  const record_layout& s = layout(r->space);
  const tile_type& type = *s.lanes[static_cast<std::size_t>(lane)].tiles;
  const bool wide = lane_wide(*r, lane);
  const std::size_t stride = type.form(wide).stride;
  std::byte* tile = lane_begin(r, s, lane);
  if (type.owns_memory()) {
    for (std::uint32_t i = 0; i < tiles; ++i) {
      own(*r, -static_cast<std::ptrdiff_t>(type.owned_bytes(tile + i * stride, wide)));
      type.destroy(tile + i * stride, wide);
    }
  }
  const auto offset = static_cast<std::size_t>(tile - reinterpret_cast<std::byte*>(r));
  resize_lane(r, lane, lane_word(r, lane) - tiles, offset, tiles * stride, 0);
}

std::uint32_t record_pool::expired_in_front(const record* r, int lane,
                                            std::int64_t keep) const noexcept {
  const record_layout& s = layout(r->space);
  const std::size_t stride =
      s.lanes[static_cast<std::size_t>(lane)].tiles->form(lane_wide(*r, lane)).stride;
  const std::byte* tile = lane_begin(const_cast<record*>(r), s, lane);
  const std::uint32_t count = tile_count(*r, lane);
  std::uint32_t n = 0;
  while (n < count && static_cast<std::int64_t>(tile_type::bucket(tile)) + base(r, lane) < keep) {
    ++n;
    tile += stride;
  }
  return n;
}

// Makes room for a tile at `position` and creates it; gives its position.
std::uint32_t record_pool::insert_tile(record*& r, int lane, std::uint32_t position,
                                       std::int64_t index) {
  const record_layout& s = layout(r->space);
  const tile_type& type = *s.lanes[static_cast<std::size_t>(lane)].tiles;
  const bool wide = lane_wide(*r, lane);
  const std::size_t stride = type.form(wide).stride;
  const auto offset =
      static_cast<std::size_t>(lane_begin(r, s, lane) - reinterpret_cast<std::byte*>(r)) +
      position * stride;
  resize_lane(r, lane, lane_word(r, lane) + 1u, offset, 0, stride);
  type.create(reinterpret_cast<std::byte*>(r) + offset, wide,
              static_cast<std::uint32_t>(index - base(r, lane)));
  return position;
}

std::byte* record_pool::append(record*& r, int lane, std::int64_t index, bool wide) {
  if (wide && !lane_wide(*r, lane)) widen(r, lane);
  if (!fit_epoch(r, lane, index)) return nullptr;
  const std::uint32_t position = insert_tile(r, lane, tile_count(*r, lane), index);
  const record_layout& s = layout(r->space);
  return lane_begin(r, s, lane) +
         position * s.lanes[static_cast<std::size_t>(lane)].tiles->form(lane_wide(*r, lane)).stride;
}

void record_pool::widen(record*& r, int lane) {
  const record_layout& s = layout(r->space);
  const tile_type& type = *s.lanes[static_cast<std::size_t>(lane)].tiles;
  const std::uint32_t count = tile_count(*r, lane);
  const std::size_t narrow = type.form(false).stride, wide = type.form(true).stride;
  std::byte* begin = lane_begin(r, s, lane);
  const std::vector<std::byte> old(begin, begin + count * narrow);
  const auto offset = static_cast<std::size_t>(begin - reinterpret_cast<std::byte*>(r));
  resize_lane(r, lane, lane_word(r, lane) | unsigned{wide_bit}, offset, count * narrow,
              count * wide);
  for (std::uint32_t i = 0; i < count; ++i) {
    type.widen(old.data() + i * narrow, reinterpret_cast<std::byte*>(r) + offset + i * wide);
  }
}

bool record_pool::fold_owning(record& r, const tile_type& type, std::byte* tile, bool wide,
                              const fold_row& row) {
  const auto before = static_cast<std::ptrdiff_t>(type.owned_bytes(tile, wide));
  if (!type.fold(tile, wide, row)) return false;
  const auto after = static_cast<std::ptrdiff_t>(type.owned_bytes(tile, wide));
  if (after != before) own(r, after - before);
  return true;
}

result<void> record_pool::fold(record*& r, int lane, std::int64_t index, const fold_row& row,
                               keep_from keep, const segment_loader& load) {
  for (;;) {
    if (auto done = fold_one(r, lane, index, row, keep, load); !done) return done;
    if (!upper_active(r, layout(r->space), lane)) return {};
    lane = layout(r->space).lanes[static_cast<std::size_t>(lane)].upper;
    index >>= 5;  // floor(index / rollup_fan)
  }
}

result<void> record_pool::fold_one(record*& r, int lane, std::int64_t index, const fold_row& row,
                                   keep_from keep, const segment_loader& load) {
  const record_layout& s = layout(r->space);
  const lane_type& type = s.lanes[static_cast<std::size_t>(lane)];
  if (!fit_epoch(r, lane, index)) return {};  // too old for any rule by now
  const std::uint32_t count = tile_count(*r, lane);
  bool wide = lane_wide(*r, lane);
  std::size_t stride = type.tiles->form(wide).stride;
  const auto offset = static_cast<std::uint32_t>(index - base(r, lane));
  std::byte* begin = lane_begin(r, s, lane);
  // What is sealed lies before what is not.
  if (count == 0 || offset < tile_type::bucket(begin)) {
    const segment_directory* d = directory(*r);
    const segment* sealed = d ? d->last_of(lane) : nullptr;
    if (sealed && index <= sealed->last) return fold_sealed(r, lane, index, row, load);
  }
  const std::int64_t keep_index = keep[static_cast<std::size_t>(lane)];
  std::uint32_t position = count;  // after the last tile at or before `offset`
  while (position > 0 && tile_type::bucket(begin + (position - 1) * stride) > offset) --position;
  const bool found = position > 0 && tile_type::bucket(begin + (position - 1) * stride) == offset;
  if (found) {
    --position;
  } else if (const std::uint32_t gone = std::min(expired_in_front(r, lane, keep_index), position)) {
    // The new tile takes the place of an expired one: nothing after the lane moves.
    if (gone > 1) {
      drop_front(r, lane, gone - 1);
      position -= gone - 1;
      begin = lane_begin(r, s, lane);
    }
    own(*r, -static_cast<std::ptrdiff_t>(type.tiles->owned_bytes(begin, wide)));
    type.tiles->destroy(begin, wide);
    std::memmove(begin, begin + stride, (position - 1) * stride);
    --position;
    type.tiles->create(begin + position * stride, wide, offset);
  } else {
    if (count >= type.inline_max) {
      if (auto sealed = seal(r, lane, keep, load); !sealed) return sealed;
      return fold_one(r, lane, index, row, keep, load);
    }
    insert_tile(r, lane, position, index);
  }
  for (;;) {
    std::byte* tile = lane_begin(r, s, lane) + position * stride;
    if (fold_owning(*r, *type.tiles, tile, wide, row)) return {};
    widen(r, lane);
    wide = true;
    stride = type.tiles->form(true).stride;
  }
}

bool record_pool::worth_trimming(const record& r, keep_from keep) const noexcept {
  const record_layout& s = layout(r.space);
  const std::byte* at = lane_begin(const_cast<record*>(&r), s, 0);
  for (int k = 0; k < static_cast<int>(s.lanes.size()); ++k) {
    const std::uint32_t count = tile_count(r, k);
    const auto lane = static_cast<std::size_t>(k);
    const std::size_t stride = s.lanes[lane].tiles->form(lane_wide(r, k)).stride;
    if (count > 0) {
      const std::byte* middle = at + (count - 1) / 2 * stride;
      if (static_cast<std::int64_t>(tile_type::bucket(middle)) + base(&r, k) < keep[lane])
        return true;
    }
    at += count * stride;
  }
  const segment_directory* d = directory(r);
  return d && std::any_of(d->segments.begin(), d->segments.end(),
                          [&](const segment& s) { return s.last < keep[s.lane]; });
}

bool record_pool::trim(record*& r, keep_from keep) {
  const record_layout& s = layout(r->space);
  bool changed = false;
  for (int k = 0; k < static_cast<int>(s.lanes.size()); ++k) {
    if (const std::uint32_t gone = expired_in_front(r, k, keep[static_cast<std::size_t>(k)])) {
      drop_front(r, k, gone);
      changed = true;
    }
  }
  if (segment_directory* d = directory(*r)) {
    const std::size_t before = d->segments.size();
    trim_directory(*r, keep);
    changed |= d->segments.size() != before;
  }
  if (changed && r->used * 2 < r->capacity) shrink(r);
  return changed;
}

bool record_pool::empty(const record& r) const noexcept {
  if (r.scalars_length != 0) return false;
  for (std::size_t k = 0; k < layout(r.space).lanes.size(); ++k) {
    if (tile_count(r, static_cast<int>(k)) != 0) return false;
  }
  const segment_directory* d = directory(r);
  return !d || d->segments.empty();
}

// ---- scalars -----------------------------------------------------------------------------------

bool record_pool::set_scalar(record*& r, int index, std::int64_t time, const value& v) {
  const auto changed = with_scalar(scalars(*r), layouts_.place_of_scalar(index), time, v);
  if (changed) set_scalars(r, std::as_bytes(std::span(*changed)));
  return changed.has_value();
}

std::span<const std::byte> record_pool::scalars(const record& r) const noexcept {
  return {reinterpret_cast<const std::byte*>(&r) + scalars_offset(&r, layout(r.space)),
          r.scalars_length};
}

void record_pool::set_scalars(record*& r, std::span<const std::byte> bytes) {
  const std::size_t at = scalars_offset(r, layout(r->space));
  splice(r, at, (r->scalars_length + 7) & ~std::size_t{7}, (bytes.size() + 7) & ~std::size_t{7});
  std::memcpy(reinterpret_cast<std::byte*>(r) + at, bytes.data(), bytes.size());
  r->scalars_length = static_cast<std::uint32_t>(bytes.size());
}

}  // namespace windrow::storage
