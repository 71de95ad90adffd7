#include "node/source_controller.hpp"

#include <algorithm>

#include "node/actor_runtime.hpp"
#include "node/current_plan.hpp"
#include "node/input_set.hpp"
#include "node/paused.hpp"
#include "node/run_state.hpp"
#include "node/shard_set.hpp"
#include "node/source_registry.hpp"
#include "node/starting_point.hpp"

namespace windrow::node {

using sources::source_control;
using sources::source_control_step;
using sources::source_selection;

namespace {

failure closed_node() { return {errc::closed, "the node is closed"}; }

std::string plural(std::uint64_t count, const std::string& unit) {
  // Units are plurals: bytes, messages.
  return std::to_string(count) + " " + (count == 1 ? unit.substr(0, unit.size() - 1) : unit);
}

std::string unit_of(const schema::source_kind& kind) {
  return std::string(schema::to_string(kind.unit));
}

std::string names_of(const std::vector<sources::driver_partition>& partitions) {
  std::string names;
  for (const sources::driver_partition& p : partitions)
    names += (names.empty() ? "" : ", ") + p.name;
  return names;
}

/// What a seek that wanted to go `to` came to, for people.
source_control_step seek_step(const sources::source_driver& driver, const std::string& partition,
                              storage::sequence to, const storage::seek_outcome& outcome) {
  source_control_step step{partition, unit_of(driver.kind()), outcome.before, outcome.after, 0, ""};
  if (outcome.after > outcome.before) {
    step.skipped = outcome.after - outcome.before;
    step.text = "read on at " + std::to_string(outcome.after) + " instead of " +
                std::to_string(outcome.before) + ", passing over " +
                plural(step.skipped, step.unit);
  } else if (outcome.after < outcome.before) {
    step.text = "read on at " + std::to_string(outcome.after) + ": of what an earlier seek would " +
                "have passed over, " + plural(outcome.before - outcome.after, step.unit) +
                " are read after all";
  } else if (to < outcome.before) {
    step.text = "stays at " + std::to_string(outcome.after) +
                ": what was applied stays applied once, so reading again from " +
                std::to_string(to) + " would count nothing; `windrow source reset " +
                driver.name() + "` reads it again as new input";
  } else {
    step.text = "is at " + std::to_string(outcome.after) + " already";
  }
  return step;
}

}  // namespace

// ---- which partitions are meant ----------------------------------------------------------------

result<std::vector<source_controller::chosen>> source_controller::choose(
    const source_selection& what) const {
  std::string names;
  const schema::source* declared = nullptr;
  const auto plan = context_.plan.get();
  for (const schema::source& s : plan->sources) {
    names += (names.empty() ? "" : ", ") + s.name;
    if (s.name == what.source) declared = &s;
  }
  if (declared == nullptr) {
    return failure{errc::not_found,
                   "there is no source `" + what.source + "`; there are: " + names};
  }
  std::vector<chosen> all;
  std::vector<sources::driver_partition> there;
  bool driven = false;
  for (const auto& driver : context_.drivers) {
    if (driver->name() != what.source) continue;
    auto partitions = driver->partitions();
    // Of a folder's source that is only pushed to, files that were read in its place.
    const bool known =
        !context_.state.read_only() || declared->kind->is_read || !partitions.empty();
    driven = driven || (driver->kind().is_read && known);
    for (sources::driver_partition& p : partitions) {
      const auto number = context_.registry.find(p.id);
      if (!number && !context_.state.read_only()) continue;
      there.push_back(p);
      if (!what.partition || *what.partition == p.name)
        all.push_back({driver.get(), std::move(p), number});
    }
  }
  if (!driven) {
    return failure{errc::invalid,
                   "the source `" + what.source + "` is not read from files or a log by this node"};
  }
  if (what.partition && all.empty()) {
    return failure{errc::not_found, "the source `" + what.source + "` has no partition " +
                                        *what.partition +
                                        (there.empty() ? "; nothing has been read of it yet"
                                                       : "; there are: " + names_of(there))};
  }
  return all;
}

// A file that was read in another's place stays known; commands mean the declared one then.
result<std::vector<source_controller::chosen>> source_controller::choose_to_move(
    const source_selection& what, bool one) const {
  auto all = choose(what);
  if (!all) return all;
  if (all->empty()) {
    return failure{errc::not_found, "nothing of the source `" + what.source +
                                        "` has been read into " + context_.options.data + " yet"};
  }
  const bool files = all->front().driver->kind().is_file;
  if (all->size() == 1 || (!files && !one)) return all;
  const auto plan = context_.plan.get();
  std::vector<sources::driver_partition> there;
  for (chosen& c : *all) {
    const bool usual =
        std::any_of(plan->sources.begin(), plan->sources.end(), [&](const schema::source& s) {
          return s.name == what.source && s.path == c.partition.name;
        });
    if (files && usual) return std::vector<chosen>{std::move(c)};
    there.push_back(c.partition);
  }
  return failure{errc::invalid, "the source `" + what.source + "` has several partitions; say " +
                                    "which with --partition: " + names_of(there)};
}

// ---- pause and resume --------------------------------------------------------------------------

result<source_control> source_controller::pause(const source_selection& what) {
  const auto call = context_.state.calls().enter();
  if (!call) return closed_node();
  const std::lock_guard lock(context_.changing);
  auto all = choose(what);
  if (!all) return all.error();
  source_control out{what.source, {}};
  std::optional<storage::partition_id> id;
  if (what.partition) id = all->front().partition.id;
  if (auto kept = set_paused(context_.journal, what.source, id, true); !kept) return kept.error();
  for (const chosen& c : *all) {
    auto step = pause_partition(c);
    if (!step) return step.error();
    out.steps.push_back(std::move(*step));
  }
  look_whether_done();
  return out;
}

result<source_control_step> source_controller::pause_partition(const chosen& c) {
  const auto start = starting_point_of(context_.shards, context_.journal, c.partition);
  if (!start) return start.error();
  storage::sequence at = start->read_from;
  if (c.number) {
    at = context_.inputs.stop(*c.number).value_or(at);
    context_.registry.paused(*c.number);
  }
  return source_control_step{
      c.partition.name, unit_of(c.driver->kind()), at, at, 0, "paused at " + std::to_string(at)};
}

result<source_control> source_controller::resume(const source_selection& what) {
  const auto call = context_.state.calls().enter();
  if (!call) return closed_node();
  const std::lock_guard lock(context_.changing);
  auto all = choose(what);
  if (!all) return all.error();
  const auto whole = is_paused(context_.journal, what.source);
  if (!whole) return whole.error();
  if (what.partition && *whole) {
    return failure{errc::invalid, "the source `" + what.source +
                                      "` is paused as a whole; resume it without --partition"};
  }
  if (!what.partition) {
    if (auto resumed = resume_whole(what.source); !resumed) return resumed.error();
  }
  source_control out{what.source, {}};
  for (const chosen& c : *all) {
    auto step = resume_partition(c, *whole);
    if (!step) return step.error();
    out.steps.push_back(std::move(*step));
  }
  look_whether_done();
  return out;
}

result<void> source_controller::resume_whole(const std::string& source) {
  if (auto kept = set_paused(context_.journal, source, std::nullopt, false); !kept) return kept;
  const bool failed = context_.registry.source_has_failed(source);
  context_.registry.source_continued(source);
  if (failed) context_.inputs.discover(context_.drivers);
  return {};
}

result<source_control_step> source_controller::resume_partition(const chosen& c, bool whole) {
  const std::string& source = c.driver->name();
  const auto paused = is_paused(context_.journal, source, c.partition.id);
  if (!paused) return paused.error();
  if (*paused) {
    auto kept = set_paused(context_.journal, source, c.partition.id, false);
    if (!kept) return kept.error();
  }
  const auto start = starting_point_of(context_.shards, context_.journal, c.partition);
  if (!start) return start.error();
  bool again = *paused || whole;
  if (c.number) {
    again = context_.registry.is_stopped(*c.number);
    if (again) context_.inputs.go_on(*c.number);
  }
  return source_control_step{c.partition.name,
                             unit_of(c.driver->kind()),
                             start->read_from,
                             start->read_from,
                             0,
                             again ? "resumed" : "was not paused"};
}

// ---- seek and reset ----------------------------------------------------------------------------

result<source_control> source_controller::seek(const source_selection& what,
                                               const sources::seek_target& target) {
  const auto call = context_.state.calls().enter();
  if (!call) return closed_node();
  const std::lock_guard lock(context_.changing);
  auto all = choose_to_move(what, target.what == sources::seek_target::kind::position);
  if (!all) return all.error();
  source_control out{what.source, {}};
  for (const chosen& c : *all) {
    auto step = seek_partition(c, target);
    if (!step) return step.error();
    out.steps.push_back(std::move(*step));
  }
  look_whether_done();
  return out;
}

// The seek has happened once the journal has committed the ranges that are passed over: what
// was applied before it is applied again by any later start, and what lies between is not. After a
// crash some stripes stand before others; if what those lack is gone, they pass over it.
result<source_control_step> source_controller::seek_partition(const chosen& c,
                                                              const sources::seek_target& target) {
  const auto place = c.driver->locate(c.partition.id, target);
  if (!place) return place.error();
  const auto start = starting_point_of(context_.shards, context_.journal, c.partition);
  if (!start) return start.error();
  std::optional<storage::sequence> taken;
  const bool reads = c.number && !context_.registry.is_paused(*c.number);
  if (c.number) taken = context_.inputs.stop(*c.number);
  const storage::sequence stands = taken.value_or(start->position);
  const storage::sequence reached =
      std::max(stands, context_.shards.largest_position(c.partition.id));
  auto skips = context_.journal.skips().of(c.partition.id);
  if (!skips) return skips.error();
  const storage::sequence next = storage::after_skips(*skips, stands);
  storage::seek_outcome outcome = storage::seek(std::move(*skips), reached, place->at);
  outcome.skips = storage::with_gone(outcome.skips, stands, place->oldest);
  const storage::sequence gone_to = std::min(place->oldest, reached);
  const auto kept = context_.journal.skips().set(c.partition.id, outcome.skips);
  if (c.number) {
    if (reads) {
      context_.inputs.go_on(*c.number);
    } else if (kept) {
      context_.inputs.pass_over(*c.number, outcome.skips,
                                storage::after_skips(outcome.skips, stands));
    }
    if (kept && !taken) context_.registry.moved(*c.number, outcome.after);
  }
  if (!kept) return kept.error();
  source_control_step step = seek_step(*c.driver, c.partition.name, place->at, outcome);
  if (gone_to > next) {
    step.skipped += gone_to - next;
    step.text += "; of " + plural(gone_to - next, step.unit) + " after " + std::to_string(next) +
                 ", which are no longer there, what a crash left to be applied is passed over";
  }
  return step;
}

result<source_control> source_controller::reset(const source_selection& what) {
  const auto call = context_.state.calls().enter();
  if (!call) return closed_node();
  const std::lock_guard lock(context_.changing);
  auto all = choose_to_move(what, false);
  if (!all) return all.error();
  source_control out{what.source, {}};
  std::vector<opened_input> starting;
  for (const chosen& c : *all) {
    auto step = reset_partition(c, starting);
    if (!step) return step.error();
    out.steps.push_back(std::move(*step));
  }
  if (!context_.state.read_only()) context_.inputs.begin(std::move(starting));
  return out;
}

result<source_control_step> source_controller::reset_partition(
    const chosen& c, std::vector<opened_input>& starting) {
  const auto before = starting_point_of(context_.shards, context_.journal, c.partition);
  if (!before) return before.error();
  if (c.number) context_.inputs.stop(*c.number);
  auto made = c.driver->reset(c.partition.id);
  if (!made) {
    if (c.number) context_.inputs.go_on(*c.number);
    return made.error();
  }
  if (c.number) {
    const std::string& source = c.driver->name();
    context_.registry.dropped(*c.number);
    context_.registry.source_continued(source);
    context_.inputs.drop(*c.number);
    if (made->begun) {
      context_.inputs.add(*c.driver, *made, starting);
    } else {
      context_.registry.complete(source, false);
    }
  }
  return source_control_step{made->name,
                             unit_of(c.driver->kind()),
                             before->read_from,
                             made->start,
                             0,
                             "is read from its beginning, as new input; what was read before stays "
                             "counted, and what is still there counts again"};
}

void source_controller::look_whether_done() {
  if (!context_.state.read_only()) context_.inputs.begin({});
}

}  // namespace windrow::node
