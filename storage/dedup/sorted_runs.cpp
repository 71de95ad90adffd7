#include "storage/dedup/sorted_runs.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/checksum.hpp"

namespace windrow::storage {

namespace {

constexpr std::size_t erase_keys = 512;

const char* const names[] = {identity_table, "tracks", "log", "runs", "pages"};

using number_key = std::array<std::uint8_t, 8>;
using page_key = std::array<std::uint8_t, 12>;

number_key key_of(std::uint64_t number) noexcept { return big_key(number); }
page_key key_of(std::uint64_t number, std::uint32_t page) noexcept { return big_key(number, page); }

template <class Integer>
void put_little(std::uint8_t*& to, Integer value) noexcept {
  auto rest = static_cast<std::uint64_t>(value);
  for (std::size_t i = 0; i < sizeof(Integer); ++i, rest >>= 8)
    *to++ = static_cast<std::uint8_t>(rest);
}

template <class Integer>
Integer get_little(const std::uint8_t*& from) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(Integer); ++i)
    value |= static_cast<std::uint64_t>(from[i]) << (8 * i);
  from += sizeof(Integer);
  return static_cast<Integer>(value);
}

byte_buffer encode_page(std::span<const dedup_id> ids) {
  byte_buffer value(ids.size() * dedup_files::entry_bytes);
  value.reserve(value.size() + checksum_bytes);
  std::uint8_t* to = value.data();
  for (const dedup_id& seen : ids) {
    put_little(to, seen.id.hi);
    put_little(to, seen.id.lo);
    put_little(to, seen.time);
    put_little(to, seen.at);
    put_little(to, seen.track);
  }
  return value;
}

dedup_id decode_id(const std::uint8_t* from) noexcept {
  dedup_id seen;
  seen.id.hi = get_little<std::uint64_t>(from);
  seen.id.lo = get_little<std::uint64_t>(from);
  seen.time = get_little<std::int64_t>(from);
  seen.at = get_little<sequence>(from);
  seen.track = get_little<std::uint32_t>(from);
  return seen;
}

/// Erases up to `erase_keys` entries of the number from a table whose keys begin with it; whether
/// there may be more.
result<bool> erase_some(lmdb::environment& file, lmdb::table_id table, std::uint64_t number) {
  bool more = true;
  auto written = file.write([&](lmdb::write_transaction& txn) -> result<void> {
    const page_key first = key_of(number, 0);
    for (std::size_t i = 0; i < erase_keys; ++i) {
      auto found = txn.seek(table, first);
      if (!found) return found.error();
      more = *found && load_big<std::uint64_t>((*found)->key.data()) == number;
      if (!more) return {};
      const byte_buffer key((*found)->key.begin(), (*found)->key.end());
      if (auto gone = txn.erase(table, key); !gone) return gone.error();
    }
    return {};
  });
  if (!written) return written.error();
  return more;
}

}  // namespace

std::vector<std::string> dedup_files::table_names() {
  static_assert(std::size(names) == table_count);
  return {std::begin(names), std::end(names)};
}

failure dedup_files::damaged(table from, bytes key) const {
  constexpr const char* digits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : key) (text += digits[byte >> 4]) += digits[byte & 15];
  return {errc::corrupt, file_.data_file() + ": the value of " + text + " in table `" +
                             names[from] +
                             "` is damaged. Restore the data folder from a copy, or start a new "
                             "one from the sources."};
}

result<bytes> dedup_files::unseal(table from, const lmdb::entry& stored) const {
  const auto value = unseal_value(names[from], stored.key, stored.value);
  if (!value) return damaged(from, stored.key);
  return *value;
}

result<void> dedup_files::decode(table from, const lmdb::entry& stored,
                                 std::vector<dedup_id>& out) const {
  auto value = unseal(from, stored);
  if (!value) return value.error();
  if (value->size() % entry_bytes != 0) return damaged(from, stored.key);
  for (std::size_t at = 0; at < value->size(); at += entry_bytes)
    out.push_back(decode_id(value->data() + at));
  return {};
}

