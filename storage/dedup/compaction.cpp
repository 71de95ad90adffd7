#include "storage/dedup/compaction.hpp"

#include <algorithm>
#include <utility>

namespace windrow::storage {

namespace {

constexpr std::uint64_t look_every = 20'000;  // ids merged between looks at what waits

bool by_id(const dedup_id& a, const dedup_id& b) noexcept {
  if (a.id != b.id) return a.id < b.id;
  return a.track != b.track ? a.track < b.track : a.at < b.at;
}

}  // namespace

void dedup_compaction::start() {
  thread_ = std::thread([this] { work(); });
}

dedup_compaction::~dedup_compaction() {
  stop_ = true;
  {
    const std::lock_guard lock(state_.mutex);
    state_.changed.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void dedup_compaction::work() {
  for (;;) {
    {
      std::unique_lock lock(state_.mutex);
      state_.changed.wait(lock, [&] { return stop_ || (state_.runs.loaded() && work_due()); });
      if (stop_) return;
    }
    auto done = tidy();
    const std::lock_guard lock(state_.mutex);
    if (done || stop_) continue;
    state_.failed = done.error();
    state_.changed.notify_all();
    return;
  }
}

bool dedup_compaction::work_due() const {
  return !state_.tables.full().empty() || !strays_looked_for_ || state_.tables.left_log() ||
         !state_.runs.due_for_merge().empty() || state_.runs.forgotten(state_.tracks.limits());
}

result<void> dedup_compaction::tidy() {
  for (bool more = true; more && !stop_;) {
    auto done = work_once();
    if (!done) return done.error();
    more = *done;
  }
  return {};
}

/// One piece of what is due; false if nothing is.
result<bool> dedup_compaction::work_once() {
  std::unique_lock lock(state_.mutex);
  if (auto loaded = state_.runs.load(); !loaded) return loaded.error();
  const auto log = state_.tables.left_log();
  const bool look_for_strays = !strays_looked_for_;
  std::optional<dedup_tables::full_table> full;
  if (!state_.tables.full().empty()) full = state_.tables.full().front();
  const auto forgotten = state_.runs.forgotten(state_.tracks.limits());
  const auto mergeable = state_.runs.due_for_merge();
  auto numbers = state_.runs.numbers();
  lock.unlock();
  result<void> done;
  if (log) {
    done = state_.files.erase_log(*log);
    lock.lock();
    if (done) state_.tables.left_log_erased();
  } else if (look_for_strays) {
    done = erase_strays(std::move(numbers));
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

/// Frees the pages of runs whose making was cut short.
result<void> dedup_compaction::erase_strays(std::vector<std::uint64_t> runs) {
  std::sort(runs.begin(), runs.end());
  auto strays = state_.files.strays(runs);
  if (!strays) return strays.error();
  for (const std::uint64_t stray : *strays)
    if (auto done = state_.files.erase_pages(stray, stop_); !done) return done;
  const std::lock_guard lock(state_.mutex);
  strays_looked_for_ = true;
  return {};
}

result<void> dedup_compaction::write_table(const dedup_tables::full_table& full) {
  const auto entries = full.table->entries();
  std::vector<dedup_id> ids(entries.begin(), entries.end());
  std::sort(ids.begin(), ids.end(), by_id);
  dedup_limits limits;
  id_filter filter;
  {
    const std::lock_guard lock(state_.mutex);
    limits = state_.tracks.limits();
    filter = state_.runs.filter_for(ids.size());
  }
  sorted_run_writer writer(state_.files, full.table->generation(), std::move(filter));
  for (const dedup_id& seen : ids) {
    if (!limits.keeps(seen.track, seen.time, seen.at)) continue;
    if (auto added = writer.add(seen); !added) return added;
    if (stop_) return {};
  }
  auto run = writer.finish();
  if (!run) return run.error();
  if (auto entered = enter_table(full, *run); !entered) return entered;
  return state_.files.erase_log(full.table->generation());
}

/// Makes the run stand for the table, and durable what had been decided when it was full: with its
/// ids on disk, those of the tables before it are too.
result<void> dedup_compaction::enter_table(const dedup_tables::full_table& full,
                                           const dedup_runs::run_ptr& run) {
  const std::lock_guard one(state_.flush_mutex);
  std::vector<dedup_tracks::numbered> tracks;
  {
    const std::lock_guard lock(state_.mutex);
    tracks = state_.tracks.undurable_of(full.tracks);
  }
  std::vector<dedup_value> values;
  for (const auto& track : tracks) values.push_back(dedup_tracks::encode(track));
  if (run || !values.empty())
    if (auto entered = state_.files.enter(run.get(), {}, values); !entered) return entered;
  const std::lock_guard lock(state_.mutex);
  if (!values.empty()) ++state_.flushes;
  state_.tracks.made_durable(tracks);
  if (run) state_.runs.add(run);
  state_.tables.oldest_is_run();
  state_.changed.notify_all();
  return {};
}

/// A table is written ahead of what else is under way: ingest waits for it.
result<void> dedup_compaction::write_waiting_table() {
  std::optional<dedup_tables::full_table> full;
  {
    const std::lock_guard lock(state_.mutex);
    if (!state_.tables.full().empty()) full = state_.tables.full().front();
  }
  return full ? write_table(*full) : result<void>{};
}

result<void> dedup_compaction::merge(const std::vector<dedup_runs::run_ptr>& runs) {
  dedup_limits limits;
  id_filter filter;
  std::uint64_t number = 0;
  std::uint64_t ids = 0;
  for (const auto& run : runs) ids += run->ids;
  {
    const std::lock_guard lock(state_.mutex);
    limits = state_.tracks.limits();
    filter = state_.runs.filter_for(ids);
    number = state_.tables.take_number();
  }
  std::vector<sorted_run_reader> readers;
  for (const auto& run : runs) readers.emplace_back(state_.files, *run);
  for (sorted_run_reader& reader : readers)
    if (auto read = reader.next(); !read) return read;
  sorted_run_writer writer(state_.files, number, std::move(filter));
  std::uint64_t merged = 0;
  for (;;) {
    sorted_run_reader* least = nullptr;
    for (sorted_run_reader& reader : readers) {
      if (reader.current() == nullptr) continue;
      if (least == nullptr || by_id(*reader.current(), *least->current())) least = &reader;
    }
    if (least == nullptr) break;
    const dedup_id& seen = *least->current();
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
result<void> dedup_compaction::replace(const std::vector<dedup_runs::run_ptr>& old,
                                       dedup_runs::run_ptr made) {
  std::vector<std::uint64_t> numbers;
  for (const auto& run : old) numbers.push_back(run->number);
  if (auto entered = state_.files.enter(made.get(), numbers); !entered) return entered;
  {
    const std::lock_guard lock(state_.mutex);
    state_.runs.replace(old, std::move(made));
  }
  for (const std::uint64_t number : numbers)
    if (auto erased = state_.files.erase_pages(number, stop_); !erased) return erased;
  return {};
}

}  // namespace windrow::storage
