#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

/// What `windrow run` says while it works. Time comes in as an argument.
namespace windrow::tools {

/// Counters at one moment; all of them only grow.
struct progress_counts {
  std::uint64_t events = 0;  ///< messages read
  std::uint64_t dead_letters = 0;
  std::uint64_t bytes_read = 0;
  /// Bytes of the inputs whose size is known; nothing for standard input.
  std::optional<std::uint64_t> bytes_total = std::nullopt;
  std::size_t failed_sources = 0;  ///< which have stopped
};

/// Counters with the rates that they imply.
struct progress_view {
  progress_counts counts = {};
  double events_per_second = 0;
  double bytes_per_second = 0;
};

/// Turns counters into rates, averaged over the last seconds so that the figures can be read.
class progress_meter {
public:
  /// Times are microseconds of any steady clock.
  explicit progress_meter(std::int64_t started_at, std::int64_t half_life = 2'000'000);

  /// The view at `now`. Calls with a `now` that has not advanced keep the rates.
  progress_view update(std::int64_t now, const progress_counts& counts);

private:
  std::int64_t last_at_;
  std::int64_t half_life_;
  progress_counts last_;
  double events_per_second_ = 0;
  double bytes_per_second_ = 0;
  bool warm_ = false;
};

/// One line for a terminal of `width` columns, without a line end: bar, share, rate, lag (what is
/// still to be read), dead letters, time left. Parts that find no room are left out, from the end.
///
///     ██████████▌                  42 %   1.23 M messages/s   lag 45.6 MiB   3 dead letters   13.0
///     s left
std::string progress_line(const progress_view& view, std::size_t width);

/// One line for a log, with the line's end: plain words and whole numbers.
///
///     read 1,234,567 messages (42 %), 1.23 M messages/s, lag 45.6 MiB, 3 dead letters
std::string progress_log_line(const progress_view& view);

}  // namespace windrow::tools
