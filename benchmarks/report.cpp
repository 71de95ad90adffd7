#include "benchmarks/report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <thread>

#include "tools/json_writer.hpp"
#include "tools/table.hpp"

namespace windrow::bench {

namespace {

std::string number(double value) {
  char text[32];
  const double size = std::fabs(value);
  std::snprintf(text, sizeof text, size >= 100 ? "%.0f" : size >= 10 ? "%.1f" : "%.2f", value);
  return text;
}

std::string limit(const figure& f, const std::optional<double>& value) {
  if (!value) return "";
  return (f.at_most ? "≤ " : "≥ ") + number(*value);
}

bool reached(const figure& f, double limit) {
  const double value = median(f.runs);
  return f.at_most ? value <= limit : value >= limit;
}

std::string verdict(const figure& f) {
  if (f.aim && reached(f, *f.aim)) return "aim";
  if (f.floor) return reached(f, *f.floor) ? "floor" : "MISSED";
  return f.aim ? "below aim" : "";
}

}  // namespace

double median(std::vector<double> values) {
  if (values.empty()) return NAN;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double quantile(std::vector<double>& values, double share) {
  if (values.empty()) return NAN;
  std::sort(values.begin(), values.end());
  const auto at = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
  return values[std::min(values.size() - 1, at > 0 ? at - 1 : 0)];
}

void report::begin(std::string benchmark) {
  benchmark_ = std::move(benchmark);
  note("");
}

void report::note(const std::string& text) const {
  std::fprintf(stderr, "[%s] %s\n", benchmark_.c_str(), text.c_str());
}

void report::add(figure f) {
  std::string line = f.name + ": " + number(median(f.runs)) + " " + f.unit;
  if (f.runs.size() > 1) {
    line += " (";
    for (const double r : f.runs) line += (line.back() == '(' ? "" : ", ") + number(r);
    line += ")";
  }
  note(line);
  figures_.push_back({benchmark_, std::move(f)});
}

void report::check(bool right, const std::string& what) {
  if (right) return;
  note("WRONG: " + what);
  wrong_.push_back(benchmark_ + ": " + what);
}

std::string report::table() const {
  tools::table t({{"benchmark", tools::align::left},
                  {"figure", tools::align::left},
                  {"measured", tools::align::right},
                  {"unit", tools::align::left},
                  {"floor", tools::align::right},
                  {"aim", tools::align::right},
                  {"reached", tools::align::left}});
  std::string last;
  for (const auto& [benchmark, f] : figures_) {
    if (!last.empty() && benchmark != last) t.rule();
    t.row({benchmark == last ? "" : benchmark, f.name, number(median(f.runs)), f.unit,
           limit(f, f.floor), limit(f, f.aim), verdict(f)});
    last = benchmark;
  }
  for (const std::string& w : wrong_) t.footer("WRONG RESULT: " + w);
  return t.render();
}

std::string report::json(const settings& s) const {
  tools::json_writer out(2);
  out.begin_object();
  out.key("events").unsigned_integer(s.events);
  out.key("users").unsigned_integer(s.users);
  out.key("quick").boolean(s.quick);
  out.key("cores").unsigned_integer(std::thread::hardware_concurrency());
  out.key("figures").begin_array();
  for (const auto& [benchmark, f] : figures_) {
    out.begin_object();
    out.key("benchmark").string(benchmark);
    out.key("figure").string(f.name);
    out.key("unit").string(f.unit);
    out.key("median").number(median(f.runs));
    out.key("runs").begin_array();
    for (const double r : f.runs) out.number(r);
    out.end_array();
    const auto optional = [&](const char* name, const std::optional<double>& value) {
      out.key(name);
      if (value)
        out.number(*value);
      else
        out.null();
    };
    optional("floor", f.floor);
    optional("aim", f.aim);
    out.key("better").string(f.at_most ? "lower" : "higher");
    out.key("reached").string(verdict(f));
    out.end_object();
  }
  out.end_array();
  out.key("wrong_results").begin_array();
  for (const std::string& w : wrong_) out.string(w);
  out.end_array();
  out.end_object();
  return out.take() + "\n";
}

}  // namespace windrow::bench
