#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "storage/journal/arrival_table.hpp"
#include "storage/journal/counter_table.hpp"
#include "storage/journal/dead_letter_removal.hpp"
#include "storage/journal/dead_letter_store.hpp"
#include "storage/journal/entry_log.hpp"
#include "storage/journal/partition_table.hpp"
#include "storage/journal/producer_table.hpp"
#include "storage/journal/push_queue.hpp"
#include "storage/journal/skip_table.hpp"

namespace windrow::storage {

/// What a node must not forget besides its shards: which source partitions there are, when their
/// messages arrived, which of them could not be applied, and the messages that were pushed to it.
/// One LMDB environment of its own, because sharing one with the shards stalls it. This opens it;
/// what is in it is the affair of its parts, each with a header of its own.
///
/// Durability: whatever returned success is on disk, except what is staged (`dead_letter_store`).
/// Concurrency: any thread may call anything. Writers take turns in the order in which they come;
/// what is answered from memory does not wait for them.
class journal {
public:
  struct options {
    std::string directory;
    store_identity identity;
    std::uint64_t map_bytes = lmdb::default_map_bytes;
    std::uint64_t dead_letter_bytes = 256 << 20;
    /// What makes an id of a name; another one for tests of names with one hash.
    partition_table::hash id_of_name = partition_id_of;
  };

  static result<void> create(const options& o);
  static result<std::unique_ptr<journal>> open(const options& o);

  /// Moves the file on by one transaction, so that no copy made before passes for it
  /// (rollback_guard.hpp).
  result<void> begin_session() { return file_->begin_session(); }

  partition_table& partitions() noexcept { return partitions_; }
  arrival_table& arrivals() noexcept { return arrivals_; }
  skip_table& skips() noexcept { return skips_; }
  counter_table& counters() noexcept { return counters_; }
  producer_table& producers() noexcept { return producers_; }
  dead_letter_store& dead_letters() noexcept { return dead_letters_; }
  entry_log& entries() noexcept { return entries_; }
  dead_letter_removal& removal() noexcept { return removal_; }
  push_queue& pushes() noexcept { return pushes_; }

  result<lmdb::statistics> stats() { return file_->stats(); }
  const std::string& data_file() const noexcept { return file_->data_file(); }
  /// Reads everything and checks every checksum; the number of values read.
  result<std::uint64_t> verify() { return file_->verify(); }

private:
  journal(const options& o, std::unique_ptr<journal_file> file);

  std::unique_ptr<journal_file> file_;
  // In order of construction: each uses those before it.
  partition_table partitions_;
  arrival_table arrivals_;
  skip_table skips_;
  counter_table counters_;
  producer_table producers_;
  dead_letter_store dead_letters_;
  entry_log entries_;
  dead_letter_removal removal_;
  push_queue pushes_;
};

}  // namespace windrow::storage
