#pragma once

#include <functional>
#include <mutex>
#include <span>
#include <vector>

#include "storage/journal/dead_letter_filter.hpp"
#include "storage/journal/dead_letter_ledger.hpp"
#include "storage/journal/partition_table.hpp"

namespace windrow::storage {

/// Dead letters: one for each (partition, sequence, stream), however often it is staged, counted
/// exactly, and kept up to a number of bytes. Any thread.
///
/// Durability: what is staged is durable after `flush`. Order: flush before the shards commit
/// positions above the dead letters' sequences; then a crash in between replays and writes each
/// once. Limits: phase and reason 128 bytes each; 4 MiB of dead letters in memory; `bytes_max` on
/// disk, beyond which those with the oldest arrival leave.
class dead_letter_store {
public:
  dead_letter_store(journal_file& file, const partition_table& partitions, std::uint64_t bytes_max)
      : file_(file), partitions_(partitions), bytes_max_(bytes_max) {}
  result<void> load(const lmdb::read_transaction& txn) { return ledger_.load(file_, txn); }

  /// Keeps a dead letter in memory until the next flush, and flushes when 4 MiB are waiting. Where
  /// that flush fails, later calls fail too and take nothing, so that memory stays bounded.
  result<void> stage(dead_letter letter);
  result<void> flush();
  /// Flushed dead letters by partition (in order of registration) and sequence, the first `limit`
  /// that pass the filter.
  result<std::vector<dead_letter>> list(const dead_letter_filter& filter);
  std::vector<dead_letter_count> counts() const;
  std::vector<dead_letter_totals> summary() const;
  /// Whether keys of dead letters that left on request are remembered of that partition.
  bool remembers_removed(partition_id id) const;

  // For those who make transactions, with the file's `writing()` held.

  struct staged_dead_letter {
    dead_letter_key key;
    dead_letter letter;
  };
  /// Shows the dead letters that `list` would give, with what they take on disk.
  using visitor = std::function<void(const dead_letter_key&, dead_letter&, std::size_t bytes)>;
  result<void> scan(const dead_letter_filter& filter, const visitor& visit);
  /// One dead letter and what it takes on disk; nothing if it has left.
  struct stored_dead_letter {
    dead_letter letter;
    std::size_t bytes = 0;
  };
  result<std::optional<stored_dead_letter>> get(const lmdb::transaction& txn,
                                                const dead_letter_key& key) const;
  /// What a transaction is to change: a copy of what is known.
  dead_letter_ledger begin() const;
  /// Adds the dead letters that are new.
  result<void> put(lmdb::write_transaction& txn, dead_letter_ledger& ledger,
                   std::span<const staged_dead_letter> dead_letters) const;
  /// Lets go what is beyond the bound, and writes what of the ledger has changed.
  result<void> finish(lmdb::write_transaction& txn, dead_letter_ledger& ledger) const;
  /// The change is durable.
  void committed(dead_letter_ledger ledger);

private:
  result<void> let_oldest_go(lmdb::write_transaction& txn, dead_letter_ledger& ledger) const;
  /// The dead letter of a partition with the lowest key.
  struct oldest {
    dead_letter_key key;
    std::int64_t arrival = 0;
    std::uint64_t size = 0;
  };
  result<std::optional<oldest>> oldest_of(const lmdb::transaction& txn, partition_id id) const;

  journal_file& file_;
  const partition_table& partitions_;
  const std::uint64_t bytes_max_;
  /// Guards what follows; changing the ledger needs the file's `writing()` as well.
  mutable std::mutex mutex_;
  dead_letter_ledger ledger_;
  std::vector<staged_dead_letter> staged_;
  std::size_t staged_bytes_ = 0;  ///< also of those that are being flushed
};

}  // namespace windrow::storage
