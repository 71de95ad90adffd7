#pragma once

#include <cstddef>
#include <string_view>

namespace windrow {

/// The offset of the first byte that is not valid UTF-8, or npos.
std::size_t find_bad_utf8(std::string_view text) noexcept;

}  // namespace windrow
