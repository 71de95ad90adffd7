#include "storage/record/segment_directory.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>

namespace windrow::storage {

const segment* segment_directory::last_of(int lane) const noexcept {
  const auto end = std::partition_point(segments.begin(), segments.end(),
                                        [&](const segment& s) { return s.lane <= lane; });
  return end == segments.begin() || std::prev(end)->lane != lane ? nullptr : &*std::prev(end);
}

std::size_t segment_directory::index_for(int lane, std::int64_t bucket) const noexcept {
  std::size_t at = segments.size();
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (segments[i].lane != lane) continue;
    if (at == segments.size() || segments[i].first <= bucket) at = i;
  }
  return at;
}

std::uint64_t segment_directory::tiles_of(int lane) const noexcept {
  std::uint64_t n = 0;
  for (const segment& s : segments) n += s.lane == lane ? s.count : 0;
  return n;
}

void segment_directory::insert(const segment& s) {
  const auto after = std::find_if(segments.begin(), segments.end(), [&](const segment& x) {
    return std::tie(x.lane, x.first) >= std::tie(s.lane, s.first);
  });
  segments.insert(after, s);
}

}  // namespace windrow::storage
