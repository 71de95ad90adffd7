#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "schema/plan/plan.hpp"
#include "storage/window/tile.hpp"

namespace windrow::storage {

/// One lane of a record: the tiles of one tiling, or a rollup of it (level 1: 32 buckets in one,
/// level 2: 1,024, ...), so that a long window over small buckets folds a cover, not every bucket.
struct lane_type {
  int tiling = schema::none;  ///< plan.tilings
  int level = 0;
  int upper = schema::none;   ///< lane of the next level, if kept at all
  std::int64_t duration = 0;  ///< of one bucket of this lane
  std::int64_t origin = 0;
  std::int64_t retention = 0;
  std::uint32_t inline_max = 0;  ///< tiles in the head before some are sealed
  std::uint32_t seal_count = 0;  ///< tiles a new segment takes
  const tile_type* tiles = nullptr;
};

/// Buckets of one lane that make one bucket of the lane above.
inline constexpr std::uint32_t rollup_fan = 32;

/// A record keeps where every so manieth lane begins, so that a lane is found by walking over few
/// others.
inline constexpr int lanes_per_anchor = 8;

/// How the records of one key space of a plan lie in memory, and are written.
struct record_layout {
  int key_space = schema::none;
  std::vector<lane_type> lanes;     ///< memory order: longest bucket first
  std::uint32_t anchors = 0;        ///< offsets of lanes that a record keeps
  std::uint32_t anchor_offset = 0;  ///< of the first of them in a record
  std::uint32_t key_offset = 0;     ///< of the key in a record
  /// Level-0 lane of each plan tiling, or none (indexed by plan tiling).
  std::vector<int> lane_of_tiling;
};

/// The layouts of one plan. Immutable; shared by everything that reads its records.
class record_layouts {
public:
  explicit record_layouts(schema::plan_ptr plan);

  const record_layout& of(int key_space) const noexcept {
    return layouts_[static_cast<std::size_t>(key_space)];
  }
  std::size_t size() const noexcept { return layouts_.size(); }
  /// A plan scalar's place among those of its key space: what records call it.
  std::uint16_t place_of_scalar(int scalar) const noexcept {
    return scalar_places_[static_cast<std::size_t>(scalar)];
  }
  const schema::plan& plan() const noexcept { return *plan_; }

private:
  schema::plan_ptr plan_;
  std::vector<std::unique_ptr<tile_type>> tile_types_;  // by plan tiling
  std::vector<record_layout> layouts_;                  // by key space
  std::vector<std::uint16_t> scalar_places_;            // by plan scalar
};

/// What a record layout is, without reference to any plan: enough to read records that were
/// written under another catalog. Kept in the file of each shard that has records of it.
struct layout_definition {
  /// A lane's tiling (of `tilings`) and level.
  struct lane {
    std::uint32_t tiling = 0;
    std::uint32_t level = 0;
  };

  std::uint64_t key_space = 0;         ///< its id
  std::vector<std::uint64_t> scalars;  ///< ids, in the order of their places
  /// Of each the id, buckets, arguments and partials, and nothing else.
  std::vector<schema::tiling> tilings;
  std::vector<lane> lanes;  ///< in the order of records
};

layout_definition definition_of(const record_layouts& layouts, int key_space);

/// The stored form, canonical: u8 form=1 | u64 key space id | count, u64 scalar ids | count of
/// tilings, each: u64 id, duration, origin, count of arguments (each: text, text of its type),
/// count of partials (each: u8 kind, argument + 1, second argument + 1, zigzag parameter) | count
/// of lanes, each: tiling, level. Counts, durations and indexes are varints, texts a varint length
/// and bytes.
std::string encode_layout(const layout_definition& d);
/// Nothing if the bytes are no definition.
std::optional<layout_definition> decode_layout(std::span<const std::uint8_t> bytes);

/// The id of a layout: a hash of its stored form. Equal ids mean equal bytes in records.
std::uint64_t layout_id(std::span<const std::uint8_t> encoded) noexcept;

/// What a partial is within its tiling: its kind and parameter, and the texts and types of its
/// arguments.
std::uint64_t partial_id(const schema::tiling& t, const schema::partial& p);

}  // namespace windrow::storage