result<void> dedup_files::put_log(lmdb::write_transaction& txn, std::uint64_t generation,
                                  std::uint32_t& chunks, std::span<const dedup_id> ids) const {
  while (!ids.empty()) {
    const auto some = ids.first(std::min(ids.size(), page_ids));
    const page_key key = key_of(generation, chunks);
    byte_buffer value = encode_page(some);
    seal_value(names[log_entries], key, value);
    if (auto put = txn.put(id(log_entries), key, value); !put) return put;
    ++chunks;
    ids = ids.subspan(some.size());
  }
  return {};
}

result<void> dedup_files::erase_log(std::uint64_t generation) {
  for (bool more = true; more;) {
    auto erased = erase_some(file_, id(log_entries), generation);
    if (!erased) return erased.error();
    more = *erased;
  }
  return {};
}

result<sorted_run_entry> dedup_files::decode_run(const lmdb::entry& stored) const {
  auto value = unseal(run_entries, stored);
  if (!value) return value.error();
  if (stored.key.size() != sizeof(number_key)) return damaged(run_entries, stored.key);
  sorted_run_entry run;
  run.number = load_big<std::uint64_t>(stored.key.data());
  byte_reader in(*value);
  run.ids = in.number<std::uint64_t>();
  run.pages = in.number<std::uint32_t>();
  const auto count = in.number<std::uint32_t>();
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    dedup_span span;
    span.track = in.number<std::uint32_t>();
    span.max_event_time = in.number<std::int64_t>();
    span.last = in.number<sequence>();
    run.tracks.push_back(span);
  }
  if (!in.done()) return damaged(run_entries, stored.key);
  return run;
}

result<std::vector<dedup_id>> dedup_files::read_page(std::uint64_t run, std::uint32_t page) {
  std::vector<dedup_id> ids;
  const page_key key = key_of(run, page);
  auto read = file_.read([&](const lmdb::read_transaction& txn) -> result<void> {
    auto value = txn.get(id(page_entries), key);
    if (!value) return value.error();
    if (!*value) return damaged(page_entries, key);
    return decode(page_entries, {key, **value}, ids);
  });
  if (!read) return read.error();
  return ids;
}

result<std::shared_ptr<sorted_run>> dedup_files::load(const sorted_run_entry& entry,
                                                      id_filter filter) {
  auto run = std::make_shared<sorted_run>();
  static_cast<sorted_run_entry&>(*run) = entry;
  run->filter = std::move(filter);
  for (std::uint32_t page = 0; page < entry.pages; ++page) {
    auto ids = read_page(entry.number, page);
    if (!ids) return ids.error();
    if (ids->empty()) return damaged(page_entries, key_of(entry.number, page));
    run->first.push_back(ids->front().id.hi);
    for (const dedup_id& seen : *ids) run->filter.add(seen.id);
  }
  return run;
}

result<void> dedup_files::find(const lmdb::read_transaction& txn, const sorted_run& run,
                               const key_hash& id,
                               const std::function<void(const dedup_id&)>& visit) const {
  // The ids of one hash may begin at the end of the page before the one that begins with it.
  auto page = static_cast<std::size_t>(std::lower_bound(run.first.begin(), run.first.end(), id.hi) -
                                       run.first.begin());
  if (page > 0) --page;
  for (; page < run.first.size() && run.first[page] <= id.hi; ++page) {
    const page_key key = key_of(run.number, static_cast<std::uint32_t>(page));
    auto stored = txn.get(this->id(page_entries), key);
    if (!stored) return stored.error();
    if (!*stored) return damaged(page_entries, key);
    auto value = unseal(page_entries, {key, **stored});
    if (!value) return value.error();
    if (value->size() % entry_bytes != 0) return damaged(page_entries, key);
    const std::size_t count = value->size() / entry_bytes;
    std::size_t low = 0;
    for (std::size_t high = count; low < high;) {
      const std::size_t middle = (low + high) / 2;
      if (decode_id(value->data() + middle * entry_bytes).id < id)
        low = middle + 1;
      else
        high = middle;
    }
    for (; low < count; ++low) {
      const dedup_id seen = decode_id(value->data() + low * entry_bytes);
      if (seen.id != id) return {};
      visit(seen);
    }
  }
  return {};
}

