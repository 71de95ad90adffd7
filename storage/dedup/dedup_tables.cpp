#include "storage/dedup/dedup_tables.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace windrow::storage {

result<void> dedup_tables::load(const dedup_files& files, const lmdb::read_transaction& txn,
                                const std::function<bool(std::uint64_t)>& is_run) {
  std::map<std::uint64_t, std::pair<std::vector<dedup_id>, std::uint32_t>> logs;
  auto scanned = txn.scan(
      files.id(dedup_files::log_entries), {}, {}, [&](const lmdb::entry& found) -> result<bool> {
        if (found.key.size() != 12) return files.damaged(dedup_files::log_entries, found.key);
        const auto generation = load_big<std::uint64_t>(found.key.data());
        auto& [ids, chunks] = logs[generation];
        if (load_big<std::uint32_t>(found.key.data() + 8) != chunks)
          return files.damaged(dedup_files::log_entries, found.key);
        ++chunks;
        if (auto read = files.decode(dedup_files::log_entries, found, ids); !read)
          return read.error();
        return true;
      });
  if (!scanned) return scanned;
  for (auto& [generation, log] : logs) {
    note_number(generation);
    if (is_run(generation)) {
      left_logs_.push_back(generation);
      continue;
    }
    auto table =
        std::make_shared<dedup_memtable>(generation, std::max(table_ids_, log.first.size()));
    for (const dedup_id& seen : log.first) table->add(seen);
    table->flushed = log.first.size();
    table->chunks = log.second;
    if (active_) full_.push_back({std::move(active_), {}});
    active_ = std::move(table);
  }
  if (!active_) active_ = std::make_shared<dedup_memtable>(take_number(), table_ids_);
  return {};
}

void dedup_tables::note_number(std::uint64_t used) noexcept {
  next_number_ = std::max(next_number_, used + 1);
}

void dedup_tables::begin_another(std::size_t count, std::vector<dedup_tracks::track> decided) {
  full_.push_back({std::move(active_), std::move(decided)});
  active_ = std::make_shared<dedup_memtable>(take_number(), std::max(table_ids_, count));
}

std::vector<dedup_tables::unflushed> dedup_tables::not_flushed() const {
  std::vector<unflushed> parts;
  const auto add = [&](const table_ptr& table) {
    parts.push_back({table, table->entries().subspan(table->flushed), table->chunks});
  };
  for (const full_table& one : full_) add(one.table);
  add(active_);
  return parts;
}

void dedup_tables::flushed(std::span<const unflushed> parts) {
  for (const unflushed& p : parts) {
    p.table->flushed += p.ids.size();
    p.table->chunks = p.chunks;
  }
}

std::optional<std::uint64_t> dedup_tables::left_log() const {
  return left_logs_.empty() ? std::nullopt : std::optional(left_logs_.back());
}

}  // namespace windrow::storage
