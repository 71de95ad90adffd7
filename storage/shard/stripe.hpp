#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "schema/plan/plan.hpp"
#include "storage/batch.hpp"
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

}  // namespace windrow::storage
