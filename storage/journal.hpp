#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "storage/batch.hpp"
#include "storage/dead_letter.hpp"
#include "storage/identity.hpp"
#include "storage/lmdb.hpp"
#include "storage/skip_range.hpp"

namespace windrow::storage {

enum class partition_kind : std::uint8_t { file = 1, standard_input = 2, kafka = 3, journal = 4 };

/// A source partition as the folder remembers it. `name` identifies it within its kind; `state` is
/// the source's own (for a file: which source reads it).
struct partition {
  partition_id id = 0;
  partition_kind kind = partition_kind::file;
  std::string name;
  std::string state;
  friend bool operator==(const partition&, const partition&) = default;
};

/// The time at which the messages with from < sequence <= to arrived.
struct arrival_range {
  sequence from = 0;
  sequence to = 0;
  std::int64_t arrival = 0;  ///< microseconds
  friend bool operator==(const arrival_range&, const arrival_range&) = default;
};

/// One pushed message group: all of its rows are stored or none.
struct push {
  std::string stream;
  std::int64_t arrival = 0;  ///< microseconds
  std::string payload;       ///< NDJSON lines
  friend bool operator==(const push&, const push&) = default;
};
struct journal_entry {
  sequence at = 0;
  push what;
  friend bool operator==(const journal_entry&, const journal_entry&) = default;
};

struct dead_letter_filter {
  std::optional<partition_id> partition;
  std::optional<std::string> reason;
  std::optional<sequence> at;
  std::optional<sequence> after;  ///< with a partition: only those above
  std::size_t limit = 1000;
};
struct dead_letter_count {
  partition_id partition = 0;
  std::string phase;
  std::string reason;
  std::uint64_t count = 0;  ///< of all time, whether their bytes are kept or not
  friend bool operator==(const dead_letter_count&, const dead_letter_count&) = default;
};
/// What is kept of a partition's dead letters, and what was let go to stay within the bound.
struct dead_letter_totals {
  partition_id partition = 0;
  std::uint64_t kept = 0;
  std::uint64_t kept_bytes = 0;
  std::uint64_t dropped = 0;
  friend bool operator==(const dead_letter_totals&, const dead_letter_totals&) = default;
};

/// What a node must not forget besides its shards: which source partitions there are, when their
/// messages arrived, which of them could not be applied, and the messages that were pushed to it.
/// One LMDB environment of its own, because sharing one with the shards stalls it.
///
/// Durability: whatever returned success is on disk, except `stage_dead_letter`, which is durable
/// after `flush_dead_letters`. Order: flush before the shards commit positions above the letters'
/// sequences; then a crash in between replays and writes each letter once.
/// Concurrency: any thread may call anything.
/// Limits: partition and stream names 4,096 bytes; phase and reason 128 bytes each; 4 MiB of dead
/// letters in memory; `dead_letter_bytes` of them on disk.
class journal {
public:
  struct options {
    std::string directory;
    store_identity identity;
    std::uint64_t map_bytes = lmdb::default_map_bytes;
    std::uint64_t dead_letter_bytes = 256 << 20;
  };

  static result<void> create(const options& o);
  static result<std::unique_ptr<journal>> open(const options& o);

  // Partitions: numbered from 1 without gaps, never removed.

  /// The partition of that kind and name; registered with `state` where there is none yet (its
  /// state is left alone where there is).
  result<partition> register_partition(partition_kind kind, const std::string& name,
                                       const std::string& state);
  result<void> set_partition_state(partition_id id, const std::string& state);
  std::optional<partition> find_partition(partition_kind kind, const std::string& name) const;
  /// By number.
  std::vector<partition> partitions() const;

  // Arrivals: ranges of one partition do not overlap; they may leave gaps.

  /// Noting the same range with the same time again is fine; `invalid` where it overlaps another.
  result<void> note_arrival(partition_id id, const arrival_range& range);
  /// The noted range that covers `at`, or nothing.
  result<std::optional<arrival_range>> find_arrival(partition_id id, sequence at);
  /// The noted ranges that cover any sequence in (from, to], in order.
  result<std::vector<arrival_range>> arrivals(partition_id id, sequence from, sequence to);
  /// Forgets the ranges that end at or below `through`: every shard has applied them.
  result<void> trim_arrivals(partition_id id, sequence through);

  // Skips: the ranges of a partition that a seek passed over, replaced as a whole in one
  // transaction, so that a seek has happened or has not.

  result<std::vector<skip_range>> skips(partition_id id);
  result<void> set_skips(partition_id id, const std::vector<skip_range>& ranges);
  /// Forgets the ranges that end at or below `through`: every shard has moved behind them. Not
  /// while another thread seeks in the partition.
  result<void> trim_skips(partition_id id, sequence through);

