#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// Text as a terminal shows it. Input may be any bytes a user or a message supplied.
namespace windrow::tools {

/// `text` safe to show on one line: control characters become `\n`, `\t` or `\u{1b}`, and each
/// byte that is not UTF-8 becomes U+FFFD. Text that is safe already is returned as it is.
std::string printable(std::string_view text);

/// Columns that printable UTF-8 takes on a terminal: combining marks none, wide East Asian
/// characters and emoji two, everything else one.
std::size_t display_width(std::string_view text);

enum class align : unsigned char { left, right };

/// Fills `text` with spaces to `width` columns. Longer text is returned as it is.
std::string pad(std::string_view text, std::size_t width, align side = align::left);

/// Cuts `text` to at most `width` columns, ending in `…` where something was cut.
std::string truncate(std::string_view text, std::size_t width);

}  // namespace windrow::tools
