#pragma once

#include <string_view>

namespace windrow::server {

/// Takes one UTF-8 character off the front of `text`. False, with one byte taken, where the bytes
/// are not UTF-8. Requires that `text` is not empty.
bool next_character(std::string_view& text, char32_t& character);

/// Whether all of `text` is UTF-8.
bool is_utf8(std::string_view text);

}  // namespace windrow::server