  // Dead letters: one for each (partition, sequence, stream), however often it is staged.

  /// Keeps a letter in memory until the next flush, and flushes when 4 MiB are waiting. Where that
  /// flush fails, later calls fail too and take nothing, so that memory stays bounded.
  result<void> stage_dead_letter(dead_letter letter);
  result<void> flush_dead_letters();
  /// Flushed letters by partition and sequence, the oldest `limit` that pass the filter.
  result<std::vector<dead_letter>> dead_letters(const dead_letter_filter& filter);
  std::vector<dead_letter_count> dead_letter_counts() const;
  std::vector<dead_letter_totals> dead_letter_summary() const;

  // Entries: the pushes, numbered from 1 without gaps.

  /// Stores all pushes in one transaction; the first one's sequence.
  result<sequence> append(std::span<const push> pushes);
  /// Entries from `from` on: as many as fit in `max_bytes`, but at least one where there is one.
  /// `corrupt` where `from` was trimmed already or an entry is missing or damaged.
  result<std::vector<journal_entry>> read(sequence from, std::size_t max_bytes);
  /// The newest sequence ever given out; 0 before the first.
  sequence last() const;
  /// Everything at or below is gone.
  sequence trimmed() const;
  /// Forgets the entries at or below `through`, in steps of a bounded size.
  result<void> trim(sequence through);

  // Counters: small named numbers (totals for summaries).

  result<void> set_counters(std::span<const std::pair<std::string, std::uint64_t>> values);
  result<std::map<std::string, std::uint64_t>> counters();

  result<lmdb::statistics> stats() { return file_->stats(); }
  const std::string& data_file() const noexcept { return file_->data_file(); }
  /// Reads everything and checks every checksum; the number of values read.
  result<std::uint64_t> verify();

private:
  enum table : std::size_t {
    identity_entry, partition_entries, arrival_entries, letter_entries, letter_count_entries,
    letter_total_entries, push_entries, push_state, counter_entries,
    skip_entries, table_count
  };
  static lmdb::environment_options environment_of(const options& o);

  /// A letter's key: partition, sequence and the stream's hash, big-endian.
  using letter_key = std::array<std::uint8_t, 20>;
  struct staged_letter {
    letter_key key{};
    dead_letter letter;
  };
  /// Totals, and the key at and below which letters of the partition were let go.
  struct letter_account {
    dead_letter_totals totals;
    letter_key dropped_through{};
  };
  struct count_key {
    partition_id partition = 0;
    std::string phase;
    std::string reason;
    friend auto operator<=>(const count_key&, const count_key&) = default;
  };
  using letter_accounts = std::map<partition_id, letter_account>;
  using letter_counts = std::map<count_key, std::uint64_t>;
  /// What a flush changes besides the letters; takes the old one's place when it has committed.
  struct letter_books {
    letter_accounts accounts;
    letter_counts counts;
  };

  journal(const options& o, std::unique_ptr<lmdb::environment> file)
      : letter_bytes_max_(o.dead_letter_bytes), file_(std::move(file)) {}

  result<void> load();
  result<void> load_partitions(const lmdb::read_transaction& txn);
  result<void> load_letters(const lmdb::read_transaction& txn);
  result<void> load_entries(const lmdb::read_transaction& txn);
  result<void> put_partition(const partition& p);
  result<void> check_partition(partition_id id) const;
  result<void> flush_locked();
  result<void> write_letters(lmdb::write_transaction& txn, letter_books& books);
  result<void> drop_letters(lmdb::write_transaction& txn, letter_books& books);
  result<void> write_books(lmdb::write_transaction& txn, const letter_books& books) const;
  result<void> trim_step(sequence through);
  static letter_key letter_key_of(const dead_letter& letter);
  result<dead_letter> decode_letter(const lmdb::entry& stored) const;
  result<journal_entry> decode_entry(const lmdb::entry& stored) const;
  /// The payload of a stored value, or `corrupt` with table and key.
  result<bytes> unseal(table from, const lmdb::entry& stored) const;
  failure damaged(table from, bytes key) const;
  lmdb::table_id id(table which) const noexcept { return file_->table(which); }

  const std::uint64_t letter_bytes_max_;
  std::unique_ptr<lmdb::environment> file_;
  /// Guards everything below, and keeps what is in memory in step with what is committed.
  mutable std::mutex guard_;
  std::vector<partition> partitions_;  ///< partitions_[i] has the id i + 1
  letter_books books_;
  std::vector<staged_letter> staged_;
  std::size_t staged_bytes_ = 0;
  sequence last_ = 0;
  sequence trimmed_ = 0;
};

}  // namespace windrow::storage
