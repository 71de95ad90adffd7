#include "storage/journal/dead_letter_store.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "base/checksum.hpp"

namespace windrow::storage {

namespace {

constexpr std::size_t staged_bytes_max = 4 << 20;
constexpr std::size_t code_bytes_max = 128;

}  // namespace

result<void> dead_letter_store::stage(dead_letter letter) {
  if (letter.partition == 0 || letter.stream.size() > stream_bytes_max ||
      letter.phase.size() > code_bytes_max || letter.reason.size() > code_bytes_max)
    return failure{errc::invalid,
                   "A dead letter needs a source partition, and names of a bounded "
                   "length."};
  const auto full = [this] {
    const std::lock_guard lock(mutex_);
    return staged_bytes_ >= staged_bytes_max;
  };
  if (full())
    if (auto flushed = flush(); !flushed) return flushed;
  {
    const std::lock_guard lock(mutex_);
    staged_bytes_ += memory_of(letter);
    const dead_letter_key key = dead_letter_key::of(letter);
    staged_.push_back({key, std::move(letter)});
  }
  return full() ? flush() : result<void>{};
}

result<void> dead_letter_store::flush() {
  {
    const std::lock_guard lock(mutex_);
    if (staged_bytes_ == 0) return {};  // those that are being flushed count
  }
  const std::lock_guard order(file_.writing());
  std::vector<staged_dead_letter> dead_letters;
  {
    const std::lock_guard lock(mutex_);
    dead_letters.swap(staged_);
  }
  if (dead_letters.empty()) return {};
  std::stable_sort(
      dead_letters.begin(), dead_letters.end(),
      [](const staged_dead_letter& a, const staged_dead_letter& b) { return a.key < b.key; });
  dead_letter_ledger ledger = begin();
  auto written = file_.write([&](lmdb::write_transaction& txn) -> result<void> {
    if (auto done = put(txn, ledger, dead_letters); !done) return done;
    return finish(txn, ledger);
  });
  if (written) committed(std::move(ledger));
  const std::lock_guard lock(mutex_);
  if (!written) {
    staged_.insert(staged_.begin(), std::move_iterator(dead_letters.begin()),
                   std::move_iterator(dead_letters.end()));
    return written;
  }
  for (const staged_dead_letter& one : dead_letters) staged_bytes_ -= memory_of(one.letter);
  return {};
}

dead_letter_ledger dead_letter_store::begin() const {
  const std::lock_guard lock(mutex_);
  return ledger_;
}

void dead_letter_store::committed(dead_letter_ledger ledger) {
  const std::lock_guard lock(mutex_);
  ledger_ = std::move(ledger);
}

result<void> dead_letter_store::put(lmdb::write_transaction& txn, dead_letter_ledger& ledger,
                                    std::span<const staged_dead_letter> dead_letters) const {
  for (const staged_dead_letter& staged : dead_letters) {
    dead_letter_ledger::account& account = ledger.accounts[staged.letter.partition];
    account.totals.partition = staged.letter.partition;
    // Dead letters leave in key order, so one at or below the mark was here, and counted, before.
    if (account.totals.dropped > 0 && staged.key <= account.dropped_through) continue;
    // So was one that has left on request.
    if (staged.letter.at <= account.removed_through) continue;
    if (account.removed > 0) {
      auto removed = txn.get(file_.id(journal_table::removed_letters), staged.key);
      if (!removed) return removed.error();
      if (*removed) continue;
    }
    byte_buffer value = encode(staged.letter);
    file_.seal(journal_table::dead_letters, staged.key, value);
    auto fresh = txn.insert(file_.id(journal_table::dead_letters), staged.key, value);
    if (!fresh) return fresh.error();
    if (!*fresh) continue;
    account.totals.kept += 1;
    account.totals.kept_bytes += value.size();
    ledger.counts[{staged.letter.partition, staged.letter.phase, staged.letter.reason}] += 1;
  }
  return {};
}

result<void> dead_letter_store::finish(lmdb::write_transaction& txn,
                                       dead_letter_ledger& ledger) const {
  if (auto done = let_oldest_go(txn, ledger); !done) return done;
  return ledger.write(file_, txn, ledger_);
}

result<std::optional<dead_letter_store::oldest>> dead_letter_store::oldest_of(
    const lmdb::transaction& txn, partition_id id) const {
  auto found = txn.seek(file_.id(journal_table::dead_letters), dead_letter_key::lowest(id));
  if (!found) return found.error();
  if (!*found) return std::optional<oldest>{};
  const auto key = dead_letter_key::read((*found)->key);
  if (!key) return file_.damaged(journal_table::dead_letters, (*found)->key);
  if (key->partition() != id) return std::optional<oldest>{};
  auto value = file_.unseal(journal_table::dead_letters, **found);
  if (!value) return value.error();
  return std::optional(
      oldest{*key, byte_reader(*value).number<std::int64_t>(), (*found)->value.size()});
}

/// Lets the dead letters with the oldest arrival go, a sixteenth more than needed.
result<void> dead_letter_store::let_oldest_go(lmdb::write_transaction& txn,
                                              dead_letter_ledger& ledger) const {
  std::uint64_t kept = 0;
  for (const auto& [partition, account] : ledger.accounts) kept += account.totals.kept_bytes;
  if (kept <= bytes_max_) return {};
  const std::uint64_t target = bytes_max_ - bytes_max_ / 16;
  std::map<partition_id, oldest> heads;
  const auto find_head = [&](partition_id partition) -> result<void> {
    heads.erase(partition);
    auto head = oldest_of(txn, partition);
    if (!head) return head.error();
    if (*head) heads[partition] = **head;
    return {};
  };
  for (const auto& [partition, account] : ledger.accounts)
    if (account.totals.kept > 0)
      if (auto found = find_head(partition); !found) return found;

  while (kept > target && !heads.empty()) {
    const auto next = std::min_element(
        heads.begin(), heads.end(),
        [](const auto& a, const auto& b) { return a.second.arrival < b.second.arrival; });
    const auto [partition, head] = *next;
    auto erased = txn.erase(file_.id(journal_table::dead_letters), head.key);
    if (!erased) return erased.error();
    dead_letter_ledger::account& account = ledger.accounts[partition];
    account.totals.kept -= 1;
    account.totals.kept_bytes -= head.size;
    account.totals.dropped += 1;
    account.dropped_through = head.key;
    kept -= head.size;
    if (auto found = find_head(partition); !found) return found;
  }
  return {};
}

result<std::optional<dead_letter_store::stored_dead_letter>> dead_letter_store::get(
    const lmdb::transaction& txn, const dead_letter_key& key) const {
  auto value = file_.get(txn, journal_table::dead_letters, key);
  if (!value) return value.error();
  if (!*value) return std::optional<stored_dead_letter>{};
  auto letter = decode_dead_letter(key, **value);
  if (!letter) return file_.damaged(journal_table::dead_letters, key);
  return std::optional(stored_dead_letter{*std::move(letter), (*value)->size() + checksum_bytes});
}

result<void> dead_letter_store::scan(const dead_letter_filter& filter, const visitor& visit) {
  if (filter.limit == 0) return {};
  std::vector<partition_id> partitions = filter.partitions;
  if (partitions.empty()) {
    const std::lock_guard lock(mutex_);
    for (const auto& [partition, account] : ledger_.accounts) partitions.push_back(partition);
  }
  std::size_t found = 0;
  return file_.read([&](const lmdb::read_transaction& txn) -> result<void> {
    for (const partition_id partition : partitions_.in_order(std::move(partitions))) {
      const dead_letter_key first = dead_letter_key::lowest(partition, filter.lowest());
      const auto see = [&](bytes stored, bytes value) -> result<bool> {
        const auto key = dead_letter_key::read(stored);
        if (!key) return file_.damaged(journal_table::dead_letters, stored);
        if (key->partition() != partition || key->at() > filter.highest()) return false;
        auto letter = decode_dead_letter(*key, value);
        if (!letter) return file_.damaged(journal_table::dead_letters, stored);
        if (!filter.passes(*letter)) return true;
        visit(*key, *letter, value.size() + checksum_bytes);
        return ++found < filter.limit;
      };
      auto scanned = file_.scan(txn, journal_table::dead_letters, first, see);
      if (!scanned || found == filter.limit) return scanned;
    }
    return {};
  });
}

result<std::vector<dead_letter>> dead_letter_store::list(const dead_letter_filter& filter) {
  std::vector<dead_letter> all;
  auto scanned = scan(filter, [&](const dead_letter_key&, dead_letter& letter, std::size_t) {
    all.push_back(std::move(letter));
  });
  if (!scanned) return scanned.error();
  return all;
}

std::vector<dead_letter_count> dead_letter_store::counts() const {
  const dead_letter_ledger ledger = begin();
  std::map<partition_id, std::vector<dead_letter_count>> by_partition;
  std::vector<partition_id> partitions;
  for (const auto& [key, count] : ledger.counts) {
    by_partition[key.partition].push_back({key.partition, key.phase, key.reason, count});
    partitions.push_back(key.partition);
  }
  std::vector<dead_letter_count> all;
  for (const partition_id id : partitions_.in_order(std::move(partitions)))
    std::move(by_partition[id].begin(), by_partition[id].end(), std::back_inserter(all));
  return all;
}

bool dead_letter_store::remembers_removed(partition_id id) const {
  const std::lock_guard lock(mutex_);
  const auto account = ledger_.accounts.find(id);
  return account != ledger_.accounts.end() && account->second.removed > 0;
}

std::vector<dead_letter_totals> dead_letter_store::summary() const {
  const dead_letter_ledger ledger = begin();
  std::vector<partition_id> partitions;
  for (const auto& [partition, account] : ledger.accounts) partitions.push_back(partition);
  std::vector<dead_letter_totals> all;
  for (const partition_id id : partitions_.in_order(std::move(partitions)))
    all.push_back(ledger.accounts.at(id).totals);
  return all;
}

}  // namespace windrow::storage
