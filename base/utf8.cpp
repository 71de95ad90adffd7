#include "base/utf8.hpp"

#include <cstdint>

namespace windrow {

bool next_character(std::string_view& text, char32_t& character) noexcept {
  const auto lead = static_cast<std::uint8_t>(text.front());
  std::size_t length = 1;
  char32_t value = lead;
  if (lead >= 0xf0 && lead < 0xf5) {
    length = 4, value = lead & 0x07;
  } else if (lead >= 0xe0 && lead < 0xf0) {
    length = 3, value = lead & 0x0f;
  } else if (lead >= 0xc2 && lead < 0xe0) {
    length = 2, value = lead & 0x1f;
  } else if (lead >= 0x80) {
    text.remove_prefix(1);
    return false;
  }
  bool good = length <= text.size();
  for (std::size_t i = 1; good && i < length; ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    good = (byte & 0xc0) == 0x80;
    value = (value << 6) | (byte & 0x3f);
  }
  // Overlong forms, surrogates and what lies beyond Unicode.
  if (length == 3) good = good && value >= 0x800 && (value < 0xd800 || value > 0xdfff);
  if (length == 4) good = good && value >= 0x10000 && value <= 0x10ffff;
  text.remove_prefix(good ? length : 1);
  character = value;
  return good;
}

std::size_t find_bad_utf8(std::string_view text) noexcept {
  std::string_view rest = text;
  char32_t character = 0;
  while (!rest.empty()) {
    const std::size_t at = text.size() - rest.size();
    if (!next_character(rest, character)) return at;
  }
  return std::string_view::npos;
}

}  // namespace windrow
