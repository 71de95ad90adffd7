#include "tools/run_summary.hpp"

#include <algorithm>

#include "tools/arguments.hpp"
#include "tools/human.hpp"
#include "tools/text.hpp"
#include "windrow/time.hpp"

namespace windrow::tools {
namespace {

constexpr std::size_t word_width = 16;
/// Events that are older than this need a `--now`, or their windows are over.
constexpr std::int64_t recent = 60'000'000;

std::string line(const std::string& word, const std::string& figure) {
  return " " + pad(word, word_width) + figure + "\n";
}

std::string counted(std::uint64_t count, const char* one, const char* many) {
  return count_text(count) + (count == 1 ? one : many);
}

/// The class to ask about: one with windows if there is any.
const schema::entity_class* class_to_ask(const schema::plan& plan) {
  const schema::entity_class* found = nullptr;
  for (const schema::entity_class& c : plan.classes) {
    if (!c.windowed_features.empty()) return &c;
    if (!c.scalars.empty() && found == nullptr) found = &c;
  }
  return found;
}

std::string feature_to_ask(const schema::plan& plan, const schema::entity_class& c) {
  if (!c.windowed_features.empty()) {
    return plan.windowed_features[static_cast<std::size_t>(c.windowed_features.front())].name;
  }
  const std::string& name = plan.scalars[static_cast<std::size_t>(c.scalars.front())].fqn;
  return name.substr(name.find('.') + 1);
}

}  // namespace

std::string summary_text(const run_outcome& outcome) {
  const node::node_progress& c = outcome.counts;
  std::string out = line("read", counted(c.read, " message", " messages"));
  // A failed node could not write its last checkpoint: nobody knows how much of this is on disk.
  out += line("applied", count_text(c.applied) +
                             (c.failed ? "   of these, what is not on disk is applied again by "
                                         "the next run"
                                       : ""));
  out += line("skipped", count_text(c.skipped));
  if (outcome.deduplicates) out += line("duplicate", count_text(c.duplicate));
  out += line("dead-lettered", count_text(c.dead_lettered));
  for (const auto& [reason, count] : c.dead_letters) {
    out += "   " + pad(printable(reason), word_width * 2) + count_text(count) + "\n";
  }
  out += line("late", count_text(c.late));
  const double seconds = static_cast<double>(std::max<std::int64_t>(outcome.elapsed, 1)) / 1e6;
  out += line("rate", short_count(static_cast<double>(c.read) / seconds) + " messages/s, " +
                          elapsed_text(outcome.elapsed) + " in all");
  for (const auto& [source, why] : c.failed_sources) {
    out += line("failed", printable(source + ": " + why.message));
  }
  out += line("state", outcome.data);
  return out;
}

std::vector<std::string> left_for_next_run(const std::vector<sources::source_status>& sources) {
  std::vector<std::string> left;
  for (const sources::source_status& source : sources) {
    const schema::source_kind* kind = schema::find_source_kind(source.kind);
    if (kind == nullptr || !kind->is_file) continue;
    for (const sources::partition_status& p : source.partitions) {
      const std::uint64_t bytes = p.lag.value_or(0);
      if (p.state != sources::source_state::ended || bytes == 0) continue;
      left.push_back(p.partition + " ends within a line: its last " +
                     counted(bytes, " byte is", " bytes are") + " left for the next run");
    }
  }
  return left;
}

std::string next_commands(const schema::plan& plan, const run_outcome& outcome, timestamp now) {
  const std::string data = " --data " + shell_quote(outcome.data);
  std::string out;
  if (const schema::entity_class* c = class_to_ask(plan)) {
    std::string query = "windrow query" + data + " --entity " + c->name + "=KEY --feature " +
                        feature_to_ask(plan, *c);
    const std::int64_t max_event_time = outcome.counts.max_event_time;
    if (max_event_time != INT64_MIN && max_event_time < now.micros - recent) {
      query += " --now " + format_time({max_event_time});
    }
    out += line("ask it", query);
  }
  if (outcome.counts.dead_lettered > 0) {
    out += line("see what failed", "windrow deadletters list" + data);
  }
  return out;
}

}  // namespace windrow::tools