result<void> dedup_files::enter(const sorted_run* made, std::span<const std::uint64_t> instead,
                                std::span<const dedup_value> tracks) {
  return file_.write([&](lmdb::write_transaction& txn) -> result<void> {
    for (const dedup_value& track : tracks) {
      if (auto put = txn.put(id(track_entries), track.key, track.value); !put) return put;
    }
    for (const std::uint64_t number : instead) {
      if (auto gone = txn.erase(id(run_entries), key_of(number)); !gone) return gone.error();
    }
    if (made == nullptr) return {};
    byte_buffer value;
    byte_writer out(value);
    out.number(made->ids);
    out.number(made->pages);
    out.number(static_cast<std::uint32_t>(made->tracks.size()));
    for (const dedup_span& span : made->tracks) {
      out.number(span.track);
      out.number(span.max_event_time);
      out.number(span.last);
    }
    const number_key key = key_of(made->number);
    seal_value(names[run_entries], key, value);
    return txn.put(id(run_entries), key, value);
  });
}

result<void> dedup_files::erase_pages(std::uint64_t run, const std::atomic<bool>& stop) {
  for (bool more = true; more && !stop;) {
    auto erased = erase_some(file_, id(page_entries), run);
    if (!erased) return erased.error();
    more = *erased;
  }
  return {};
}

result<std::vector<std::uint64_t>> dedup_files::strays(std::span<const std::uint64_t> runs) {
  std::vector<std::uint64_t> found;
  auto read = file_.read([&](const lmdb::read_transaction& txn) -> result<void> {
    for (std::uint64_t next = 0;;) {
      auto at = txn.seek(id(page_entries), key_of(next, 0));
      if (!at) return at.error();
      if (!*at) return {};
      if ((*at)->key.size() != sizeof(page_key)) return damaged(page_entries, (*at)->key);
      const auto number = load_big<std::uint64_t>((*at)->key.data());
      if (!std::binary_search(runs.begin(), runs.end(), number)) found.push_back(number);
      next = number + 1;
    }
  });
  if (!read) return read.error();
  return found;
}

// ---- writing and reading a run -----------------------------------------------------------------

sorted_run_writer::sorted_run_writer(dedup_files& files, std::uint64_t number, id_filter filter)
    : files_(files), run_(std::make_shared<sorted_run>()) {
  run_->number = number;
  run_->filter = std::move(filter);
}

result<void> sorted_run_writer::add(const dedup_id& seen) {
  ++run_->ids;
  run_->filter.add(seen.id);
  auto& tracks = run_->tracks;
  auto span = std::find_if(tracks.begin(), tracks.end(),
                           [&](const dedup_span& s) { return s.track == seen.track; });
  if (span == tracks.end()) span = tracks.insert(tracks.end(), {seen.track, seen.time, seen.at});
  span->max_event_time = std::max(span->max_event_time, seen.time);
  span->last = std::max(span->last, seen.at);
  waiting_.push_back(seen);
  return waiting_.size() < files_.write_pages_ * dedup_files::page_ids ? result<void>{} : write();
}

result<void> sorted_run_writer::write() {
  auto written = files_.file_.write([&](lmdb::write_transaction& txn) -> result<void> {
    std::span<const dedup_id> rest = waiting_;
    while (!rest.empty()) {
      const auto some = rest.first(std::min(rest.size(), dedup_files::page_ids));
      const page_key key = key_of(run_->number, run_->pages);
      byte_buffer value = encode_page(some);
      seal_value(names[dedup_files::page_entries], key, value);
      if (auto put = txn.put(files_.id(dedup_files::page_entries), key, value); !put) return put;
      run_->first.push_back(some.front().id.hi);
      ++run_->pages;
      rest = rest.subspan(some.size());
    }
    return {};
  });
  waiting_.clear();
  return written;
}

result<std::shared_ptr<sorted_run>> sorted_run_writer::finish() {
  if (!waiting_.empty())
    if (auto written = write(); !written) return written.error();
  return run_->ids == 0 ? nullptr : run_;
}

result<void> sorted_run_reader::next() {
  ++at_;
  if (at_ < page_.size() || next_page_ == run_.pages) return {};
  auto page = files_.read_page(run_.number, next_page_);
  if (!page) return page.error();
  ++next_page_;
  page_ = std::move(*page);
  at_ = 0;
  return {};
}

}  // namespace windrow::storage
