#include "tools/report_explain.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tools/bars.hpp"
#include "tools/human.hpp"
#include "tools/json_writer.hpp"
#include "windrow/time.hpp"

namespace windrow::tools {
namespace {

constexpr std::size_t bar_width = 24;

double number_of(const windrow::value& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return static_cast<double>(*whole);
  if (const auto* real = std::get_if<double>(&value)) return *real;
  return std::numeric_limits<double>::quiet_NaN();
}

std::vector<double> lengths_of(const std::vector<bucket_line>& buckets) {
  std::vector<double> values, events;
  bool numbers = false;
  for (const bucket_line& b : buckets) {
    values.push_back(number_of(b.value));
    events.push_back(static_cast<double>(b.events));
    numbers = numbers || std::isfinite(values.back());
  }
  return numbers ? values : events;
}

}  // namespace

std::string explain_table(const explanation& what, const table_options& options) {
  const auto [name, window] = feature_label(what.answer.feature);
  const std::string subject = printable(what.entity + " " + cell_text(what.key) + ", " + name +
                                        (window.empty() ? "" : "[" + window + "]"));
  if (what.answer.error) return subject + ": " + printable(what.answer.error->message) + "\n";

  table t({{"bucket", align::left}, {"events", align::right}, {"value", align::right},
           {"", align::left}});
  t.title(subject + " = " + cell_text(what.answer.value));
  const std::vector<std::string> drawn = bars(lengths_of(what.buckets), bar_width);
  for (std::size_t i = 0; i < what.buckets.size(); ++i) {
    const bucket_line& b = what.buckets[i];
    t.row({format_time(b.start), count_text(b.events), cell_text(b.value), drawn[i]});
  }
  t.footer(" " + what.aggregation + ", in buckets of " + format_duration(what.bucket_duration));
  if (const auto& covered = what.answer.window) {
    t.footer(" covers " + format_time(covered->from) + " to " + format_time(covered->to) + ", " +
             count_text(covered->events) + (covered->events == 1 ? " event" : " events") +
             ", as of " + format_time(what.now));
  }
  return t.render(options);
}

std::string explain_json(const explanation& what) {
  json_writer out;
  out.begin_object().key("now").time(what.now).key("entity").string(what.entity);
  out.key("key").value(what.key).key("feature").string(what.answer.feature);
  if (what.answer.error) {
    out.key("error").begin_object().key("code").string(to_string(what.answer.error->code));
    out.key("message").string(what.answer.error->message).end_object();
  } else {
    out.key("value").value(what.answer.value);
    if (const auto& covered = what.answer.window) {
      out.key("from").time(covered->from).key("to").time(covered->to);
      out.key("events").unsigned_integer(covered->events);
    }
  }
  out.key("aggregation").string(what.aggregation);
  out.key("bucket_seconds").number(static_cast<double>(what.bucket_duration) / 1e6);
  out.key("buckets").begin_array();
  for (const bucket_line& b : what.buckets) {
    out.begin_object().key("start").time(b.start);
    out.key("end").time({b.start.micros + what.bucket_duration});
    out.key("events").unsigned_integer(b.events).key("value").value(b.value).end_object();
  }
  out.end_array().end_object();
  return out.take() + "\n";
}

}  // namespace windrow::tools
