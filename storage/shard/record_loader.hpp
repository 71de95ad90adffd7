#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/huge_pages.hpp"
#include "storage/batch.hpp"
#include "storage/record/record.hpp"
#include "storage/record/record_codec.hpp"
#include "storage/shard/change_tracker.hpp"
#include "storage/shard/cold_records.hpp"
#include "storage/shard/record_reader.hpp"
#include "storage/shard/record_table.hpp"
#include "storage/shard/shard_progress.hpp"
#include "storage/shard/stored_filter.hpp"
#include "windrow/result.hpp"

namespace windrow::storage {

/// Brings records into memory before rows change them, and knows where there is nothing to read: in
/// stripes of which all records are in memory, and for keys that were never stored.
///
/// What a batch needs is read together, sorted by key; small state comes back a stripe at a time.
/// Concurrency: none; refers to all it is made with.
class record_loader {
public:
  struct parts {
    record_reader& source;
    cold_records& cold;
    record_pool& pool;
    table_memory& memory;
    record_table& table;
    change_tracker& changes;
  };
  /// `memory_budget`: bytes that the shard may take, of which the filter gets a share.
  record_loader(const parts& p, std::size_t memory_budget)
      : parts_(p), memory_budget_(memory_budget) {}

  /// Whether any stripe has records that are only stored: then `load_missing` must come before a
  /// batch is applied, in a group of reads that lasts until it is.
  bool has_stored_only() const noexcept { return incomplete_ > 0; }
  /// Brings the stored records that the batch will change into memory.
  result<void> load_missing(const batch& b, const shard_progress& progress);
  /// The record of a row of that batch: found, read, or made.
  result<record_table::slot*> record_of(const key_hash& hash, int key_space, std::string_view key) {
    if (record_table::slot* at = parts_.table.find(hash, key_space, key)) return at;
    return read_or_make(hash, key_space, key);
  }

  /// Whether every stored record of the stripe is in memory.
  bool complete(std::uint32_t stripe) const noexcept { return stripes_[stripe].complete; }
  /// The stripe has stored records, none of which is in memory.
  void recover(std::uint32_t stripe) noexcept;
  /// From now on the stripe has records that are only stored: one is about to leave memory.
  void leave_complete(std::uint32_t stripe);

  /// About how many bytes are stored: measured at times, and what was written since.
  std::size_t stored_bytes() const noexcept { return stored_bytes_; }
  void wrote(std::size_t bytes) noexcept { stored_bytes_ += bytes; }

private:
  struct stored_keys {
    /// What is not in the table does not exist.
    bool complete = true;
    /// Every stored record of the stripe has been added to the filter.
    bool filtered = false;
  };

  result<record_table::slot*> read_or_make(const key_hash& hash, int key_space,
                                           std::string_view key);
  result<void> load_stripe(std::uint32_t stripe);
  result<void> load_all(std::span<const key_hash> sorted);
  result<void> fill_filter(std::uint32_t stripe);
  void filter_what_is_in_memory(std::uint32_t stripe);
  bool known_absent(const key_hash& hash) const noexcept;
  /// Puts a record that was read into the table.
  void take_in(const key_hash& hash, const decoded_head& read);

  const parts parts_;
  const std::size_t memory_budget_;
  std::array<stored_keys, stripe_count> stripes_;
  stored_filter filter_;           // of stripes that say so
  std::size_t incomplete_ = 0;     // stripes with records only in storage
  std::vector<key_hash> missing_;  // of the batch: to be read
  std::vector<key_hash> absent_;   // of the batch: looked for, not stored; sorted
  std::size_t stored_bytes_ = 0;
  std::uint64_t batches_ = 0;
};

}  // namespace windrow::storage
