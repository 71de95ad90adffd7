#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "storage/dedup/id_filter.hpp"
#include "storage/dedup/memtable.hpp"
#include "storage/lmdb/file_identity.hpp"
#include "storage/lmdb/lmdb.hpp"

/// The stored form of ids: pages of them, in a log by arrival and in runs by hash. For
/// `dedup_index`.
namespace windrow::storage {

/// What the ids of one track in a run have in common.
struct dedup_span {
  std::uint32_t track = 0;
  std::int64_t max_event_time = no_time;
  sequence last = 0;
};

/// A run as its table says it.
struct sorted_run_entry {
  std::uint64_t number = 0;
  std::uint64_t ids = 0;
  std::uint32_t pages = 0;
  std::vector<dedup_span> tracks;
};

/// A run with what finds an id in it.
struct sorted_run : sorted_run_entry {
  std::vector<std::uint64_t> first;  ///< upper half of each page's first id
  id_filter filter;
};

/// What need not be kept, by track: ids older than a time, of messages that no shard will replay.
struct dedup_limits {
  struct of_track {
    std::int64_t time = no_time;
    sequence passed = 0;
  };
  std::vector<of_track> tracks;  ///< by track number - 1

  bool keeps(std::uint32_t track, std::int64_t time, sequence at) const noexcept {
    if (track == 0 || track > tracks.size()) return true;
    const of_track& limit = tracks[track - 1];
    return time >= limit.time || at > limit.passed;
  }
};

/// A sealed value with its key.
struct dedup_value {
  byte_buffer key;
  byte_buffer value;
};

/// The tables of the environment and the pages in them. Any thread; a run's pages never change.
class dedup_files {
public:
  enum table : std::size_t {
    identity_entry,
    track_entries,
    log_entries,
    run_entries,
    page_entries,
    table_count
  };
  static constexpr std::size_t entry_bytes = 36;
  /// As many as fill four pages of LMDB with what belongs to them.
  static constexpr std::size_t page_ids = 454;

  /// Runs are written `write_pages` in a transaction.
  dedup_files(lmdb::environment& file, std::size_t write_pages)
      : file_(file), write_pages_(write_pages) {}

  static std::vector<std::string> table_names();
  lmdb::table_id id(table which) const noexcept { return file_.table(which); }
  failure damaged(table from, bytes key) const;
  result<bytes> unseal(table from, const lmdb::entry& stored) const;

  /// The ids of a page or log value, appended to `out`.
  result<void> decode(table from, const lmdb::entry& stored, std::vector<dedup_id>& out) const;
  /// Appends ids to the log of a table, in values of a page at most; counts them in `chunks`.
  result<void> put_log(lmdb::write_transaction& txn, std::uint64_t generation,
                       std::uint32_t& chunks, std::span<const dedup_id> ids) const;
  result<void> erase_log(std::uint64_t generation);

  result<sorted_run_entry> decode_run(const lmdb::entry& stored) const;
  /// Builds what finds ids in a stored run, by reading it.
  result<std::shared_ptr<sorted_run>> load(const sorted_run_entry& entry, id_filter filter);
  /// Shows every id of the run with that hash.
  result<void> find(const lmdb::read_transaction& txn, const sorted_run& run, const key_hash& id,
                    const std::function<void(const dedup_id&)>& visit) const;
  result<std::vector<dedup_id>> read_page(std::uint64_t run, std::uint32_t page);
  /// Makes a run (or none) the one that stands for `instead`, and those no longer runs; writes
  /// `tracks` in the same transaction.
  result<void> enter(const sorted_run* made, std::span<const std::uint64_t> instead,
                     std::span<const dedup_value> tracks = {});
  /// Frees the pages of a number that is no run (any more), some at a time.
  result<void> erase_pages(std::uint64_t run, const std::atomic<bool>& stop);
  /// Numbers that have pages and are not in `runs` (sorted): of runs whose making was cut short.
  result<std::vector<std::uint64_t>> strays(std::span<const std::uint64_t> runs);

private:
  friend class sorted_run_writer;
  lmdb::environment& file_;
  const std::size_t write_pages_;
};

/// Writes a run in rising order of ids, some pages in a transaction. Nobody sees it before
/// `dedup_files::enter`.
class sorted_run_writer {
public:
  sorted_run_writer(dedup_files& files, std::uint64_t number, id_filter filter);
  result<void> add(const dedup_id& seen);
  /// The finished run; null if nothing was added.
  result<std::shared_ptr<sorted_run>> finish();

private:
  result<void> write();

  dedup_files& files_;
  std::shared_ptr<sorted_run> run_;
  std::vector<dedup_id> waiting_;
};

/// Reads a run in order.
class sorted_run_reader {
public:
  sorted_run_reader(dedup_files& files, const sorted_run& run) : files_(files), run_(run) {}
  /// Null at the end.
  const dedup_id* current() const noexcept { return at_ < page_.size() ? &page_[at_] : nullptr; }
  result<void> next();

private:
  dedup_files& files_;
  const sorted_run& run_;
  std::vector<dedup_id> page_;
  std::size_t at_ = 0;
  std::uint32_t next_page_ = 0;
};

}  // namespace windrow::storage
