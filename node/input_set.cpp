#include "node/input_set.hpp"

#include <algorithm>

#include "node/current_plan.hpp"
#include "node/paused.hpp"
#include "node/run_state.hpp"
#include "node/shard_set.hpp"
#include "node/source_registry.hpp"
#include "node/starting_point.hpp"

namespace windrow::node {

void input_set::read_journal(opened_input input) {
  input.number = next_++;
  input.essential = true;
  input.waits = true;
  input.clocks = parts_.shards.resume_clocks(input.partition);
  parts_.registry.opened(input.number, "", input.partition, input.position);
  std::vector<opened_input> starting;
  starting.push_back(std::move(input));
  begin(std::move(starting));
}

void input_set::discover(const std::vector<std::unique_ptr<sources::source_driver>>& drivers) {
  std::vector<opened_input> starting;
  bool changed = false;
  for (const auto& driver : drivers) {
    if (parts_.registry.source_has_failed(driver->name())) continue;
    auto found = driver->discover();
    if (!found) {
      parts_.registry.source_failed(driver->name(), found.error());
      changed = true;
      continue;
    }
    for (const sources::driver_partition& p : *found) add(*driver, p, starting);
    const bool completed = parts_.registry.complete(driver->name(), driver->complete());
    changed = changed || completed || !found->empty();
  }
  if (changed) begin(std::move(starting));
}

void input_set::add(sources::source_driver& driver, const sources::driver_partition& partition,
                    std::vector<opened_input>& starting) {
  if (parts_.registry.find(partition.id)) return;
  const std::uint32_t number = next_++;
  known_[number] = {&driver, partition, false};
  const auto paused = is_paused(parts_.journal, driver.name(), partition.id);
  const auto start = starting_point_of(parts_.shards, parts_.journal, partition);
  parts_.registry.opened(number, driver.name(), partition.id, start ? start->read_from : 0,
                         paused && *paused);
  if (!paused) return parts_.state.fail(paused.error());
  if (!*paused) open(number, starting);
}

void input_set::open(std::uint32_t number, std::vector<opened_input>& starting) {
  known_input& input = known_.at(number);
  auto start = starting_point_of(parts_.shards, parts_.journal, input.partition);
  if (!start) return parts_.state.fail(start.error());
  auto opened = input.driver->open(input.partition.id, start->read_from);
  if (!opened) return parts_.registry.input_failed(number, opened.error());
  const auto plan = parts_.plan.get();
  opened_input reading;
  reading.number = number;
  reading.input = std::move(*opened);
  reading.source = static_cast<int>(
      std::find_if(plan->sources.begin(), plan->sources.end(),
                   [&](const schema::source& s) { return s.name == input.driver->name(); }) -
      plan->sources.begin());
  reading.partition = input.partition.id;
  reading.position = start->position;
  reading.skips = std::move(start->skips);
  reading.skip_to = start->read_from;
  reading.clocks = parts_.shards.resume_clocks(input.partition.id);
  input.in_ingest = true;
  starting.push_back(std::move(reading));
}

void input_set::begin(std::vector<opened_input> starting) {
  parts_.runtime.read(std::move(starting));
}

std::optional<storage::sequence> input_set::stop(std::uint32_t number) {
  if (known_.at(number).in_ingest) return parts_.runtime.stop_reading(number);
  return std::nullopt;
}

void input_set::go_on(std::uint32_t number) {
  known_input& input = known_.at(number);
  parts_.registry.continued(number);
  parts_.state.finished(false);
  if (!input.in_ingest) {
    std::vector<opened_input> starting;
    open(number, starting);
    return begin(std::move(starting));
  }
  const auto position = parts_.runtime.stop_reading(number);
  auto skips = parts_.journal.skips().of(input.partition.id);
  if (!position || !skips) {
    return parts_.registry.input_failed(
        number, skips ? failure{errc::timeout, "the node did not answer in time"} : skips.error());
  }
  const storage::sequence from = storage::after_skips(*skips, *position);
  auto opened = input.driver->open(input.partition.id, from);
  if (!opened) return parts_.registry.input_failed(number, opened.error());
  parts_.runtime.read_on(number, std::move(*opened), std::move(*skips), from);
}

void input_set::pass_over(std::uint32_t number, const std::vector<storage::skip_range>& skips,
                          storage::sequence skip_to) {
  parts_.runtime.pass_over(number, skips, skip_to);
}

void input_set::drop(std::uint32_t number) { known_.erase(number); }

}  // namespace windrow::node
