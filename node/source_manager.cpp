#include "node/source_manager.hpp"

#include <algorithm>
#include <iterator>

#include "base/clock.hpp"
#include "node/current_plan.hpp"
#include "node/node_progress.hpp"
#include "node/run_state.hpp"
#include "node/shard_set.hpp"
#include "node/standard_input.hpp"
#include "sources/kinds.hpp"

namespace windrow::node {

source_manager::source_manager(parts p, std::function<void()> found)
    : parts_(p),
      driving_{parts_.journal,
               parts_.options.data,
               parts_.options.once,
               [this](storage::partition_id id) { return parts_.shards.resume_position(id); },
               wall_clock,
               [this](const failure& why) { parts_.state.fail(why); },
               std::move(found)},
      inputs_(
          {parts_.plan, parts_.journal, parts_.shards, registry_, parts_.state, parts_.runtime}) {}

source_manager::~source_manager() = default;

source_context source_manager::context() {
  return {parts_.options, parts_.plan, parts_.journal, parts_.shards, parts_.state,
          registry_,      drivers_,    inputs_,        changing_};
}

result<void> source_manager::open() {
  if (parts_.state.read_only()) return make_drivers_to_look();
  const auto plan = parts_.plan.get();
  for (const node_input& in : parts_.options.inputs) {
    const auto source = std::find_if(plan->sources.begin(), plan->sources.end(),
                                     [&](const schema::source& s) { return s.name == in.source; });
    if (source == plan->sources.end())
      return failure{errc::invalid, "there is no source " + in.source};
    registry_.declare(in.source);
    if (in.path == "-") continue;
    auto made = sources::make_driver(
        {*plan, static_cast<int>(source - plan->sources.begin()), in.path}, driving_);
    if (!made) return made.error();
    drivers_.push_back(std::move(*made));
  }
  const auto piped = std::count_if(parts_.options.inputs.begin(), parts_.options.inputs.end(),
                                   [](const node_input& in) { return in.path == "-"; });
  if (piped > 1) return failure{errc::invalid, "only one source can read standard input"};
  return {};
}

result<void> source_manager::make_drivers_to_look() {
  const auto plan = parts_.plan.get();
  for (std::size_t i = 0; i < plan->sources.size(); ++i) {
    auto made = sources::make_known_drivers(*plan, static_cast<int>(i), driving_);
    if (!made) return made.error();
    std::move(made->begin(), made->end(), std::back_inserter(drivers_));
  }
  return {};
}

void source_manager::start(opened_input journal, const std::shared_ptr<journal_notifier>& notifier,
                           const std::function<std::uint64_t()>& behind) {
  {
    const std::lock_guard lock(changing_);
    inputs_.read_journal(std::move(journal));
  }
  discover();
  start_standard_input(notifier, behind);
}

void source_manager::start_standard_input(const std::shared_ptr<journal_notifier>& notifier,
                                          const std::function<std::uint64_t()>& behind) {
  const auto& inputs = parts_.options.inputs;
  const auto piped = std::find_if(inputs.begin(), inputs.end(),
                                  [](const node_input& in) { return in.path == "-"; });
  if (piped == inputs.end()) return;
  const std::string& source = piped->source;
  standard_input::options o;
  o.source = source;
  o.lines = parts_.options.standard_input;
  o.journal = &parts_.journal;
  o.notifier = notifier;
  o.behind = behind;
  o.failed = [this](const failure& why) { parts_.state.fail(why); };
  o.too_long = [this] { ++too_long_; };
  o.unreadable = [this, source](const failure& why) {
    registry_.source_failed(source, why);
    look_whether_done();
  };
  o.ended = [this, source] {
    registry_.complete(source, true);
    look_whether_done();
  };
  piped_ = std::make_unique<standard_input>(std::move(o));
}

void source_manager::close() { piped_.reset(); }

void source_manager::discover() {
  const std::lock_guard lock(changing_);
  if (!parts_.state.read_only()) inputs_.discover(drivers_);
}

result<void> source_manager::committed(const storage::positions& smallest,
                                       storage::partition_id pushes) {
  const std::lock_guard lock(changing_);
  for (const auto& [partition, at] : smallest) {
    if (partition == pushes) continue;
    if (auto trimmed = parts_.journal.skips().trim(partition, at); !trimmed) return trimmed;
  }
  for (const auto& driver : drivers_) {
    if (auto told = driver->committed(smallest); !told)
      registry_.source_failed(driver->name(), told.error());
  }
  return {};
}

// ---- what is known -----------------------------------------------------------------------------

bool source_manager::over() const { return registry_.over(parts_.options.once); }

void source_manager::describe(node_progress& out) const {
  const source_totals sum = registry_.totals();
  out.read = sum.read;
  out.read_bytes = sum.read_bytes;
  out.applied = sum.applied;
  out.skipped = sum.skipped;
  out.duplicate = sum.duplicate;
  out.late = sum.late;
  out.dead_lettered = sum.dead_lettered;
  out.dead_letters = sum.dead_letters;
  out.max_event_time = sum.max_event_time;
  out.failed_sources = registry_.failures();
  for (const auto& driver : drivers_) {
    if (auto why = driver->trouble(); !why.empty())
      out.waiting_sources[driver->name()] = std::move(why);
    if (!driver->kind().is_file) continue;
    // How far files are read: line ends and what earlier runs have read count as well.
    for (const sources::driver_partition& file : driver->partitions()) {
      sources::partition_status at;
      if (!file.end || !registry_.describe(file.id, 0, at)) continue;
      out.total_bytes += *file.end;
      out.file_bytes += std::min<std::uint64_t>(at.position, *file.end);
    }
  }
  if (const std::uint64_t lines = too_long_; lines > 0) {
    out.read += lines;
    out.dead_lettered += lines;
    out.dead_letters["parse: too_long"] += lines;
  }
}

std::map<std::string, source_totals> source_manager::totals_by_source() const {
  auto totals = registry_.totals_by_source();
  if (const std::uint64_t lines = too_long_; lines > 0) {
    source_totals& piped = totals[""];
    piped.read += lines;
    piped.dead_lettered += lines;
    piped.dead_letters["parse: too_long"] += lines;
  }
  return totals;
}

}  // namespace windrow::node
