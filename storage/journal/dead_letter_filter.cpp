#include "storage/journal/dead_letter_filter.hpp"

#include <algorithm>
#include <limits>

namespace windrow::storage {

namespace {

template <class T>
bool is_one_of(const std::vector<T>& wanted, const T& value) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), value) != wanted.end();
}

}  // namespace

bool dead_letter_filter::asks_for(std::string_view of_phase, std::string_view of_reason) const {
  if (phase && *phase != of_phase) return false;
  if (!reason || *reason == of_reason || *reason == of_phase) return true;
  return *reason == std::string(of_phase) + ": " + std::string(of_reason);
}

bool dead_letter_filter::passes(const dead_letter& letter) const {
  return is_one_of(partitions, letter.partition) && is_one_of(streams, letter.stream) &&
         lowest() <= letter.at && letter.at <= highest() && (!since || *since <= letter.arrival) &&
         (!before || letter.arrival < *before) && asks_for(letter.phase, letter.reason);
}

sequence dead_letter_filter::lowest() const noexcept {
  sequence lowest = 0;
  if (after && *after < std::numeric_limits<sequence>::max()) lowest = *after + 1;
  return std::max(lowest, at.value_or(0));
}

sequence dead_letter_filter::highest() const noexcept {
  constexpr sequence end = std::numeric_limits<sequence>::max();
  if (after && *after == end) return 0;
  return std::min(at.value_or(end), through.value_or(end));
}

}  // namespace windrow::storage
