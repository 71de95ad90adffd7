#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "benchmarks/events.hpp"

/// What ingest is compared with: the same work by hand, on the same text, in the same process,
/// with nothing durable and nothing declared.
namespace windrow::bench {

struct baseline_outcome {
  double seconds = 0;
  double cpu_seconds = 0;
  tally total;  ///< over all tiles of the longest window
  std::uint32_t distinct = 0;
};

/// A series: count and sum over one window, kept in tiles of one bucket.
struct baseline_series {
  std::int64_t bucket_ms;
  std::uint32_t buckets_kept;  ///< a window's worth, and the one it begins in
};
inline constexpr std::array<baseline_series, 3> baseline_series_all{
    {{60'000, 11}, {60'000, 61}, {3'600'000, 721}}};

/// One thread: simdjson, a flat hash map, three vectors of tiles a user.
baseline_outcome run_light(std::string_view padded_text);

/// Two threads: parse and route in batches | fold into compact records with prefetch.
baseline_outcome run_ceiling(std::string_view padded_text);

}  // namespace windrow::bench
