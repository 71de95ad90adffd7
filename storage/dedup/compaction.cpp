#include <algorithm>

#include "base/fault_injection.hpp"
#include "storage/dedup/dedup_index.hpp"

/// The runs of `dedup_index`: made from full tables, merged by size, left when forgotten.
namespace windrow::storage {

namespace {

constexpr std::size_t merged_runs = 8;
constexpr std::uint64_t look_every = 20'000;  // ids merged between looks at what waits

bool by_id(const seen_id& a, const seen_id& b) noexcept {
  if (a.id != b.id) return a.id < b.id;
  return a.track != b.track ? a.track < b.track : a.at < b.at;
}

}  // namespace

void dedup_index::work() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stop_ || (runs_loaded_ && work_due()); });
      if (stop_) return;
    }
    auto done = tidy();
    const std::lock_guard lock(mutex_);
    if (done || stop_) continue;
    failed_ = done.error();
    changed_.notify_all();
    return;
  }
}

bool dedup_index::work_due() const {
  return !full_.empty() || !strays_looked_for_ || !left_logs_.empty() || !due_for_merge().empty() ||
         forgotten_run(limits_now());
}

result<void> dedup_index::tidy() {
  for (bool more = true; more && !stop_;) {
    auto done = work_once();
    if (!done) return done.error();
    more = *done;
  }
  return {};
}

/// One piece of what is due; false where nothing is.
result<bool> dedup_index::work_once() {
  std::vector<std::uint64_t> numbers;
  std::optional<full_table> full;
  run_ptr forgotten;
  std::vector<run_ptr> mergeable;
  std::optional<std::uint64_t> log;
  bool look_for_strays = false;
  {
    const std::lock_guard lock(mutex_);
    if (auto loaded = load_runs(); !loaded) return loaded.error();
    if (!left_logs_.empty()) log = left_logs_.back();
    look_for_strays = !strays_looked_for_;
    if (!full_.empty()) full = full_.front();
    forgotten = forgotten_run(limits_now());
    mergeable = due_for_merge();
    for (const run_ptr& run : runs_) numbers.push_back(run->number);
  }
  result<void> done;
  if (log) {
    done = pages_.erase_log(*log);
    const std::lock_guard lock(mutex_);
    if (done) left_logs_.pop_back();
  } else if (look_for_strays) {
    std::sort(numbers.begin(), numbers.end());
    auto strays = pages_.strays(numbers);
    if (!strays) return strays.error();
    for (const std::uint64_t stray : *strays)
      if (done = pages_.erase_pages(stray, stop_); !done) return done.error();
    const std::lock_guard lock(mutex_);
    strays_looked_for_ = true;
  } else if (full) {
    done = write_table(*full);
  } else if (forgotten) {
    done = replace({forgotten}, nullptr);
  } else if (!mergeable.empty()) {
    done = merge(mergeable);
  } else {
    return false;
  }
  if (!done) return done.error();
  return true;
}

/// What may be left out, by what is durable: a crash must not bring back the need for it.
seen_limits dedup_index::limits_now() const {
  std::vector<std::int64_t> newest(streams_.size(), no_time);
  const bool memory = fault_injected(dedup_failpoint::forgets_by_memory);
  for (const track& t : tracks_) {
    if (t.stream < 0) continue;
    auto& of_stream = newest[static_cast<std::size_t>(t.stream)];
    of_stream = std::max(of_stream, memory ? t.newest : t.newest_durable);
  }
  seen_limits limits;
  for (const track& t : tracks_) {
    seen_limits::of_track limit;
    const auto passed = passed_.find(t.partition);
    if (passed != passed_.end()) limit.passed = passed->second;
    if (fault_injected(dedup_failpoint::forgets_what_may_be_replayed)) limit.passed = ~sequence{0};
    const std::int64_t durable = memory ? t.newest : t.newest_durable;
    if (t.stream < 0) {
      limit.time = INT64_MAX;
    } else if (durable != no_time) {
      const auto stream = static_cast<std::size_t>(t.stream);
      const std::int64_t within = streams_[stream].within;
      limit.time = std::max(durable - within, newest[stream] - within - partition_lag_max);
    }
    limits.tracks.push_back(limit);
  }
  return limits;
}

/// Runs of up to a table's ids are of level 0, of eight times as many of level 1, and so on.
unsigned dedup_index::level_of(std::uint64_t ids) const noexcept {
  unsigned level = 0;
  for (std::uint64_t size = table_ids_; size < ids; size *= merged_runs) ++level;
  return level;
}

std::vector<dedup_index::run_ptr> dedup_index::due_for_merge() const {
  std::map<unsigned, std::vector<run_ptr>> levels;
  for (const run_ptr& run : runs_) {
    auto& level = levels[level_of(run->ids)];
    level.push_back(run);
    if (level.size() == merged_runs) return level;
  }
  return {};
}

