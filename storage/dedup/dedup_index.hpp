#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "storage/batch.hpp"
#include "storage/dedup/memtable.hpp"
#include "storage/dedup/sorted_runs.hpp"
#include "storage/lmdb/file_identity.hpp"
#include "storage/lmdb/lmdb.hpp"

namespace windrow::storage {

/// How far a source partition may lie behind the newest event time of its stream, beyond `within`,
/// before its ids are forgotten as those of a partition that has ended. 30 days, in microseconds.
inline constexpr std::int64_t partition_lag_max = 30LL * 86'400 * 1'000'000;

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
  struct stream_rule {
    std::string name;
    std::int64_t within = 0;  ///< microseconds; 0: no deduplication
  };
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
  /// (versions.hpp). Before the first `decide`: nothing else writes yet.
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
  /// One stream's messages from one partition.
  struct track {
    std::uint64_t stream_hash = 0;
    int stream = -1;  ///< in `streams_`; -1: not of this plan
    partition_id partition = 0;
    sequence decided = 0;
    std::int64_t newest = no_time;  ///< event time of what was accepted
    sequence decided_durable = 0;
    std::int64_t newest_durable = no_time;
  };
  struct stream_state {
    std::string name;
    std::uint64_t hash = 0;
    std::int64_t within = 0;
    std::int64_t newest = no_time;
  };
  struct found_id {
    std::uint32_t message = 0;
    seen_id seen;
  };
  using table_ptr = std::shared_ptr<dedup_memtable>;
  /// A table that waits to become a run, and what had been decided when it was full: empty where
  /// all of it is durable.
  struct full_table {
    table_ptr table;
    std::vector<track> tracks;
  };
  using run_ptr = std::shared_ptr<const seen_run>;

  dedup_index(const options& o, std::unique_ptr<lmdb::environment> file);
  result<void> load();
  result<void> load_tracks(const lmdb::read_transaction& txn);
  result<void> load_log(const lmdb::read_transaction& txn);
  result<void> load_runs();
  std::uint32_t track_of(int stream, partition_id partition);
  void note_newest(track& of, std::int64_t time) noexcept;
  bool remembered(const seen_id& seen) const noexcept;
  result<void> look_up(std::span<const message> messages);
  bool judge(std::uint32_t track_number, const message& m, std::span<const found_id> stored);
  result<void> make_room(std::unique_lock<std::mutex>& lock, std::size_t count);
  table_ptr new_table();
  id_filter filter_for(std::uint64_t ids);

  // Of the thread.
  void work();
  result<bool> work_once();
  bool work_due() const;
  seen_limits limits_now() const;
  result<void> write_table(const full_table& full);
  result<void> enter_table(const full_table& full, const run_ptr& run);
  static seen_value encode(std::uint32_t number, const track& t);
  result<void> write_waiting_table();
  result<void> merge(const std::vector<run_ptr>& runs);
  std::vector<run_ptr> due_for_merge() const;
  run_ptr forgotten_run(const seen_limits& limits) const;
  result<void> replace(const std::vector<run_ptr>& old, run_ptr made);
  unsigned level_of(std::uint64_t ids) const noexcept;

  const store_identity identity_;
  const bool look_only_;
  const bool own_thread_;
  const std::size_t table_ids_;
  const std::size_t filter_bytes_max_;
  std::unique_ptr<lmdb::environment> file_;
  seen_files pages_;

  std::atomic<bool> stop_{false};
  std::mutex flush_mutex_;    ///< one flush at a time; before mutex_
  mutable std::mutex mutex_;  ///< everything below
  std::condition_variable changed_;
  std::optional<failure> failed_;  ///< of the thread
  bool runs_loaded_ = false;
  std::vector<stream_state> streams_;
  std::vector<track> tracks_;  ///< tracks_[i] has the number i + 1
  std::map<std::pair<std::uint64_t, partition_id>, std::uint32_t> track_numbers_;
  positions passed_;
  table_ptr active_;
  std::vector<full_table> full_;             ///< oldest first
  std::vector<run_ptr> runs_;                ///< oldest first
  std::vector<seen_run_entry> stored_runs_;  ///< until they are loaded
  std::vector<std::uint64_t> left_logs_;     ///< of tables that are runs
  bool strays_looked_for_ = false;
  std::uint64_t flushes_ = 0;
  std::uint64_t next_number_ = 1;  ///< of a table or run
  lmdb::read_transaction reader_;
  std::vector<found_id> found_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> probes_;
  std::thread thread_;
};

}  // namespace windrow::storage
