#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace windrow {

/// RFC 4648, with padding.
std::string base64(std::string_view bytes);
/// Nothing if the text is not base64 with its padding.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace windrow
