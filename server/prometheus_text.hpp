#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace windrow::server {

/// Writes metrics as Prometheus reads them (text format 0.0.4): a family at a time, then its
/// samples.
class prometheus_text {
public:
  using label = std::pair<std::string_view, std::string_view>;

  /// `type`: `counter`, `gauge` or `histogram`.
  void family(std::string_view name, std::string_view type, std::string_view help);
  /// A sample of the family; `suffix` as in `_bucket`.
  void sample(double value, std::initializer_list<label> labels = {}, std::string_view suffix = {});

  static constexpr std::string_view media_type = "text/plain; version=0.0.4; charset=utf-8";
  std::string take() { return std::move(out_); }

private:
  std::string out_;
  std::string name_;
};

}  // namespace windrow::server
