#include "node/source_overview.hpp"

#include <algorithm>

#include "base/clock.hpp"
#include "node/current_plan.hpp"
#include "node/journal_input.hpp"
#include "node/paused.hpp"
#include "node/run_state.hpp"
#include "node/shard_set.hpp"
#include "node/source_registry.hpp"
#include "node/starting_point.hpp"

namespace windrow::node {

using sources::partition_status;
using sources::source_state;
using sources::source_status;

result<std::vector<source_status>> source_overview::all() const {
  std::vector<source_status> all;
  const auto plan = context_.plan.get();
  for (const schema::source& s : plan->sources) {
    const auto& inputs = context_.options.inputs;
    const bool read = context_.state.read_only() ||
                      std::any_of(inputs.begin(), inputs.end(),
                                  [&](const node_input& in) { return in.source == s.name; });
    if (!read) continue;
    auto status = of_source(s.name);
    if (!status) return status.error();
    all.push_back(std::move(*status));
  }
  all.push_back(of_journal());
  return all;
}

result<source_status> source_overview::of_source(const std::string& source) const {
  source_status out;
  out.source = source;
  const auto paused = is_paused(context_.journal, source);
  if (!paused) return paused.error();
  for (const auto& driver : context_.drivers) {
    if (driver->name() != source) continue;
    if (auto added = add_partitions(*driver, out); !added) return added.error();
  }
  if (out.kind.empty()) {
    out.kind = "standard input";
    out.unit = schema::position_unit::bytes;
  }
  out.state = state_of(out);
  if (out.partitions.empty()) describe_empty(out);
  if (*paused) out.state = source_state::paused;
  if (const auto why = context_.registry.failure_of(source)) {
    out.state = source_state::failed;
    out.reason = why->message;
  } else if (out.state == source_state::waiting) {
    for (const partition_status& p : out.partitions) {
      if (p.state == source_state::waiting) out.reason = p.reason;
    }
  }
  return out;
}

result<void> source_overview::add_partitions(const sources::source_driver& driver,
                                             source_status& into) const {
  const auto partitions = driver.partitions();
  // A folder's source has another driver for files that were read in its place.
  if (into.kind.empty() || (into.partitions.empty() && !partitions.empty())) {
    into.kind = driver.kind().name;
    into.unit = driver.kind().unit;
  }
  const auto counts = context_.journal.dead_letters().counts();
  for (const sources::driver_partition& p : partitions) {
    partition_status one;
    one.partition = p.name;
    one.id = p.id;
    one.end = p.end;
    for (const auto& c : counts) one.dead_letters += c.partition == p.id ? c.count : 0;
    if (!context_.registry.describe(p.id, wall_clock(), one)) {
      // Of a node, only what it reads; of a folder, what has been read into it.
      if (!context_.state.read_only()) continue;
      if (auto filled = describe_stopped(into.source, p, one); !filled) return filled;
    }
    if (!p.trouble.empty() && one.state == source_state::running) {
      one.state = source_state::waiting;
      one.reason = p.trouble;
    }
    into.partitions.push_back(std::move(one));
  }
  return {};
}

result<void> source_overview::describe_stopped(const std::string& source,
                                               const sources::driver_partition& p,
                                               partition_status& into) const {
  auto start = starting_point_of(context_.shards, context_.journal, p);
  if (!start) return start.error();
  auto paused = is_paused(context_.journal, source, p.id);
  if (!paused) return paused.error();
  into.position = start->read_from;
  into.state = *paused ? source_state::paused : source_state::stopped;
  if (into.end) into.lag = *into.end - std::min(*into.end, into.position);
  return {};
}

/// The state of a source of which no partition is known.
void source_overview::describe_empty(source_status& into) const {
  into.state = context_.state.read_only()                   ? source_state::stopped
               : context_.registry.is_complete(into.source) ? source_state::ended
                                                            : source_state::running;
  for (const auto& driver : context_.drivers) {
    if (driver->name() != into.source || into.state != source_state::running) continue;
    into.reason = driver->trouble();
    if (!into.reason.empty()) into.state = source_state::waiting;
  }
}

source_status source_overview::of_journal() const {
  source_status out;
  out.source = "journal";
  out.kind = "journal";
  out.unit = schema::position_unit::pushes;
  partition_status one;
  one.partition = "journal";
  one.id = pushes_;
  one.end = context_.journal.entries().last();
  for (const auto& c : context_.journal.dead_letters().counts())
    one.dead_letters += c.partition == pushes_ ? c.count : 0;
  const storage::sequence applied = entry_applied(context_.shards.resume_position(pushes_));
  static_cast<void>(context_.registry.describe(pushes_, wall_clock(), one));
  one.position = applied;
  one.lag = *one.end - std::min(*one.end, applied);
  if (*one.lag == 0) one.behind.reset();
  if (context_.state.read_only()) one.state = source_state::stopped;
  if (const auto why = context_.state.failed()) {
    one.state = source_state::failed;
    one.reason = why->message;
  }
  out.state = one.state;
  out.reason = one.reason;
  out.partitions.push_back(std::move(one));
  return out;
}

}  // namespace windrow::node
