#pragma once

#include <cstdint>
#include <string>

#include "windrow/value.hpp"

/// Numbers as people read them.
namespace windrow::tools {

/// `1,234,567`.
std::string count_text(std::uint64_t count);

/// Three significant digits: `950`, `12.3 K`, `4.56 M`, `1.20 B`.
std::string short_count(double count);

/// `950 B`, `12.3 KiB`, `4.56 MiB`, up to `TiB`.
std::string bytes_text(std::uint64_t bytes);

/// How long something took or will take: `350 µs`, `12.3 ms`, `4.56 s`, `2m05s`, `3h07m`, `4d02h`.
std::string elapsed_text(std::int64_t micros);

/// A value in a table: ints whole, floats with up to four decimals (six significant digits and an
/// exponent where that would hide them), text printable, times in RFC 3339, null as `–`.
std::string cell_text(const windrow::value& value);

}  // namespace windrow::tools
