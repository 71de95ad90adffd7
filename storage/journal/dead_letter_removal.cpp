#include "storage/journal/dead_letter_removal.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "storage/journal/message_list.hpp"

namespace windrow::storage {

namespace {

// A step is one transaction: pushes wait for it.
constexpr std::size_t step_dead_letters = 4096;
constexpr std::size_t step_bytes = 4 << 20;

}  // namespace

result<std::uint64_t> dead_letter_removal::drop(const dead_letter_filter& filter) {
  std::uint64_t dropped = 0;
  plan how;
  how.leaves = [&](dead_letter&, dead_letter_ledger::account& account) {
    ++account.totals.erased;
    ++dropped;
    return true;
  };
  if (auto done = remove(filter, how); !done) return done.error();
  return dropped;
}

result<replay_outcome> dead_letter_removal::replay(const dead_letter_filter& filter,
                                                   std::int64_t arrival,
                                                   const entry_stream& stream_of) {
  replay_outcome outcome;
  plan how;
  how.arrival = arrival;
  how.leaves = [&](dead_letter& letter, dead_letter_ledger::account& account) {
    if (letter.bytes.size() < letter.total_bytes) return ++outcome.cut, false;
    const auto stream = stream_of(letter.stream);
    if (!stream) return ++outcome.undeclared, false;
    append_message(how.entries[{*stream, letter.media_type, !letter.timed}], letter);
    ++account.totals.replayed;
    ++outcome.replayed;
    return true;
  };
  if (auto done = remove(filter, how); !done) return done.error();
  return outcome;
}

result<void> dead_letter_removal::remove(const dead_letter_filter& filter, plan& how) {
  if (auto flushed = dead_letters_.flush(); !flushed) return flushed;
  // All that there are now, 24 bytes each: what fails again on the way must not be taken again.
  std::vector<std::pair<dead_letter_key, std::size_t>> found;
  auto scanned =
      dead_letters_.scan(filter, [&](const dead_letter_key& key, dead_letter&, std::size_t bytes) {
        found.emplace_back(key, bytes);
      });
  if (!scanned) return scanned;
  std::vector<dead_letter_key> step;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    step.push_back(found[i].first);
    bytes += found[i].second;
    if (i + 1 < found.size() && step.size() < step_dead_letters && bytes < step_bytes) continue;
    if (auto done = remove_step(step, how); !done) return done;
    step.clear();
    bytes = 0;
  }
  return {};
}

result<void> dead_letter_removal::remove_step(std::span<const dead_letter_key> keys, plan& how) {
  const std::lock_guard order(file_.writing());
  dead_letter_ledger ledger = dead_letters_.begin();
  entry_log::change appended = entries_.begin();
  how.entries.clear();
  auto written = file_.write([&](lmdb::write_transaction& txn) -> result<void> {
    for (const dead_letter_key& key : keys)
      if (auto done = remove_one(txn, key, how, ledger); !done) return done;
    for (const auto& [entry, payload] : how.entries) {
      auto put = entries_.put(txn, appended, how.arrival, entry.stream, entry.media_type, payload);
      if (!put) return put;
    }
    return dead_letters_.finish(txn, ledger);
  });
  if (!written) return written;
  dead_letters_.committed(std::move(ledger));
  entries_.committed(appended);
  return {};
}

result<void> dead_letter_removal::remove_one(lmdb::write_transaction& txn,
                                             const dead_letter_key& key, plan& how,
                                             dead_letter_ledger& ledger) {
  auto there = dead_letters_.get(txn, key);
  if (!there) return there.error();
  if (!*there) return {};  // it has left meanwhile
  dead_letter_ledger::account& account = ledger.accounts[key.partition()];
  if (!how.leaves((*there)->letter, account)) return {};
  if (auto erased = txn.erase(file_.id(journal_table::dead_letters), key); !erased)
    return erased.error();
  account.totals.kept -= 1;
  account.totals.kept_bytes -= (*there)->bytes;
  if (!is_read_again(key.partition())) return {};
  byte_buffer nothing;
  if (auto put = file_.put(txn, journal_table::removed_letters, key, nothing); !put) return put;
  account.removed += 1;
  return {};
}

/// Standard input cannot be: each run of it is a source partition of its own.
bool dead_letter_removal::is_read_again(partition_id id) const {
  const auto known = partitions_.find(id);
  return !known || known->kind != partition_kind::standard_input;
}

result<void> dead_letter_removal::forget_removed(partition_id id, sequence through) {
  for (;;) {
    auto more = forget_step(id, through);
    if (!more) return more.error();
    if (!*more) return {};
  }
}

/// Whether there is more to forget.
result<bool> dead_letter_removal::forget_step(partition_id id, sequence through) {
  if (!dead_letters_.remembers_removed(id)) return false;
  const std::lock_guard order(file_.writing());
  dead_letter_ledger ledger = dead_letters_.begin();
  dead_letter_ledger::account& account = ledger.accounts[id];
  std::vector<dead_letter_key> gone;
  auto listed = file_.read([&](const lmdb::read_transaction& txn) {
    return file_.scan(txn, journal_table::removed_letters, dead_letter_key::lowest(id),
                      [&](bytes stored, bytes) -> result<bool> {
                        const auto key = dead_letter_key::read(stored);
                        if (!key) return file_.damaged(journal_table::removed_letters, stored);
                        if (key->partition() != id || key->at() > through) return false;
                        gone.push_back(*key);
                        return gone.size() < step_dead_letters;
                      });
  });
  if (!listed) return listed.error();
  if (gone.empty()) return false;
  const bool more = gone.size() == step_dead_letters;
  auto written = file_.write([&](lmdb::write_transaction& txn) -> result<void> {
    for (const dead_letter_key& key : gone)
      if (auto erased = txn.erase(file_.id(journal_table::removed_letters), key); !erased)
        return erased.error();
    account.removed -= gone.size();
    account.removed_through = std::max(account.removed_through, more ? gone.back().at() : through);
    return dead_letters_.finish(txn, ledger);
  });
  if (!written) return written.error();
  dead_letters_.committed(std::move(ledger));
  return more;
}

}  // namespace windrow::storage
