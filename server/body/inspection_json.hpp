#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/node.hpp"
#include "server/body/body_shape.hpp"

/// What a data folder is and holds: the answer of `windrow inspect`.
namespace windrow::server {

struct inspection {
  std::string path;
  std::uint64_t format_version = 0;
  std::string id;
  timestamp created;
  std::uint64_t shard_count = 0;
  std::string declarations;  ///< digest of the definitions, hexadecimal
  std::vector<node::node::shard_statistics> shards;
  struct journal_state {
    std::string file;
    std::uint64_t file_bytes = 0;
    std::uint64_t used_bytes = 0;
    std::uint64_t last = 0;     ///< entry
    std::uint64_t trimmed = 0;  ///< entry
    std::map<std::string, std::uint64_t> tables;
  } journal;
  std::optional<node::node::id_statistics> seen;  ///< where a stream is deduplicated
  struct partition {
    std::string id;    ///< 16 hexadecimal digits
    std::string kind;  ///< `file`, `standard input`, `kafka`, `journal`
    std::string name;
  };
  std::vector<partition> partitions;
  struct letters {
    std::string partition;  ///< its id
    std::uint64_t kept = 0;
    std::uint64_t kept_bytes = 0;
    std::uint64_t dropped = 0;
  };
  std::vector<letters> dead_letters;
  std::optional<std::uint64_t> verified;  ///< values read and found whole
};

/// Looks at the node's folder; with `verify` also reads everything.
result<inspection> inspect(node::node& node, bool verify);

/// One JSON object on one line, with its end.
std::string inspection_json(const inspection& what);
result<inspection> read_inspection(std::string_view json);

/// What `inspection_json` writes.
extern const body_shape inspection_shape;

}  // namespace windrow::server
