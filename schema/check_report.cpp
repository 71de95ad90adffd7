#include "schema/check_report.hpp"

#include <algorithm>
#include <utility>

#include "schema/expression/expression.hpp"
#include "windrow/time.hpp"

namespace windrow::schema {
namespace {

/// Whether the parenthesis that opens `text` closes only at its end.
bool is_wrapped(const std::string& text) {
  if (text.size() < 2 || text.front() != '(' || text.back() != ')') return false;
  int depth = 0;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == '\\')
        ++i;
      else if (c == quote)
        quote = 0;
      continue;
    }
    if (c == '"' || c == '\'') quote = c;
    if (c == '(') ++depth;
    if (c == ')' && --depth == 0) return i + 1 == text.size();
  }
  return false;
}

/// `(_.amount > 10)` as `amount > 10`.
std::string readable(std::string text) {
  while (is_wrapped(text)) text = text.substr(1, text.size() - 2);
  std::string out;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      out.push_back(c);
      if (c == '\\' && i + 1 < text.size())
        out.push_back(text[++i]);
      else if (c == quote)
        quote = 0;
      continue;
    }
    if (c == '"' || c == '\'') quote = c;
    if (c == '_' && i + 1 < text.size() && text[i + 1] == '.') {
      ++i;
      continue;
    }
    out.push_back(c);
  }
  return out;
}

bool is_plain_attribute(const std::string& canonical_text) {
  return canonical_text.starts_with("_.") &&
         canonical_text.find_first_of(" ()[]\"", 2) == std::string::npos;
}

/// The local side of the join, from the first feature that reads the series.
const windowed_feature* reader_of(const plan& p, const series& s) {
  for (const int r : s.rules) {
    for (const int v : p.rules[static_cast<std::size_t>(r)].window_values) {
      const int f = p.window_values[static_cast<std::size_t>(v)].feature;
      return &p.windowed_features[static_cast<std::size_t>(f)];
    }
  }
  return nullptr;
}

std::string window_name(const plan& p, const window_value& v) {
  const windowed_feature& f = p.windowed_features[static_cast<std::size_t>(v.feature)];
  const std::string length = v.all ? "all" : format_duration(v.window);
  return p.classes[static_cast<std::size_t>(f.entity_class)].name + "." + f.name + "[\"" + length +
         "\"]";
}

check_report::series_line series_line_of(const plan& p, int index) {
  const series& s = p.all_series[static_cast<std::size_t>(index)];
  check_report::series_line line;
  line.id = s.id;
  line.text = describe_series(p, index);
  for (const int r : s.rules) {
    const rule& from = p.rules[static_cast<std::size_t>(r)];
    const tiling& buckets = p.tilings[static_cast<std::size_t>(from.tiling)];
    check_report::rule_line to;
    to.aggregation = describe_function(from);
    to.bucket = buckets.duration;
    to.origin = buckets.origin;
    to.retention = from.retention;
    for (const int v : from.window_values) {
      to.windows.push_back(window_name(p, p.window_values[static_cast<std::size_t>(v)]));
    }
    line.rules.push_back(std::move(to));
  }
  return line;
}

check_report::stored_line stored_line_of(const plan& p, int index) {
  const scalar& s = p.scalars[static_cast<std::size_t>(index)];
  const entity_class& owner = p.classes[static_cast<std::size_t>(s.entity_class)];
  check_report::stored_line line;
  line.feature = owner.name + s.fqn.substr(owner.namespace_name.size());
  line.type = to_string(s.type);
  line.max_staleness = s.max_staleness;
  for (const route& r : p.routes) {
    const bool writes = std::any_of(r.scalars.begin(), r.scalars.end(),
                                    [&](const auto& w) { return w.scalar == index; });
    const std::string& stream = p.streams[static_cast<std::size_t>(r.stream)].name;
    if (writes && (line.streams.empty() || line.streams.back() != stream)) {
      line.streams.push_back(stream);
    }
  }
  return line;
}

}  // namespace

std::string describe_function(const rule& r) {
  std::string out(to_string(r.function));
  for (std::size_t i = 0; i < r.parameters.size(); ++i) {
    expression constant;
    constant.literal = r.parameters[i];
    out += (i == 0 ? "(" : ", ") + canonical(constant);
  }
  return r.parameters.empty() ? out : out + ")";
}

std::string describe_series(const plan& p, int index) {
  const series& s = p.all_series[static_cast<std::size_t>(index)];
  std::string out = s.child_class;
  if (is_plain_attribute(s.argument))
    out += s.argument.substr(1);
  else if (!s.argument.empty())
    out += " (" + readable(s.argument) + ")";
  if (!s.second_argument.empty()) out += " with " + readable(s.second_argument);
  out += " by ";
  const windowed_feature* reader = reader_of(p, s);
  for (std::size_t i = 0; i < s.join_key.size(); ++i) {
    if (i > 0) out += " & ";
    if (reader != nullptr && i < reader->local_key.size()) {
      out += p.classes[static_cast<std::size_t>(reader->entity_class)].name + "." +
             std::string(local_field(p, *reader, i)) + " == ";
    }
    out += s.child_class + "." + s.join_key[i];
  }
  if (!s.filter.empty()) out += " where " + readable(s.filter);
  return out;
}

check_report make_check_report(const compiled& from, const std::string& file_name) {
  check_report report;
  report.file = file_name;
  report.ok = from.ok();
  report.diagnostics = from.diagnostics;
  if (!from.ok()) return report;
  const plan& p = *from.plan;
  report.digest = p.digest;
  for (std::size_t i = 0; i < p.all_series.size(); ++i) {
    report.all_series.push_back(series_line_of(p, static_cast<int>(i)));
  }
  for (std::size_t i = 0; i < p.scalars.size(); ++i) {
    report.stored.push_back(stored_line_of(p, static_cast<int>(i)));
  }
  report.not_stored = from.idle_outputs;
  for (const inference& i : p.inferences) {
    report.inferences.push_back({p.streams[static_cast<std::size_t>(i.stream)].name,
                                 describe_series(p, i.series), i.updates, i.reason});
  }
  for (const stream_declaration& s : from.declarations->streams) {
    if (!s.deduplication) continue;
    report.deduplications.push_back({s.name, s.deduplication->on, s.deduplication->within});
  }
  return report;
}

}  // namespace windrow::schema
