#include "storage/record/record_codec.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "base/fault_injection.hpp"
#include "base/varint.hpp"
#include "storage/record/scalars.hpp"

namespace windrow::storage {

namespace {

constexpr char record_form = 1;
constexpr char head_kind = 1;
constexpr char segment_kind = 2;
constexpr char overflow_bit = 0x40;  // of a kind: each tile is followed by its overflow flags
constexpr std::size_t checksum_bytes = 8;
constexpr std::uint32_t tiles_max = 4095;  // of a lane in a head, or of a segment

constexpr char kind_byte(char kind, bool overflow) noexcept {
  return static_cast<char>(overflow ? kind | overflow_bit : kind);
}

bool any_overflowed(const tile_type& type, const std::byte* tile, std::uint32_t count, bool wide) {
  const std::size_t stride = type.form(wide).stride;
  for (std::uint32_t i = 0; i < count; ++i, tile += stride)
    if (type.overflowed(tile, wide)) return true;
  return false;
}

/// The same of the tiles in a record's head.
bool any_overflowed(const record_pool& pool, const record& r) {
  const record_layout& layout = pool.layout(r.space);
  for (int k = 0; k < static_cast<int>(layout.lanes.size()); ++k) {
    const tile_type& type = *layout.lanes[static_cast<std::size_t>(k)].tiles;
    if (type.can_overflow() &&
        any_overflowed(type, pool.tiles(r, k), pool.tile_count(r, k), pool.lane_wide(r, k)))
      return true;
  }
  return false;
}

void put_tiles(std::string& out, const tile_type& type, const std::byte* tile, std::uint32_t count,
               bool wide, bool overflow) {
  const std::size_t stride = type.form(wide).stride;
  std::uint32_t previous = tile_type::bucket(tile);
  for (std::uint32_t i = 0; i < count; ++i, tile += stride) {
    put_varint(out, tile_type::bucket(tile) - previous);
    previous = tile_type::bucket(tile);
    type.encode(out, tile, wide);
    if (overflow) type.encode_overflow(out, tile, wide);
  }
}

}  // namespace

storage_key first_key_of(std::uint32_t stripe) {
  storage_key key{};
  key[0] = static_cast<std::uint8_t>(stripe);
  return key;
}

storage_key end_key_of(std::uint32_t stripe) {
  if (stripe + 1 < stripe_count) return first_key_of(stripe + 1);
  storage_key key;
  key.fill(0xff);  // no segment has this number
  return key;
}

failure damaged(std::string_view what) {
  return {errc::corrupt,
          "a stored " + std::string(what) +
              " fails its checksum or cannot be read; run `windrow inspect --verify`, then "
              "restore the folder from a backup or replay its sources into a new one"};
}

std::uint64_t value_checksum(const storage_key& key, std::uint64_t folder_seed,
                             std::uint64_t layout_id, std::span<const std::uint8_t> body) {
  const std::uint64_t seed = XXH3_64bits_withSeed(key.data(), key.size(), folder_seed ^ layout_id);
  return XXH3_64bits_withSeed(body.data(), body.size(), seed);
}

std::span<const std::uint8_t> checked_body(const storage_key& key, std::uint64_t folder_seed,
                                           const layout_table& layouts,
                                           std::span<const std::uint8_t> stored) {
  if (stored.size() <= checksum_bytes + 2) return {};
  const auto body = stored.subspan(checksum_bytes);
  varint_reader in(body.subspan(2));  // behind form and kind
  const stored_layout* layout = layouts.find(in.varint<std::uint32_t>());
  if (layout == nullptr) return {};
  std::uint64_t sum;
  std::memcpy(&sum, stored.data(), checksum_bytes);
  const bool right = fault_injected(failpoint::checksum_skipped) ||
                     sum == value_checksum(key, folder_seed, layout->id, body);
  return right ? body : std::span<const std::uint8_t>{};
}

void encode_head(std::string& out, const record_pool& pool, const layout_table& layouts,
                 const record& r) {
  const bool overflow = any_overflowed(pool, r);
  out.push_back(record_form);
  out.push_back(kind_byte(head_kind, overflow));
  put_varint(out, layouts.current(r.space).number);
  const auto key = pool.key(r);
  put_varint(out, key.size());
  out.append(key);
  const auto scalars = pool.scalars(r);
  put_varint(out, scalars.size());
  out.append(reinterpret_cast<const char*>(scalars.data()), scalars.size());
  const segment_directory* d = pool.directory(r);
  put_varint(out, d ? d->segments.size() : 0);
  if (d) {
    put_varint(out, d->next_number);
    for (const segment& s : d->segments) {
      put_varint(out, std::uint32_t{s.lane});
      put_varint(out, s.number);
      put_zigzag(out, s.first);
      put_varint(out, static_cast<std::uint64_t>(s.last - s.first));
      put_varint(out, s.count);
    }
  } else {
    put_varint(out, 1u);
  }
  const record_layout& layout = pool.layout(r.space);
  for (int k = 0; k < static_cast<int>(layout.lanes.size()); ++k) {
    const std::uint32_t count = pool.tile_count(r, k);
    const bool wide = pool.lane_wide(r, k);
    put_varint(out, count << 2 | (pool.rollup_kept(r, k) ? 2u : 0u) | (wide ? 1u : 0u));
    if (count == 0) continue;
    const std::byte* tiles = pool.tiles(r, k);
    put_zigzag(out, pool.base(&r, k) + tile_type::bucket(tiles));
    put_tiles(out, *layout.lanes[static_cast<std::size_t>(k)].tiles, tiles, count, wide, overflow);
  }
}

void encode_segment(std::string& out, const record_pool& pool, const layout_table& layouts,
                    const record& r, const segment& s) {
  const tile_type& type = *pool.layout(r.space).lanes[s.lane].tiles;
  const bool overflow = any_overflowed(type, s.tiles, s.count, s.wide);
  out.push_back(record_form);
  out.push_back(kind_byte(segment_kind, overflow));
  put_varint(out, layouts.current(r.space).number);
  put_varint(out, std::uint32_t{s.lane});
  put_varint(out, s.count << 1 | (s.wide ? 1u : 0u));
  put_zigzag(out, s.first);
  put_tiles(out, type, s.tiles, s.count, s.wide, overflow);
}

namespace {

/// Whether events can have been in that bucket: it lies within 70,000 years of the epoch, so that
/// no time calculated from it leaves int64.
bool is_bucket(const stored_layout::lane& lane, std::int64_t index) noexcept {
  const std::int64_t most = INT64_MAX / 4 / lane.duration;
  return index >= -most && index <= most;
}

/// The tiles of one stored lane, read one after the other and turned into tiles of now.
class tile_reader {
public:
  tile_reader(const stored_layout::lane& from, const tile_type* now, bool wide, bool overflow)
      : from_(from), now_(now), wide_(wide), overflow_(overflow) {}

