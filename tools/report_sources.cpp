#include "tools/report_sources.hpp"

#include "tools/human.hpp"
#include "tools/text.hpp"

namespace windrow::tools {

namespace {

std::string optional_count(const std::optional<std::uint64_t>& count) {
  return count ? count_text(*count) : "–";
}

std::string lag_of(const sources::source_status& source, const sources::partition_status& p) {
  if (!p.lag) return "–";
  const bool in_bytes = source.unit == schema::position_unit::bytes;
  std::string text = in_bytes ? bytes_text(*p.lag) : count_text(*p.lag);
  if (p.behind && *p.lag > 0) text += ", " + elapsed_text(*p.behind);
  return text;
}

}  // namespace

std::string sources_table(const std::vector<sources::source_status>& sources,
                          const table_options& options) {
  table t({{"source", align::left},
           {"partition", align::left},
           {"state", align::left},
           {"position", align::right},
           {"end", align::right},
           {"lag", align::right},
           {"messages/s", align::right},
           {"read", align::right},
           {"applied", align::right},
           {"skipped", align::right},
           {"duplicates", align::right},
           {"late", align::right},
           {"dead letters", align::right}});
  for (const sources::source_status& s : sources) {
    if (s.partitions.empty()) t.row({s.source, "–", to_string(s.state)});
    for (const sources::partition_status& p : s.partitions) {
      t.row({s.source, p.partition, to_string(p.state), count_text(p.position),
             optional_count(p.end), lag_of(s, p), short_count(p.rate), count_text(p.read),
             count_text(p.applied), count_text(p.skipped), count_text(p.duplicates),
             count_text(p.late), count_text(p.dead_letters)});
    }
  }
  for (const sources::source_status& s : sources) {
    if (!s.reason.empty()) t.footer(" " + s.source + ": " + printable(s.reason));
  }
  return t.render(options);
}

std::string source_control_text(const sources::source_control& done) {
  std::string out;
  for (const sources::source_control_step& step : done.steps) {
    out += printable(done.source + ", " + step.partition + ": " + step.text) + "\n";
  }
  return out;
}

}  // namespace windrow::tools
