#include <algorithm>
#include <limits>
#include <utility>

#include "base/checksum.hpp"
#include "base/fault_injection.hpp"
#include "base/low_latency_thread.hpp"
#include "storage/journal/journal.hpp"
#include "storage/journal/producer_state.hpp"

/// The entries: what was pushed to this node.
namespace windrow::storage {

namespace {

constexpr std::size_t stream_bytes_max = 4096;
constexpr std::size_t media_type_bytes_max = 256;
constexpr sequence trim_step_entries = 128;
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

result<push_outcome> journal::append(push what) {
  if (what.stream.empty() || what.stream.size() > stream_bytes_max)
    return failure{errc::invalid, "The name of a stream has 1 to 4096 bytes."};
  if (what.media_type.empty() || what.media_type.size() > media_type_bytes_max)
    return failure{errc::invalid, "A media type has 1 to 256 bytes."};
  if (what.producer)
    if (auto well = check_producer(*what.producer); !well) return well.error();
  if (fault_injected(failpoint::acknowledged_early)) {
    static std::optional<push> held;
    auto earlier = std::exchange(held, std::move(what));
    if (!earlier) return push_outcome{last() + 1};
    what = *std::move(earlier);
  }
  waiting_push one{&what};
  join(one, what.payload.size());
  return std::move(one.outcome);
}

void journal::join(waiting_push& one, std::size_t bytes) {
  const low_latency_thread soon;
  pushes_.join(one, bytes);
}

/// Does what the group's members wait for, in one transaction, and tells each what became of it.
void journal::commit_pushes(std::span<waiting_push* const> group) {
  const std::lock_guard order(writing_);
  push_group stored;
  stored.next = last() + 1;
  stored.trimmed = trimmed();
  stored.arrival = std::numeric_limits<std::int64_t>::min();
  for (const waiting_push* one : group) {
    if (!one->what) continue;
    stored.arrival = std::max(stored.arrival, one->what->arrival);
    if (!one->what->letters.empty()) stored.books = books_;
  }
  auto written = file_->write([&](lmdb::write_transaction& txn) -> result<void> {
    for (waiting_push* one : group) {
      auto done = one->what ? store_push(txn, *one, stored) : trim_step(txn, *one, stored);
      if (!done) return done;
    }
    if (!stored.books) return {};
    if (auto done = let_oldest_go(txn, *stored.books); !done) return done;
    return write_books(txn, *stored.books);
  });
  if (!written) {
    for (waiting_push* one : group) one->outcome = written.error();
    return;
  }
  const std::lock_guard lock(mutex_);
  last_ = stored.next - 1;
  trimmed_ = stored.trimmed;
  if (stored.books) books_ = *std::move(stored.books);
}

/// Fails where storage does. That this push is refused is its outcome, and leaves nothing behind.
result<void> journal::store_push(lmdb::write_transaction& txn, waiting_push& one,
                                 push_group& group) {
  const push& what = *one.what;
  producer_state state;
  push_outcome outcome;
  std::string_view payload = what.payload;
  if (what.producer && !fault_injected(failpoint::producer_ignored)) {
    auto found = find_producer(txn, what.producer->name);
    if (!found) return found.error();
    state = std::move(*found);
    auto checked = state.check(*what.producer);
    if (checked) outcome = *checked;
    const std::size_t before = outcome.duplicates;
    if (!checked || before == what.producer->units.size()) {
      one.outcome = std::move(checked);
      return {};
    }
    if (before > 0) payload.remove_prefix(what.producer->units[before - 1].end);
  }
  outcome.entry = payload.empty() ? 0 : group.next;
  if (!payload.empty())
    if (auto done = store_entry(txn, what.stream, what.media_type, payload, group); !done)
      return done;
  if (!what.letters.empty()) {
    std::vector<staged_letter> letters;
    for (const dead_letter& letter : what.letters)
      letters.push_back({letter_key_of(letter), letter});
    if (auto done = write_letters(txn, *group.books, letters); !done) return done;
  }
  if (what.producer) {
    state.take(*what.producer, outcome);
    if (auto put = put_producer(txn, what.producer->name, state); !put) return put;
  }
  one.outcome = outcome;
  return {};
}

result<void> journal::store_entry(lmdb::write_transaction& txn, std::string_view stream,
                                  std::string_view media_type, std::string_view payload,
                                  push_group& group) const {
  byte_buffer& value = group.value;
  value.clear();
  value.reserve(payload.size() + stream.size() + media_type.size() + 32);
  byte_writer out(value);
  out.number(group.arrival);
  out.text(stream);
  out.text(media_type);
  out.raw(as_bytes(payload));
  const entry_key key = entry_key_of(group.next++);
  seal_value(entry_table, key, value);
  return txn.append(id(push_entries), key, value);
}

result<journal_entry> journal::decode_entry(const lmdb::entry& stored) const {
  auto value = unseal(push_entries, stored);
  if (!value) return value.error();
  journal_entry entry;
  entry.at = stored.key.size() == 8 ? load_big<sequence>(stored.key.data()) : 0;
  byte_reader in(*value);
  entry.what.arrival = in.number<std::int64_t>();
  entry.what.stream = in.text();
  entry.what.media_type = in.text();
  if (!in.ok()) return damaged(push_entries, stored.key);
  entry.what.payload =
      as_text(value->subspan(16 + entry.what.stream.size() + entry.what.media_type.size()));
  return entry;
}

result<std::vector<journal_entry>> journal::read(sequence from, std::size_t max_bytes) {
  std::vector<journal_entry> entries;
  from = std::max<sequence>(from, 1);
  sequence newest = 0;
  {
    const std::lock_guard lock(mutex_);
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
  const std::lock_guard lock(mutex_);
  return last_;
}

sequence journal::trimmed() const {
  const std::lock_guard lock(mutex_);
  return trimmed_;
}

result<void> journal::trim(sequence through) {
  through = fault_injected(failpoint::trimmed_too_far) ? last() : std::min(through, last());
  while (trimmed() < through) {
    waiting_push one;
    one.trim_through = std::min(through, trimmed() + trim_step_entries);
    join(one, 0);
    if (!one.outcome) return one.outcome.error();
  }
  return {};
}

/// The state goes with the entries: afterwards it alone knows where numbering continues.
result<void> journal::trim_step(lmdb::write_transaction& txn, const waiting_push& one,
                                push_group& group) const {
  while (group.trimmed < one.trim_through)
    if (auto gone = txn.erase(id(push_entries), entry_key_of(++group.trimmed)); !gone)
      return gone.error();
  byte_buffer value;
  byte_writer(value).number(group.trimmed);
  seal_value(state_table, as_bytes(state_key), value);
  return txn.put(id(push_state), as_bytes(state_key), value);
}

}  // namespace windrow::storage
