#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/fair_mutex.hpp"
#include "base/group_commit.hpp"
#include "storage/batch.hpp"
#include "storage/journal/dead_letter.hpp"
#include "storage/journal/push.hpp"
#include "storage/journal/skip_range.hpp"
#include "storage/lmdb/file_identity.hpp"
#include "storage/lmdb/lmdb.hpp"

namespace windrow::storage {

struct producer_state;

/// Who registers a partition. The numbers are stored: those of further kinds of sources, from 5 on,
/// are given in `sources/kinds.cpp`.
enum class partition_kind : std::uint8_t { file = 1, standard_input = 2, kafka = 3, journal = 4 };

/// A source partition as the folder remembers it. `name` is its durable name, and `id` the name's
/// hash; `state` is the source's own (for a file: which source reads it).
struct partition {
  partition_id id = 0;
  partition_kind kind = partition_kind::file;
  std::string name;
  std::string state;
  friend bool operator==(const partition&, const partition&) = default;
};

/// What people call it: its name, and the folder's own journal plainly `journal`.
std::string label_of(const partition& p);

/// The time at which the messages with from < sequence <= to arrived.
struct arrival_range {
  sequence from = 0;
  sequence to = 0;
  std::int64_t arrival = 0;  ///< microseconds
  friend bool operator==(const arrival_range&, const arrival_range&) = default;
};

struct journal_entry {
  sequence at = 0;
  push what;
  friend bool operator==(const journal_entry&, const journal_entry&) = default;
};

struct dead_letter_filter {
  std::vector<partition_id> partitions{};  ///< none: all
  std::optional<std::string> reason{};     ///< its code, its phase, or both: `time: future`
  std::optional<sequence> at{};
  std::size_t limit = 1000;            ///< the oldest
  std::vector<std::string> streams{};  ///< none: all
  std::optional<sequence> after{};     ///< with one partition: only those above
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
  std::uint64_t replayed = 0;  ///< by `replay_dead_letters`
  std::uint64_t erased = 0;    ///< by `drop_dead_letters`
  friend bool operator==(const dead_letter_totals&, const dead_letter_totals&) = default;
};
struct replay_outcome {
  std::uint64_t replayed = 0;
  std::uint64_t cut = 0;         ///< left where they are: only their beginning was kept
  std::uint64_t undeclared = 0;  ///< left where they are: nothing takes messages of their stream
  friend bool operator==(const replay_outcome&, const replay_outcome&) = default;
};

/// What a node must not forget besides its shards: which source partitions there are, when their
/// messages arrived, which of them could not be applied, and the messages that were pushed to it.
/// One LMDB environment of its own, because sharing one with the shards stalls it.
///
/// Durability: whatever returned success is on disk, except `stage_dead_letter`, which is durable
/// after `flush_dead_letters`. Order: flush before the shards commit positions above the letters'
/// sequences; then a crash in between replays and writes each letter once.
/// Concurrency: any thread may call anything. Writers take turns in the order in which they come;
/// what is answered from memory does not wait for them.
/// Limits: partition and stream names 4,096 bytes; phase and reason 128 bytes each; 4 MiB of dead
/// letters in memory; `dead_letter_bytes` of them on disk; 8 MiB of pushes a commit, or one push.
class journal {
public:
  struct options {
    std::string directory;
    store_identity identity;
    std::uint64_t map_bytes = lmdb::default_map_bytes;
    std::uint64_t dead_letter_bytes = 256 << 20;
    /// What makes an id of a name; another one for tests of names with one hash.
    partition_id (*id_of_name)(std::string_view) noexcept = partition_id_of;
  };

  static result<void> create(const options& o);
  static result<std::unique_ptr<journal>> open(const options& o);

  /// Moves the file on by one transaction, so that no copy made before passes for it
  /// (versions.hpp).
  result<void> begin_session();

  // Partitions: known by the hash of their names, never removed.

