#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "storage/journal/journal_file.hpp"
#include "storage/journal/partition_table.hpp"

namespace windrow::storage {

/// The time at which the messages with from < sequence <= to arrived.
struct arrival_range {
  sequence from = 0;
  sequence to = 0;
  std::int64_t arrival = 0;  ///< microseconds
  friend bool operator==(const arrival_range&, const arrival_range&) = default;
};

/// When the messages of partitions arrived that cannot say so themselves. Ranges of one partition
/// do not overlap; they may leave gaps. Durable when a call returns. Any thread.
class arrival_table {
public:
  arrival_table(journal_file& file, const partition_table& partitions)
      : file_(file), partitions_(partitions) {}

  /// Noting the same range with the same time again is fine; `invalid` where it overlaps another,
  /// `not_found` for a partition that is not registered.
  result<void> note(partition_id id, const arrival_range& range);
  /// The noted range that covers `at`, or nothing.
  result<std::optional<arrival_range>> find(partition_id id, sequence at);
  /// The noted ranges that cover any sequence in (from, to], in order.
  result<std::vector<arrival_range>> between(partition_id id, sequence from, sequence to);
  /// Forgets the ranges that end at or below `through`: every shard has applied them.
  result<void> trim(partition_id id, sequence through);

private:
  journal_file& file_;
  const partition_table& partitions_;
};

}  // namespace windrow::storage
