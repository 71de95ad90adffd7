#include "node/shard_statistics.hpp"

#include <algorithm>

#include "node/position_names.hpp"
#include "node/shard_set.hpp"
#include "schema/plan/plan.hpp"

namespace windrow::node {

namespace {

struct tiling_statistics {
  std::uint64_t groups = 0, tiles = 0, bytes = 0;
};

/// Adds the tiles of one lane of a record; `encoded` is a buffer to work in.
void add_lane(const storage::record_pool& pool, storage::record& r, int lane, std::string& encoded,
              std::vector<tiling_statistics>& by_tiling) {
  const storage::lane_type& type = pool.layout(r.space).lanes[static_cast<std::size_t>(lane)];
  if (type.level != 0) return;
  tiling_statistics& t = by_tiling[static_cast<std::size_t>(type.tiling)];
  std::uint64_t tiles = pool.tile_count(r, lane);
  const std::byte* tile = pool.tiles(r, lane);
  encoded.clear();
  for (std::uint64_t n = 0; n < tiles; ++n) {
    type.tiles->encode(encoded, tile, pool.lane_wide(r, lane));
    tile += type.tiles->form(pool.lane_wide(r, lane)).stride;
  }
  const std::size_t each = tiles ? encoded.size() / tiles + 1 : 0;  // and a byte for the bucket
  if (const auto* d = pool.directory(r)) {
    for (const auto& s : d->segments) tiles += s.lane == lane ? s.count : 0;
  }
  t.groups += tiles ? 1 : 0;
  t.tiles += tiles;
  t.bytes += tiles * each;
}

/// Counts one shard inside its access.
result<void> add_shard(storage::shard_core& core, std::vector<rule_statistics>& rules,
                       std::vector<tiling_statistics>& by_tiling) {
  const auto late = core.progress().late_by_rule();
  for (std::size_t r = 0; r < rules.size(); ++r) rules[r].late += late[r];
  std::string encoded;
  return core.for_each_record([&](const storage::record_pool& pool, storage::record& r) {
    const int lanes = static_cast<int>(pool.layout(r.space).lanes.size());
    for (int lane = 0; lane < lanes; ++lane) add_lane(pool, r, lane, encoded, by_tiling);
  });
}

/// The positions of a shard's stripes, and the smallest and largest of them.
void add_positions(const std::vector<storage::stripe_state>& states, position_names& names,
                   shard_statistics& out) {
  std::map<storage::partition_id, std::pair<storage::sequence, storage::sequence>> range;
  for (const auto& state : states) {
    for (const auto& e : state.sources.entries())
      range.try_emplace(e.partition, ~storage::sequence{0}, 0);
  }
  for (const auto& state : states) {
    std::map<std::string, std::uint64_t> readable;
    for (auto& [partition, bounds] : range) {
      const auto* found = state.sources.find(partition);
      const storage::sequence at = found ? found->at : 0;
      bounds = {std::min(bounds.first, at), std::max(bounds.second, at)};
      readable.insert(names.readable(partition, at));
    }
    out.stripe_positions.push_back(std::move(readable));
  }
  for (const auto& [partition, bounds] : range) {
    out.smallest.insert(names.readable(partition, bounds.first));
    out.largest.insert(names.readable(partition, bounds.second));
  }
}

}  // namespace

result<std::vector<rule_statistics>> count_rules(const schema::plan& plan,
                                                 const shard_set& shards) {
  std::vector<tiling_statistics> by_tiling(plan.tilings.size());
  std::vector<rule_statistics> out(plan.rules.size());
  for (std::size_t s = 0; s < shards.size(); ++s) {
    auto added = shards.access(s)->priority(
        [&](storage::shard_core& core) { return add_shard(core, out, by_tiling); });
    if (!added) return added.error();
  }
  for (std::size_t r = 0; r < out.size(); ++r) {
    const tiling_statistics& t = by_tiling[static_cast<std::size_t>(plan.rules[r].tiling)];
    out[r].groups = t.groups;
    out[r].tiles = t.tiles;
    out[r].bytes = t.bytes;
  }
  return out;
}

result<std::vector<shard_statistics>> count_shards(const shard_set& shards, position_names& names) {
  std::vector<shard_statistics> out;
  for (std::size_t s = 0; s < shards.size(); ++s) {
    shard_statistics one;
    auto stats = shards.store(s).stats();
    if (!stats) return stats.error();
    one.file = shards.store(s).data_file();
    one.file_bytes = stats->file_bytes;
    one.used_bytes = stats->used_bytes - stats->free_bytes;
    for (const auto& table : stats->tables) one.stored_values += table.entries;
    add_positions(shards.access(s)->priority(
                      [](storage::shard_core& core) { return core.progress().states(); }),
                  names, one);
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace windrow::node
