#include "tools/progress.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tools/bars.hpp"
#include "tools/human.hpp"
#include "tools/text.hpp"

namespace windrow::tools {
namespace {

std::optional<double> share_of(const progress_counts& counts) {
  if (!counts.bytes_total) return std::nullopt;
  if (*counts.bytes_total == 0) return 1.0;
  return std::min(
      1.0, static_cast<double>(counts.bytes_read) / static_cast<double>(*counts.bytes_total));
}

std::uint64_t lag_of(const progress_counts& counts) {
  const std::uint64_t total = counts.bytes_total.value_or(0);
  return total > counts.bytes_read ? total - counts.bytes_read : 0;
}

/// Rounded down: 100 % is said only when nothing is left.
std::string percent(double share) {
  return std::to_string(static_cast<int>(std::floor(share * 100))) + " %";
}

std::string dead_letters_text(std::uint64_t count) {
  return count_text(count) + (count == 1 ? " dead letter" : " dead letters");
}

std::string failed_text(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " source failed" : " sources failed");
}

std::string rate_text(double rate) { return short_count(rate) + " messages/s"; }

std::optional<std::string> time_left(const progress_view& view) {
  const std::uint64_t lag = lag_of(view.counts);
  if (lag == 0 || view.bytes_per_second < 1) return std::nullopt;
  const double seconds = static_cast<double>(lag) / view.bytes_per_second;
  if (seconds > 30.0 * 86'400) return std::nullopt;
  return elapsed_text(static_cast<std::int64_t>(std::ceil(seconds)) * 1'000'000) + " left";
}

}  // namespace

progress_meter::progress_meter(std::int64_t started_at, std::int64_t half_life)
    : last_at_(started_at), half_life_(half_life) {}

progress_view progress_meter::update(std::int64_t now, const progress_counts& counts) {
  if (now > last_at_) {
    const auto passed = static_cast<double>(now - last_at_);
    const double events = static_cast<double>(counts.events - last_.events) * 1e6 / passed;
    const double bytes = static_cast<double>(counts.bytes_read - last_.bytes_read) * 1e6 / passed;
    const double keep = warm_ ? std::exp2(-passed / static_cast<double>(half_life_)) : 0;
    events_per_second_ = keep * events_per_second_ + (1 - keep) * events;
    bytes_per_second_ = keep * bytes_per_second_ + (1 - keep) * bytes;
    last_at_ = now;
    last_ = counts;
    warm_ = true;
  }
  return {counts, events_per_second_, bytes_per_second_};
}

std::string progress_line(const progress_view& view, std::size_t width) {
  constexpr std::size_t bar_width_min = 8, bar_width_max = 24;
  const std::optional<double> share = share_of(view.counts);
  // The most important first: the rest is left out where there is no room.
  std::vector<std::string> parts;
  if (share) parts.push_back(pad(percent(*share), 5, align::right));
  parts.push_back(share ? rate_text(view.events_per_second)
                        : count_text(view.counts.events) + " messages   " +
                              rate_text(view.events_per_second));
  if (view.counts.failed_sources > 0) parts.push_back(failed_text(view.counts.failed_sources));
  if (share) parts.push_back("lag " + bytes_text(lag_of(view.counts)));
  parts.push_back(dead_letters_text(view.counts.dead_letters));

  std::string line;
  if (share) {
    // The bar gives way to the figures, down to a few columns.
    std::size_t taken = 0;
    for (const std::string& part : parts) taken += 3 + display_width(part);
    const std::size_t bar_width =
        std::clamp(width > taken ? width - taken : 0, bar_width_min, bar_width_max);
    if (bar_width + 6 <= width) line = pad(bar(*share, bar_width), bar_width);
  }
  if (const auto left = time_left(view)) parts.push_back(*left);
  for (const std::string& part : parts) {
    const std::string longer = line.empty() ? part : line + "   " + part;
    if (display_width(longer) > width) break;
    line = longer;
  }
  return line;
}

std::string progress_log_line(const progress_view& view) {
  std::string line = "read " + count_text(view.counts.events) + " messages";
  if (const auto share = share_of(view.counts)) line += " (" + percent(*share) + ")";
  line += ", " + rate_text(view.events_per_second);
  if (view.counts.bytes_total) line += ", lag " + bytes_text(lag_of(view.counts));
  line += ", " + dead_letters_text(view.counts.dead_letters);
  if (view.counts.failed_sources > 0) line += ", " + failed_text(view.counts.failed_sources);
  return line + "\n";
}

}  // namespace windrow::tools
