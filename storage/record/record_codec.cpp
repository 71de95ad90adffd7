#include "storage/record/record_codec.hpp"

#include "base/fault_injection.hpp"

#include <xxhash.h>

#include <cstring>

#include "base/varint.hpp"
#include "storage/record/value_codec.hpp"

namespace windrow::storage {

namespace {

constexpr char form_number = 1;
constexpr char head_kind = 1;
constexpr char segment_kind = 2;

void put_tiles(std::string& out, const tile_type& type, const std::byte* tile, std::uint32_t count,
               bool wide) {
  const std::size_t stride = type.form(wide).stride;
  std::uint32_t previous = tile_type::bucket(tile);
  for (std::uint32_t i = 0; i < count; ++i, tile += stride) {
    put_varint(out, tile_type::bucket(tile) - previous);
    previous = tile_type::bucket(tile);
    type.encode(out, tile, wide);
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
                             std::span<const std::uint8_t> body) {
  const std::uint64_t seed = XXH3_64bits_withSeed(key.data(), key.size(), folder_seed);
  return XXH3_64bits_withSeed(body.data(), body.size(), seed);
}

std::span<const std::uint8_t> checked_body(const storage_key& key, std::uint64_t folder_seed,
                                           std::span<const std::uint8_t> stored) {
  if (stored.size() < 10) return {};
  std::uint64_t sum;
  std::memcpy(&sum, stored.data(), 8);
  const auto body = stored.subspan(8);
  const bool right =
      fault_injected(failpoint::checksum_skipped) || sum == value_checksum(key, folder_seed, body);
  return right ? body : std::span<const std::uint8_t>{};
}

void encode_head(std::string& out, const record_pool& pool, const record& r) {
  out.push_back(form_number);
  out.push_back(head_kind);
  put_varint(out, std::uint32_t{r.space});
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
  const space_type& space = pool.space(r.space);
  for (int k = 0; k < static_cast<int>(space.lanes.size()); ++k) {
    const std::uint32_t count = pool.tile_count(r, k);
    const bool wide = pool.lane_wide(r, k);
    put_varint(out, count << 2 | (pool.rollup_kept(r, k) ? 2u : 0u) | (wide ? 1u : 0u));
    if (count == 0) continue;
    const std::byte* tiles = pool.tiles(r, k);
    put_zigzag(out, pool.base(&r, k) + tile_type::bucket(tiles));
    put_tiles(out, *space.lanes[static_cast<std::size_t>(k)].tiles, tiles, count, wide);
  }
}

void encode_segment(std::string& out, const record_pool& pool, const record& r, const segment& s) {
  out.push_back(form_number);
  out.push_back(segment_kind);
  put_varint(out, std::uint32_t{s.lane});
  put_varint(out, s.count << 1 | (s.wide ? 1u : 0u));
  put_zigzag(out, s.first);
  put_tiles(out, *pool.space(r.space).lanes[s.lane].tiles, s.tiles, s.count, s.wide);
}

namespace {

/// Whether events can have been in that bucket: it lies within 70,000 years of the epoch, so that
/// no time calculated from it leaves int64.
bool is_bucket(const lane_type& lane, std::int64_t index) noexcept {
  const std::int64_t most = INT64_MAX / 4 / lane.duration;
  return index >= -most && index <= most;
}

// Reads `count` tiles that were stored as `wide`; a narrow lane reads narrow tiles only, so a lane
// is decoded in the form it was stored in.
bool read_lane(record_pool& pool, record*& r, int lane, varint_reader& in) {
  const auto word = in.varint<std::uint32_t>();
  const bool wide = word & 1;
  if (word & 2) pool.keep_rollup(*r, lane);
  const std::uint32_t count = word >> 2;
  if (!in.ok() || count > 4095) return false;
  if (wide) pool.widen(r, lane);
  if (count == 0) return true;
  const lane_type& place = pool.space(r->space).lanes[static_cast<std::size_t>(lane)];
  const tile_type& type = *place.tiles;
  std::vector<std::byte> gone;  // a tile that has expired beyond reach
  std::int64_t index = in.zigzag();
  if (!is_bucket(place, index)) return false;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto step = in.varint<std::uint32_t>();
    if (!in.ok() || (i == 0) != (step == 0)) return false;
    index += step;
    if (!is_bucket(place, index)) return false;
    std::byte* tile = pool.append(r, lane, index, wide);
    if (!tile) {
      gone.resize(type.form(wide).stride);
      type.create(gone.data(), wide, 0);
      const bool read = type.decode(in, gone.data(), wide);
      type.destroy(gone.data(), wide);
      if (!read) return false;
      continue;
    }
    if (!type.decode(in, tile, wide)) return false;
    const auto owned = type.owned_bytes(tile, wide);
    if (owned) pool.count_owned(*r, owned);
  }
  return true;
}

}  // namespace

record* decode_head(record_pool& pool, std::span<const std::uint8_t> body, std::uint64_t lo) {
  varint_reader in(body);
  const auto form = in.raw<char>(), kind = in.raw<char>();
  const auto space = in.varint<std::uint32_t>();
  const auto key = in.bytes(in.varint<std::uint64_t>());
  if (!in.ok() || form != form_number || kind != head_kind || space >= pool.space_count() ||
      key.size() > 0xffff) {
    return nullptr;
  }
  record* r = pool.create(static_cast<int>(space),
                          {reinterpret_cast<const char*>(key.data()), key.size()}, lo,
                          2 * body.size());  // tiles take about twice their stored size
  const auto bad = [&]() -> record* {
    pool.destroy(r);
    return nullptr;
  };
  const auto scalars = in.bytes(in.varint<std::uint64_t>());
  if (!in.ok()) return bad();
  if (!scalars.empty()) pool.set_scalars(r, std::as_bytes(scalars));
  const auto segments = in.varint<std::uint64_t>();
  const auto next = in.varint<std::uint32_t>();
  if (!in.ok() || segments > body.size()) return bad();
  const auto& lanes = pool.space(static_cast<int>(space)).lanes;
  if (segments > 0 || next > 1) {
    pool.make_directory(r).next_number = next;
    for (std::uint64_t i = 0; i < segments; ++i) {
      segment s;
      s.lane = static_cast<std::uint16_t>(in.varint<std::uint32_t>());
      s.number = in.varint<std::uint32_t>();
      s.first = in.zigzag();
      const auto length = in.varint<std::uint64_t>();
      s.count = in.varint<std::uint32_t>();
      if (!in.ok() || s.lane >= lanes.size() || s.number == 0 || length > UINT32_MAX ||
          !is_bucket(lanes[s.lane], s.first)) {
        return bad();
      }
      s.last = s.first + static_cast<std::int64_t>(length);
      if (!is_bucket(lanes[s.lane], s.last)) return bad();
      pool.list_segment(*r, s);
    }
  }
  for (std::size_t k = 0; k < lanes.size(); ++k) {
    if (!read_lane(pool, r, static_cast<int>(k), in)) return bad();
  }
  return in.ok() && in.done() ? r : bad();
}

bool decode_segment(record_pool& pool, record& r, segment& s, std::span<const std::uint8_t> body) {
  varint_reader in(body);
  const auto form = in.raw<char>(), kind = in.raw<char>();
  const auto lane = in.varint<std::uint32_t>();
  const auto word = in.varint<std::uint32_t>();
  const std::int64_t first = in.zigzag();
  if (!in.ok() || form != form_number || kind != segment_kind || lane != s.lane ||
      word >> 1 != s.count || first != s.first || s.count == 0 || s.count > 4095) {
    return false;
  }
  s.wide = word & 1;
  const tile_type& type = *pool.space(r.space).lanes[s.lane].tiles;
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
    if (!in.ok() || !type.decode(in, tile, s.wide)) {
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

// ---- scalars -----------------------------------------------------------------------------------

namespace {

struct scalar_entry {
  std::uint16_t index;
  std::int64_t time;
  std::span<const std::uint8_t> bytes;
};

std::vector<scalar_entry> entries_of(std::span<const std::byte> scalars) {
  varint_reader in({reinterpret_cast<const std::uint8_t*>(scalars.data()), scalars.size()});
  std::vector<scalar_entry> entries;
  while (!in.done()) {
    scalar_entry e{in.raw<std::uint16_t>(), in.raw<std::int64_t>(), {}};
    e.bytes = in.bytes(in.raw<std::uint32_t>());
    if (!in.ok()) break;
    entries.push_back(e);
  }
  return entries;
}

}  // namespace

std::optional<record_pool::scalar_value> record_pool::scalar(const record& r, int index) const {
  for (const scalar_entry& e : entries_of(scalars(r))) {
    if (e.index != index) continue;
    varint_reader in(e.bytes);
    return scalar_value{e.time, read_value(in)};
  }
  return std::nullopt;
}

bool record_pool::set_scalar(record*& r, int index, std::int64_t time, const value& v) {
  std::string stored;
  put_value(stored, v);
  std::string out;
  const auto put = [&](std::uint16_t i, std::int64_t t, std::string_view bytes) {
    put_raw(out, i);
    put_raw(out, t);
    put_raw(out, static_cast<std::uint32_t>(bytes.size()));
    out.append(bytes);
  };
  for (const scalar_entry& e : entries_of(scalars(*r))) {
    const std::string_view bytes(reinterpret_cast<const char*>(e.bytes.data()), e.bytes.size());
    if (e.index != index) {
      put(e.index, e.time, bytes);
      continue;
    }
    // Among values with one event time the later message of the source wins.
    if (e.time > time || (e.time == time && bytes == stored)) return false;
  }
  put(static_cast<std::uint16_t>(index), time, stored);
  set_scalars(r, std::as_bytes(std::span(out)));
  return true;
}

}  // namespace windrow::storage
