#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "windrow/result.hpp"
#include "windrow/value.hpp"

/// The naive oracle of one key space, for property tests inside a process.
///
/// It keeps every row it is given and computes each answer from all of them, straight from the
/// rules of windows: no buckets, partials, sketches, stripes or eviction. It shares no code with
/// what it judges, and links nothing of it. Quadratic and proud of it: a few thousand rows.
///
/// Usage: one `window_oracle` a test, `add` for every row that the tested code was given (once,
/// however often a batch is replayed), `ask` for every answer. It is a value: copy it to remember
/// a prefix. Not thread-safe.
namespace windrow::testing {

/// What one row means to one series: whether it passed the series' filter, and its argument.
struct oracle_cell {
  bool passed = true;
  windrow::value argument;  ///< null, or of the series' type; ignored by `count`
};

/// One row. A row whose key has a null never reaches a group: do not add it.
struct oracle_row {
  std::string key;
  std::int64_t time = 0;           ///< event time, microseconds
  std::vector<oracle_cell> cells;  ///< one a series, in the order of the test's choosing
};

enum class oracle_function : std::uint8_t {
  sum_int,
  sum_float,
  count,
  min,
  max,
  mean,
  std,
  var,
  distinct,
  any,
  all
};

/// One window of one series. Durations in microseconds.
struct oracle_window {
  std::size_t series = 0;  ///< which of a row's cells
  oracle_function function = oracle_function::count;
  std::int64_t length = 0;
  std::int64_t bucket = 0;     ///< > 0
  std::int64_t origin = 0;     ///< any; only its remainder by `bucket` matters
  std::int64_t retention = 0;  ///< of the rule, not of this window alone
};

/// What a right answer says.
struct oracle_answer {
  /// `overflow` (a sum its type cannot hold) or `expired` (the first bucket is not kept any more).
  std::optional<errc> error;
  /// sum_int, count, distinct: int. any, all: bool. min, max: the argument's type. Else float.
  /// Null: see `ask`.
  windrow::value value;
  /// How far a correct float may be from `value`: 1e-9 of it, and 1e-12 of the summands'
  /// magnitude. 0 for everything that is exact.
  double tolerance = 0.0;
  std::int64_t from = 0;     ///< start of the first bucket covered
  std::int64_t to = 0;       ///< end of the bucket that contains `now`
  std::uint64_t events = 0;  ///< rows in [from, to) that passed the filter

  /// Whether `got` is this value: same type, ints and texts exactly, floats within `tolerance`.
  bool agrees(const windrow::value& got) const;
};

class window_oracle {
public:
  void add(oracle_row row) { rows_.push_back(std::move(row)); }
  const std::vector<oracle_row>& rows() const noexcept { return rows_; }

  /// The newest event time among rows of all keys that passed the filter of `series`; nothing
  /// where there is none.
  std::optional<std::int64_t> max_event_time(std::size_t series) const;

  /// The value of `w` for one key at `now`:
  /// * all buckets that overlap (now - length, now] count, whole;
  /// * nulls are skipped, `count` counts rows; without values sum, count and distinct are 0, any
  ///   false, all true, min, max and mean null; std and var (sample) are null below two values;
  /// * `expired` where the first bucket ends at or before `max_event_time(series) - retention`.
  oracle_answer ask(std::string_view key, const oracle_window& w, std::int64_t now) const;

  /// How many rows, in the order they were added, were too old for the rule when they came: their
  /// bucket ended at or before the newest time before them less the retention.
  std::uint64_t late(const oracle_window& w) const;

private:
  std::vector<oracle_row> rows_;
};

/// Correctly rounded sum of doubles (Shewchuk's expansion), infinite where it overflows.
double exact_sum(const std::vector<double>& values);

}  // namespace windrow::testing
