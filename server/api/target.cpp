#include "server/api/target.hpp"

#include <algorithm>

namespace windrow::server {
namespace {

int digit_of(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

failure wrong(std::string_view text, const char* why) {
  return {errc::invalid, "the address `" + std::string(text.substr(0, 200)) + "` " + why};
}

constexpr const char* undecodable =
    "has a zero byte, or a % that is not followed by two hexadecimal digits";

bool decode(std::string_view text, std::string& out) {
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\0') return false;
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return false;
    const int high = digit_of(text[i + 1]), low = digit_of(text[i + 2]);
    if (high < 0 || low < 0 || high + low == 0) return false;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return true;
}

/// Calls `use` with each part of `text` between `separator`s.
template <class Use>
bool split(std::string_view text, char separator, Use&& use) {
  while (true) {
    const std::size_t end = text.find(separator);
    if (!use(text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

result<std::optional<std::string>> target::one(std::string_view name) const {
  std::optional<std::string> found;
  for (const auto& [known, value] : query) {
    if (known != name) continue;
    if (found) return failure{errc::invalid, "`" + std::string(name) + "` is given twice"};
    found = value;
  }
  return found;
}

std::vector<std::string> target::all(std::string_view name) const {
  std::vector<std::string> found;
  for (const auto& [known, value] : query) {
    if (known == name) found.push_back(value);
  }
  return found;
}

result<target> read_target(std::string_view text) {
  if (!text.starts_with('/')) return wrong(text, "does not begin with /");
  target out;
  const std::size_t mark = std::min(text.find('?'), text.size());
  const bool path = split(text.substr(1, mark - 1), '/', [&](std::string_view part) {
    return decode(part, out.segments.emplace_back());
  });
  if (!path) return wrong(text, undecodable);
  if (mark == text.size()) return out;
  const bool query = split(text.substr(mark + 1), '&', [&](std::string_view part) {
    if (part.empty()) return true;
    const std::size_t equals = std::min(part.find('='), part.size());
    auto& [name, value] = out.query.emplace_back();
    return decode(part.substr(0, equals), name) &&
           decode(part.substr(std::min(equals + 1, part.size())), value);
  });
  if (!query) return wrong(text, undecodable);
  return out;
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

}  // namespace windrow::server
