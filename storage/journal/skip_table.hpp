#pragma once

#include <vector>

#include "storage/journal/journal_file.hpp"
#include "storage/journal/partition_table.hpp"
#include "storage/journal/skip_range.hpp"

namespace windrow::storage {

/// The ranges of each partition that a seek passed over, replaced as a whole in one transaction, so
/// that a seek has happened or has not. Durable when a call returns. Any thread.
class skip_table {
public:
  skip_table(journal_file& file, const partition_table& partitions)
      : file_(file), partitions_(partitions) {}

  result<std::vector<skip_range>> of(partition_id id);
  /// `not_found` for a partition that is not registered.
  result<void> set(partition_id id, const std::vector<skip_range>& ranges);
  /// Forgets the ranges that end at or below `through`: every shard has moved behind them. Not
  /// while another thread seeks in the partition.
  result<void> trim(partition_id id, sequence through);

private:
  journal_file& file_;
  const partition_table& partitions_;
};

}  // namespace windrow::storage
