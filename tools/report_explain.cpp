#include "tools/report_explain.hpp"

#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "tools/bars.hpp"
#include "tools/human.hpp"
#include "windrow/time.hpp"

namespace windrow::tools {
namespace {

constexpr std::size_t bar_width = 24;

double number_of(const result<windrow::value>& value) {
  if (!value.ok()) return std::numeric_limits<double>::quiet_NaN();
  if (const auto* whole = std::get_if<std::int64_t>(&value.value())) {
    return static_cast<double>(*whole);
  }
  if (const auto* real = std::get_if<double>(&value.value())) return *real;
  return std::numeric_limits<double>::quiet_NaN();
}

std::vector<double> lengths_of(std::span<const explanation::bucket> buckets) {
  std::vector<double> values, events;
  bool numbers = false;
  for (const explanation::bucket& b : buckets) {
    values.push_back(number_of(b.value));
    events.push_back(static_cast<double>(b.events));
    numbers = numbers || std::isfinite(values.back());
  }
  return numbers ? values : events;
}

std::string partial_cell(const result<windrow::value>& value) {
  return value.ok() ? cell_text(value.value()) : std::string(to_string(value.error().code));
}

}  // namespace

std::string explain_table(const explanation& what, const explain_context& context,
                          const table_options& options) {
  const feature_answer& answer = what.row.features.front();
  const auto [name, window] = feature_label(answer.feature);
  const std::string subject = printable(what.row.entity + " " + cell_text(what.row.key) + ", " +
                                        name + (window.empty() ? "" : "[" + window + "]"));
  if (!answer.value.ok()) return subject + ": " + printable(answer.value.error().message) + "\n";

  std::span<const explanation::bucket> shown = what.buckets;
  if (context.buckets_max != 0 && shown.size() > context.buckets_max) {
    shown = shown.last(context.buckets_max);
  }
  table t({{"bucket", align::left},
           {"events", align::right},
           {"value", align::right},
           {"", align::left}});
  t.title(subject + " = " + cell_text(answer.value.value()));
  const std::vector<std::string> drawn = bars(lengths_of(shown), bar_width);
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const explanation::bucket& b = shown[i];
    t.row({format_time(b.start), count_text(b.events), partial_cell(b.value), drawn[i]});
  }
  if (const std::size_t hidden = what.buckets.size() - shown.size(); hidden > 0) {
    t.footer(" and " + count_text(hidden) + " earlier, which --limit 0 shows");
  }
  t.footer(" " + context.aggregation + ", in buckets of " +
           format_duration(context.bucket_duration));
  if (answer.from && answer.to) {
    t.footer(" covers " + format_time(*answer.from) + " to " + format_time(*answer.to) + ", " +
             count_text(answer.events) + (answer.events == 1 ? " event" : " events") + ", as of " +
             format_time(context.now));
  }
  return t.render(options);
}

}  // namespace windrow::tools
