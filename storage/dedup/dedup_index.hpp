#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/batch.hpp"
#include "storage/dedup/compaction.hpp"
#include "storage/lmdb/file_identity.hpp"
#include "storage/lmdb/lmdb.hpp"

namespace windrow::storage {

/// Decides which messages are duplicates, and remembers the ids of those that are not.
///
/// Problem: a message may be repeated by its sender, but must count once: also when the process
/// dies between two commits and reads part of its input again, and with more ids than memory.
///
/// Operation. A message (id, event time t, partition p, sequence s) of a stream is a *duplicate*
/// where a message of that stream with the same id and an event time t' was accepted before it
/// with |t - t'| <= within, and is not forgotten: t' >= newest - within, with the newest event
/// time accepted from the same partition as that message (and t' >= newest - within - 30 days
/// with the newest of the stream). Else it is accepted, and leaves (id, t, p, s).
///
/// What has been decided and is durable is looked up, not decided again: for each stream and
/// partition the last sequence decided is kept with the ids; a message at or below it was accepted
/// exactly if its own (p, s) is here. So a replay decides the same, whatever the order in which
/// partitions are read again. An id stays as long as its message may be replayed.
///
/// Storage. Ids are kept in a table in memory and appended to a log by `flush`. A full table
/// becomes a sorted run of immutable pages; eight runs of one size are merged into one, and what
/// is forgotten is left out. Each run has its first ids of pages and a filter in memory, so that an
/// id that is new rarely costs a read. A thread of its own writes runs.
///
/// Durability: `decide` is durable after `flush`. Order: flush before shards commit positions that
/// cover what was decided; a crash before that decides again, since nothing else remembers.
/// Concurrency: any thread may call anything; `decide` of one partition in order of its sequences.
/// Limits: `memory` bytes; about 40 bytes of disk an id (more while runs are merged).
class dedup_index {
public:
  using stream_rule = dedup_stream_rule;
  struct options {
    std::string directory;
    store_identity identity;
    std::uint64_t map_bytes = lmdb::default_map_bytes;
    std::vector<stream_rule> streams = {};  ///< one a plan stream
    std::size_t memory = std::size_t{64} << 20;
    std::size_t table_ids = 0;  ///< in a table; 0: as many as memory allows
    /// Writes nothing: what is decided stays in memory, without a bound.
    bool read_only = false;
    /// False: the caller of `decide` writes runs itself (tests).
    bool thread = true;
  };
  struct message {
    key_hash id;  ///< of `hash_id`
    std::int64_t time = 0;
    sequence at = 0;
  };
  struct statistics {
    std::uint64_t ids = 0;  ///< forgotten ones that still take room included
    std::uint64_t runs = 0;
    std::uint64_t flushes = 0;  ///< that wrote something, since `open`
    std::size_t memory_bytes = 0;
  };

  static result<void> create(const options& o);
  static result<std::unique_ptr<dedup_index>> open(const options& o);
  ~dedup_index();

  /// Moves the file on by one transaction, so that no copy made before passes for it
  /// (rollback_guard.hpp). Before the first `decide`: nothing else writes yet.
  result<void> begin_session();

  /// The id of a message: a hash of its key bytes (`schema/catalog/key.hpp`) for one stream.
  static key_hash hash_id(std::string_view key, std::uint64_t folder_seed, std::string_view stream);

  /// Decides messages of a stream from one partition, in rising order of sequence: sets
  /// `duplicate` to 0 or 1 a message. Waits where ids come faster than runs can be written.
  result<void> decide(int stream, partition_id partition, std::span<const message> messages,
                      std::vector<std::uint8_t>& duplicate);

  /// Makes everything decided so far durable.
  result<void> flush();
  /// Messages at or below these positions will not be replayed: every shard has them on disk.
  void forget(const positions& committed);
  /// Writes and merges the runs that are due. The thread's work; for tests without one.
  result<void> tidy();

  statistics stats() const;
  result<lmdb::statistics> file_stats() { return file_->stats(); }
  const std::string& data_file() const noexcept { return file_->data_file(); }
  /// Reads everything and checks every checksum; the number of values read.
  result<std::uint64_t> verify();

private:
  dedup_index(const options& o, std::unique_ptr<lmdb::environment> file);
  result<void> load();
  result<void> load_runs();
  bool judge(std::uint32_t track_number, const message& m,
             std::span<const dedup_runs::found_id> stored);
  result<void> make_room(std::unique_lock<std::mutex>& lock, std::size_t count);

  const store_identity identity_;
  const bool read_only_;
  std::unique_ptr<lmdb::environment> file_;
  mutable dedup_state state_;
  std::vector<key_hash> questions_;  // guarded by the state's mutex
  dedup_compaction compaction_;
};

}  // namespace windrow::storage
