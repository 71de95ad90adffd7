#include "formats/body_framing.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace windrow::formats {
namespace {

constexpr std::string_view spaces = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(spaces);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(spaces) - begin + 1);
}

failure wrong(std::size_t at, const char* what) {
  return {errc::invalid, "the body, at byte " + std::to_string(at) + ": " + what};
}

/// The end of the string that begins at `at`, or npos.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at + 1;
    }
  }
  return std::string_view::npos;
}

/// Where the element that begins at `at` ends: at a comma or closing bracket of the array.
std::size_t end_of_element(std::string_view text, std::size_t at) {
  std::size_t depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = end_of_string(text, at);
      if (at == std::string_view::npos) return at;
      continue;
    }
    if (c == '[' || c == '{') ++depth;
    if (depth == 0 && (c == ',' || c == ']' || c == '}')) return at;
    if (c == ']' || c == '}') --depth;
    ++at;
  }
  return std::string_view::npos;
}

}  // namespace

split_messages split_lines(std::string_view body, std::size_t most) {
  split_messages out;
  while (!body.empty()) {
    const std::size_t end = std::min(body.find('\n'), body.size());
    if (const std::string_view line = trimmed(body.substr(0, end)); !line.empty()) {
      if (out.messages.size() == most) {
        out.too_many = true;
        return out;
      }
      out.messages.push_back(line);
    }
    body.remove_prefix(std::min(end + 1, body.size()));
  }
  return out;
}

result<split_messages> split_array(std::string_view body, std::size_t most) {
  split_messages out;
  const std::string_view text = trimmed(body);
  const auto offset = [&](std::size_t at) {
    return at + static_cast<std::size_t>(text.data() - body.data());
  };
  if (text.starts_with('{')) {
    out.messages.push_back(text);
    return out;
  }
  if (!text.starts_with('[')) return wrong(0, "expected a JSON array of messages, or one object");
  std::size_t at = text.find_first_not_of(spaces, 1);
  if (at != std::string_view::npos && text[at] == ']') {
    if (at + 1 == text.size()) return out;
    return wrong(offset(at + 1), "something follows the array");
  }
  while (at != std::string_view::npos) {
    const std::size_t end = end_of_element(text, at);
    if (end == std::string_view::npos || text[end] == '}') break;
    const std::string_view element = trimmed(text.substr(at, end - at));
    if (element.empty()) return wrong(offset(at), "expected a message");
    if (out.messages.size() == most) {
      out.too_many = true;
      return out;
    }
    out.messages.push_back(element);
    if (text[end] == ']') {
      if (end + 1 == text.size()) return out;
      return wrong(offset(end + 1), "something follows the array");
    }
    at = text.find_first_not_of(spaces, end + 1);
  }
  return wrong(body.size(), "the array does not end");
}

std::span<const body_framing> body_framings() noexcept {
  static constexpr std::array all{
      body_framing{"application/json", split_array},
      body_framing{"application/x-ndjson",
                   [](std::string_view body, std::size_t most) -> result<split_messages> {
                     return split_lines(body, most);
                   }},
  };
  return all;
}

}  // namespace windrow::formats
