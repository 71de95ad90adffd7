#include "storage/record/record_layout.hpp"

#include <xxhash.h>

#include <algorithm>

#include "base/varint.hpp"
#include "schema/catalog/definition_id.hpp"
#include "schema/expression/type_text.hpp"
#include "storage/record/record.hpp"

namespace windrow::storage {

namespace {

constexpr char layout_form = 1;
constexpr std::uint32_t level_max = 11;  // 32^12 buckets in one are more than there are

std::vector<lane_type> lanes_of(const schema::plan& p, const schema::key_space& space,
                                const std::vector<std::unique_ptr<tile_type>>& tile_types) {
  std::vector<lane_type> lanes;
  for (const int t : space.tilings) {
    const schema::tiling& tiling = p.tilings[static_cast<std::size_t>(t)];
    const tile_type* type = tile_types[static_cast<std::size_t>(t)].get();
    std::int64_t duration = tiling.duration;
    for (int level = 0;; ++level) {
      lane_type lane;
      lane.tiling = t;
      lane.level = level;
      lane.duration = duration;
      lane.origin = tiling.origin;
      lane.retention = tiling.retention;
      lane.inline_max = type->inline_max();
      lane.seal_count = lane.inline_max * 3 / 4;
      lane.tiles = type;
      lanes.push_back(lane);
      // A rollup pays where a window can span several of its buckets many times over.
      if (tiling.retention / duration <= 8 * rollup_fan) break;
      duration *= rollup_fan;
    }
  }
  std::stable_sort(lanes.begin(), lanes.end(),
                   [](const lane_type& a, const lane_type& b) { return a.duration > b.duration; });
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    for (std::size_t j = 0; j < lanes.size(); ++j) {
      if (lanes[j].tiling == lanes[i].tiling && lanes[j].level == lanes[i].level + 1) {
        lanes[i].upper = static_cast<int>(j);
      }
    }
  }
  return lanes;
}

/// How many things follow, each of at least one byte.
std::size_t read_count(varint_reader& in) {
  const auto count = in.varint<std::uint64_t>();
  if (count > in.rest().size()) in.fail();
  return in.ok() ? count : 0;
}

void put_tiling(std::string& out, const schema::tiling& t) {
  put_raw(out, t.id);
  put_varint(out, static_cast<std::uint64_t>(t.duration));
  put_varint(out, static_cast<std::uint64_t>(t.origin));
  put_varint(out, t.arguments.size());
  for (std::size_t i = 0; i < t.arguments.size(); ++i) {
    put_text(out, t.arguments[i]);
    put_text(out, to_string(t.argument_types[i]));
  }
  put_varint(out, t.partials.size());
  for (const schema::partial& p : t.partials) {
    put_raw(out, static_cast<std::uint8_t>(p.kind));
    put_varint(out, static_cast<std::uint32_t>(p.argument + 1));
    put_varint(out, static_cast<std::uint32_t>(p.second_argument + 1));
    put_zigzag(out, p.parameter);
  }
}

/// An index into the tiling's arguments, or none.
int read_argument(varint_reader& in, const schema::tiling& t) {
  const auto next = in.varint<std::uint32_t>();
  if (next > t.arguments.size()) in.fail();
  return in.ok() ? static_cast<int>(next) - 1 : schema::none;
}

schema::tiling read_tiling(varint_reader& in) {
  schema::tiling t;
  t.id = in.raw<std::uint64_t>();
  t.duration = static_cast<std::int64_t>(in.varint<std::uint64_t>());
  t.origin = static_cast<std::int64_t>(in.varint<std::uint64_t>());
  if (t.duration <= 0 || t.origin < 0 || t.origin >= t.duration) in.fail();
  for (std::size_t n = read_count(in); n > 0; --n) {
    t.arguments.emplace_back(in.text());
    const auto type = schema::parse_type(in.text());
    if (!type) {
      in.fail();
      return t;
    }
    t.argument_types.push_back(type->type);
  }
  for (std::size_t n = read_count(in); n > 0; --n) {
    schema::partial p;
    const auto kind = in.raw<std::uint8_t>();
    p.kind = static_cast<schema::partial_kind>(kind);
    p.argument = read_argument(in, t);
    p.second_argument = read_argument(in, t);
    p.parameter = in.zigzag();
    if (kind >= schema::partial_kind_count) in.fail();
    t.partials.push_back(p);
  }
  return t;
}

}  // namespace

