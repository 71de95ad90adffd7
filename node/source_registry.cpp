#include "node/source_registry.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace windrow::node {

void rate_meter::sample(std::int64_t now, std::uint64_t count) {
  if (last_at_ && now <= *last_at_) return;
  if (last_at_) {
    const auto passed = static_cast<double>(now - *last_at_);
    const double rate = static_cast<double>(count - last_) * 1e6 / passed;
    const double keep = warm_ ? std::exp2(-passed / static_cast<double>(half_life_)) : 0;
    per_second_ = keep * per_second_ + (1 - keep) * rate;
    warm_ = true;
  }
  last_at_ = now;
  last_ = count;
}

// ---- what happens ------------------------------------------------------------------------------

void source_registry::declare(const std::string& source) {
  const std::lock_guard lock(mutex_);
  sources_.try_emplace(source);
}

void source_registry::opened(input_number input, const std::string& source,
                             storage::partition_id partition, storage::sequence position,
                             bool is_paused) {
  const std::lock_guard lock(mutex_);
  input_entry& entry = inputs_[input];
  entry.source = source;
  entry.partition = partition;
  entry.position = position;
  if (is_paused) entry.what = fate::paused;
}

void source_registry::progressed(const ingest::input_progress& p) {
  const std::lock_guard lock(mutex_);
  input_entry& entry = inputs_[p.input];
  entry.counters = *p.counters;
  entry.position = p.position;
  entry.late = p.late;
  entry.max_event_time = p.max_event_time;
  entry.arrival = p.arrival;
  entry.waiting = p.waiting;
  entry.ended = p.ended;
}

void source_registry::input_failed(input_number input, const failure& why) {
  const std::lock_guard lock(mutex_);
  inputs_[input].what = fate::failed;
  inputs_[input].why = why;
}

void source_registry::source_failed(const std::string& source, const failure& why) {
  const std::lock_guard lock(mutex_);
  sources_[source].failed = why;
}

void source_registry::paused(input_number input) {
  const std::lock_guard lock(mutex_);
  inputs_[input].what = fate::paused;
}
void source_registry::continued(input_number input) {
  const std::lock_guard lock(mutex_);
  inputs_[input].what = fate::open;
}
void source_registry::source_continued(const std::string& source) {
  const std::lock_guard lock(mutex_);
  sources_[source].failed.reset();
}
void source_registry::dropped(input_number input) {
  const std::lock_guard lock(mutex_);
  inputs_[input].what = fate::dropped;
}

bool source_registry::complete(const std::string& source, bool is_complete) {
  const std::lock_guard lock(mutex_);
  return is_complete && !std::exchange(sources_[source].complete, is_complete);
}

bool source_registry::source_has_failed(const std::string& source) const {
  const std::lock_guard lock(mutex_);
  const auto found = sources_.find(source);
  return found != sources_.end() && found->second.failed.has_value();
}

bool source_registry::is_complete(const std::string& source) const {
  const std::lock_guard lock(mutex_);
  const auto found = sources_.find(source);
  return found != sources_.end() && found->second.complete;
}

bool source_registry::is_paused(input_number input) const {
  const std::lock_guard lock(mutex_);
  return inputs_.at(input).what == fate::paused;
}

bool source_registry::is_stopped(input_number input) const {
  const std::lock_guard lock(mutex_);
  return inputs_.at(input).what != fate::open;
}

void source_registry::moved(input_number input, storage::sequence position) {
  const std::lock_guard lock(mutex_);
  inputs_[input].position = position;
}

void source_registry::sample(std::int64_t now) {
  const std::lock_guard lock(mutex_);
  for (auto& [number, entry] : inputs_) entry.rate.sample(now, entry.counters.read);
}

// ---- what is known -----------------------------------------------------------------------------

std::optional<source_registry::input_number> source_registry::find(
    storage::partition_id partition) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [number, entry] : inputs_) {
    if (entry.partition == partition && entry.what != fate::dropped) return number;
  }
  return std::nullopt;
}

const source_registry::input_entry* source_registry::entry_of(
    storage::partition_id partition) const {
  for (const auto& [number, entry] : inputs_) {
    if (entry.partition == partition && entry.what != fate::dropped) return &entry;
  }
  return nullptr;
}

