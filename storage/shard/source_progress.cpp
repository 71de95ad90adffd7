#include "storage/shard/source_progress.hpp"

#include <algorithm>
#include <tuple>

namespace windrow::storage {

std::size_t source_progress::index_of(partition_id partition) const noexcept {
  const auto found =
      std::lower_bound(entries_.begin(), entries_.end(), partition,
                       [](const entry& e, partition_id wanted) { return e.partition < wanted; });
  return static_cast<std::size_t>(found - entries_.begin());
}

const source_progress::entry* source_progress::find(partition_id partition) const noexcept {
  const std::size_t index = index_of(partition);
  if (index == entries_.size() || entries_[index].partition != partition) return nullptr;
  return &entries_[index];
}

std::span<const std::int64_t> source_progress::clocks_of(const entry& of) const noexcept {
  const auto index = static_cast<std::size_t>(&of - entries_.data());
  return std::span(clocks_).subspan(index * clock_count_, clock_count_);
}

void source_progress::advance(const entry& to, std::span<const std::int64_t> clocks) {
  const std::size_t index = index_of(to.partition);
  const auto first = static_cast<std::ptrdiff_t>(index * clock_count_);
  if (index == entries_.size() || entries_[index].partition != to.partition) {
    entries_.insert(entries_.begin() + static_cast<std::ptrdiff_t>(index), to);
    clocks_.insert(clocks_.begin() + first, clock_count_, no_time);
  }
  entry& mine = entries_[index];
  if (std::tie(mine.generation, mine.at) < std::tie(to.generation, to.at)) mine = to;
  for (std::size_t i = 0; i < std::min(clocks.size(), clock_count_); ++i) {
    std::int64_t& clock = clocks_[static_cast<std::size_t>(first) + i];
    clock = std::max(clock, clocks[i]);
  }
}

void source_progress::advance(const source_progress& other) {
  for (const entry& e : other.entries_) advance(e, other.clocks_of(e));
}

std::vector<std::int64_t> source_progress::max_event_times() const {
  std::vector<std::int64_t> max_event_times(clock_count_, no_time);
  for (std::size_t i = 0; i < clocks_.size(); ++i)
    max_event_times[i % clock_count_] = std::max(max_event_times[i % clock_count_], clocks_[i]);
  return max_event_times;
}

positions source_progress::at() const {
  positions all;
  for (const entry& e : entries_) all.emplace_hint(all.end(), e.partition, e.at);
  return all;
}

void source_progress::forget_clocks() { std::fill(clocks_.begin(), clocks_.end(), no_time); }

}  // namespace windrow::storage
