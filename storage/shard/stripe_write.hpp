#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "storage/record/layout_table.hpp"
#include "storage/record/record_key.hpp"
#include "windrow/result.hpp"

namespace windrow::storage {

class shard_store;

/// What one short transaction writes: the dirty records of neighbouring stripes, with the
/// positions that hold for them. Built by the shard, finished (`seal`) and committed by a writer
/// thread, kept until the commit has succeeded.
struct stripe_write {
  struct entry {
    record_key key;
    std::size_t offset = 0;  ///< of the value in `bytes`: 8 bytes for the checksum, then the body
    std::size_t size = 0;    ///< 0: delete
  };
  std::uint32_t first_stripe = 0;
  std::uint32_t last_stripe = 0;           ///< inclusive
  std::vector<std::uint32_t> generations;  ///< one a stripe: clean at or below once committed
  std::vector<entry> entries;
  /// The values; until `seal` each has its layout's id where its checksum will be.
  std::string bytes;
  std::vector<std::string> stripes;  ///< one a stripe: its meta, checksum included
  layout_definitions layouts;        ///< those that are not stored yet

  /// Sorts the entries by key and fills in the checksums; call once. The part that costs; any
  /// thread.
  void seal(std::uint64_t folder_seed);
};

/// Commits a sealed write in one transaction: all of it or nothing.
result<void> commit(shard_store& store, const stripe_write& write);

}  // namespace windrow::storage
