#include "base/base64.hpp"

#include <cstdint>

namespace windrow {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  while (!bytes.empty()) {
    const std::string_view three = bytes.substr(0, 3);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      bits = bits << 8 | (i < three.size() ? static_cast<std::uint8_t>(three[i]) : 0);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      out += i <= three.size() ? alphabet[bits >> (18 - 6 * i) & 63] : '=';
    }
    bytes.remove_prefix(three.size());
  }
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  while (!text.empty()) {
    std::uint32_t bits = 0;
    std::size_t given = 0;
    for (; given < 4 && text[given] != '='; ++given) {
      const std::size_t digit = alphabet.find(text[given]);
      if (digit == std::string_view::npos) return std::nullopt;
      bits |= static_cast<std::uint32_t>(digit) << (18 - 6 * given);
    }
    const bool last = text.size() == 4;
    if (given < 2 || (given < 4 && !last)) return std::nullopt;
    if (given == 2 && text.substr(2) != "==") return std::nullopt;
    for (std::size_t i = 0; i + 1 < given; ++i) out += static_cast<char>(bits >> (16 - 8 * i));
    text.remove_prefix(4);
  }
  return out;
}

}  // namespace windrow
