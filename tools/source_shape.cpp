#include "tools/source_shape.hpp"

#include <charconv>

#include "tools/json_writer.hpp"
#include "windrow/time.hpp"

namespace windrow::tools {

namespace {

void optional_number(json_writer& out, std::string_view key, const std::optional<std::uint64_t>& n) {
  out.key(key);
  n ? out.unsigned_integer(*n) : out.null();
}

void reason_of(json_writer& out, const std::string& reason) {
  out.key("reason");
  reason.empty() ? out.null() : out.string(reason);
}

void write_partition(json_writer& out, const cluster::partition_status& p) {
  out.begin_object().key("partition").string(p.partition);
  out.key("state").string(to_string(p.state));
  reason_of(out, p.reason);
  out.key("position").unsigned_integer(p.position);
  optional_number(out, "end", p.end);
  optional_number(out, "lag", p.lag);
  out.key("behind_seconds");
  p.behind ? out.number(static_cast<double>(*p.behind) / 1e6) : out.null();
  out.key("newest_event");
  p.newest ? out.time({*p.newest}) : out.null();
  out.key("rate").number(p.rate);
  out.key("read").unsigned_integer(p.read).key("applied").unsigned_integer(p.applied);
  out.key("skipped").unsigned_integer(p.skipped);
  out.key("duplicates").unsigned_integer(p.duplicates);
  out.key("late").unsigned_integer(p.late);
  out.key("dead_letters").unsigned_integer(p.dead_letters).end_object();
}

}  // namespace

std::string sources_json(const std::vector<cluster::source_status>& sources) {
  json_writer out;
  out.begin_object().key("sources").begin_array();
  for (const cluster::source_status& s : sources) {
    out.begin_object().key("source").string(s.source).key("kind").string(s.kind);
    out.key("unit").string(s.unit).key("state").string(to_string(s.state));
    reason_of(out, s.reason);
    out.key("partitions").begin_array();
    for (const cluster::partition_status& p : s.partitions) write_partition(out, p);
    out.end_array().end_object();
  }
  out.end_array().end_object();
  return out.take();
}

std::string steering_json(const cluster::steering& done) {
  json_writer out;
  out.begin_object().key("source").string(done.source).key("partitions").begin_array();
  for (const cluster::steering_step& step : done.steps) {
    out.begin_object().key("partition").string(step.partition).key("unit").string(step.unit);
    out.key("before").unsigned_integer(step.before).key("after").unsigned_integer(step.after);
    out.key("skipped").unsigned_integer(step.skipped);
    out.key("message").string(step.text).end_object();
  }
  out.end_array().end_object();
  return out.take();
}

result<cluster::seek_target> parse_seek_target(const std::string& text) {
  using kind = cluster::seek_target::kind;
  if (text == "earliest") return cluster::seek_target{kind::earliest, 0, 0};
  if (text == "latest") return cluster::seek_target{kind::latest, 0, 0};
  std::uint64_t position = 0;
  const char* const end = text.data() + text.size();
  const auto number = std::from_chars(text.data(), end, position);
  if (number.ec == std::errc() && number.ptr == end)
    return cluster::seek_target{kind::position, position, 0};
  if (number.ptr != end && number.ec == std::errc()) {
    if (const auto time = parse_time(text); time.ok())
      return cluster::seek_target{kind::time, 0, time->micros};
  }
  return failure{errc::invalid, "`" + text + "` is no place to seek to; give `earliest`, `latest`, a "
                                "position such as 1234, or a time such as 2026-03-01T12:00:00Z"};
}

}  // namespace windrow::tools
