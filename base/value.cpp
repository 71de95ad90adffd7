#include "windrow/value.hpp"

#include <algorithm>

namespace windrow {

value_map make_map(named_values entries) {
  // The last of equal keys comes first, and `unique` keeps the first.
  std::reverse(entries.begin(), entries.end());
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  entries.erase(std::unique(entries.begin(), entries.end(),
                            [](const auto& a, const auto& b) { return a.first == b.first; }),
                entries.end());
  return {std::move(entries)};
}

}  // namespace windrow
