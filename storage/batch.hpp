#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "schema/expression/column.hpp"
#include "storage/partition_id.hpp"

namespace windrow::storage {

/// The 128-bit hash of a key within its key space. `hi` chooses stripe and table slot and comes
/// first in storage keys; the shard is chosen by the placement key's `lo`.
struct key_hash {
  std::uint64_t hi = 0;
  std::uint64_t lo = 0;
  friend auto operator<=>(const key_hash&, const key_hash&) = default;
};

/// XXH3-128 of the key bytes, seeded with the folder's seed and the key space's id.
key_hash hash_key(std::string_view key, std::uint64_t folder_seed, std::uint64_t key_space_id);

/// One column of a section; owns its text.
struct batch_column {
  schema::value_kind kind = schema::value_kind::integer;
  std::vector<std::int64_t> ints;  ///< integer, datetime
  std::vector<double> floats;
  std::vector<std::uint8_t> bools;
  std::vector<std::uint32_t> text_ends;  ///< text, bytes: end offset of each row in `text`
  std::string text;
  std::vector<value_list> lists;
  std::vector<windrow::value> values;  ///< map, structure
  std::vector<std::uint8_t> valid;     ///< empty: no nulls

  bool is_valid(std::size_t row) const noexcept { return valid.empty() || valid[row] != 0; }
  std::string_view text_at(std::size_t row) const noexcept {
    const std::uint32_t begin = row == 0 ? 0 : text_ends[row - 1];
    return std::string_view(text).substr(begin, text_ends[row] - begin);
  }
};

/// The rows of one route in a batch.
struct section {
  int route = -1;
  std::vector<key_hash> hashes;
  std::vector<std::uint32_t> key_ends;  ///< end offset of each row's key in `keys`
  std::string keys;
  std::vector<std::int64_t> times;       ///< event times, microseconds
  std::vector<std::uint32_t> sequences;  ///< batch.first plus this is the row's sequence
  std::vector<batch_column> columns;     ///< one a `route.columns`
  /// Empty if no row can be late (the usual case). Else rows x route.watermark_groups: the
  /// newest event time of that watermark group among all messages before this one, in the order of
  /// the source.
  std::vector<std::int64_t> max_event_time_before;

  std::size_t rows() const noexcept { return hashes.size(); }
  std::string_view key_at(std::size_t row) const noexcept {
    const std::uint32_t begin = row == 0 ? 0 : key_ends[row - 1];
    return std::string_view(keys).substr(begin, key_ends[row] - begin);
  }
};

/// Rows for one shard from a run of consecutive messages of one source partition: every message
/// in [first, last] whose rows concern the shard is here, so applying the batch moves the shard's
/// position of that partition to `last`. A batch without rows is a position mark.
///
/// Immutable and shared once sent; never copied inside a process.
struct batch {
  partition_id partition = 0;
  sequence first = 0;  ///< <= every row's sequence
  sequence last = 0;
  std::uint32_t catalog_version = 0;
  std::vector<section> sections;
  /// One per watermark group of the plan: the newest event time the sender knew when it closed the
  /// batch; `no_time` where there is none yet.
  std::vector<std::int64_t> max_event_times;
  std::size_t rows = 0;
  std::size_t bytes = 0;  ///< memory held, for credit
};
using batch_ptr = std::shared_ptr<const batch>;

/// Before every event.
inline constexpr std::int64_t no_time = INT64_MIN;

}  // namespace windrow::storage
