#include "base/utf8.hpp"

#include <cstdint>

namespace windrow {

std::size_t find_bad_utf8(std::string_view text) noexcept {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    std::size_t length = 1;
    std::uint32_t code = lead, smallest = 0;
    if (lead >= 0xf0 && lead < 0xf5)
      length = 4, code = lead & 0x07u, smallest = 0x10000;
    else if (lead >= 0xe0 && lead < 0xf0)
      length = 3, code = lead & 0x0fu, smallest = 0x800;
    else if (lead >= 0xc2 && lead < 0xe0)
      length = 2, code = lead & 0x1fu, smallest = 0x80;
    else if (lead >= 0x80)
      return i;
    if (i + length > text.size()) return i;
    for (std::size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xc0u) != 0x80u) return i;
      code = (code << 6) | (next & 0x3fu);
    }
    if (code < smallest || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return i;
    i += length;
  }
  return std::string_view::npos;
}

}  // namespace windrow