  /// Reads the next tile into `tile` (created, of now; null: passed over). False on bad bytes.
  bool read(varint_reader& in, std::byte* tile) {
    if (tile && from_.same) return decode(*now_, in, tile);
    scratch_.resize(from_.tiles->form(wide_).stride);
    from_.tiles->create(scratch_.data(), wide_, 0);
    const bool good = decode(*from_.tiles, in, scratch_.data());
    if (good && tile) now_->take_over(tile, *from_.tiles, scratch_.data(), wide_, from_.cells);
    from_.tiles->destroy(scratch_.data(), wide_);
    return good;
  }

private:
  bool decode(const tile_type& type, varint_reader& in, std::byte* tile) const {
    return type.decode(in, tile, wide_) && (!overflow_ || type.decode_overflow(in, tile, wide_));
  }

  const stored_layout::lane& from_;
  const tile_type* now_;
  bool wide_, overflow_;
  std::vector<std::byte> scratch_;
};

/// Reads what follows the key of a head, stored in layout `from`, into a new record.
class head_reader {
public:
  head_reader(record_pool& pool, const stored_layout& from, bool overflow, varint_reader& in)
      : pool_(pool), from_(from), overflow_(overflow), in_(in) {}

  bool read(record*& r) {
    if (!read_scalars(r) || !read_segments(r)) return false;
    for (const stored_layout::lane& lane : from_.lanes)
      if (!read_lane(r, lane)) return false;
    return in_.ok() && in_.done();
  }

private:
  bool read_scalars(record*& r) {
    const auto stored = in_.bytes(in_.varint<std::uint64_t>());
    if (!in_.ok()) return false;
    if (from_.current) {
      if (!stored.empty()) pool_.set_scalars(r, std::as_bytes(stored));
      return true;
    }
    const auto kept = replaced_scalars(std::as_bytes(stored), from_.scalars);
    if (!kept) return false;
    if (!kept->empty()) pool_.set_scalars(r, std::as_bytes(std::span(*kept)));
    return true;
  }

  bool read_segments(record*& r) {
    const auto count = in_.varint<std::uint64_t>();
    const auto next = in_.varint<std::uint32_t>();
    if (!in_.ok() || count > in_.rest().size()) return false;
    if (count == 0 && next <= 1) return true;
    segment_directory& d = pool_.make_directory(r);
    d.next_number = next;
    std::vector<segment> kept;
    for (std::uint64_t i = 0; i < count; ++i) {
      segment s;
      const auto lane = in_.varint<std::uint32_t>();
      s.number = in_.varint<std::uint32_t>();
      s.first = in_.zigzag();
      const auto length = in_.varint<std::uint64_t>();
      s.count = in_.varint<std::uint32_t>();
      if (!in_.ok() || lane >= from_.lanes.size() || s.number == 0 || length > UINT32_MAX ||
          !is_bucket(from_.lanes[lane], s.first))
        return false;
      s.last = s.first + static_cast<std::int64_t>(length);
      if (!is_bucket(from_.lanes[lane], s.last)) return false;
      s.lane = static_cast<std::uint16_t>(from_.lanes[lane].to);
      if (from_.lanes[lane].to == schema::none)
        d.erased.push_back(s.number);
      else
        kept.push_back(s);
    }
    // Lanes keep their order among each other unless a duration is shared.
    if (!from_.current) {
      std::stable_sort(kept.begin(), kept.end(),
                       [](const segment& a, const segment& b) { return a.lane < b.lane; });
    }
    for (const segment& s : kept) pool_.list_segment(*r, s);
    return true;
  }

