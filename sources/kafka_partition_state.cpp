#include "sources/kafka_partition_state.hpp"

#include <algorithm>
#include <charconv>

namespace windrow::sources {

namespace {

bool read(std::string_view text, std::uint64_t& number, int base = 10) {
  const char* const end = text.data() + text.size();
  const auto [to, error] = std::from_chars(text.data(), end, number, base);
  return error == std::errc() && to == end && !text.empty();
}

}  // namespace

std::string to_text(const kafka_partition_state& state) {
  std::string out;
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!out.empty()) out += ' ';
    out.append(name).append("=").append(value);
  };
  if (state.start) add("start", std::to_string(*state.start));
  if (state.check) {
    char digits[17];
    const auto end = std::to_chars(digits, digits + 16, state.check->hash, 16);
    add("check", std::to_string(state.check->at) + ":" + std::string(digits, end.ptr));
  }
  if (state.dead_letters > 0) add("letters", std::to_string(state.dead_letters));
  return out;
}

result<kafka_partition_state> parse_kafka_partition_state(std::string_view text) {
  kafka_partition_state state;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    const auto is = word.find('=');
    const std::string_view value = is == word.npos ? "" : word.substr(is + 1);
    const std::string_view name = word.substr(0, is);
    bool good = false;
    if (name == "start") {
      good = read(value, state.start.emplace());
    } else if (name == "letters") {
      good = read(value, state.dead_letters);
    } else if (name == "check") {
      const auto colon = value.find(':');
      record_fingerprint& check = state.check.emplace();
      good = colon != value.npos && read(value.substr(0, colon), check.at) &&
             read(value.substr(colon + 1), check.hash, 16) && check.at > 0;
    }
    if (!good) {
      return failure{errc::corrupt, "'" + std::string(word) +
                                        "' is not what is remembered of a topic's partition."};
    }
  }
  return state;
}

}  // namespace windrow::sources
