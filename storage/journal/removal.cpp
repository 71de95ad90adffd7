#include <algorithm>

#include "base/checksum.hpp"
#include "storage/journal/journal.hpp"
#include "storage/journal/message_list.hpp"

/// Dead letters that leave on request: dropped, or replayed as entries. Their keys are remembered
/// until no source can bring them again.
namespace windrow::storage {

namespace {

// A step is one transaction: pushes wait for it.
constexpr std::size_t step_letters = 4096;
constexpr std::size_t step_bytes = 4 << 20;
constexpr std::string_view removed_table = "removed_letters";

}  // namespace

result<std::uint64_t> journal::drop_dead_letters(const dead_letter_filter& filter) {
  std::uint64_t dropped = 0;
  removal how;
  how.leaves = [&](dead_letter&, letter_account& account) {
    ++account.totals.erased;
    ++dropped;
    return true;
  };
  if (auto done = remove_letters(filter, how); !done) return done.error();
  return dropped;
}

result<replay_outcome> journal::replay_dead_letters(const dead_letter_filter& filter,
                                                    std::int64_t arrival,
                                                    const entry_stream& stream_of) {
  replay_outcome outcome;
  removal how;
  how.arrival = arrival;
  how.leaves = [&](dead_letter& letter, letter_account& account) {
    if (letter.bytes.size() < letter.total_bytes) return ++outcome.cut, false;
    const auto stream = stream_of(letter.stream);
    if (!stream) return ++outcome.undeclared, false;
    append_message(how.entries[{*stream, letter.media_type, !letter.timed}], letter);
    ++account.totals.replayed;
    ++outcome.replayed;
    return true;
  };
  if (auto done = remove_letters(filter, how); !done) return done.error();
  return outcome;
}

result<void> journal::remove_letters(const dead_letter_filter& filter, removal& how) {
  if (auto flushed = flush_dead_letters(); !flushed) return flushed;
  // All that there are now, 24 bytes each: what fails again on the way must not be taken again.
  std::vector<std::pair<letter_key, std::size_t>> found;
  auto scanned = scan_letters(filter, [&](const letter_key& key, dead_letter&, std::size_t bytes) {
    found.emplace_back(key, bytes);
  });
  if (!scanned) return scanned;
  std::vector<letter_key> step;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    step.push_back(found[i].first);
    bytes += found[i].second;
    if (i + 1 < found.size() && step.size() < step_letters && bytes < step_bytes) continue;
    if (auto done = remove_step(step, how); !done) return done;
    step.clear();
    bytes = 0;
  }
  return {};
}

result<void> journal::remove_step(std::span<const letter_key> letters, removal& how) {
  const std::lock_guard order(writing_);
  letter_books books = books_;
  push_group stored;
  stored.next = last() + 1;
  stored.arrival = how.arrival;
  how.entries.clear();
  auto written = file_->write([&](lmdb::write_transaction& txn) -> result<void> {
    for (const letter_key& key : letters) {
      auto there = txn.get(id(letter_entries), key);
      if (!there) return there.error();
      if (!*there) continue;  // it has left meanwhile
      const std::size_t size = (*there)->size();
      auto letter = decode_letter({key, **there});
      if (!letter) return letter.error();
      letter_account& account = books.accounts[letter->partition];
      if (!how.leaves(*letter, account)) continue;
      if (auto erased = txn.erase(id(letter_entries), key); !erased) return erased.error();
      account.totals.kept -= 1;
      account.totals.kept_bytes -= size;
      if (!is_read_again(letter->partition)) continue;
      byte_buffer nothing;
      seal_value(removed_table, key, nothing);
      if (auto put = txn.put(id(removed_letter_entries), key, nothing); !put) return put;
      account.removed += 1;
    }
    for (const auto& [entry, payload] : how.entries)
      if (auto done = store_entry(txn, entry.stream, entry.media_type, payload, stored); !done)
        return done;
    return write_books(txn, books);
  });
  if (!written) return written;
  const std::lock_guard lock(mutex_);
  books_ = std::move(books);
  last_ = stored.next - 1;
  return {};
}

/// Standard input cannot be: each run of it is a source partition of its own.
bool journal::is_read_again(partition_id id) const {
  const auto known = find_partition(id);
  return !known || known->kind != partition_kind::standard_input;
}

result<void> journal::settle_dead_letters(partition_id id, sequence through) {
  for (;;) {
    auto more = settle_step(id, through);
    if (!more) return more.error();
    if (!*more) return {};
  }
}

/// Whether there is more to forget.
result<bool> journal::settle_step(partition_id partition, sequence through) {
  {
    const std::lock_guard lock(mutex_);
    const auto account = books_.accounts.find(partition);
    if (account == books_.accounts.end() || account->second.removed == 0) return false;
  }
  const std::lock_guard order(writing_);
  letter_books books = books_;
  letter_account& account = books.accounts[partition];
  letter_key lowest{};
  store_big(lowest.data(), partition);
  std::vector<letter_key> gone;
  auto listed = file_->read([&](const lmdb::read_transaction& txn) {
    return txn.scan(id(removed_letter_entries), lowest, {},
                    [&](const lmdb::entry& found) -> result<bool> {
                      letter_key key{};
                      if (found.key.size() != key.size())
                        return damaged(removed_letter_entries, found.key);
                      std::copy(found.key.begin(), found.key.end(), key.begin());
                      if (load_big<partition_id>(key.data()) != partition ||
                          load_big<sequence>(key.data() + 8) > through)
                        return false;
                      gone.push_back(key);
                      return gone.size() < step_letters;
                    });
  });
  if (!listed) return listed.error();
  if (gone.empty()) return false;
  const bool more = gone.size() == step_letters;
  auto written = file_->write([&](lmdb::write_transaction& txn) -> result<void> {
    for (const letter_key& key : gone)
      if (auto erased = txn.erase(id(removed_letter_entries), key); !erased) return erased.error();
    account.removed -= gone.size();
    account.removed_through = std::max(account.removed_through,
                                       more ? load_big<sequence>(gone.back().data() + 8) : through);
    return write_books(txn, books);
  });
  if (!written) return written.error();
  const std::lock_guard lock(mutex_);
  books_ = std::move(books);
  return more;
}

}  // namespace windrow::storage
