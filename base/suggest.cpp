#include "base/suggest.hpp"

#include <algorithm>
#include <cctype>
#include <cstddef>

namespace windrow {
namespace {

/// Names longer than this are not compared: nobody mistypes them by a letter or two.
constexpr std::size_t compared_length_max = 64;
constexpr std::size_t listed_names_max = 12;

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

/// Insertions, deletions, replacements and swaps of neighbours, ignoring case.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                           lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) {
        now[j] = std::min(now[j], before[j - 2] + 1);
      }
    }
    std::swap(before, last);
    std::swap(last, now);
  }
  return last[b.size()];
}

}  // namespace

std::string ticked(std::string_view text) {
  std::string out = "`";
  out.append(text);
  out.push_back('`');
  return out;
}

std::string join_words(const std::vector<std::string>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " and " : ", ";
    out += words[i];
  }
  return out;
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& known) {
  const std::string* best = nullptr;
  std::size_t best_distance = 0;
  if (name.size() <= compared_length_max) {
    for (const std::string& candidate : known) {
      if (candidate.size() > compared_length_max) continue;
      const std::size_t distance = edit_distance(name, candidate);
      const std::size_t longer = std::max(name.size(), candidate.size());
      // A letter is not a mistyping of another one that is all there is.
      const std::size_t limit = longer < 2 ? 0 : std::max<std::size_t>(1, longer / 3);
      if (distance <= limit && (best == nullptr || distance < best_distance)) {
        best = &candidate;
        best_distance = distance;
      }
    }
  }
  if (best != nullptr) return "did you mean " + ticked(*best) + "?";
  if (known.empty()) return "there are none";
  std::string out = "there are: ";
  for (std::size_t i = 0; i < known.size() && i < listed_names_max; ++i) {
    if (i > 0) out += ", ";
    out += ticked(known[i]);
  }
  if (known.size() > listed_names_max) out += ", ...";
  return out;
}

std::string no_such(std::string_view kind, std::string_view name,
                    const std::vector<std::string>& known) {
  return "there is no " + std::string(kind) + " " + ticked(name) + "; " + did_you_mean(name, known);
}

}  // namespace windrow
