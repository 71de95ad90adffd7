#pragma once

#include <cstddef>
#include <string_view>

namespace windrow {

/// Takes one UTF-8 character off the front of `text`. False, with one byte taken, if the bytes are
/// not UTF-8 (overlong forms and surrogates are not). Requires that `text` is not empty.
bool next_character(std::string_view& text, char32_t& character) noexcept;

/// The offset of the first byte that is not valid UTF-8, or npos.
std::size_t find_bad_utf8(std::string_view text) noexcept;

/// Whether all of `text` is UTF-8.
inline bool is_utf8(std::string_view text) noexcept {
  return find_bad_utf8(text) == std::string_view::npos;
}

}  // namespace windrow
