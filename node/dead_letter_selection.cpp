#include "node/dead_letter_selection.hpp"

#include <limits>

namespace windrow::node {

result<storage::dead_letter_filter> filter_of(const schema::plan& plan,
                                              const dead_letter_selection& what) {
  storage::dead_letter_filter filter;
  filter.limit = std::numeric_limits<std::size_t>::max();
  filter.at = what.at;
  if (!what.reason.empty()) filter.reason = what.reason;
  if (what.source.empty()) return filter;
  int source = schema::none;
  std::string names;
  for (std::size_t i = 0; i < plan.sources.size(); ++i) {
    names += (names.empty() ? "" : ", ") + plan.sources[i].name;
    if (plan.sources[i].name == what.source) source = static_cast<int>(i);
  }
  if (source == schema::none) {
    return failure{errc::not_found,
                   "there is no source `" + what.source + "`; there are: " + names};
  }
  for (const schema::stream& s : plan.streams) {
    if (s.source == source) filter.streams.push_back(s.name);
  }
  // A source that no stream reads has no letters; an empty list would mean all.
  if (filter.streams.empty()) filter.limit = 0;
  return filter;
}

}  // namespace windrow::node
