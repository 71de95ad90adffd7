#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "windrow/result.hpp"

namespace windrow::schema {
struct plan;
}

namespace windrow::node {

class position_names;
class shard_set;

/// Of a rule of the plan: what `aggregate list` shows.
struct rule_statistics {
  std::uint64_t groups = 0;  ///< records with at least one tile of the rule's tiling
  std::uint64_t tiles = 0;
  std::uint64_t bytes = 0;  ///< stored form of those tiles, shared by the rules of a tiling
  std::uint64_t late = 0;
};

/// Of a shard: what `inspect` shows.
struct shard_statistics {
  std::string file;
  std::uint64_t file_bytes = 0;
  std::uint64_t used_bytes = 0;
  std::uint64_t stored_values = 0;
  std::vector<std::map<std::string, std::uint64_t>> stripe_positions;  ///< by stripe
  std::map<std::string, std::uint64_t> smallest, largest;              ///< positions
};

/// One element per rule of the plan. Reads the whole state.
result<std::vector<rule_statistics>> count_rules(const schema::plan& plan, const shard_set& shards);

/// One element per shard.
result<std::vector<shard_statistics>> count_shards(const shard_set& shards, position_names& names);

}  // namespace windrow::node