  bool read_lane(record*& r, const stored_layout::lane& lane) {
    const bool kept = lane.to != schema::none;
    const auto word = in_.varint<std::uint32_t>();
    const bool wide = word & 1;
    const std::uint32_t count = word >> 2;
    if (!in_.ok() || count > tiles_max) return false;
    if (kept && (word & 2)) pool_.keep_rollup(*r, lane.to);
    if (kept && wide) pool_.widen(r, lane.to);
    if (count == 0) return true;
    const tile_type* now =
        kept ? pool_.layout(r->space).lanes[static_cast<std::size_t>(lane.to)].tiles : nullptr;
    tile_reader tiles(lane, now, wide, overflow_);
    std::int64_t index = in_.zigzag();
    if (!is_bucket(lane, index)) return false;
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto step = in_.varint<std::uint32_t>();
      if (!in_.ok() || (i == 0) != (step == 0)) return false;
      index += step;
      if (!is_bucket(lane, index)) return false;
      // Null also where a tile has expired beyond reach.
      std::byte* tile = kept ? pool_.append(r, lane.to, index, wide) : nullptr;
      if (!tiles.read(in_, tile)) return false;
      if (!tile) continue;
      if (const auto owned = now->owned_bytes(tile, wide)) pool_.count_owned(*r, owned);
    }
    return true;
  }

  record_pool& pool_;
  const stored_layout& from_;
  bool overflow_;
  varint_reader& in_;
};

}  // namespace

std::optional<decoded_head> decode_head(record_pool& pool, const layout_table& layouts,
                                        std::span<const std::uint8_t> body, std::uint64_t lo) {
  varint_reader in(body);
  const auto form = in.raw<char>(), kind = in.raw<char>();
  const stored_layout* from = layouts.find(in.varint<std::uint32_t>());
  const auto key = in.bytes(in.varint<std::uint64_t>());
  if (!in.ok() || form != record_form || (kind & ~overflow_bit) != head_kind || !from ||
      key.size() > 0xffff)
    return std::nullopt;
  if (from->key_space == schema::none) return decoded_head{};
  const std::string_view text(reinterpret_cast<const char*>(key.data()), key.size());
  record* r = pool.create(from->key_space, text, lo,
                          2 * body.size());  // tiles take about twice their stored size
  if (head_reader(pool, *from, kind & overflow_bit, in).read(r))
    return decoded_head{r, !from->current};
  pool.destroy(r);
  return std::nullopt;
}

bool decode_segment(record_pool& pool, const layout_table& layouts, record& r, segment& s,
                    std::span<const std::uint8_t> body) {
  varint_reader in(body);
  const auto form = in.raw<char>(), kind = in.raw<char>();
  const stored_layout* from = layouts.find(in.varint<std::uint32_t>());
  const auto lane = in.varint<std::uint32_t>();
  const auto word = in.varint<std::uint32_t>();
  const std::int64_t first = in.zigzag();
  if (!in.ok() || form != record_form || (kind & ~overflow_bit) != segment_kind || !from ||
      from->key_space != r.space || lane >= from->lanes.size() || from->lanes[lane].to != s.lane ||
      word >> 1 != s.count || first != s.first || s.count == 0 || s.count > tiles_max) {
    return false;
  }
  s.wide = word & 1;
  const tile_type& type = *pool.layout(r.space).lanes[s.lane].tiles;
  tile_reader tiles(from->lanes[lane], &type, s.wide, kind & overflow_bit);
  const std::size_t stride = type.form(s.wide).stride;
  const std::uint32_t count = s.count;
  pool.allocate_segment(r, s, count * stride);
  std::uint32_t bucket = 0;
  for (s.count = 0; s.count < count; ++s.count) {
    std::byte* tile = s.tiles + s.count * stride;
    const auto step = in.varint<std::uint32_t>();
    // Ascending, from the segment's first bucket to the last one that its head names.
    if ((s.count == 0) != (step == 0) || step > s.last - s.first - bucket) break;
    bucket += step;
    type.create(tile, s.wide, bucket);
    if (!in.ok() || !tiles.read(in, tile)) {
      type.destroy(tile, s.wide);
      break;
    }
    if (const auto owned = type.owned_bytes(tile, s.wide)) pool.count_owned(r, owned);
  }
  if (s.count == count && in.ok() && in.done()) return true;
  pool.free_segment(r, s);
  s.count = count;
  return false;
}

}  // namespace windrow::storage
