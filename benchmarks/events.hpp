#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/settings.hpp"
#include "windrow/result.hpp"

namespace windrow::bench {

/// What windows over some events must give, kept while the events are written.
struct tally {
  std::uint64_t count = 0;
  std::int64_t cents = 0;
  void add(const tally& other) { count += other.count, cents += other.cents; }
};

/// A user (or all of them) whose events are all accounted for, in minutes, and one by one towards
/// the end.
struct witness {
  std::uint32_t user = 0;
  std::map<std::int64_t, tally> minutes;                      ///< by minute since the epoch
  std::vector<std::pair<std::int64_t, std::int64_t>> recent;  ///< (milliseconds, cents), last 2 h
  /// The events of [from, to), in milliseconds; from minutes where both are whole ones.
  tally between(std::int64_t from, std::int64_t to) const;
};

/// A file of purchases, NDJSON of 120 bytes a line, and what is in it.
struct event_file {
  std::string path;
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;
  tally total;
  std::uint32_t users = 0;          ///< that may occur
  std::uint32_t distinct = 0;       ///< that do occur
  std::int64_t first = 0;           ///< milliseconds: the file's times begin here, on an hour
  std::int64_t max_event_time = 0;  ///< milliseconds
  witness everyone;                 ///< all users' events together
  std::vector<witness> witnesses;
};

inline constexpr std::size_t line_bytes = 120;
inline constexpr std::int64_t first_event_ms = 1'699'999'200'000;  // a whole hour
inline constexpr std::int64_t event_span_ms = 10LL * 24 * 3'600'000;

/// `user-0000042`.
std::string user_name(std::uint32_t user);

/// Where `event_file_of` keeps them.
std::string event_path(const settings& s, key_shape keys);

/// The events of `settings`, written to its folder unless they are there already: 10 days of event
/// time, every twentieth event up to a minute late, amounts of 0.01 to 500.00.
result<event_file> event_file_of(const settings& s, key_shape keys);

}  // namespace windrow::bench