  /// The partition of that kind and name; registered with `state` where there is none yet (its
  /// state is left alone where there is). `conflict` where another name, or another kind, has the
  /// same id.
  result<partition> register_partition(partition_kind kind, const std::string& name,
                                       const std::string& state);
  /// `not_found` for an id that was not registered.
  result<void> set_partition_state(partition_id id, const std::string& state);
  std::optional<partition> find_partition(partition_id id) const;
  std::optional<partition> find_partition(partition_kind kind, const std::string& name) const;
  /// In the order in which they were registered.
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
  /// Flushed letters by partition (in order of registration) and sequence, the first `limit` that
  /// pass the filter.
  result<std::vector<dead_letter>> dead_letters(const dead_letter_filter& filter);
  std::vector<dead_letter_count> dead_letter_counts() const;
  std::vector<dead_letter_totals> dead_letter_summary() const;

  // Letters that leave on request. They stay counted, and do not come back: where a source is read
  // again from before them, staging them does nothing.

  /// Forgets the letters that pass the filter; how many there were.
  result<std::uint64_t> drop_dead_letters(const dead_letter_filter& filter);
  /// What an entry of a letter's stream is called; nothing where no such stream takes messages.
  using entry_stream = std::function<std::optional<std::string>(const std::string& stream)>;
  /// Appends the messages of the letters that pass the filter as entries that arrive at `arrival`
  /// (with the envelopes that they had), each in the transaction that removes its
  /// letter: after any crash it is one or the other. A message that fails again is a new letter.
  /// Letters that come while this works are left alone.
  result<replay_outcome> replay_dead_letters(const dead_letter_filter& filter, std::int64_t arrival,
                                             const entry_stream& stream_of);
  /// Every shard has on disk what lies at or below `through`, so that it will not be read again:
  /// what was remembered of removed letters is not needed any longer.
  result<void> settle_dead_letters(partition_id id, sequence through);

  // Entries: the pushes, numbered from 1 without gaps.

  /// Stores a push, durably when it returns; threads that push at once share a commit, and the
  /// newest arrival among them. With a producer:
  /// what is at or below the producer's last sequence is not stored again; `conflict` where it is
  /// remembered with other content, `gap` where a sequence is left out, `invalid` for a bad name
  /// or sequence. A push that is refused leaves nothing behind, and does not concern the others.
  result<push_outcome> append(push what);
  /// The newest sequence taken of a producer; 0 where there is none.
  result<sequence> producer_sequence(std::string_view producer);
  /// Entries from `from` on: as many as fit in `max_bytes`, but at least one where there is one.
  /// `corrupt` where `from` was trimmed already or an entry is missing or damaged.
  result<std::vector<journal_entry>> read(sequence from, std::size_t max_bytes);
  /// The newest sequence ever given out; 0 before the first.
  sequence last() const;
  /// Everything at or below is gone.
  sequence trimmed() const;
  /// Forgets the entries at or below `through`, in steps of a bounded size, each in a commit that
  /// it shares with pushes: trimming keeps none of them out.
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
    identity_entry,
    partition_entries,
    arrival_entries,
    letter_entries,
    letter_count_entries,
    letter_total_entries,
    removed_letter_entries,
    push_entries,
    push_state,
    producer_entries,
    counter_entries,
    skip_entries,
    table_count
  };
  static lmdb::environment_options environment_of(const options& o);

  /// A letter's key: partition, sequence and the stream's hash, big-endian.
  using letter_key = std::array<std::uint8_t, 24>;
  struct staged_letter {
    letter_key key{};
    dead_letter letter;
  };
  /// What is known of a partition's letters, kept or not.
  struct letter_account {
    dead_letter_totals totals;
    letter_key dropped_through{};  ///< at and below it letters were let go
    std::uint64_t removed = 0;     ///< of those that left on request, the keys remembered
    sequence removed_through = 0;  ///< at and below it they are not: none will come again
    friend bool operator==(const letter_account&, const letter_account&) = default;
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
  /// One who waits for the next commit of entries: with a push, or to have some forgotten.
  struct waiting_push {
    const push* what = nullptr;  ///< null: `trim_through`
    sequence trim_through = 0;
    result<push_outcome> outcome = push_outcome{};
  };
  /// What a group of pushes changes in memory once it is committed.
  struct push_group {
    sequence next = 0;  ///< of the next entry
    sequence trimmed = 0;
    std::int64_t arrival = 0;
    std::optional<letter_books> books;  ///< where there are letters
    byte_buffer value{};
  };

