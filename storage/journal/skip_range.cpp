#include "storage/journal/skip_range.hpp"

#include <algorithm>

namespace windrow::storage {

sequence after_skips(std::span<const skip_range> skips, sequence at) noexcept {
  for (const skip_range& s : skips) {
    if (s.from <= at && at < s.to) at = s.to;
  }
  return at;
}

std::vector<skip_range> with_gone(std::span<const skip_range> skips, sequence at, sequence to) {
  skip_range gone{after_skips(skips, at), to};
  if (gone.from >= gone.to) return {skips.begin(), skips.end()};
  std::vector<skip_range> out;
  for (const skip_range& s : skips) {
    if (s.to < gone.from || s.from > gone.to) {
      out.push_back(s);
    } else {
      gone = {std::min(gone.from, s.from), std::max(gone.to, s.to)};
    }
  }
  out.push_back(gone);
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.from < b.from; });
  return out;
}

seek_outcome seek(std::vector<skip_range> skips, sequence reached, sequence target) {
  seek_outcome out;
  // At most the last one: a later seek extends it, or comes after it was left behind.
  const bool pending = !skips.empty() && skips.back().to > reached;
  out.before = pending ? skips.back().to : reached;
  out.after = std::max(target, reached);
  if (out.after > out.before) {
    if (!skips.empty() && skips.back().to == out.before) {
      skips.back().to = out.after;
    } else {
      skips.push_back({out.before, out.after});
    }
  } else if (out.after < out.before) {
    skips.back().to = out.after;
    if (skips.back().to <= skips.back().from) {
      skips.pop_back();
      out.after = reached;
    }
  }
  out.skips = std::move(skips);
  return out;
}

}  // namespace windrow::storage
