#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace windrow::tools {

/// A bar of `fraction` (0 to 1, else clamped) of `width` columns, in steps of an eighth column;
/// anything above nothing shows. Not padded.
std::string bar(double fraction, std::size_t width);

/// One bar a value, the largest magnitude `width` columns long. Negative values are drawn with a
/// light shade; zero, NaN and infinities have no bar.
std::vector<std::string> bars(std::span<const double> values, std::size_t width);

}  // namespace windrow::tools
