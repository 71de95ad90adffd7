#include "tools/report_query.hpp"

#include <algorithm>
#include <charconv>

#include "tools/human.hpp"
#include "windrow/time.hpp"

namespace windrow::tools {
namespace {

std::string value_cell(const feature_answer& f) {
  if (!f.value.ok()) return std::string(to_string(f.value.error().code));
  return cell_text(f.value.value());
}

std::string header_of(const std::string& feature) {
  const auto [name, window] = feature_label(feature);
  return window.empty() ? name : name + "\n" + window;
}

std::vector<std::string> columns_of(const query_answer& answer) {
  std::vector<std::string> features;
  for (const answer_row& row : answer.rows) {
    for (const feature_answer& f : row.features) {
      if (std::find(features.begin(), features.end(), f.feature) == features.end()) {
        features.push_back(f.feature);
      }
    }
  }
  return features;
}

/// `1h: 2026-03-01T11:30:00Z to 2026-03-01T12:31:00Z`, each that occurs once.
std::vector<std::string> intervals_of(const query_answer& answer) {
  std::vector<std::string> lines;
  for (const answer_row& row : answer.rows) {
    for (const feature_answer& f : row.features) {
      if (!f.value.ok() || !f.from || !f.to) continue;
      std::string line = feature_label(f.feature).second + ": " + format_time(*f.from) + " to " +
                         format_time(*f.to);
      if (std::find(lines.begin(), lines.end(), line) == lines.end()) {
        lines.push_back(std::move(line));
      }
    }
  }
  return lines;
}

std::string wide_table(const query_answer& answer, const table_options& options) {
  const std::vector<std::string> features = columns_of(answer);
  std::vector<table::column> columns{{"entity", align::left}};
  for (const std::string& feature : features) columns.emplace_back(header_of(feature));
  table t(std::move(columns));
  for (const answer_row& row : answer.rows) {
    std::vector<std::string> cells{row.entity + " " + cell_text(row.key)};
    for (const std::string& feature : features) {
      const auto it = std::find_if(row.features.begin(), row.features.end(),
                                   [&](const auto& f) { return f.feature == feature; });
      cells.push_back(it == row.features.end() ? std::string() : value_cell(*it));
    }
    t.row(std::move(cells));
  }
  return t.render(options);
}

std::string long_table(const query_answer& answer, const table_options& options) {
  table t({{"entity", align::left},
           {"feature", align::left},
           {"window", align::left},
           {"value", align::right},
           {"events", align::right}});
  for (const answer_row& row : answer.rows) {
    if (t.rows() > 0) t.rule();
    for (const feature_answer& f : row.features) {
      const auto [name, window] = feature_label(f.feature);
      const bool counted = f.from && f.value.ok();
      t.row({row.entity + " " + cell_text(row.key), name, window, value_cell(f),
             counted ? count_text(f.events) : std::string()});
    }
  }
  return t.render(options);
}

std::size_t widest_line(std::string_view text) {
  std::size_t widest = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1);
    widest = std::max(widest, display_width(text.substr(0, end)));
    text.remove_prefix(end + 1);
  }
  return widest;
}

}  // namespace

std::pair<std::string, std::string> feature_label(std::string_view feature) {
  const std::string_view name = feature.substr(feature.find('.') + 1);
  if (!name.ends_with("__")) return {std::string(name), ""};
  const std::string_view head = name.substr(0, name.size() - 2);
  const std::size_t begin = head.rfind("__");
  if (begin == std::string_view::npos || begin == 0) return {std::string(name), ""};
  const std::string_view window = head.substr(begin + 2);
  if (window == "all") return {std::string(head.substr(0, begin)), "all"};
  std::int64_t seconds = 0;
  const char* end = window.data() + window.size();
  const auto read = std::from_chars(window.data(), end, seconds);
  const bool good = read.ec == std::errc() && read.ptr == end && seconds > 0 &&
                    seconds <= duration_all / 1'000'000;
  if (!good) return {std::string(name), ""};
  return {std::string(head.substr(0, begin)), format_duration(seconds * 1'000'000)};
}

std::string query_table(const query_answer& answer, const table_options& options) {
  std::string out = wide_table(answer, {.colours = options.colours, .width = 0});
  // Colours take no columns, so the plain form is measured.
  if (options.width != 0 && widest_line(wide_table(answer, {})) > options.width) {
    out = long_table(answer, options);
  }
  for (const std::string& line : intervals_of(answer)) out += printable(" " + line) + "\n";
  for (const answer_row& row : answer.rows) {
    for (const feature_answer& f : row.features) {
      if (f.age) {
        out += printable(" " + row.entity + " " + cell_text(row.key) + ", " + f.feature +
                         ": stale, " + elapsed_text(f.age->count()) + " old") +
               "\n";
      }
      if (f.value.ok()) continue;
      out += printable(" " + row.entity + " " + cell_text(row.key) + ", " + f.feature + ": " +
                       f.value.error().message) +
             "\n";
    }
  }
  return out;
}

}  // namespace windrow::tools