dedup_index::run_ptr dedup_index::forgotten_run(const seen_limits& limits) const {
  for (const run_ptr& run : runs_) {
    const bool kept = std::any_of(run->tracks.begin(), run->tracks.end(), [&](const seen_span& s) {
      return limits.keeps(s.track, s.newest, s.last);
    });
    if (!kept) return run;
  }
  return nullptr;
}

result<void> dedup_index::write_table(const full_table& full) {
  const auto entries = full.table->entries();
  std::vector<seen_id> ids(entries.begin(), entries.end());
  std::sort(ids.begin(), ids.end(), by_id);
  seen_limits limits;
  id_filter filter;
  {
    const std::lock_guard lock(mutex_);
    limits = limits_now();
    filter = filter_for(ids.size());
  }
  seen_run_writer writer(pages_, full.table->generation(), std::move(filter));
  for (const seen_id& seen : ids) {
    if (!limits.keeps(seen.track, seen.time, seen.at)) continue;
    if (auto added = writer.add(seen); !added) return added;
    if (stop_) return {};
  }
  auto run = writer.finish();
  if (!run) return run.error();
  if (auto entered = enter_table(full, *run); !entered) return entered;
  return pages_.erase_log(full.table->generation());
}

/// Makes the run stand for the table, and durable what had been decided when it was full: with its
/// ids on disk, those of the tables before it are too.
result<void> dedup_index::enter_table(const full_table& full, const run_ptr& run) {
  const std::lock_guard one(flush_mutex_);
  std::vector<seen_value> values;
  std::vector<std::uint32_t> numbers;
  {
    const std::lock_guard lock(mutex_);
    for (std::uint32_t i = 0; i < full.tracks.size(); ++i) {
      if (full.tracks[i].decided <= tracks_[i].decided_durable) continue;
      values.push_back(encode(i + 1, full.tracks[i]));
      numbers.push_back(i);
    }
  }
  if (run || !values.empty())
    if (auto entered = pages_.enter(run.get(), {}, values); !entered) return entered;
  const std::lock_guard lock(mutex_);
  if (!values.empty()) ++flushes_;
  for (const std::uint32_t i : numbers) {
    tracks_[i].decided_durable = full.tracks[i].decided;
    tracks_[i].newest_durable = full.tracks[i].newest;
  }
  if (run) runs_.push_back(run);
  full_.erase(full_.begin());
  changed_.notify_all();
  return {};
}

/// A table is written ahead of what else is under way: ingest waits for it.
result<void> dedup_index::write_waiting_table() {
  std::optional<full_table> full;
  {
    const std::lock_guard lock(mutex_);
    if (!full_.empty()) full = full_.front();
  }
  return full ? write_table(*full) : result<void>{};
}

result<void> dedup_index::merge(const std::vector<run_ptr>& runs) {
  seen_limits limits;
  id_filter filter;
  std::uint64_t number = 0;
  std::uint64_t ids = 0;
  for (const run_ptr& run : runs) ids += run->ids;
  {
    const std::lock_guard lock(mutex_);
    limits = limits_now();
    filter = filter_for(ids);
    number = next_number_++;
  }
  std::vector<seen_run_reader> readers;
  for (const run_ptr& run : runs) readers.emplace_back(pages_, *run);
  for (seen_run_reader& reader : readers)
    if (auto read = reader.next(); !read) return read;
  seen_run_writer writer(pages_, number, std::move(filter));
  std::uint64_t merged = 0;
  for (;;) {
    seen_run_reader* least = nullptr;
    for (seen_run_reader& reader : readers) {
      if (reader.current() == nullptr) continue;
      if (least == nullptr || by_id(*reader.current(), *least->current())) least = &reader;
    }
    if (least == nullptr) break;
    const seen_id& seen = *least->current();
    if (limits.keeps(seen.track, seen.time, seen.at))
      if (auto added = writer.add(seen); !added) return added;
    if (auto read = least->next(); !read) return read;
    if (stop_) return {};
    if (++merged % look_every == 0)
      if (auto written = write_waiting_table(); !written) return written;
  }
  auto made = writer.finish();
  if (!made) return made.error();
  return replace(runs, std::move(*made));
}

/// Puts a run (or nothing) in the place of others, then frees their pages.
result<void> dedup_index::replace(const std::vector<run_ptr>& old, run_ptr made) {
  std::vector<std::uint64_t> numbers;
  for (const run_ptr& run : old) numbers.push_back(run->number);
  if (auto entered = pages_.enter(made.get(), numbers); !entered) return entered;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(runs_, [&](const run_ptr& run) {
      return std::find(old.begin(), old.end(), run) != old.end();
    });
    if (made) runs_.push_back(std::move(made));
  }
  for (const std::uint64_t number : numbers)
    if (auto erased = pages_.erase_pages(number, stop_); !erased) return erased;
  return {};
}

}  // namespace windrow::storage
