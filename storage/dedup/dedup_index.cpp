#include "storage/dedup/dedup_index.hpp"

#include <algorithm>

#include "base/fault_injection.hpp"

namespace windrow::storage {

namespace {

constexpr std::size_t table_ids_min = 4096;

lmdb::environment_options environment_of(const dedup_index::options& o) {
  return {o.directory, dedup_files::table_names(), o.map_bytes};
}

/// Two tables, one being written, take a quarter of the memory; filters half; the rest is for
/// merging and for transactions.
std::size_t table_ids_of(const dedup_index::options& o) noexcept {
  if (o.table_ids > 0) return o.table_ids;
  return std::max(table_ids_min, o.memory / 8 / dedup_memtable::bytes_per_id);
}

/// Pages of a run in one transaction, which holds them in memory twice.
std::size_t write_pages_of(std::size_t memory) noexcept {
  return std::clamp<std::size_t>(memory >> 19, 8, 1024);
}

}  // namespace

dedup_index::dedup_index(const options& o, std::unique_ptr<lmdb::environment> file)
    : identity_(o.identity),
      read_only_(o.read_only),
      file_(std::move(file)),
      state_(*file_, write_pages_of(o.memory), o.streams, table_ids_of(o), o.memory / 2),
      compaction_(state_) {}

dedup_index::~dedup_index() = default;

key_hash dedup_index::hash_id(std::string_view key, std::uint64_t folder_seed,
                              std::string_view stream) {
  return hash_key(key, folder_seed, hash_of_stream(stream));
}

result<void> dedup_index::create(const options& o) {
  auto made = lmdb::environment::create(environment_of(o), [&](lmdb::write_transaction& txn) {
    return write_identity(txn, txn.table(dedup_files::identity_entry), o.identity);
  });
  if (!made) return made.error();
  return {};
}

result<std::unique_ptr<dedup_index>> dedup_index::open(const options& o) {
  auto file = lmdb::environment::open(environment_of(o));
  if (!file) return file.error();
  if (auto ours = check_identity(**file, (*file)->table(dedup_files::identity_entry), o.identity);
      !ours)
    return ours.error();
  std::unique_ptr<dedup_index> opened(new dedup_index(o, std::move(*file)));
  if (auto loaded = opened->load(); !loaded) return loaded.error();
  if (o.thread && !o.read_only) opened->compaction_.start();
  return opened;
}

result<void> dedup_index::begin_session() {
  return file_->write([&](lmdb::write_transaction& txn) {
    return write_identity(txn, state_.files.id(dedup_files::identity_entry), identity_);
  });
}

result<void> dedup_index::load() {
  return file_->read([&](const lmdb::read_transaction& txn) -> result<void> {
    if (auto done = state_.tracks.load(state_.files, txn); !done) return done;
    if (auto done = state_.runs.load_list(txn); !done) return done;
    for (const std::uint64_t number : state_.runs.numbers()) state_.tables.note_number(number);
    return state_.tables.load(state_.files, txn,
                              [&](std::uint64_t number) { return state_.runs.has(number); });
  });
}

/// When ids are first asked for; then the thread may work as well.
result<void> dedup_index::load_runs() {
  if (state_.runs.loaded()) return {};
  auto loaded = state_.runs.load();
  if (loaded) state_.changed.notify_all();
  return loaded;
}

// ---- deciding ----------------------------------------------------------------------------------

/// Whether a message is a duplicate. `stored` is what runs hold of its id.
bool dedup_index::judge(std::uint32_t number, const message& m,
                        std::span<const dedup_runs::found_id> stored) {
  dedup_tracks& tracks = state_.tracks;
  dedup_tracks::track& mine = tracks.at(number);
  const bool decided = m.at <= mine.decided && !fault_injected(dedup_failpoint::decided_again);
  bool own = false;
  bool repeated = false;
  const std::int64_t within = tracks.within(mine);
  const auto see = [&](const dedup_id& seen) {
    if (seen.track == number && seen.at == m.at) {
      own = true;
    } else if (!decided) {
      const std::int64_t apart = seen.time < m.time ? m.time - seen.time : seen.time - m.time;
      repeated = repeated || (apart <= within && tracks.remembered(seen));
    }
  };
  state_.tables.each([&](const dedup_memtable& table) { table.find(m.id, see); });
  for (const dedup_runs::found_id& found : stored) see(found.seen);
  if (own && fault_injected(dedup_failpoint::own_is_duplicate)) return true;
  if (own) return false;
  if (decided || repeated) return true;
  state_.tables.active().add({m.id, m.time, m.at, number});
  tracks.note_max_event_time(mine, m.time);
  return false;
}

result<void> dedup_index::decide(int stream, partition_id partition,
                                 std::span<const message> messages,
                                 std::vector<std::uint8_t>& duplicate) {
  duplicate.assign(messages.size(), 0);
  if (messages.empty()) return {};
  std::unique_lock lock(state_.mutex);
  if (auto loaded = load_runs(); !loaded) return loaded;
  if (auto room = make_room(lock, messages.size()); !room) return room;
  state_.tables.each([&](const dedup_memtable& table) {
    for (const message& m : messages) table.prefetch(m.id);
  });
  questions_.clear();
  for (const message& m : messages) questions_.push_back(m.id);
  auto looked = state_.runs.look_up(questions_);
  if (!looked) return looked.error();
  const std::uint32_t number = state_.tracks.number_of(stream, partition);
  std::size_t at = 0;
  for (std::uint32_t i = 0; i < messages.size(); ++i) {
    const std::size_t first = at;
    while (at < looked->size() && (*looked)[at].question == i) ++at;
    duplicate[i] = judge(number, messages[i], looked->subspan(first, at - first));
  }
  dedup_tracks::track& mine = state_.tracks.at(number);
  mine.decided = std::max(mine.decided, messages.back().at);
  return {};
}

/// Puts the table aside where it may not hold so many more, once the one before it is a run.
result<void> dedup_index::make_room(std::unique_lock<std::mutex>& lock, std::size_t count) {
  if (state_.failed) return *state_.failed;
  if (state_.tables.active().has_room_for(count)) return {};
  const bool waits = !read_only_ && compaction_.has_thread();
  state_.changed.wait(lock,
                      [&] { return state_.tables.full().empty() || !waits || state_.failed; });
  if (state_.failed) return *state_.failed;
  state_.tables.begin_another(count, state_.tracks.all());
  state_.changed.notify_all();
  if (read_only_ || waits) return {};
  lock.unlock();
  auto done = compaction_.tidy();
  lock.lock();
  return done;
}

// ---- making durable ----------------------------------------------------------------------------

result<void> dedup_index::flush() {
  if (read_only_) return {};
  const std::lock_guard one(state_.flush_mutex);
  std::vector<dedup_tables::unflushed> parts;
  std::vector<dedup_tracks::numbered> changed;
  {
    const std::lock_guard lock(state_.mutex);
    if (state_.failed) return *state_.failed;
    parts = state_.tables.not_flushed();
    changed = state_.tracks.undurable();
  }
  if (changed.empty()) return {};
  auto written = file_->write([&](lmdb::write_transaction& txn) -> result<void> {
    for (dedup_tables::unflushed& p : parts) {
      if (fault_injected(dedup_failpoint::ids_not_flushed)) continue;
      if (auto put = state_.files.put_log(txn, p.table->generation(), p.chunks, p.ids); !put)
        return put;
    }
    for (const auto& track : changed) {
      const dedup_value value = dedup_tracks::encode(track);
      auto put = txn.put(state_.files.id(dedup_files::track_entries), value.key, value.value);
      if (!put) return put;
    }
    return {};
  });
  if (!written) return written;
  const std::lock_guard lock(state_.mutex);
  ++state_.flushes;
  dedup_tables::flushed(parts);
  state_.tracks.made_durable(changed);
  return {};
}

void dedup_index::forget(const positions& committed) {
  const std::lock_guard lock(state_.mutex);
  state_.tracks.forget(committed);
  state_.changed.notify_all();
}

result<void> dedup_index::tidy() { return compaction_.tidy(); }

dedup_index::statistics dedup_index::stats() const {
  const std::lock_guard lock(state_.mutex);
  statistics all;
  all.flushes = state_.flushes;
  all.runs = state_.runs.count();
  all.ids = state_.runs.ids();
  all.memory_bytes = state_.runs.memory_bytes();
  state_.tables.each([&](const dedup_memtable& table) {
    all.ids += table.entries().size();
    all.memory_bytes += table.memory_bytes();
  });
  return all;
}

result<std::uint64_t> dedup_index::verify() {
  if (auto sound = file_->check_structure(); !sound) return sound.error();
  std::uint64_t count = 0;
  auto read = file_->read([&](const lmdb::read_transaction& txn) -> result<void> {
    for (std::size_t i = 0; i < dedup_files::table_count; ++i) {
      const auto which = static_cast<dedup_files::table>(i);
      auto scanned =
          txn.scan(state_.files.id(which), {}, {}, [&](const lmdb::entry& found) -> result<bool> {
            ++count;
            auto value = state_.files.unseal(which, found);
            if (!value) return value.error();
            return true;
          });
      if (!scanned) return scanned;
    }
    return {};
  });
  if (!read) return read.error();
  return count;
}

}  // namespace windrow::storage
