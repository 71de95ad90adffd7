#include "storage/journal/producer_state.hpp"

#include <algorithm>

#include "base/checksum.hpp"
#include "base/utf8.hpp"

namespace windrow::storage {

std::uint64_t content_hash(std::string_view stream, std::string_view content) noexcept {
  return checksum(as_bytes(content), checksum(as_bytes(stream)));
}

result<void> check_producer(const push_producer& pushed) {
  if (pushed.name.empty() || pushed.name.size() > producer_name_bytes_max)
    return failure{errc::invalid, "the name of a producer has 1 to " +
                                      std::to_string(producer_name_bytes_max) + " bytes, not " +
                                      std::to_string(pushed.name.size())};
  if (const auto bad = find_bad_utf8(pushed.name); bad != std::string_view::npos)
    return failure{errc::invalid, "the name of a producer is UTF-8 text; byte " +
                                      std::to_string(bad + 1) + " of it is not"};
  if (pushed.first == 0)
    return failure{errc::invalid, "a producer's sequences begin with 1; 0 is none"};
  if (pushed.units.empty()) return failure{errc::invalid, "there is nothing to push"};
  return {};
}

result<push_outcome> producer_state::check(const push_producer& pushed) const {
  if (pushed.first - 1 > last)
    return failure{errc::gap, "sequence " + std::to_string(pushed.first) + " of the producer `" +
                                  pushed.name + "` leaves a gap: " + std::to_string(last + 1) +
                                  " is expected next. Push what is missing first"};
  const std::size_t before = std::min<sequence>(pushed.units.size(), last + 1 - pushed.first);
  push_outcome outcome{0, before};
  // Of the units known by content; the others are taken at their word.
  for (std::size_t i = before - std::min(before, remembered_sequences); i < before; ++i) {
    const sequence back = last - (pushed.first + i);
    outcome.entry = 0;
    if (back >= remembered.size()) continue;
    const taken& then = remembered[remembered.size() - 1 - back];
    if (then.content != pushed.units[i].content)
      return failure{errc::conflict, "sequence " + std::to_string(pushed.first + i) +
                                         " of the producer `" + pushed.name +
                                         "` was taken before with other content. A sequence stands "
                                         "for one content, whatever the stream: repeat it as it "
                                         "was, or go on with " +
                                         std::to_string(last + 1)};
    outcome.entry = then.entry;
  }
  return outcome;
}

void producer_state::take(const push_producer& pushed, const push_outcome& outcome) {
  last = pushed.first + pushed.units.size() - 1;
  for (std::size_t i = outcome.duplicates; i < pushed.units.size(); ++i)
    if (i + remembered_sequences >= pushed.units.size())
      remembered.push_back({pushed.units[i].content, outcome.entry});
  if (remembered.size() > remembered_sequences)
    remembered.erase(remembered.begin(), remembered.end() - remembered_sequences);
}

}  // namespace windrow::storage
