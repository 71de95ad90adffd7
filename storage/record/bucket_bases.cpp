#include "storage/record/bucket_bases.hpp"

#include <algorithm>

namespace windrow::storage {

namespace {

// How far behind the newest bucket the base of a lane lies: room for every bucket a rule may
// retain (fewer than 2^32 - 2^29) and for 2^28 more before a record needs another base.
constexpr std::int64_t base_reach = (std::int64_t{1} << 32) - (std::int64_t{1} << 28);
constexpr std::int64_t offset_limit = std::int64_t{1} << 32;

}  // namespace

bucket_bases::bucket_bases(const record_layouts& layouts)
    : layouts_(layouts), max_event_times_(layouts.plan().watermark_groups.size(), no_time) {
  bases first;
  for (std::size_t k = 0; k < layouts_.size(); ++k)
    first.emplace_back(layouts_.of(static_cast<int>(k)).lanes.size(), 0);
  epochs_.push_back(std::move(first));
}

void bucket_bases::set_max_event_times(std::span<const std::int64_t> max_event_times) {
  for (std::size_t i = 0; i < max_event_times_.size(); ++i)
    max_event_times_[i] = std::max(max_event_times_[i], max_event_times[i]);
}

// Where the lanes of a watermark group should be centred when one of them must hold an event of
// `time`. Another watermark group is centred on its own newest event, however far that is from
// `time`.
std::int64_t bucket_bases::centre_of(const lane_type& l, int watermark_group,
                                     std::int64_t time) const {
  const int own = watermark_group_of(l);
  const std::int64_t max_event_time = max_event_times_[static_cast<std::size_t>(own)];
  return own == watermark_group ? std::max(time, max_event_time) : max_event_time;
}

// Whether every bucket that a lane of the key space may retain has an offset in the epoch.
bool bucket_bases::centred(const bases& e, int key_space, int watermark_group,
                           std::int64_t time) const {
  const record_layout& s = layouts_.of(key_space);
  for (std::size_t k = 0; k < s.lanes.size(); ++k) {
    const std::int64_t centre = centre_of(s.lanes[k], watermark_group, time);
    if (centre == no_time) continue;  // no event, no tiles
    const std::int64_t offset =
        schema::bucket_index(centre, s.lanes[k].duration, s.lanes[k].origin) -
        e[static_cast<std::size_t>(key_space)][k];
    if (offset < base_reach || offset >= offset_limit) return false;
  }
  return true;
}

bucket_bases::bases bucket_bases::make_epoch(int watermark_group, std::int64_t time) const {
  bases e;
  for (std::size_t k = 0; k < layouts_.size(); ++k) {
    std::vector<std::int64_t> of_lanes;
    for (const lane_type& l : layouts_.of(static_cast<int>(k)).lanes) {
      const std::int64_t centre = centre_of(l, watermark_group, time);
      of_lanes.push_back(
          schema::bucket_index(centre == no_time ? time : centre, l.duration, l.origin) -
          base_reach);
    }
    e.push_back(std::move(of_lanes));
  }
  return e;
}

std::optional<std::uint16_t> bucket_bases::epoch_for(std::uint16_t from, int key_space, int lane,
                                                     std::int64_t index) {
  const auto fits = [&](const bases& e) {
    const std::int64_t offset =
        index - e[static_cast<std::size_t>(key_space)][static_cast<std::size_t>(lane)];
    return offset >= 0 && offset < offset_limit;
  };
  if (fits(epochs_[from])) return from;
  const lane_type& at = layouts_.of(key_space).lanes[static_cast<std::size_t>(lane)];
  const int watermark_group = watermark_group_of(at);
  const std::int64_t time = schema::bucket_start(index, at.duration, at.origin);
  if (!centred(epochs_.back(), key_space, watermark_group, time)) {
    bases made = make_epoch(watermark_group, time);
    if (!fits(made)) return std::nullopt;
    epochs_.push_back(std::move(made));
  }
  if (!fits(epochs_.back())) return std::nullopt;
  return latest();
}

}  // namespace windrow::storage
