#include "storage/journal/entry_log.hpp"

#include <algorithm>
#include <array>

namespace windrow::storage {

namespace {

constexpr std::string_view state_key = "trimmed";

using entry_key = std::array<std::uint8_t, 8>;

}  // namespace

result<void> entry_log::load(const lmdb::read_transaction& txn) {
  auto state = file_.get(txn, journal_table::entries_state, as_bytes(state_key));
  if (!state) return state.error();
  if (*state) {
    byte_reader in(**state);
    trimmed_ = in.number<sequence>();
    if (!in.done()) return file_.damaged(journal_table::entries_state, as_bytes(state_key));
  }
  last_ = trimmed_;
  auto newest = txn.last(file_.id(journal_table::entries));
  if (!newest) return newest.error();
  if (!*newest) return {};
  const entry_key lowest{};
  auto oldest = txn.seek(file_.id(journal_table::entries), lowest);
  if (!oldest) return oldest.error();
  const entry_key expected = big_key(trimmed_ + 1);
  if ((*newest)->key.size() != lowest.size() || !*oldest ||
      !std::ranges::equal((*oldest)->key, expected))
    return failure{errc::corrupt, file_.data_file() + ": the oldest journal entry is not number " +
                                      std::to_string(trimmed_ + 1) +
                                      ". Restore the data folder from a copy."};
  last_ = load_big<sequence>((*newest)->key.data());
  return {};
}

result<journal_entry> entry_log::decode(bytes key, bytes value) const {
  journal_entry entry;
  entry.at = key.size() == sizeof(entry_key) ? load_big<sequence>(key.data()) : 0;
  byte_reader in(value);
  entry.what.arrival = in.number<std::int64_t>();
  entry.what.stream = in.text();
  entry.what.media_type = in.text();
  if (!in.ok()) return file_.damaged(journal_table::entries, key);
  entry.what.payload =
      as_text(value.subspan(16 + entry.what.stream.size() + entry.what.media_type.size()));
  return entry;
}

failure entry_log::missing(sequence at) const {
  return {errc::corrupt, file_.data_file() + ": journal entry " + std::to_string(at) +
                             " is missing. Restore the data folder from a copy."};
}

result<std::vector<journal_entry>> entry_log::read(sequence from, std::size_t max_bytes) {
  std::vector<journal_entry> entries;
  from = std::max<sequence>(from, 1);
  sequence newest = 0;
  {
    const std::lock_guard lock(mutex_);
    if (from <= trimmed_)
      return failure{errc::corrupt,
                     file_.data_file() + ": journal entry " + std::to_string(from) +
                         " was asked for but everything up to " + std::to_string(trimmed_) +
                         " has been applied and removed: shards and journal do not belong "
                         "together. Restore the data folder from one copy."};
    newest = last_;
  }
  const entry_key first = big_key(from);
  sequence expected = from;
  std::size_t size = 0;
  auto done = file_.read([&](const lmdb::read_transaction& txn) {
    return txn.scan(file_.id(journal_table::entries), first, {},
                    [&](const lmdb::entry& found) -> result<bool> {
                      if (!entries.empty() && size + found.value.size() > max_bytes) return false;
                      auto value = file_.unseal(journal_table::entries, found);
                      if (!value) return value.error();
                      auto entry = decode(found.key, *value);
                      if (!entry) return entry.error();
                      if (entry->at != expected) return missing(expected);
                      ++expected;
                      size += found.value.size();
                      entries.push_back(std::move(*entry));
                      return size < max_bytes;
                    });
  });
  if (!done) return done.error();
  if (entries.empty() && from <= newest) return missing(from);
  return entries;
}

sequence entry_log::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

sequence entry_log::trimmed() const {
  const std::lock_guard lock(mutex_);
  return trimmed_;
}

entry_log::change entry_log::begin() const {
  const std::lock_guard lock(mutex_);
  return {last_ + 1, trimmed_};
}

result<void> entry_log::put(lmdb::write_transaction& txn, change& into, std::int64_t arrival,
                            std::string_view stream, std::string_view media_type,
                            std::string_view payload) {
  byte_buffer& value = into.value;
  value.clear();
  value.reserve(payload.size() + stream.size() + media_type.size() + 32);
  byte_writer out(value);
  out.number(arrival);
  out.text(stream);
  out.text(media_type);
  out.raw(as_bytes(payload));
  const entry_key key = big_key(into.next++);
  file_.seal(journal_table::entries, key, value);
  return txn.append(file_.id(journal_table::entries), key, value);
}

/// The state goes with the entries: afterwards it alone knows where numbering continues.
result<void> entry_log::trim(lmdb::write_transaction& txn, change& into, sequence through) {
  while (into.trimmed < through)
    if (auto gone = txn.erase(file_.id(journal_table::entries), big_key(++into.trimmed)); !gone)
      return gone.error();
  byte_buffer value;
  byte_writer(value).number(into.trimmed);
  return file_.put(txn, journal_table::entries_state, as_bytes(state_key), value);
}

void entry_log::committed(const change& done) {
  const std::lock_guard lock(mutex_);
  last_ = done.next - 1;
  trimmed_ = done.trimmed;
}

}  // namespace windrow::storage
