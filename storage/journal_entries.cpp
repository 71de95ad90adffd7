#include <algorithm>
#include <utility>

#include "storage/checksum.hpp"
#include "storage/journal.hpp"
#include "storage/planted.hpp"

/// The entries: what was pushed to this node.
namespace windrow::storage {

namespace {

constexpr std::size_t stream_bytes_max = 4096;
constexpr std::size_t trim_step_entries = 1024;
constexpr std::string_view entry_table = "entries";
constexpr std::string_view state_table = "entries_state";
constexpr std::string_view state_key = "trimmed";

using entry_key = std::array<std::uint8_t, 8>;

entry_key entry_key_of(sequence at) noexcept {
  entry_key key;
  store_big(key.data(), at);
  return key;
}

}  // namespace

result<void> journal::load_entries(const lmdb::read_transaction& txn) {
  auto state = txn.get(id(push_state), as_bytes(state_key));
  if (!state) return state.error();
  if (*state) {
    auto value = unseal(push_state, {as_bytes(state_key), **state});
    if (!value) return value.error();
    byte_reader in(*value);
    trimmed_ = in.number<sequence>();
    if (!in.done()) return damaged(push_state, as_bytes(state_key));
  }
  last_ = trimmed_;
  auto newest = txn.last(id(push_entries));
  if (!newest) return newest.error();
  if (!*newest) return {};
  const entry_key lowest{};
  auto oldest = txn.seek(id(push_entries), lowest);
  if (!oldest) return oldest.error();
  const entry_key expected = entry_key_of(trimmed_ + 1);
  if ((*newest)->key.size() != lowest.size() || !*oldest ||
      !std::ranges::equal((*oldest)->key, expected))
    return failure{errc::corrupt, data_file() + ": the oldest journal entry is not number " +
                                      std::to_string(trimmed_ + 1) +
                                      ". Restore the data folder from a copy."};
  last_ = load_big<sequence>((*newest)->key.data());
  return {};
}

result<sequence> journal::append(std::span<const push> pushes) {
  for (const push& one : pushes)
    if (one.stream.empty() || one.stream.size() > stream_bytes_max)
      return failure{errc::invalid, "The name of a stream has 1 to 4096 bytes."};
  const std::lock_guard lock(guard_);
  std::vector<push> late;
  if (planted(plant::acknowledged_early)) {
    static std::vector<push> held;
    late = std::exchange(held, {pushes.begin(), pushes.end()});
    pushes = late;
  }
  const sequence first = last_ + 1;
  if (pushes.empty()) return first;
  auto written = file_->write([&](lmdb::write_transaction& txn) -> result<void> {
    byte_buffer value;
    sequence at = first;
    for (const push& one : pushes) {
      value.clear();
      value.reserve(one.payload.size() + one.stream.size() + 32);
      byte_writer out(value);
      out.number(one.arrival);
      out.text(one.stream);
      out.raw(as_bytes(one.payload));
      const entry_key key = entry_key_of(at++);
      seal_value(entry_table, key, value);
      if (auto put = txn.append(id(push_entries), key, value); !put) return put;
    }
    return {};
  });
  if (!written) return written.error();
  last_ = first + pushes.size() - 1;
  return first;
}

result<journal_entry> journal::decode_entry(const lmdb::entry& stored) const {
  auto value = unseal(push_entries, stored);
  if (!value) return value.error();
  journal_entry entry;
  entry.at = stored.key.size() == 8 ? load_big<sequence>(stored.key.data()) : 0;
  byte_reader in(*value);
  entry.what.arrival = in.number<std::int64_t>();
  entry.what.stream = in.text();
  if (!in.ok()) return damaged(push_entries, stored.key);
  entry.what.payload = as_text(value->subspan(12 + entry.what.stream.size()));
  return entry;
}

result<std::vector<journal_entry>> journal::read(sequence from, std::size_t max_bytes) {
  std::vector<journal_entry> entries;
  from = std::max<sequence>(from, 1);
  sequence newest = 0;
  {
    const std::lock_guard lock(guard_);
    if (from <= trimmed_)
      return failure{errc::corrupt,
                     data_file() + ": journal entry " + std::to_string(from) +
                         " was asked for but everything up to " + std::to_string(trimmed_) +
                         " has been applied and removed: shards and journal do not belong "
                         "together. Restore the data folder from one copy."};
    newest = last_;
  }
  const entry_key first = entry_key_of(from);
  sequence expected = from;
  std::size_t size = 0;
  auto done = file_->read([&](const lmdb::read_transaction& txn) {
    return txn.scan(id(push_entries), first, {}, [&](const lmdb::entry& found) -> result<bool> {
      if (!entries.empty() && size + found.value.size() > max_bytes) return false;
      auto entry = decode_entry(found);
      if (!entry) return entry.error();
      if (entry->at != expected)
        return failure{errc::corrupt, data_file() + ": journal entry " + std::to_string(expected) +
                                          " is missing. Restore the data folder from a copy."};
      ++expected;
      size += found.value.size();
      entries.push_back(std::move(*entry));
      return size < max_bytes;
    });
  });
  if (!done) return done.error();
  if (entries.empty() && from <= newest)
    return failure{errc::corrupt, data_file() + ": journal entry " + std::to_string(from) +
                                      " is missing. Restore the data folder from a copy."};
  return entries;
}

sequence journal::last() const {
  const std::lock_guard lock(guard_);
  return last_;
}

sequence journal::trimmed() const {
  const std::lock_guard lock(guard_);
  return trimmed_;
}

result<void> journal::trim(sequence through) {
  const std::lock_guard lock(guard_);
  through = planted(plant::trimmed_too_far) ? last_ : std::min(through, last_);
  while (trimmed_ < through)
    if (auto done = trim_step(std::min(through, trimmed_ + trim_step_entries)); !done) return done;
  return {};
}

/// The state goes with the entries: afterwards it alone knows where numbering continues.
result<void> journal::trim_step(sequence through) {
  auto written = file_->write([&](lmdb::write_transaction& txn) -> result<void> {
    for (sequence at = trimmed_ + 1; at <= through; ++at)
      if (auto erased = txn.erase(id(push_entries), entry_key_of(at)); !erased) return erased.error();
    byte_buffer value;
    byte_writer(value).number(through);
    seal_value(state_table, as_bytes(state_key), value);
    return txn.put(id(push_state), as_bytes(state_key), value);
  });
  if (written) trimmed_ = through;
  return written;
}

}  // namespace windrow::storage
