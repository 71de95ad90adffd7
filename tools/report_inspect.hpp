#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cluster/node.hpp"
#include "storage/journal.hpp"
#include "storage/meta_codec.hpp"
#include "tools/table.hpp"

/// The answer of `windrow inspect`.
namespace windrow::tools {

struct inspection {
  std::string path;
  storage::node_meta meta;
  std::vector<cluster::node::shard_statistics> shards;
  std::string journal_file;
  storage::lmdb::statistics journal;
  storage::sequence last_entry = 0;
  storage::sequence trimmed_entry = 0;
  std::vector<storage::partition> partitions;
  std::vector<storage::dead_letter_totals> letters;
  std::optional<std::uint64_t> verified;   ///< values read and found whole
};

std::string inspect_text(const inspection& what, const table_options& options);
/// One JSON object on one line, with its end.
std::string inspect_json(const inspection& what);

/// What a source partition is called: `file`, `standard input`, `kafka`, `journal`.
std::string_view kind_name(storage::partition_kind kind) noexcept;

}  // namespace windrow::tools
