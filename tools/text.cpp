#include "tools/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <span>
#include <utility>

#include "base/utf8.hpp"

namespace windrow::tools {
namespace {

using range = std::pair<char32_t, char32_t>;

/// Marks that are drawn over the character before them, and characters that are not drawn.
constexpr std::array<range, 12> zero_width{{
    {0x0300, 0x036f},
    {0x0483, 0x0489},
    {0x0591, 0x05bd},
    {0x0610, 0x061a},
    {0x064b, 0x065f},
    {0x0900, 0x0902},
    {0x1ab0, 0x1aff},
    {0x1dc0, 0x1dff},
    {0x200b, 0x200f},
    {0x20d0, 0x20ff},
    {0xfe00, 0xfe0f},
    {0xfe20, 0xfe2f},
}};

constexpr std::array<range, 13> double_width{{
    {0x1100, 0x115f},
    {0x2e80, 0x303e},
    {0x3041, 0x33ff},
    {0x3400, 0x4dbf},
    {0x4e00, 0x9fff},
    {0xa000, 0xa4cf},
    {0xac00, 0xd7a3},
    {0xf900, 0xfaff},
    {0xfe30, 0xfe4f},
    {0xff00, 0xff60},
    {0xffe0, 0xffe6},
    {0x1f300, 0x1faff},
    {0x20000, 0x3fffd},
}};

bool within(std::span<const range> ranges, char32_t character) {
  const auto it = std::lower_bound(ranges.begin(), ranges.end(), character,
                                   [](const range& r, char32_t c) { return r.second < c; });
  return it != ranges.end() && it->first <= character;
}

std::size_t width_of(char32_t character) {
  if (within(zero_width, character)) return 0;
  return within(double_width, character) ? 2 : 1;
}

constexpr bool is_control(char32_t character) {
  return character < 0x20 || (character >= 0x7f && character < 0xa0);
}

void append_control(std::string& out, char32_t character) {
  switch (character) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  std::array<char, 16> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "\\u{%x}", static_cast<unsigned>(character));
  out += buffer.data();
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::string_view before = text;
    char32_t character = 0;
    if (!next_character(text, character)) {
      out += "\uFFFD";
    } else if (is_control(character)) {
      append_control(out, character);
    } else {
      out += before.substr(0, before.size() - text.size());
    }
  }
  return out;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    char32_t character = 0;
    width += next_character(text, character) ? width_of(character) : 1;
  }
  return width;
}

std::string pad(std::string_view text, std::size_t width, align side) {
  const std::size_t used = display_width(text);
  const std::string fill(used < width ? width - used : 0, ' ');
  return side == align::left ? std::string(text) + fill : fill + std::string(text);
}

std::string truncate(std::string_view text, std::size_t width) {
  if (display_width(text) <= width) return std::string(text);
  if (width == 0) return {};
  std::string_view rest = text;
  std::size_t used = 0, kept = 0;
  while (!rest.empty()) {
    char32_t character = 0;
    const std::size_t columns = next_character(rest, character) ? width_of(character) : 1;
    if (used + columns > width - 1) break;
    used += columns;
    kept = text.size() - rest.size();
  }
  return std::string(text.substr(0, kept)) + "…";
}

}  // namespace windrow::tools
