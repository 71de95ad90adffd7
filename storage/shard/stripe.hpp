#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "schema/plan/plan.hpp"
#include "storage/batch.hpp"
#include "storage/record/record.hpp"
#include "storage/record/record_key.hpp"
#include "windrow/result.hpp"

namespace windrow::storage {

/// What is stored beside the records of a stripe, in the same transaction.
struct stripe_state {
  std::uint32_t catalog_version = 0;
  positions position;
  std::vector<std::int64_t> newest;  ///< by plan timeline; no_time where there is none
  std::vector<std::uint64_t> late;   ///< by plan rule
  std::int64_t swept = no_time;      ///< newest time at the last sweep of stored records
};

/// The stored form: u64 checksum (XXH3-64 seeded with folder seed and stripe number) | u8 form=1 |
/// varint catalog version | count, then (partition, sequence) | count, then (u64 timeline id,
/// zigzag newest) | count, then (u64 rule id, late rows) | zigzag swept.
std::string encode_stripe(const schema::plan& p, const stripe_state& s, std::uint32_t stripe,
                          std::uint64_t folder_seed);
result<stripe_state> decode_stripe(const schema::plan& p, std::span<const std::uint8_t> bytes,
                                   std::uint32_t stripe, std::uint64_t folder_seed);

/// The records of a stripe that changed since its last encoding, by hash, so that a record that
/// moves needs no fixing here. Chunked, so that growing moves nothing.
class dirty_list {
public:
  void push(key_hash hash) {
    if (size_ / chunk == chunks_.size()) chunks_.push_back(std::make_unique<key_hash[]>(chunk));
    chunks_[size_ / chunk][size_ % chunk] = hash;
    ++size_;
  }
  const key_hash& operator[](std::uint32_t i) const { return chunks_[i / chunk][i % chunk]; }
  std::uint32_t size() const noexcept { return size_; }
  void clear() noexcept {
    size_ = 0;
    if (chunks_.size() > 1) chunks_.resize(1);
  }

  static constexpr std::uint32_t chunk = 32;
  static constexpr std::size_t least_bytes = chunk * sizeof(key_hash);

private:
  std::vector<std::unique_ptr<key_hash[]>> chunks_;
  std::uint32_t size_ = 0;
};

/// One stripe of a shard: an open-addressing table of (hash, record), linear probing.
struct stripe {
  struct slot {
    std::uint64_t hi = 0;
    record* r = nullptr;
  };
  slot* slots = nullptr;  ///< memory of the shard's table pages
  std::uint32_t mask = 0;
  std::uint32_t used = 0;
  /// Records changed in generation g are clean once `committed` has reached g.
  std::uint32_t generation = 1;
  std::uint32_t committed = 0;
  bool in_flight = false;
  std::uint32_t encoded = 0;  ///< records in the write under way
  /// Every stored record of the stripe is in memory: what is not in the table does not exist.
  bool complete = true;
  /// Every stored record of the stripe has been added to the shard's filter.
  bool filtered = false;
  std::size_t dirty_bytes = 0;
  dirty_list dirty;
  stripe_state recovered;           ///< as read at start
  std::vector<std::uint64_t> late;  ///< by plan rule
};

}  // namespace windrow::storage
