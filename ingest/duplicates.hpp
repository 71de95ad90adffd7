#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "formats/message_run.hpp"
#include "ingest/stream.hpp"
#include "storage/dedup/dedup_index.hpp"

namespace windrow::ingest {

/// Takes duplicates out of what a stream made of a block of messages: the last decision about
/// them, so that a message which is skipped or dead-lettered claims no id. Plain; one thread.
class ingest_duplicates {
public:
  /// Requires a stream of the plan that declares deduplication. `seen` outlives this.
  ingest_duplicates(const schema::plan& plan, int stream, storage::partition_id partition,
                    std::uint64_t folder_seed, storage::dedup_index& seen);

  /// `block` is of the messages of `run` from `begin` on. How many rows were duplicates.
  result<std::size_t> drop(const formats::message_run& run, std::size_t begin,
                           resolved_block& block);

private:
  const schema::stream& stream_;
  const int number_;
  const storage::partition_id partition_;
  const std::uint64_t folder_seed_;
  storage::dedup_index& seen_;
  // Working memory, one item a row with an id.
  std::vector<storage::dedup_index::message> messages_;
  std::vector<std::uint32_t> rows_;
  std::vector<std::uint8_t> duplicate_;
  std::string key_;
};

}  // namespace windrow::ingest
