#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "storage/record/record_codec.hpp"
#include "windrow/result.hpp"

namespace windrow::storage {

/// Stored records of one shard, as the core reads them: the LMDB environment, or a map in tests.
class record_reader {
public:
  virtual ~record_reader() = default;
  /// Begins a group of reads that sees every commit that ended before this call.
  virtual result<void> refresh() = 0;
  /// Ends it: a view that is kept makes the file grow.
  virtual void release() = 0;
  /// False if there is nothing at `key`.
  virtual result<bool> get(const storage_key& key, std::vector<std::uint8_t>& value) = 0;
  /// Calls `visit` for every value with first <= key < end, in key order, until it gives false.
  virtual result<void> scan(
      const storage_key& first, const storage_key& end,
      const std::function<bool(const storage_key&, std::span<const std::uint8_t>)>& visit) = 0;
  /// About how many bytes are stored in all.
  virtual std::size_t stored_bytes() = 0;
};

/// A group of reads; groups nest, and the outermost decides the view.
struct read_group {
  explicit read_group(record_reader& s) : source(s), status(s.refresh()) {}
  ~read_group() { source.release(); }
  read_group(const read_group&) = delete;
  read_group& operator=(const read_group&) = delete;

  record_reader& source;
  result<void> status;
};

}  // namespace windrow::storage
