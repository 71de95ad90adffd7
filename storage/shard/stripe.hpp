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
#include "storage/shard/source_progress.hpp"
#include "windrow/result.hpp"

namespace windrow::storage {

/// Where the data of a series begins. Room: constant until catalogs change while data stays.
struct series_origin {
  std::uint32_t generation = 0;
  std::int64_t begins = no_time;  ///< event time; `no_time`: with the first event
  friend bool operator==(const series_origin&, const series_origin&) = default;
};

/// What a rule has come to in a stripe.
struct rule_account {
  std::uint64_t late = 0;   ///< rows too old for it
  std::uint64_t rows = 0;   ///< room: stored groups, 0 until they are counted
  std::uint64_t bytes = 0;  ///< room: of their tiles
  friend bool operator==(const rule_account&, const rule_account&) = default;
};

/// What is stored beside the records of a stripe, in the same transaction.
struct stripe_state {
  std::uint32_t catalog_version = 0;
  sequence log_offset = 0;  ///< room: of a log that shards share; 0 if there is none
  source_progress sources;
  std::vector<series_origin> series;  ///< by plan series
  std::vector<rule_account> rules;    ///< by plan rule
  std::int64_t swept = no_time;       ///< newest time at the last sweep of stored records

  stripe_state() = default;
  explicit stripe_state(const schema::plan& p);
};

/// The stored form, whose bytes `storage/README.md` lists. What belongs to definitions that the
/// plan does not have is left out when it is read.
std::string encode_stripe(const schema::plan& p, const stripe_state& s, std::uint32_t stripe,
                          std::uint64_t folder_seed);
/// `corrupt` where the bytes are not what `encode_stripe` gave for that stripe and folder.
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
  std::vector<rule_account> rules;  ///< by plan rule
};

}  // namespace windrow::storage
