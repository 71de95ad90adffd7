#include "tools/bars.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace windrow::tools {
namespace {

constexpr std::array<std::string_view, 8> eighths{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};

std::string repeat(std::string_view part, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += part;
  return text;
}

}  // namespace

std::string bar(double fraction, std::size_t width) {
  if (!(fraction > 0)) return {};
  const double columns = std::min(fraction, 1.0) * static_cast<double>(width);
  const auto steps = std::max<std::size_t>(static_cast<std::size_t>(std::lround(columns * 8)), 1);
  return repeat("█", steps / 8) + std::string(eighths[steps % 8]);
}

std::vector<std::string> bars(std::span<const double> values, std::size_t width) {
  double largest = 0;
  for (const double value : values) {
    if (std::isfinite(value)) largest = std::max(largest, std::fabs(value));
  }
  std::vector<std::string> drawn;
  drawn.reserve(values.size());
  for (const double value : values) {
    if (!std::isfinite(value) || value == 0) {
      drawn.emplace_back();
    } else if (value > 0) {
      drawn.push_back(bar(value / largest, width));
    } else {
      const double columns = -value / largest * static_cast<double>(width);
      drawn.push_back(repeat("░", std::max<std::size_t>(std::lround(columns), 1)));
    }
  }
  return drawn;
}

}  // namespace windrow::tools
