#include "storage/dedup/dedup_runs.hpp"

#include <algorithm>
#include <map>

namespace windrow::storage {

namespace {

constexpr std::size_t merged_runs = 8;

}  // namespace

result<void> dedup_runs::load_list(const lmdb::read_transaction& txn) {
  return txn.scan(files_.id(dedup_files::run_entries), {}, {},
                  [&](const lmdb::entry& found) -> result<bool> {
                    auto run = files_.decode_run(found);
                    if (!run) return run.error();
                    listed_.push_back(std::move(*run));
                    return true;
                  });
}

result<void> dedup_runs::load() {
  if (loaded_) return {};
  for (const sorted_run_entry& entry : listed_) {
    auto run = files_.load(entry, filter_for(entry.ids));
    if (!run) return run.error();
    runs_.push_back(std::move(*run));
  }
  listed_.clear();
  loaded_ = true;
  return {};
}

std::vector<std::uint64_t> dedup_runs::numbers() const {
  std::vector<std::uint64_t> numbers;
  for (const run_ptr& run : runs_) numbers.push_back(run->number);
  for (const sorted_run_entry& run : listed_) numbers.push_back(run.number);
  return numbers;
}

bool dedup_runs::has(std::uint64_t number) const {
  const auto all = numbers();
  return std::find(all.begin(), all.end(), number) != all.end();
}

// Below four bits an id a filter lets too much pass.
id_filter dedup_runs::filter_for(std::uint64_t ids) const {
  std::size_t used = 0;
  for (const run_ptr& run : runs_) used += run->filter.bytes();
  const std::size_t room = filter_bytes_max_ - std::min(used, filter_bytes_max_);
  const std::size_t wanted = 2 * ids + 64;
  const std::size_t bytes = std::min(wanted, room / 2);
  return bytes * 2 < ids ? id_filter() : id_filter(bytes);
}

result<std::span<const dedup_runs::found_id>> dedup_runs::look_up(
    std::span<const key_hash> questions) {
  found_.clear();
  probes_.clear();
  for (std::uint32_t r = 0; r < runs_.size(); ++r) {
    const id_filter& filter = runs_[r]->filter;
    for (const key_hash& id : questions) filter.prefetch(id);
    for (std::uint32_t i = 0; i < questions.size(); ++i)
      if (filter.may_hold(questions[i])) probes_.emplace_back(i, r);
  }
  if (probes_.empty()) return std::span<const found_id>();
  if (auto begun = reader_.renew(); !begun) return begun.error();
  result<void> read;
  for (const auto& [i, r] : probes_) {
    read = files_.find(reader_, *runs_[r], questions[i], [&, at = i](const dedup_id& seen) {
      found_.push_back({at, seen});
    });
    if (!read) break;
  }
  reader_.release();
  if (!read) return read.error();
  std::stable_sort(found_.begin(), found_.end(),
                   [](const found_id& a, const found_id& b) { return a.question < b.question; });
  return std::span<const found_id>(found_);
}

void dedup_runs::replace(std::span<const run_ptr> old, run_ptr made) {
  std::erase_if(runs_, [&](const run_ptr& run) {
    return std::find(old.begin(), old.end(), run) != old.end();
  });
  if (made) runs_.push_back(std::move(made));
}

/// Runs of up to a table's ids are of level 0, of eight times as many of level 1, and so on.
unsigned dedup_runs::level_of(std::uint64_t ids) const noexcept {
  unsigned level = 0;
  for (std::uint64_t size = table_ids_; size < ids; size *= merged_runs) ++level;
  return level;
}

std::vector<dedup_runs::run_ptr> dedup_runs::due_for_merge() const {
  std::map<unsigned, std::vector<run_ptr>> levels;
  for (const run_ptr& run : runs_) {
    auto& level = levels[level_of(run->ids)];
    level.push_back(run);
    if (level.size() == merged_runs) return level;
  }
  return {};
}

dedup_runs::run_ptr dedup_runs::forgotten(const dedup_limits& limits) const {
  for (const run_ptr& run : runs_) {
    const bool kept = std::any_of(run->tracks.begin(), run->tracks.end(), [&](const dedup_span& s) {
      return limits.keeps(s.track, s.max_event_time, s.last);
    });
    if (!kept) return run;
  }
  return nullptr;
}

std::uint64_t dedup_runs::ids() const noexcept {
  std::uint64_t ids = 0;
  for (const sorted_run_entry& run : listed_) ids += run.ids;
  for (const run_ptr& run : runs_) ids += run->ids;
  return ids;
}

std::size_t dedup_runs::memory_bytes() const noexcept {
  std::size_t bytes = 0;
  for (const run_ptr& run : runs_)
    bytes += run->filter.bytes() + run->first.size() * sizeof(std::uint64_t);
  return bytes;
}

}  // namespace windrow::storage
