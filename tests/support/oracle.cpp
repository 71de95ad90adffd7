#include "tests/support/oracle.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <utility>

namespace windrow::testing {
namespace {

using int128 = __int128;

std::int64_t bucket_floor(std::int64_t time, std::int64_t bucket, std::int64_t origin) {
  std::int64_t remainder = (time - origin % bucket) % bucket;
  if (remainder < 0) remainder += bucket;
  return time - remainder;
}

double as_double(const windrow::value& v) {
  if (const auto* i = std::get_if<std::int64_t>(&v)) return static_cast<double>(*i);
  if (const auto* f = std::get_if<double>(&v)) return *f;
  return std::numeric_limits<double>::quiet_NaN();
}

std::vector<double> doubles(const std::vector<windrow::value>& values) {
  std::vector<double> out;
  for (const auto& v : values) out.push_back(as_double(v));
  return out;
}

double magnitude(const std::vector<double>& values) {
  double total = 0;
  for (const double v : values) total += std::fabs(v);
  return total;
}

bool all_ints(const std::vector<windrow::value>& values) {
  return std::all_of(values.begin(), values.end(), [](const windrow::value& v) {
    return std::holds_alternative<std::int64_t>(v);
  });
}

int128 int_sum(const std::vector<windrow::value>& values) {
  int128 total = 0;
  for (const auto& v : values) total += std::get<std::int64_t>(v);
  return total;
}

void fold_sum_int(const std::vector<windrow::value>& values, oracle_answer& out) {
  const int128 total = int_sum(values);
  if (total > std::numeric_limits<std::int64_t>::max() ||
      total < std::numeric_limits<std::int64_t>::min()) {
    out.error = errc::overflow;
    return;
  }
  out.value = static_cast<std::int64_t>(total);
}

void fold_sum_float(const std::vector<windrow::value>& values, oracle_answer& out) {
  const auto plain = doubles(values);
  const double total = exact_sum(plain);
  if (!std::isfinite(total)) {
    out.error = errc::overflow;
    return;
  }
  out.value = total;
  out.tolerance = 1e-9 * std::fabs(total) + 1e-12 * magnitude(plain);
}

void fold_mean(const std::vector<windrow::value>& values, oracle_answer& out) {
  if (values.empty()) return;
  const auto n = static_cast<long double>(values.size());
  const auto plain = doubles(values);
  const long double total =
      all_ints(values) ? static_cast<long double>(int_sum(values)) : exact_sum(plain);
  const auto mean = static_cast<double>(total / n);
  out.value = mean;
  out.tolerance = 1e-9 * std::fabs(mean) + 1e-12 * magnitude(plain) / static_cast<double>(n);
}

/// Two passes in long double, with the correction for a mean that is rounded.
void fold_spread(const std::vector<windrow::value>& values, bool root, oracle_answer& out) {
  if (values.size() < 2) return;
  const auto plain = doubles(values);
  const auto n = static_cast<long double>(plain.size());
  long double mean = 0;
  for (const double v : plain) mean += v / n;
  long double squares = 0;
  long double rest = 0;
  double largest = 0;
  for (const double v : plain) {
    squares += (v - mean) * (v - mean);
    rest += v - mean;
    largest = std::max(largest, std::fabs(v));
  }
  const auto variance = static_cast<double>(std::max(0.0L, (squares - rest * rest / n) / (n - 1)));
  const double slack =
      1e-9 * variance + 1e-12 * std::sqrt(variance) * largest + 1e-20 * largest * largest;
  out.value = root ? std::sqrt(variance) : variance;
  out.tolerance = slack;
  if (root) {
    out.tolerance = std::max(std::sqrt(variance + slack) - std::sqrt(variance),
                             std::sqrt(variance) - std::sqrt(std::max(0.0, variance - slack)));
  }
}

/// Every value as text with its type, so that a set can hold them all. 0.0 and -0.0 are one.
std::string identity_of(const windrow::value& v) {
  if (const auto* text = std::get_if<std::string>(&v)) return "s" + *text;
  if (const auto* i = std::get_if<std::int64_t>(&v)) return "i" + std::to_string(*i);
  if (const auto* t = std::get_if<timestamp>(&v)) return "t" + std::to_string(t->micros);
  if (const auto* b = std::get_if<bool>(&v)) return *b ? "b1" : "b0";
  const double plain = std::get<double>(v) + 0.0;
  std::string bytes(sizeof plain, '\0');
  std::memcpy(bytes.data(), &plain, sizeof plain);
  return "f" + bytes;
}

bool less(const windrow::value& a, const windrow::value& b) {
  const auto* i = std::get_if<std::int64_t>(&a);
  const auto* j = std::get_if<std::int64_t>(&b);
  return i && j ? *i < *j : as_double(a) < as_double(b);
}

void fold(oracle_function function, const std::vector<windrow::value>& values, oracle_answer& out) {
  switch (function) {
    case oracle_function::count:
      out.value = static_cast<std::int64_t>(out.events);
      return;
    case oracle_function::sum_int:
      fold_sum_int(values, out);
      return;
    case oracle_function::sum_float:
      fold_sum_float(values, out);
      return;
    case oracle_function::mean:
      fold_mean(values, out);
      return;
    case oracle_function::std:
      fold_spread(values, true, out);
      return;
    case oracle_function::var:
      fold_spread(values, false, out);
      return;
    case oracle_function::min:
      if (!values.empty()) out.value = *std::min_element(values.begin(), values.end(), less);
      return;
    case oracle_function::max:
      if (!values.empty()) out.value = *std::max_element(values.begin(), values.end(), less);
      return;
    case oracle_function::any:
      out.value = std::any_of(values.begin(), values.end(),
                              [](const windrow::value& v) { return std::get<bool>(v); });
      return;
    case oracle_function::all:
      out.value = std::all_of(values.begin(), values.end(),
                              [](const windrow::value& v) { return std::get<bool>(v); });
      return;
    case oracle_function::distinct: {
      std::set<std::string> seen;
      for (const auto& v : values) seen.insert(identity_of(v));
      out.value = static_cast<std::int64_t>(seen.size());
      return;
    }
  }
}

}  // namespace

double exact_sum(const std::vector<double>& values) {
  std::vector<double> parts;  // do not overlap, grow in magnitude; their sum is exact
  for (double x : values) {
    std::size_t kept = 0;
    for (double y : parts) {
      if (std::fabs(x) < std::fabs(y)) std::swap(x, y);
      const double high = x + y;
      if (!std::isfinite(high)) return high;
      const double low = y - (high - x);
      if (low != 0.0) parts[kept++] = low;
      x = high;
    }
    parts.resize(kept);
    parts.push_back(x);
  }
  long double total = 0;
  for (const double part : parts) total += part;
  return static_cast<double>(total);
}

bool oracle_answer::agrees(const windrow::value& got) const {
  if (error || got.index() != value.index()) return false;
  if (const auto* wanted = std::get_if<double>(&value)) {
    const double found = std::get<double>(got);
    return found == *wanted || std::fabs(found - *wanted) <= tolerance;
  }
  return value.is_null() || identity_of(value) == identity_of(got);
}

std::optional<std::int64_t> window_oracle::max_event_time(std::size_t series) const {
  std::optional<std::int64_t> found;
  for (const auto& row : rows_) {
    if (row.cells.at(series).passed) found = found ? std::max(*found, row.time) : row.time;
  }
  return found;
}

oracle_answer window_oracle::ask(std::string_view key, const oracle_window& w,
                                 std::int64_t now) const {
  oracle_answer out;
  out.from = bucket_floor(now - w.length, w.bucket, w.origin);
  out.to = bucket_floor(now, w.bucket, w.origin) + w.bucket;
  const auto seen = max_event_time(w.series);
  if (seen && out.from + w.bucket <= *seen - w.retention) {
    out.error = errc::expired;
    return out;
  }
  std::vector<windrow::value> values;
  for (const auto& row : rows_) {
    const auto& cell = row.cells.at(w.series);
    if (row.key != key || !cell.passed || row.time < out.from || row.time >= out.to) continue;
    ++out.events;
    if (!cell.argument.is_null()) values.push_back(cell.argument);
  }
  fold(w.function, values, out);
  return out;
}

std::uint64_t window_oracle::late(const oracle_window& w) const {
  std::uint64_t count = 0;
  std::optional<std::int64_t> seen;
  for (const auto& row : rows_) {
    if (!row.cells.at(w.series).passed) continue;
    const std::int64_t end = bucket_floor(row.time, w.bucket, w.origin) + w.bucket;
    if (seen && end <= *seen - w.retention) ++count;
    seen = seen ? std::max(*seen, row.time) : row.time;
  }
  return count;
}

}  // namespace windrow::testing
