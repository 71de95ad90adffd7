#include "storage/shard/retention_horizon.hpp"

#include <algorithm>

#include "storage/batch.hpp"
#include "windrow/time.hpp"

namespace windrow::storage {

retention_horizon::retention_horizon(const record_layouts& layouts)
    : layouts_(layouts), max_event_times_(layouts.plan().watermark_groups.size(), no_time) {
  for (std::size_t k = 0; k < layouts.size(); ++k)
    keep_.emplace_back(layouts.of(static_cast<int>(k)).lanes.size(), INT64_MIN);
}

void retention_horizon::advance(std::span<const std::int64_t> max_event_times) {
  bool moved = false;
  for (std::size_t i = 0; i < max_event_times_.size(); ++i) {
    if (max_event_times[i] <= max_event_times_[i]) continue;
    max_event_times_[i] = max_event_times[i];
    moved = true;
  }
  if (moved) update_keep();
}

void retention_horizon::update_keep() {
  for (std::size_t k = 0; k < keep_.size(); ++k) {
    const record_layout& layout = layouts_.of(static_cast<int>(k));
    for (std::size_t i = 0; i < layout.lanes.size(); ++i) {
      const lane_type& lane = layout.lanes[i];
      const int watermark_group =
          layouts_.plan().tilings[static_cast<std::size_t>(lane.tiling)].watermark_group;
      const std::int64_t max_event_time =
          max_event_times_[static_cast<std::size_t>(watermark_group)];
      // A bucket is kept while its end is after max_event_time - retention.
      if (max_event_time != no_time) {
        keep_[k][i] =
            schema::bucket_index(max_event_time - lane.retention, lane.duration, lane.origin);
      }
    }
  }
}

std::int64_t retention_horizon::overall_max_event_time() const noexcept {
  std::int64_t newest = no_time;
  for (const std::int64_t t : max_event_times_) newest = std::max(newest, t);
  return newest;
}

std::optional<failure> retention_horizon::expired(const schema::rule& rule,
                                                  std::int64_t first_end) const {
  const int watermark_group =
      layouts_.plan().tilings[static_cast<std::size_t>(rule.tiling)].watermark_group;
  const std::int64_t max_event_time = max_event_times_[static_cast<std::size_t>(watermark_group)];
  if (max_event_time == no_time || first_end > max_event_time - rule.retention) return std::nullopt;
  return failure{errc::expired,
                 "the window begins before what is retained: " + format_duration(rule.retention) +
                     " before the newest event at " + format_time({max_event_time}) +
                     "; ask for a later time or declare a longer retention"};
}

}  // namespace windrow::storage
