// Stored records, segments, stripes, values and record layouts, as they are once their checksum has
// been found right: refused, or decoded to what is encoded and decoded to the same, and can be
// read.
//
// The first byte says which of them follows.
#include <xxhash.h>

#include <cstring>
#include <string>

#include "storage/record/record_codec.hpp"
#include "storage/record/tile_scan.hpp"
#include "storage/record/value_codec.hpp"
#include "storage/shard/stripe.hpp"
#include "tests/fuzz/fuzz_target.hpp"
#include "tests/storage/test_plan.hpp"

namespace windrow::storage {
namespace {

using fuzz::require;
using byte_span = std::span<const std::uint8_t>;

constexpr std::int64_t time_span = 1'000'000'000'000;
constexpr std::int64_t minute = 60'000'000, hour = 60 * minute, day = 24 * hour;

/// Every kind of partial, two lengths of buckets, rollups, and a scalar. `older`: what another
/// catalog had of it, and had besides.
schema::plan_ptr make_plan(bool older = false) {
  using schema::aggregation;
  testing::plan_maker maker;
  const int watermark_group = maker.watermark_group();
  const int minutes = maker.tiling(watermark_group, minute),
            days = maker.tiling(watermark_group, day);
  maker.feature(minutes, aggregation::sum, testing::column_a, {30 * day});
  if (!older) maker.feature(minutes, aggregation::count, testing::column_b, {hour});
  maker.feature(minutes, aggregation::mean, testing::column_c, {hour});
  maker.feature(days, aggregation::min, testing::column_a, {30 * day});
  if (older) maker.feature(days, aggregation::approx_count_distinct, testing::column_a, {day});
  maker.feature(days, aggregation::max, testing::column_c, {30 * day});
  maker.feature(days, aggregation::var, testing::column_c, {30 * day});
  if (!older) {
    const int sketches = maker.tiling(maker.watermark_group(), hour);
    maker.feature(sketches, aggregation::approx_count_distinct, testing::column_t, {day});
    maker.feature(sketches, aggregation::any, testing::column_h, {day});
  } else {
    maker.feature(maker.tiling(watermark_group, hour), aggregation::sum, testing::column_b,
                  {30 * day});
  }
  maker.scalar(testing::column_t);
  if (older) maker.scalar(testing::column_b);
  return maker.make();
}

/// Layout 1 is the plan's own, layout 2 an older one.
layout_table make_layouts(const record_pool& pool) {
  const record_layouts older(make_plan(true));
  auto made =
      layout_table::make(pool.layouts(), {{1, encode_layout(definition_of(pool.layouts(), 0))},
                                          {2, encode_layout(definition_of(older, 0))}});
  require(made.ok(), "layouts that were encoded are read");
  return std::move(*made);
}

byte_span bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// Reads everything of a record that a query could.
void look(const record_pool& pool, record& r) {
  const segment_loader absent = [](const record&, segment&) -> result<void> {
    return failure{errc::corrupt, "no segment is stored"};
  };
  const record_layout& space = pool.layout(r.space);
  for (int lane = 0; lane < static_cast<int>(space.lanes.size()); ++lane) {
    const tile_type& type = *space.lanes[static_cast<std::size_t>(lane)].tiles;
    tile_total total(type);
    (void)merge_tiles(pool, r, lane, INT64_MIN / 4, INT64_MAX / 4, total, absent);
    (void)visit_tiles(
        pool, r, lane, -1'000'000, 1'000'000, [](auto, auto, auto) {}, absent);
  }
  (void)pool.scalar(r, 0);
  (void)pool.empty(r);
}

void try_head(record_pool& pool, const layout_table& layouts, byte_span body) {
  const auto read = decode_head(pool, layouts, body, 1);
  if (!read) return;
  look(pool, *read->r);
  std::string once;
  encode_head(once, pool, layouts, *read->r);
  pool.destroy(read->r);
  const auto again = decode_head(pool, layouts, bytes_of(once), 1);
  require(again && !again->translated, "a head that was encoded is decoded");
  std::string twice;
  encode_head(twice, pool, layouts, *again->r);
  pool.destroy(again->r);
  require(once == twice, "a decoded head is encoded to the same bytes");
}

void try_segment(record_pool& pool, const layout_table& layouts, byte_span body) {
  // What the head would say of it: the segment has to agree, so it is taken from there.
  varint_reader in(body);
  in.raw<std::uint16_t>();
  const stored_layout* from = layouts.find(in.varint<std::uint32_t>());
  const auto lane = in.varint<std::uint32_t>();
  if (!from || lane >= from->lanes.size() || from->lanes[lane].to == schema::none) return;
  segment s;
  s.number = 1;
  s.lane = static_cast<std::uint16_t>(from->lanes[lane].to);
  s.count = in.varint<std::uint32_t>() >> 1;
  s.first = in.zigzag();
  if (!in.ok()) return;
  if (s.first < -time_span || s.first > time_span) return;  // the head is refused
  s.last = s.first + UINT32_MAX;
  record* r = pool.create(0, "key", 1);
  if (decode_segment(pool, layouts, *r, s, body)) {
    std::string once;
    encode_segment(once, pool, layouts, *r, s);
    pool.free_segment(*r, s);
    require(decode_segment(pool, layouts, *r, s, bytes_of(once)),
            "a segment that was encoded is decoded");
    std::string twice;
    encode_segment(twice, pool, layouts, *r, s);
    require(once == twice, "a decoded segment is encoded to the same bytes");
    pool.free_segment(*r, s);
  }
  pool.destroy(r);
}

void try_layout(const record_pool& pool, byte_span body) {
  const auto read = decode_layout(body);
  if (!read) return;
  const std::string once = encode_layout(*read);
  const auto again = decode_layout(bytes_of(once));
  require(again && encode_layout(*again) == once, "a layout is encoded to the same bytes");
  require(layout_table::make(pool.layouts(), {{1, once}}).ok(), "it can be translated from");
}

void try_stripe(const schema::plan& plan, byte_span body) {
  constexpr std::uint64_t seed = 7;
  std::string sealed;
  put_raw(sealed,
          std::uint64_t{XXH3_64bits_withSeed(body.data(), body.size(), seed ^ 0x9e3779b97f4a7c15)});
  sealed.append(reinterpret_cast<const char*>(body.data()), body.size());
  const auto state = decode_stripe(plan, bytes_of(sealed), 0, seed);
  if (!state) return;
  const std::string once = encode_stripe(plan, *state, 0, seed);
  const auto again = decode_stripe(plan, bytes_of(once), 0, seed);
  require(again.ok(), "a stripe that was encoded is decoded");
  require(encode_stripe(plan, *again, 0, seed) == once, "it is encoded to the same bytes");
}

void try_value(byte_span body) {
  varint_reader in(body);
  const value read = read_value(in);
  if (!in.ok()) return;
  std::string once, twice;
  put_value(once, read);
  varint_reader back(bytes_of(once));
  put_value(twice, read_value(back));
  require(back.ok() && back.done() && once == twice, "a value that was encoded is decoded");
}

}  // namespace
}  // namespace windrow::storage

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace windrow::storage;
  if (size == 0) return 0;
  static const auto plan = make_plan();
  const byte_span body(data + 1, size - 1);
  record_pool pool(plan);
  pool.set_max_event_times(std::vector<std::int64_t>(plan->watermark_groups.size(), 0));
  if (data[0] >= 0xf0) {
    try_layout(pool, body);
    return 0;
  }
  switch (data[0] % 4) {
    case 0:
      try_head(pool, make_layouts(pool), body);
      break;
    case 1:
      try_segment(pool, make_layouts(pool), body);
      break;
    case 2:
      try_stripe(*plan, body);
      break;
    default:
      try_value(body);
      break;
  }
  return 0;
}
