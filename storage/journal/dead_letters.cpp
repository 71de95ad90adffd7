#include <algorithm>
#include <iterator>

#include "base/checksum.hpp"
#include "storage/journal/journal.hpp"

/// Dead letters: written once each, counted exactly, bounded.
namespace windrow::storage {

namespace {

constexpr std::size_t staged_bytes_max = 4 << 20;
constexpr std::size_t code_bytes_max = 128;
constexpr std::size_t stream_bytes_max = 4096;
constexpr std::string_view letter_table = "dead_letters";
constexpr std::string_view count_table = "dead_letter_counts";
constexpr std::string_view total_table = "dead_letter_totals";

std::size_t memory_of(const dead_letter& letter) noexcept {
  std::size_t bytes = sizeof(letter) + letter.stream.size() + letter.phase.size() +
                      letter.reason.size() + letter.message.size() + letter.bytes.size() +
                      (letter.key ? letter.key->size() : 0);
  for (const auto& header : letter.headers)
    bytes += sizeof(header) + header.first.size() + header.second.size();
  return bytes;
}

byte_buffer encode(const dead_letter& letter) {
  byte_buffer value;
  value.reserve(memory_of(letter));
  byte_writer out(value);
  out.number(letter.arrival);
  out.number(letter.total_bytes);
  out.text(letter.stream);
  out.text(letter.phase);
  out.text(letter.reason);
  out.text(letter.message);
  out.text(letter.bytes);
  out.number(static_cast<std::uint8_t>(letter.key.has_value()));
  if (letter.key) out.text(*letter.key);
  out.number(static_cast<std::uint8_t>(letter.timed));
  out.number(static_cast<std::uint32_t>(letter.headers.size()));
  for (const auto& [name, text] : letter.headers) out.text(name), out.text(text);
  out.text(letter.media_type);
  return value;
}

bool passes(const dead_letter_filter& filter, const dead_letter& letter) {
  const auto in = [](const auto& wanted, const auto& value) {
    return wanted.empty() || std::find(wanted.begin(), wanted.end(), value) != wanted.end();
  };
  const auto& reason = filter.reason;
  return in(filter.partitions, letter.partition) && in(filter.streams, letter.stream) &&
         (!filter.at || letter.at == *filter.at) &&
         (!reason || *reason == letter.reason || *reason == letter.phase ||
          *reason == letter.phase + ": " + letter.reason);
}

}  // namespace

journal::letter_key journal::letter_key_of(const dead_letter& letter) {
  letter_key key;
  store_big(key.data(), letter.partition);
  store_big(key.data() + 8, letter.at);
  store_big(key.data() + 16, checksum(as_bytes(letter.stream)));
  return key;
}

result<void> journal::load_letters(const lmdb::read_transaction& txn) {
  auto counted =
      txn.scan(id(letter_count_entries), {}, {}, [&](const lmdb::entry& found) -> result<bool> {
        auto value = unseal(letter_count_entries, found);
        if (!value) return value.error();
        count_key key;
        byte_reader name(found.key);
        const bytes partition = name.raw(8);
        const bytes phase = name.raw(name.number<std::uint8_t>());
        byte_reader in(*value);
        const auto count = in.number<std::uint64_t>();
        if (!name.ok() || !in.done()) return damaged(letter_count_entries, found.key);
        key.partition = load_big<partition_id>(partition.data());
        key.phase = as_text(phase);
        key.reason = as_text(found.key.subspan(9 + phase.size()));
        books_.counts[key] = count;
        return true;
      });
  if (!counted) return counted;
  return txn.scan(id(letter_total_entries), {}, {}, [&](const lmdb::entry& found) -> result<bool> {
    auto value = unseal(letter_total_entries, found);
    if (!value) return value.error();
    letter_account account;
    byte_reader in(*value);
    account.totals.kept = in.number<std::uint64_t>();
    account.totals.kept_bytes = in.number<std::uint64_t>();
    account.totals.dropped = in.number<std::uint64_t>();
    account.totals.replayed = in.number<std::uint64_t>();
    account.totals.erased = in.number<std::uint64_t>();
    account.removed = in.number<std::uint64_t>();
    account.removed_through = in.number<sequence>();
    const bytes through = in.raw(account.dropped_through.size());
    if (!in.done() || found.key.size() != 8) return damaged(letter_total_entries, found.key);
    std::copy(through.begin(), through.end(), account.dropped_through.begin());
    account.totals.partition = load_big<partition_id>(found.key.data());
    books_.accounts[account.totals.partition] = account;
    return true;
  });
}

result<void> journal::stage_dead_letter(dead_letter letter) {
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
    if (auto flushed = flush_dead_letters(); !flushed) return flushed;
  {
    const std::lock_guard lock(mutex_);
    staged_bytes_ += memory_of(letter);
    const letter_key key = letter_key_of(letter);
    staged_.push_back({key, std::move(letter)});
  }
  return full() ? flush_dead_letters() : result<void>{};
}

result<void> journal::flush_dead_letters() {
  {
    const std::lock_guard lock(mutex_);
    if (staged_bytes_ == 0) return {};  // those that are being flushed count
  }
  const std::lock_guard order(writing_);
  std::vector<staged_letter> letters;
  {
    const std::lock_guard lock(mutex_);
    letters.swap(staged_);
  }
  if (letters.empty()) return {};
  std::stable_sort(letters.begin(), letters.end(),
                   [](const staged_letter& a, const staged_letter& b) { return a.key < b.key; });
  letter_books books = books_;
  auto written = file_->write([&](lmdb::write_transaction& txn) -> result<void> {
    if (auto done = write_letters(txn, books, letters); !done) return done;
    if (auto done = let_oldest_go(txn, books); !done) return done;
    return write_books(txn, books);
  });
  const std::lock_guard lock(mutex_);
  if (!written) {
    staged_.insert(staged_.begin(), std::move_iterator(letters.begin()),
                   std::move_iterator(letters.end()));
    return written;
  }
  books_ = std::move(books);
  for (const staged_letter& one : letters) staged_bytes_ -= memory_of(one.letter);
  return {};
}

result<void> journal::write_letters(lmdb::write_transaction& txn, letter_books& books,
                                    std::span<const staged_letter> letters) const {
  for (const staged_letter& staged : letters) {
    letter_account& account = books.accounts[staged.letter.partition];
    account.totals.partition = staged.letter.partition;
    // Letters leave in key order, so one at or below the mark was here, and counted, before.
    if (account.totals.dropped > 0 && staged.key <= account.dropped_through) continue;
    // So was one that has left on request.
    if (staged.letter.at <= account.removed_through) continue;
    if (account.removed > 0) {
      auto removed = txn.get(id(removed_letter_entries), staged.key);
      if (!removed) return removed.error();
      if (*removed) continue;
    }
    byte_buffer value = encode(staged.letter);
    seal_value(letter_table, staged.key, value);
    auto fresh = txn.insert(id(letter_entries), staged.key, value);
    if (!fresh) return fresh.error();
    if (!*fresh) continue;
    account.totals.kept += 1;
    account.totals.kept_bytes += value.size();
    books.counts[{staged.letter.partition, staged.letter.phase, staged.letter.reason}] += 1;
  }
  return {};
}

/// Lets the letters with the oldest arrival go, a sixteenth more than needed.
result<void> journal::let_oldest_go(lmdb::write_transaction& txn, letter_books& books) const {
  std::uint64_t kept = 0;
  for (const auto& [partition, account] : books.accounts) kept += account.totals.kept_bytes;
  if (kept <= letter_bytes_max_) return {};
  const std::uint64_t target = letter_bytes_max_ - letter_bytes_max_ / 16;

  /// The oldest letter of a partition.
  struct oldest {
    letter_key key{};
    std::int64_t arrival = 0;
    std::uint64_t size = 0;
  };
  std::map<partition_id, oldest> heads;
  const auto find_head = [&](partition_id partition) -> result<void> {
    heads.erase(partition);
    letter_key lowest{};
    store_big(lowest.data(), partition);
    auto found = txn.seek(id(letter_entries), lowest);
    if (!found) return found.error();
    if (!*found || load_big<partition_id>((*found)->key.data()) != partition) return {};
    auto value = unseal(letter_entries, **found);
    if (!value) return value.error();
    oldest head;
    if ((*found)->key.size() != head.key.size()) return damaged(letter_entries, (*found)->key);
    std::copy((*found)->key.begin(), (*found)->key.end(), head.key.begin());
    head.arrival = byte_reader(*value).number<std::int64_t>();
    head.size = (*found)->value.size();
    heads[partition] = head;
    return {};
  };
  for (const auto& [partition, account] : books.accounts)
    if (account.totals.kept > 0)
      if (auto found = find_head(partition); !found) return found;

  while (kept > target && !heads.empty()) {
    const auto next = std::min_element(
        heads.begin(), heads.end(),
        [](const auto& a, const auto& b) { return a.second.arrival < b.second.arrival; });
    const auto [partition, head] = *next;
    auto erased = txn.erase(id(letter_entries), head.key);
    if (!erased) return erased.error();
    letter_account& account = books.accounts[partition];
    account.totals.kept -= 1;
    account.totals.kept_bytes -= head.size;
    account.totals.dropped += 1;
    account.dropped_through = head.key;
    kept -= head.size;
    if (auto found = find_head(partition); !found) return found;
  }
  return {};
}

result<void> journal::write_books(lmdb::write_transaction& txn, const letter_books& books) const {
  for (const auto& [key, count] : books.counts) {
    if (const auto old = books_.counts.find(key);
        old != books_.counts.end() && old->second == count)
      continue;
    byte_buffer name(8);
    store_big(name.data(), key.partition);
    byte_writer out(name);
    out.number(static_cast<std::uint8_t>(key.phase.size()));
    out.raw(as_bytes(key.phase));
    out.raw(as_bytes(key.reason));
    byte_buffer value;
    byte_writer(value).number(count);
    seal_value(count_table, name, value);
    if (auto put = txn.put(id(letter_count_entries), name, value); !put) return put;
  }
  for (const auto& [partition, account] : books.accounts) {
    const auto old = books_.accounts.find(partition);
    if (old != books_.accounts.end() && old->second == account) continue;
    std::array<std::uint8_t, 8> name{};
    store_big(name.data(), partition);
    byte_buffer value;
    byte_writer out(value);
    out.number(account.totals.kept);
    out.number(account.totals.kept_bytes);
    out.number(account.totals.dropped);
    out.number(account.totals.replayed);
    out.number(account.totals.erased);
    out.number(account.removed);
    out.number(account.removed_through);
    out.raw(account.dropped_through);
    seal_value(total_table, name, value);
    if (auto put = txn.put(id(letter_total_entries), name, value); !put) return put;
  }
  return {};
}

result<dead_letter> journal::decode_letter(const lmdb::entry& stored) const {
  auto value = unseal(letter_entries, stored);
  if (!value) return value.error();
  if (stored.key.size() != sizeof(letter_key)) return damaged(letter_entries, stored.key);
  dead_letter letter;
  letter.partition = load_big<partition_id>(stored.key.data());
  letter.at = load_big<sequence>(stored.key.data() + 8);
  byte_reader in(*value);
  letter.arrival = in.number<std::int64_t>();
  letter.total_bytes = in.number<std::uint64_t>();
  letter.stream = in.text();
  letter.phase = in.text();
  letter.reason = in.text();
  letter.message = in.text();
  letter.bytes = in.text();
  if (in.number<std::uint8_t>() != 0) letter.key = in.text();
  letter.timed = in.number<std::uint8_t>() != 0;
  for (auto left = in.number<std::uint32_t>(); left > 0 && in.ok(); --left) {
    std::string name = in.text();
    letter.headers.emplace_back(std::move(name), in.text());
  }
  letter.media_type = in.text();
  if (!in.done()) return damaged(letter_entries, stored.key);
  return letter;
}

std::vector<partition_id> journal::in_order(std::vector<partition_id> ids) const {
  const std::lock_guard lock(mutex_);
  const auto order = [&](partition_id id) {
    const auto found = order_.find(id);
    return std::pair(found == order_.end() ? order_.size() : found->second, id);
  };
  std::sort(ids.begin(), ids.end(),
            [&](partition_id a, partition_id b) { return order(a) < order(b); });
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

result<void> journal::scan_letters(const dead_letter_filter& filter, const letter_visitor& visit) {
  if (filter.limit == 0) return {};
  std::vector<partition_id> partitions = filter.partitions;
  if (partitions.empty()) {
    const std::lock_guard lock(mutex_);
    for (const auto& [partition, account] : books_.accounts) partitions.push_back(partition);
  }
  std::size_t found = 0;
  return file_->read([&](const lmdb::read_transaction& txn) -> result<void> {
    for (const partition_id partition : in_order(std::move(partitions))) {
      letter_key first{};
      store_big(first.data(), partition);
      if (filter.after) store_big(first.data() + 8, *filter.after + 1);
      if (filter.at) store_big(first.data() + 8, *filter.at);
      auto scanned =
          txn.scan(id(letter_entries), first, {}, [&](const lmdb::entry& at) -> result<bool> {
            auto letter = decode_letter(at);
            if (!letter) return letter.error();
            if (letter->partition != partition) return false;
            if (filter.at && letter->at > *filter.at) return false;
            if (!passes(filter, *letter)) return true;
            letter_key key{};
            std::copy(at.key.begin(), at.key.end(), key.begin());
            visit(key, *letter, at.value.size());
            return ++found < filter.limit;
          });
      if (!scanned || found == filter.limit) return scanned;
    }
    return {};
  });
}

result<std::vector<dead_letter>> journal::dead_letters(const dead_letter_filter& filter) {
  std::vector<dead_letter> all;
  auto scanned = scan_letters(filter, [&](const letter_key&, dead_letter& letter, std::size_t) {
    all.push_back(std::move(letter));
  });
  if (!scanned) return scanned.error();
  return all;
}

std::vector<dead_letter_count> journal::dead_letter_counts() const {
  std::map<partition_id, std::vector<dead_letter_count>> counts;
  std::vector<partition_id> partitions;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, count] : books_.counts) {
      counts[key.partition].push_back({key.partition, key.phase, key.reason, count});
      partitions.push_back(key.partition);
    }
  }
  std::vector<dead_letter_count> all;
  for (const partition_id partition : in_order(std::move(partitions)))
    std::move(counts[partition].begin(), counts[partition].end(), std::back_inserter(all));
  return all;
}

std::vector<dead_letter_totals> journal::dead_letter_summary() const {
  std::map<partition_id, dead_letter_totals> totals;
  std::vector<partition_id> partitions;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [partition, account] : books_.accounts) {
      totals[partition] = account.totals;
      partitions.push_back(partition);
    }
  }
  std::vector<dead_letter_totals> all;
  for (const partition_id partition : in_order(std::move(partitions)))
    all.push_back(totals[partition]);
  return all;
}

}  // namespace windrow::storage
