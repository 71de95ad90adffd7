#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "storage/record/layout_table.hpp"
#include "storage/record/record.hpp"
#include "storage/record/record_codec.hpp"
#include "storage/shard/record_reader.hpp"
#include "windrow/result.hpp"

namespace windrow::storage {

/// Brings stored records of one shard into its pool: heads and, when they are asked for, segments.
/// What it gives belongs to the caller; which records are in memory is not its business.
///
/// Every read but that of a segment needs a `read_group` around it. Values that are not what was
/// written are `corrupt`. Concurrency: none; refers to all it is made with.
class cold_records {
public:
  cold_records(record_reader& source, std::uint64_t folder_seed, record_pool& pool,
               const layout_table& layouts);

  /// The record of a hash, whatever its key; without a record if none is stored.
  result<decoded_head> read(const key_hash& hash);

  using take_head = std::function<void(const key_hash&, const decoded_head&)>;
  /// Decodes the heads of a stripe and hands each over with its hash.
  result<void> scan(std::uint32_t stripe, const take_head& take);
  /// The same from a key on and for at most `values` values, which it counts down; if more are
  /// left it gives the key of the next.
  result<std::optional<record_key>> scan_some(std::uint32_t stripe, const record_key& first,
                                              std::int64_t& values, const take_head& take);

  /// Loads a segment of a record of the pool.
  const segment_loader& load_segment() const noexcept { return load_segment_; }

private:
  std::optional<decoded_head> decode(const record_key& key, std::span<const std::uint8_t> stored);
  result<void> load(const record& r, segment& s);

  record_reader& source_;
  const std::uint64_t folder_seed_;
  record_pool& pool_;
  const layout_table& layouts_;
  segment_loader load_segment_;
  std::vector<std::uint8_t> stored_;  // one value read from storage
};

}  // namespace windrow::storage
