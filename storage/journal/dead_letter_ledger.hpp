#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>

#include "storage/journal/dead_letter_codec.hpp"
#include "storage/journal/journal_file.hpp"

namespace windrow::storage {

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
  std::uint64_t replayed = 0;  ///< by `dead_letter_removal::replay`
  std::uint64_t erased = 0;    ///< by `dead_letter_removal::drop`
  friend bool operator==(const dead_letter_totals&, const dead_letter_totals&) = default;
};

/// What is known of dead letters besides themselves: sums by partition, and counts of all time. A
/// value: a transaction changes a copy, writes the difference, and the copy takes the old one's
/// place once it is committed.
struct dead_letter_ledger {
  /// A partition's dead letters, kept or not.
  struct account {
    dead_letter_totals totals;
    dead_letter_key dropped_through{};  ///< at and below it dead letters were let go
    std::uint64_t removed = 0;          ///< of those that left on request, the keys remembered
    sequence removed_through = 0;       ///< at and below it they are not: none will come again
    friend bool operator==(const account&, const account&) = default;
  };
  struct count_key {
    partition_id partition = 0;
    std::string phase;
    std::string reason;
    friend auto operator<=>(const count_key&, const count_key&) = default;
  };
  std::map<partition_id, account> accounts;
  std::map<count_key, std::uint64_t> counts;

  result<void> load(const journal_file& file, const lmdb::read_transaction& txn);
  /// Writes what differs from `before`.
  result<void> write(const journal_file& file, lmdb::write_transaction& txn,
                     const dead_letter_ledger& before) const;
};

}  // namespace windrow::storage