record_layouts::record_layouts(schema::plan_ptr plan) : plan_(std::move(plan)) {
  for (const schema::tiling& t : plan_->tilings)
    tile_types_.push_back(std::make_unique<tile_type>(t));
  scalar_places_.resize(plan_->scalars.size());
  for (std::size_t k = 0; k < plan_->key_spaces.size(); ++k) {
    const schema::key_space& space = plan_->key_spaces[k];
    record_layout s;
    s.key_space = static_cast<int>(k);
    s.lanes = lanes_of(*plan_, space, tile_types_);
    if (!s.lanes.empty())
      s.anchors = static_cast<std::uint32_t>((s.lanes.size() - 1) / lanes_per_anchor);
    s.anchor_offset = static_cast<std::uint32_t>(sizeof(record) + 2 * s.lanes.size());
    if (s.anchors > 0) s.anchor_offset = (s.anchor_offset + 3) & ~3u;
    s.key_offset = s.anchor_offset + s.anchors * static_cast<std::uint32_t>(sizeof(std::uint32_t));
    s.lane_of_tiling.assign(plan_->tilings.size(), schema::none);
    for (std::size_t i = 0; i < s.lanes.size(); ++i) {
      if (s.lanes[i].level == 0)
        s.lane_of_tiling[static_cast<std::size_t>(s.lanes[i].tiling)] = static_cast<int>(i);
    }
    for (std::size_t i = 0; i < space.scalars.size(); ++i)
      scalar_places_[static_cast<std::size_t>(space.scalars[i])] = static_cast<std::uint16_t>(i);
    layouts_.push_back(std::move(s));
  }
}

layout_definition definition_of(const record_layouts& layouts, int key_space) {
  const schema::plan& p = layouts.plan();
  const schema::key_space& space = p.key_spaces[static_cast<std::size_t>(key_space)];
  layout_definition d;
  d.key_space = space.id;
  for (const int s : space.scalars) d.scalars.push_back(p.scalars[static_cast<std::size_t>(s)].id);
  for (const int t : space.tilings) d.tilings.push_back(p.tilings[static_cast<std::size_t>(t)]);
  for (const lane_type& lane : layouts.of(key_space).lanes) {
    const auto at = std::find(space.tilings.begin(), space.tilings.end(), lane.tiling);
    d.lanes.push_back({static_cast<std::uint32_t>(at - space.tilings.begin()),
                       static_cast<std::uint32_t>(lane.level)});
  }
  return d;
}

std::string encode_layout(const layout_definition& d) {
  std::string out;
  out.push_back(layout_form);
  put_raw(out, d.key_space);
  put_varint(out, d.scalars.size());
  for (const std::uint64_t id : d.scalars) put_raw(out, id);
  put_varint(out, d.tilings.size());
  for (const schema::tiling& t : d.tilings) put_tiling(out, t);
  put_varint(out, d.lanes.size());
  for (const layout_definition::lane& lane : d.lanes) {
    put_varint(out, lane.tiling);
    put_varint(out, lane.level);
  }
  return out;
}

std::optional<layout_definition> decode_layout(std::span<const std::uint8_t> bytes) {
  varint_reader in(bytes);
  layout_definition d;
  if (in.raw<char>() != layout_form) return std::nullopt;
  d.key_space = in.raw<std::uint64_t>();
  for (std::size_t n = read_count(in); n > 0; --n) d.scalars.push_back(in.raw<std::uint64_t>());
  for (std::size_t n = read_count(in); n > 0; --n) d.tilings.push_back(read_tiling(in));
  for (std::size_t n = read_count(in); n > 0; --n) {
    layout_definition::lane lane;
    lane.tiling = in.varint<std::uint32_t>();
    lane.level = in.varint<std::uint32_t>();
    if (lane.tiling >= d.tilings.size() || lane.level > level_max ||
        d.tilings[lane.tiling].duration > INT64_MAX >> 5 * lane.level)
      in.fail();
    d.lanes.push_back(lane);
  }
  if (!in.ok() || !in.done()) return std::nullopt;
  return d;
}

std::uint64_t layout_id(std::span<const std::uint8_t> encoded) noexcept {
  return XXH3_64bits(encoded.data(), encoded.size());
}

std::uint64_t partial_id(const schema::tiling& t, const schema::partial& p) {
  schema::definition_hash id("partial");
  id.add(static_cast<std::int64_t>(p.kind)).add(p.parameter);
  for (const int index : {p.argument, p.second_argument}) {
    id.add(static_cast<std::int64_t>(index == schema::none ? 0 : 1));
    if (index == schema::none) continue;
    const auto argument = static_cast<std::size_t>(index);
    id.add(t.arguments[argument]).add(to_string(t.argument_types[argument]));
  }
  return id.finish();
}

}  // namespace windrow::storage