  journal(const options& o, std::unique_ptr<lmdb::environment> file);

  result<void> load();
  /// Reads a table and checks every seal; the number of rows.
  result<std::uint64_t> check_seals(const lmdb::read_transaction& txn, table which) const;
  result<void> load_partitions(const lmdb::read_transaction& txn);
  result<void> load_letters(const lmdb::read_transaction& txn);
  result<void> load_entries(const lmdb::read_transaction& txn);
  result<void> put_partition(const partition& p, std::size_t order);
  result<void> check_partition(partition_id id) const;
  // Those that write are called with `writing_` held.
  result<void> write_letters(lmdb::write_transaction& txn, letter_books& books,
                             std::span<const staged_letter> letters) const;
  result<void> let_oldest_go(lmdb::write_transaction& txn, letter_books& books) const;
  result<void> write_books(lmdb::write_transaction& txn, const letter_books& books) const;
  using letter_visitor = std::function<void(const letter_key&, dead_letter&, std::size_t bytes)>;
  result<void> scan_letters(const dead_letter_filter& filter, const letter_visitor& visit);
  /// What to do with letters that are about to leave.
  struct removal {
    /// Sees each; false keeps it. May change the account's totals.
    std::function<bool(dead_letter&, letter_account&)> leaves;
    std::int64_t arrival = 0;
    /// An entry is of one stream and media type, and of messages with an envelope, which come
    /// first, or of those without.
    struct entry_name {
      std::string stream;
      std::string media_type;
      bool bare = false;
      friend auto operator<=>(const entry_name&, const entry_name&) = default;
    };
    std::map<entry_name, std::string> entries{};  ///< to append: payloads
  };
  result<void> remove_letters(const dead_letter_filter& filter, removal& how);
  result<void> remove_step(std::span<const letter_key> letters, removal& how);
  bool is_read_again(partition_id id) const;
  /// In order of registration; what was never registered comes last.
  std::vector<partition_id> in_order(std::vector<partition_id> ids) const;
  result<bool> settle_step(partition_id id, sequence through);
  void join(waiting_push& one, std::size_t bytes);
  void commit_pushes(std::span<waiting_push* const> group);
  result<void> store_push(lmdb::write_transaction& txn, waiting_push& one, push_group& group);
  result<void> store_entry(lmdb::write_transaction& txn, std::string_view stream,
                           std::string_view media_type, std::string_view payload,
                           push_group& group) const;
  result<producer_state> find_producer(const lmdb::transaction& txn, std::string_view name) const;
  result<void> put_producer(lmdb::write_transaction& txn, std::string_view name,
                            const producer_state& state) const;
  result<void> trim_step(lmdb::write_transaction& txn, const waiting_push& one,
                         push_group& group) const;
  static letter_key letter_key_of(const dead_letter& letter);
  result<dead_letter> decode_letter(const lmdb::entry& stored) const;
  result<journal_entry> decode_entry(const lmdb::entry& stored) const;
  /// The payload of a stored value, or `corrupt` with table and key.
  result<bytes> unseal(table from, const lmdb::entry& stored) const;
  failure damaged(table from, bytes key) const;
  lmdb::table_id id(table which) const noexcept { return file_->table(which); }

  const std::uint64_t letter_bytes_max_;
  partition_id (*const id_of_name_)(std::string_view) noexcept;
  const store_identity identity_;
  std::unique_ptr<lmdb::environment> file_;
  /// Held while something is written: keeps what is in memory in step with what is committed.
  fair_mutex writing_;
  /// Guards what is in memory, below; never held while the disk works. Changing any of it but
  /// `staged_` needs `writing_` as well.
  mutable std::mutex mutex_;
  std::vector<partition> partitions_;          ///< in order of registration
  std::map<partition_id, std::size_t> order_;  ///< where each is in `partitions_`
  letter_books books_;
  std::vector<staged_letter> staged_;
  std::size_t staged_bytes_ = 0;  ///< also of those that are being flushed
  sequence last_ = 0;
  sequence trimmed_ = 0;
  group_commit<waiting_push> pushes_;
};

}  // namespace windrow::storage
