#include "server/api/media_type.hpp"

#include <algorithm>
#include <charconv>

namespace windrow::server {
namespace {

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

/// The part before the first `separator`, which leaves `text` with it.
std::string_view take(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return trimmed(part);
}

bool same(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

/// How exactly a range of `Accept` names `type`: 3 by name, 2 as `a/*`, 1 as any, 0 not.
int fit_of(std::string_view range, std::string_view type) {
  if (same(range, type)) return 3;
  if (range == "*/*") return 1;
  const std::size_t slash = range.find('/');
  if (slash == std::string_view::npos || range.substr(slash) != "/*") return 0;
  return same(range.substr(0, slash + 1), type.substr(0, slash + 1)) ? 2 : 0;
}

/// `q` among the parameters, 1 without one. What is no number wants nothing.
double weight_of(std::string_view parameters) {
  while (!parameters.empty()) {
    std::string_view parameter = take(parameters, ';');
    if (!same(take(parameter, '='), "q")) continue;
    double weight = 0;
    const char* end = parameter.data() + parameter.size();
    const auto read = std::from_chars(parameter.data(), end, weight);
    return read.ec == std::errc() && read.ptr == end ? std::clamp(weight, 0.0, 1.0) : 0;
  }
  return 1;
}

/// How much the request wants `type`; nothing if it does not say what it wants.
std::optional<double> wish_for(const request& asked, std::string_view type) {
  std::optional<double> wish;
  int best = 0;
  for (const auto& [name, value] : asked.headers) {
    if (name != "accept") continue;
    if (!wish) wish = 0;
    std::string_view ranges = value;
    while (!ranges.empty()) {
      std::string_view range = take(ranges, ',');
      const int fit = fit_of(take(range, ';'), type);
      if (fit <= best) continue;
      best = fit;
      wish = weight_of(range);
    }
  }
  return wish;
}

}  // namespace

bool is_media_type(std::string_view content_type, std::string_view type) noexcept {
  return same(take(content_type, ';'), type);
}

std::optional<std::string_view> chosen_type(const request& asked,
                                            std::span<const std::string_view> offered) {
  std::optional<std::string_view> chosen;
  double most = 0;
  const std::string_view own = asked.header("content-type");
  for (const std::string_view type : offered) {
    const double wish = wish_for(asked, type).value_or(1);
    const bool tie = chosen && wish == most && is_media_type(own, type);
    if (wish <= most && !tie) continue;
    most = wish;
    chosen = type;
  }
  return chosen;
}

}  // namespace windrow::server