bool source_registry::describe(storage::partition_id partition, std::int64_t now,
                               sources::partition_status& into) const {
  const std::lock_guard lock(mutex_);
  const input_entry* known = entry_of(partition);
  if (!known) return false;
  const input_entry& entry = *known;
  into.position = entry.position;
  into.rate = entry.rate.per_second();
  into.read = entry.counters.read;
  into.late = entry.late;
  for (const auto& s : entry.counters.streams) {
    into.applied += s.applied;
    into.skipped += s.skipped;
    into.duplicates += s.duplicate;
  }
  if (into.end) into.lag = *into.end - std::min(*into.end, entry.position);
  if (entry.max_event_time != storage::no_time) into.max_event_time = entry.max_event_time;
  if (into.lag && *into.lag > 0 && entry.arrival != storage::no_time)
    into.behind = std::max<std::int64_t>(now - entry.arrival, 0);
  switch (entry.what) {
    case fate::paused:
      into.state = sources::source_state::paused;
      break;
    case fate::failed:
      into.state = sources::source_state::failed;
      into.reason = entry.why.message;
      break;
    default:
      into.state = entry.ended     ? sources::source_state::ended
                   : entry.waiting ? sources::source_state::waiting
                                   : sources::source_state::running;
      if (entry.waiting) into.reason = "the node takes no more at present";
  }
  return true;
}

std::optional<failure> source_registry::failure_of(const std::string& source) const {
  const std::lock_guard lock(mutex_);
  return why_failed(source);
}

std::optional<failure> source_registry::why_failed(const std::string& source) const {
  const auto found = sources_.find(source);
  if (found != sources_.end() && found->second.failed) return found->second.failed;
  for (const auto& [number, entry] : inputs_) {
    if (entry.source == source && entry.what == fate::failed) return entry.why;
  }
  return std::nullopt;
}

std::vector<std::pair<std::string, failure>> source_registry::failures() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<std::string, failure>> all;
  for (const auto& [name, source] : sources_) {
    if (auto why = why_failed(name)) all.emplace_back(name, std::move(*why));
  }
  return all;
}

source_totals source_registry::totals() const {
  const std::lock_guard lock(mutex_);
  source_totals sum;
  for (const auto& [number, entry] : inputs_) add(entry, sum);
  return sum;
}

std::map<std::string, source_totals> source_registry::totals_by_source() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, source_totals> sums;
  for (const auto& [name, source] : sources_) sums[name];
  for (const auto& [number, entry] : inputs_) add(entry, sums[entry.source]);
  return sums;
}

void source_registry::add(const input_entry& entry, source_totals& sum) {
  sum.read += entry.counters.read;
  sum.read_bytes += entry.counters.bytes;
  sum.late += entry.late;
  sum.max_event_time = std::max(sum.max_event_time, entry.max_event_time);
  for (const auto& s : entry.counters.streams) {
    sum.applied += s.applied;
    sum.skipped += s.skipped;
    sum.duplicate += s.duplicate;
  }
  for (const auto& r : entry.counters.reasons) {
    sum.dead_letters[r.phase + ": " + r.reason] += r.count;
    sum.dead_lettered += r.count;
  }
}

bool source_registry::over(bool once) const {
  const std::lock_guard lock(mutex_);
  return !sources_.empty() && std::all_of(sources_.begin(), sources_.end(), [&](const auto& s) {
    return over(s.first, s.second, once);
  });
}

bool source_registry::over(const std::string& name, const source_entry& source, bool once) const {
  if (source.failed) return true;
  bool any = false;
  for (const auto& [number, entry] : inputs_) {
    if (entry.source != name || entry.what == fate::dropped) continue;
    any = true;
    const bool done = entry.what == fate::failed || (entry.what == fate::paused && once) ||
                      (entry.what == fate::open && entry.ended && !entry.waiting);
    if (!done) return false;
  }
  // Where inputs are followed, what has failed may be all there is.
  return source.complete || (any && !once);
}

sources::source_state state_of(const sources::source_status& source) {
  const auto any = [&](sources::source_state state) {
    return std::any_of(source.partitions.begin(), source.partitions.end(),
                       [&](const sources::partition_status& p) { return p.state == state; });
  };
  for (const sources::source_state state :
       {sources::source_state::failed, sources::source_state::waiting,
        sources::source_state::running, sources::source_state::paused, sources::source_state::ended,
        sources::source_state::stopped}) {
    if (any(state)) return state;
  }
  return sources::source_state::running;
}

}  // namespace windrow::node
