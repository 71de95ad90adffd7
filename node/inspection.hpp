#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "node/shard_statistics.hpp"
#include "schema/plan/plan.hpp"
#include "windrow/result.hpp"
#include "windrow/value.hpp"

namespace windrow::storage {
class dedup_index;
class folder;
class journal;
}  // namespace windrow::storage

namespace windrow::node {

class position_names;
class shard_set;

/// What a data folder is and holds: the answer of `windrow inspect`.
struct inspection {
  std::string path;
  std::uint64_t format_version = 0;
  std::string id;
  timestamp created;
  std::uint64_t shard_count = 0;
  std::string declarations;  ///< digest of the definitions, hexadecimal
  std::vector<shard_statistics> shards;
  struct journal_state {
    std::string file;
    std::uint64_t file_bytes = 0;
    std::uint64_t used_bytes = 0;
    std::uint64_t last = 0;     ///< entry
    std::uint64_t trimmed = 0;  ///< entry
    std::map<std::string, std::uint64_t> tables;
  } journal;
  struct dedup_state {
    std::string file;
    std::uint64_t file_bytes = 0;
    std::uint64_t used_bytes = 0;
    std::uint64_t stored_values = 0;
    std::uint64_t ids = 0;  ///< forgotten ones that still take room included
  };
  std::optional<dedup_state> dedup;  ///< if a stream is deduplicated
  struct partition {
    std::string id;    ///< 16 hexadecimal digits
    std::string kind;  ///< `file`, `standard input`, `kafka`, `journal`
    std::string name;
  };
  std::vector<partition> partitions;
  struct dead_letters_kept {
    std::string partition;  ///< its id
    std::uint64_t kept = 0;
    std::uint64_t kept_bytes = 0;
    std::uint64_t dropped = 0;
  };
  std::vector<dead_letters_kept> dead_letters;
  std::optional<std::uint64_t> verified;  ///< values read and found whole
};

/// What there is to inspect; all of it is only looked at.
struct inspected {
  const storage::folder& folder;
  schema::plan_ptr plan;
  storage::journal& journal;
  storage::dedup_index* dedup = nullptr;  ///< null: no stream declares deduplication
  const shard_set& shards;
  position_names& names;
};

/// Describes a folder. Not `verified`.
result<inspection> inspect(const inspected& what);
/// Reads every value of every file and checks every checksum; the number of values.
result<std::uint64_t> verify(const inspected& what);

}  // namespace windrow::node
