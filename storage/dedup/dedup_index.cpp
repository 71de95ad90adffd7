#include "storage/dedup/dedup_index.hpp"

#include <algorithm>
#include <array>

#include "base/checksum.hpp"
#include "base/fault_injection.hpp"

/// Deciding and remembering; `seen_ids_tidy.cpp` has the runs.
namespace windrow::storage {

namespace {

constexpr std::size_t table_ids_min = 4096;

using track_key = std::array<std::uint8_t, 4>;

lmdb::environment_options environment_of(const dedup_index::options& o) {
  return {o.directory, seen_files::table_names(), o.map_bytes};
}

std::uint64_t hash_of_stream(std::string_view name) noexcept {
  return checksum(as_bytes(name), 0x7365656e);
}

/// Two tables, one being written, take a quarter of the memory; filters half; the rest is for
/// merging and for transactions.
std::size_t table_ids_of(std::size_t memory) noexcept {
  return std::max(table_ids_min, memory / 8 / dedup_memtable::bytes_per_id);
}

/// Pages of a run in one transaction, which holds them in memory twice.
std::size_t write_pages_of(std::size_t memory) noexcept {
  return std::clamp<std::size_t>(memory >> 19, 8, 1024);
}

}  // namespace

dedup_index::dedup_index(const options& o, std::unique_ptr<lmdb::environment> file)
    : identity_(o.identity),
      look_only_(o.read_only),
      own_thread_(o.thread && !o.read_only),
      table_ids_(o.table_ids > 0 ? o.table_ids : table_ids_of(o.memory)),
      filter_bytes_max_(o.memory / 2),
      file_(std::move(file)),
      pages_(*file_, write_pages_of(o.memory)),
      reader_(*file_) {
  for (const stream_rule& rule : o.streams)
    streams_.push_back({rule.name, hash_of_stream(rule.name), rule.within, no_time});
}

key_hash dedup_index::hash_id(std::string_view key, std::uint64_t folder_seed,
                              std::string_view stream) {
  return hash_key(key, folder_seed, hash_of_stream(stream));
}

result<void> dedup_index::create(const options& o) {
  auto made = lmdb::environment::create(environment_of(o), [&](lmdb::write_transaction& txn) {
    return write_identity(txn, txn.table(seen_files::identity_entry), o.identity);
  });
  if (!made) return made.error();
  return {};
}

result<std::unique_ptr<dedup_index>> dedup_index::open(const options& o) {
  auto file = lmdb::environment::open(environment_of(o));
  if (!file) return file.error();
  if (auto ours = check_identity(**file, (*file)->table(seen_files::identity_entry), o.identity);
      !ours)
    return ours.error();
  std::unique_ptr<dedup_index> opened(new dedup_index(o, std::move(*file)));
  if (auto loaded = opened->load(); !loaded) return loaded.error();
  if (opened->own_thread_) opened->thread_ = std::thread([seen = opened.get()] { seen->work(); });
  return opened;
}

result<void> dedup_index::begin_session() {
  return file_->write([&](lmdb::write_transaction& txn) {
    return write_identity(txn, pages_.id(seen_files::identity_entry), identity_);
  });
}

dedup_index::~dedup_index() {
  stop_ = true;
  {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

// ---- reading back ------------------------------------------------------------------------------

result<void> dedup_index::load() {
  return file_->read([&](const lmdb::read_transaction& txn) -> result<void> {
    if (auto done = load_tracks(txn); !done) return done;
    auto done = txn.scan(pages_.id(seen_files::run_entries), {}, {},
                         [&](const lmdb::entry& found) -> result<bool> {
                           auto run = pages_.decode_run(found);
                           if (!run) return run.error();
                           next_number_ = std::max(next_number_, run->number + 1);
                           stored_runs_.push_back(std::move(*run));
                           return true;
                         });
    if (!done) return done;
    return load_log(txn);
  });
}

result<void> dedup_index::load_tracks(const lmdb::read_transaction& txn) {
  return txn.scan(
      pages_.id(seen_files::track_entries), {}, {}, [&](const lmdb::entry& found) -> result<bool> {
        auto value = pages_.unseal(seen_files::track_entries, found);
        if (!value) return value.error();
        track t;
        byte_reader in(*value);
        t.stream_hash = in.number<std::uint64_t>();
        t.partition = in.number<partition_id>();
        t.decided = t.decided_durable = in.number<sequence>();
        t.newest = t.newest_durable = in.number<std::int64_t>();
        if (!in.done() || found.key.size() != sizeof(track_key) ||
            load_big<std::uint32_t>(found.key.data()) != tracks_.size() + 1)
          return pages_.damaged(seen_files::track_entries, found.key);
        for (std::size_t i = 0; i < streams_.size(); ++i) {
          if (streams_[i].hash != t.stream_hash) continue;
          t.stream = static_cast<int>(i);
          streams_[i].newest = std::max(streams_[i].newest, t.newest);
        }
        tracks_.push_back(t);
        track_numbers_[{t.stream_hash, t.partition}] = static_cast<std::uint32_t>(tracks_.size());
        return true;
      });
}

// A log whose table has become a run is what a crash left behind.
result<void> dedup_index::load_log(const lmdb::read_transaction& txn) {
  std::map<std::uint64_t, std::pair<std::vector<seen_id>, std::uint32_t>> logs;
  auto scanned = txn.scan(
      pages_.id(seen_files::log_entries), {}, {}, [&](const lmdb::entry& found) -> result<bool> {
        if (found.key.size() != 12) return pages_.damaged(seen_files::log_entries, found.key);
        const auto generation = load_big<std::uint64_t>(found.key.data());
        auto& [ids, chunks] = logs[generation];
        if (load_big<std::uint32_t>(found.key.data() + 8) != chunks)
          return pages_.damaged(seen_files::log_entries, found.key);
        ++chunks;
        if (auto read = pages_.decode(seen_files::log_entries, found, ids); !read)
          return read.error();
        return true;
      });
  if (!scanned) return scanned;
  for (auto& [generation, log] : logs) {
    next_number_ = std::max(next_number_, generation + 1);
    const bool is_run = std::any_of(stored_runs_.begin(), stored_runs_.end(),
                                    [&](const auto& run) { return run.number == generation; });
    if (is_run) {
      left_logs_.push_back(generation);
      continue;
    }
    auto table =
        std::make_shared<dedup_memtable>(generation, std::max(table_ids_, log.first.size()));
    for (const seen_id& seen : log.first) table->add(seen);
    table->flushed = log.first.size();
    table->chunks = log.second;
    if (active_) full_.push_back({std::move(active_), {}});
    active_ = std::move(table);
  }
  if (!active_) active_ = new_table();
  return {};
}

dedup_index::table_ptr dedup_index::new_table() {
  return std::make_shared<dedup_memtable>(next_number_++, table_ids_);
}

result<void> dedup_index::load_runs() {
  if (runs_loaded_) return {};
  for (const seen_run_entry& entry : stored_runs_) {
    auto run = pages_.load(entry, filter_for(entry.ids));
    if (!run) return run.error();
    runs_.push_back(std::move(*run));
  }
  stored_runs_.clear();
  runs_loaded_ = true;
  changed_.notify_all();
  return {};
}

// Half of the room left is for runs to come. Below four bits an id a filter lets too much pass.
id_filter dedup_index::filter_for(std::uint64_t ids) {
  std::size_t used = 0;
  for (const run_ptr& run : runs_) used += run->filter.bytes();
  const std::size_t room = filter_bytes_max_ - std::min(used, filter_bytes_max_);
  const std::size_t wanted = 2 * ids + 64;
  const std::size_t bytes = std::min(wanted, room / 2);
  return bytes * 2 < ids ? id_filter() : id_filter(bytes);
}

// ---- deciding ----------------------------------------------------------------------------------

std::uint32_t dedup_index::track_of(int stream, partition_id partition) {
  const std::uint64_t hash = streams_[static_cast<std::size_t>(stream)].hash;
  std::uint32_t& number = track_numbers_[{hash, partition}];
  if (number == 0) {
    track t;
    t.stream_hash = hash;
    t.stream = stream;
    t.partition = partition;
    tracks_.push_back(t);
    number = static_cast<std::uint32_t>(tracks_.size());
  }
  return number;
}

void dedup_index::note_newest(track& of, std::int64_t time) noexcept {
  of.newest = std::max(of.newest, time);
  std::int64_t& of_stream = streams_[static_cast<std::size_t>(of.stream)].newest;
  of_stream = std::max(of_stream, time);
}

bool dedup_index::remembered(const seen_id& seen) const noexcept {
  if (seen.track == 0 || seen.track > tracks_.size()) return false;
  const track& t = tracks_[seen.track - 1];
  if (t.stream < 0) return false;
  const stream_state& stream = streams_[static_cast<std::size_t>(t.stream)];
  return seen.time >= t.newest - stream.within &&
         seen.time >= stream.newest - stream.within - partition_lag_max;
}

/// Gathers in `found_` what runs hold of the messages' ids, and brings memory near for the rest.
result<void> dedup_index::look_up(std::span<const message> messages) {
  found_.clear();
  probes_.clear();
  for (const message& m : messages) {
    active_->prefetch(m.id);
    for (const full_table& full : full_) full.table->prefetch(m.id);
  }
  for (std::uint32_t r = 0; r < runs_.size(); ++r) {
    const id_filter& filter = runs_[r]->filter;
    for (const message& m : messages) filter.prefetch(m.id);
    for (std::uint32_t i = 0; i < messages.size(); ++i)
      if (filter.may_hold(messages[i].id)) probes_.emplace_back(i, r);
  }
  if (probes_.empty()) return {};
  if (auto begun = reader_.renew(); !begun) return begun;
  result<void> read;
  for (const auto& [i, r] : probes_) {
    read = pages_.find(reader_, *runs_[r], messages[i].id, [&, at = i](const seen_id& seen) {
      found_.push_back({at, seen});
    });
    if (!read) break;
  }
  reader_.release();
  std::stable_sort(found_.begin(), found_.end(),
                   [](const found_id& a, const found_id& b) { return a.message < b.message; });
  return read;
}

/// Whether a message is a duplicate. `stored` is what runs hold of its id.
bool dedup_index::judge(std::uint32_t number, const message& m, std::span<const found_id> stored) {
  track& mine = tracks_[number - 1];
  const bool decided = m.at <= mine.decided && !fault_injected(dedup_failpoint::decided_again);
  bool own = false;
  bool repeated = false;
  const std::int64_t within = streams_[static_cast<std::size_t>(mine.stream)].within;
  const auto see = [&](const seen_id& seen) {
    if (seen.track == number && seen.at == m.at) {
      own = true;
    } else if (!decided) {
      const std::int64_t apart = seen.time < m.time ? m.time - seen.time : seen.time - m.time;
      repeated = repeated || (apart <= within && remembered(seen));
    }
  };
  active_->find(m.id, see);
  for (const full_table& full : full_) full.table->find(m.id, see);
  for (const found_id& found : stored) see(found.seen);
  if (own && fault_injected(dedup_failpoint::own_is_duplicate)) return true;
  if (own) return false;
  if (decided || repeated) return true;
  active_->add({m.id, m.time, m.at, number});
  note_newest(mine, m.time);
  return false;
}

result<void> dedup_index::decide(int stream, partition_id partition,
                                 std::span<const message> messages,
                                 std::vector<std::uint8_t>& duplicate) {
  duplicate.assign(messages.size(), 0);
  if (messages.empty()) return {};
  std::unique_lock lock(mutex_);
  if (auto loaded = load_runs(); !loaded) return loaded;
  if (auto room = make_room(lock, messages.size()); !room) return room;
  if (auto looked = look_up(messages); !looked) return looked;
  const std::uint32_t number = track_of(stream, partition);
  std::size_t at = 0;
  for (std::uint32_t i = 0; i < messages.size(); ++i) {
    const std::size_t first = at;
    while (at < found_.size() && found_[at].message == i) ++at;
    duplicate[i] =
        judge(number, messages[i], std::span<const found_id>(found_).subspan(first, at - first));
  }
  track& mine = tracks_[number - 1];
  mine.decided = std::max(mine.decided, messages.back().at);
  return {};
}

/// Puts the table aside where it may not hold so many more, once the one before it is a run.
result<void> dedup_index::make_room(std::unique_lock<std::mutex>& lock, std::size_t count) {
  if (failed_) return *failed_;
  if (active_->has_room_for(count)) return {};
  changed_.wait(lock, [&] { return full_.empty() || look_only_ || !own_thread_ || failed_; });
  if (failed_) return *failed_;
  full_.push_back({std::move(active_), tracks_});
  active_ = std::make_shared<dedup_memtable>(next_number_++, std::max(table_ids_, count));
  changed_.notify_all();
  if (look_only_ || own_thread_) return {};
  lock.unlock();
  auto done = tidy();
  lock.lock();
  return done;
}

seen_value dedup_index::encode(std::uint32_t number, const track& t) {
  seen_value out;
  out.key.resize(sizeof(track_key));
  store_big(out.key.data(), number);
  byte_writer to(out.value);
  to.number(t.stream_hash);
  to.number(t.partition);
  to.number(t.decided);
  to.number(t.newest);
  seal_value("tracks", out.key, out.value);
  return out;
}

// ---- making durable ----------------------------------------------------------------------------

result<void> dedup_index::flush() {
  if (look_only_) return {};
  const std::lock_guard one(flush_mutex_);
  struct part {
    table_ptr table;
    std::span<const seen_id> ids;  // not written yet; a table does not move what it holds
    std::uint32_t chunks = 0;      // afterwards
  };
  std::vector<part> parts;
  std::vector<std::pair<std::uint32_t, track>> changed;
  {
    const std::lock_guard lock(mutex_);
    if (failed_) return *failed_;
    const auto add = [&](const table_ptr& table) {
      parts.push_back({table, table->entries().subspan(table->flushed), table->chunks});
    };
    for (const full_table& full : full_) add(full.table);
    add(active_);
    for (std::uint32_t i = 0; i < tracks_.size(); ++i)
      if (tracks_[i].decided != tracks_[i].decided_durable) changed.emplace_back(i + 1, tracks_[i]);
  }
  if (changed.empty()) return {};
  auto written = file_->write([&](lmdb::write_transaction& txn) -> result<void> {
    for (part& p : parts) {
      if (fault_injected(dedup_failpoint::ids_not_flushed)) continue;
      if (auto put = pages_.put_log(txn, p.table->generation(), p.chunks, p.ids); !put) return put;
    }
    for (const auto& [number, t] : changed) {
      const seen_value value = encode(number, t);
      if (auto put = txn.put(pages_.id(seen_files::track_entries), value.key, value.value); !put)
        return put;
    }
    return {};
  });
  if (!written) return written;
  const std::lock_guard lock(mutex_);
  ++flushes_;
  for (const part& p : parts) {
    p.table->flushed += p.ids.size();
    p.table->chunks = p.chunks;
  }
  for (const auto& [number, t] : changed) {
    tracks_[number - 1].decided_durable = t.decided;
    tracks_[number - 1].newest_durable = t.newest;
  }
  return {};
}

void dedup_index::forget(const positions& committed) {
  const std::lock_guard lock(mutex_);
  for (const auto& [partition, at] : committed) {
    sequence& passed = passed_[partition];
    passed = std::max(passed, at);
  }
  changed_.notify_all();
}

dedup_index::statistics dedup_index::stats() const {
  const std::lock_guard lock(mutex_);
  statistics all;
  for (const seen_run_entry& run : stored_runs_) all.ids += run.ids;
  for (const run_ptr& run : runs_) {
    all.ids += run->ids;
    all.memory_bytes += run->filter.bytes() + run->first.size() * sizeof(std::uint64_t);
  }
  all.flushes = flushes_;
  all.runs = stored_runs_.size() + runs_.size();
  const auto add = [&](const dedup_memtable& table) {
    all.ids += table.entries().size();
    all.memory_bytes += table.memory_bytes();
  };
  for (const full_table& full : full_) add(*full.table);
  add(*active_);
  return all;
}

result<std::uint64_t> dedup_index::verify() {
  if (auto sound = file_->check_structure(); !sound) return sound.error();
  std::uint64_t count = 0;
  auto read = file_->read([&](const lmdb::read_transaction& txn) -> result<void> {
    for (std::size_t i = 0; i < seen_files::table_count; ++i) {
      const auto which = static_cast<seen_files::table>(i);
      auto scanned =
          txn.scan(pages_.id(which), {}, {}, [&](const lmdb::entry& found) -> result<bool> {
            ++count;
            auto value = pages_.unseal(which, found);
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
