#include <algorithm>
#include <cassert>

#include "base/checksum.hpp"
#include "storage/journal/journal.hpp"

/// Partitions, the arrival times of their messages, and what a seek passed over.
namespace windrow::storage {

namespace {

constexpr std::size_t name_bytes_max = 4096;
constexpr std::string_view partition_table = "partitions";
constexpr std::string_view arrival_table = "arrivals";
constexpr std::string_view skip_table = "skips";

using partition_key = std::array<std::uint8_t, 4>;
using arrival_key = std::array<std::uint8_t, 12>;

partition_key partition_key_of(partition_id id) noexcept {
  partition_key key;
  store_big(key.data(), id);
  return key;
}

arrival_key arrival_key_of(partition_id id, sequence to) noexcept {
  arrival_key key;
  store_big(key.data(), id);
  store_big(key.data() + 4, to);
  return key;
}

}  // namespace

result<void> journal::load_partitions(const lmdb::read_transaction& txn) {
  return txn.scan(id(partition_entries), {}, {}, [&](const lmdb::entry& found) -> result<bool> {
    auto value = unseal(partition_entries, found);
    if (!value) return value.error();
    partition p;
    byte_reader in(*value);
    p.id = found.key.size() == 4 ? load_big<partition_id>(found.key.data()) : 0;
    p.kind = static_cast<partition_kind>(in.number<std::uint8_t>());
    p.name = in.text();
    p.state = in.text();
    if (!in.done() || p.id != partitions_.size() + 1) return damaged(partition_entries, found.key);
    partitions_.push_back(std::move(p));
    return true;
  });
}

result<void> journal::put_partition(const partition& p) {
  byte_buffer value;
  byte_writer out(value);
  out.number(static_cast<std::uint8_t>(p.kind));
  out.text(p.name);
  out.text(p.state);
  const partition_key key = partition_key_of(p.id);
  seal_value(partition_table, key, value);
  return file_->write(
      [&](lmdb::write_transaction& txn) { return txn.put(id(partition_entries), key, value); });
}

result<partition> journal::register_partition(partition_kind kind, const std::string& name,
                                              const std::string& state) {
  if (name.empty() || name.size() > name_bytes_max)
    return failure{errc::invalid, "The name of a source partition has 1 to 4096 bytes."};
  const std::lock_guard order(writing_);
  if (auto known = find_partition(kind, name)) return *std::move(known);
  partition made{static_cast<partition_id>(partitions_.size() + 1), kind, name, state};
  if (auto put = put_partition(made); !put) return put.error();
  const std::lock_guard lock(mutex_);
  partitions_.push_back(made);
  return made;
}

result<void> journal::check_partition(partition_id id) const {
  const std::lock_guard lock(mutex_);
  if (id >= 1 && id <= partitions_.size()) return {};
  return failure{errc::not_found, "There is no source partition " + std::to_string(id) + "."};
}

result<void> journal::set_partition_state(partition_id id, const std::string& state) {
  if (auto known = check_partition(id); !known) return known;
  const std::lock_guard order(writing_);
  partition changed = partitions()[id - 1];
  if (changed.state == state) return {};
  changed.state = state;
  if (auto put = put_partition(changed); !put) return put;
  const std::lock_guard lock(mutex_);
  partitions_[id - 1] = std::move(changed);
  return {};
}

std::optional<partition> journal::find_partition(partition_kind kind,
                                                 const std::string& name) const {
  const std::lock_guard lock(mutex_);
  for (const partition& p : partitions_)
    if (p.kind == kind && p.name == name) return p;
  return std::nullopt;
}

std::vector<partition> journal::partitions() const {
  const std::lock_guard lock(mutex_);
  return partitions_;
}

result<std::vector<arrival_range>> journal::arrivals(partition_id partition, sequence from,
                                                     sequence to) {
  std::vector<arrival_range> all;
  if (from >= to) return all;
  const arrival_key first = arrival_key_of(partition, from + 1);
  auto read = file_->read([&](const lmdb::read_transaction& txn) {
    return txn.scan(id(arrival_entries), first, {}, [&](const lmdb::entry& found) -> result<bool> {
      auto value = unseal(arrival_entries, found);
      if (!value) return value.error();
      byte_reader in(*value);
      arrival_range range;
      range.from = in.number<sequence>();
      range.arrival = in.number<std::int64_t>();
      if (!in.done() || found.key.size() != first.size())
        return damaged(arrival_entries, found.key);
      range.to = load_big<sequence>(found.key.data() + 4);
      if (load_big<partition_id>(found.key.data()) != partition || range.from >= to) return false;
      all.push_back(range);
      return true;
    });
  });
  if (!read) return read.error();
  return all;
}

result<std::optional<arrival_range>> journal::find_arrival(partition_id partition, sequence at) {
  if (at == 0) return std::optional<arrival_range>{};
  auto covering = arrivals(partition, at - 1, at);
  if (!covering) return covering.error();
  return covering->empty() ? std::optional<arrival_range>{} : covering->front();
}

result<void> journal::note_arrival(partition_id partition, const arrival_range& range) {
  if (auto known = check_partition(partition); !known) return known;
  if (range.from >= range.to)
    return failure{errc::invalid, "A range of arrivals ends after it begins."};
  const std::lock_guard order(writing_);
  auto there = arrivals(partition, range.from, range.to);
  if (!there) return there.error();
  if (there->size() == 1 && there->front() == range) return {};
  if (!there->empty())
    return failure{errc::invalid,
                   "An arrival time is noted already for messages of source partition " +
                       std::to_string(partition) + " up to " + std::to_string(there->back().to) +
                       "."};
  byte_buffer value;
  byte_writer out(value);
  out.number(range.from);
  out.number(range.arrival);
  const arrival_key key = arrival_key_of(partition, range.to);
  seal_value(arrival_table, key, value);
  return file_->write(
      [&](lmdb::write_transaction& txn) { return txn.put(id(arrival_entries), key, value); });
}

result<void> journal::trim_arrivals(partition_id partition, sequence through) {
  const std::lock_guard order(writing_);
  const arrival_key first = arrival_key_of(partition, 0);
  std::vector<arrival_key> gone;
  auto listed = file_->read([&](const lmdb::read_transaction& txn) {
    return txn.scan(id(arrival_entries), first, {}, [&](const lmdb::entry& found) -> result<bool> {
      arrival_key key{};
      if (found.key.size() != key.size()) return damaged(arrival_entries, found.key);
      std::copy(found.key.begin(), found.key.end(), key.begin());
      if (load_big<partition_id>(key.data()) != partition ||
          load_big<sequence>(key.data() + 4) > through)
        return false;
      gone.push_back(key);
      return true;
    });
  });
  if (!listed || gone.empty()) return listed;
  return file_->write([&](lmdb::write_transaction& txn) -> result<void> {
    for (const arrival_key& key : gone)
      if (auto erased = txn.erase(id(arrival_entries), key); !erased) return erased.error();
    return {};
  });
}

// ---- skips -------------------------------------------------------------------------------------

result<std::vector<skip_range>> journal::skips(partition_id partition) {
  std::vector<skip_range> ranges;
  const partition_key key = partition_key_of(partition);
  auto read = file_->read([&](const lmdb::read_transaction& txn) -> result<void> {
    auto found = txn.get(id(skip_entries), key);
    if (!found) return found.error();
    if (!*found) return {};
    auto value = unseal(skip_entries, {key, **found});
    if (!value) return value.error();
    byte_reader in(*value);
    while (in.ok() && !in.done()) {
      skip_range range;
      range.from = in.number<sequence>();
      range.to = in.number<sequence>();
      ranges.push_back(range);
    }
    return in.done() ? result<void>{} : damaged(skip_entries, key);
  });
  if (!read) return read.error();
  return ranges;
}

result<void> journal::set_skips(partition_id partition, const std::vector<skip_range>& ranges) {
  if (auto known = check_partition(partition); !known) return known;
  const partition_key key = partition_key_of(partition);
  byte_buffer value;
  byte_writer out(value);
  for (const skip_range& range : ranges) {
    out.number(range.from);
    out.number(range.to);
  }
  seal_value(skip_table, key, value);
  const std::lock_guard order(writing_);
  return file_->write([&](lmdb::write_transaction& txn) -> result<void> {
    if (!ranges.empty()) return txn.put(id(skip_entries), key, value);
    auto erased = txn.erase(id(skip_entries), key);
    return erased ? result<void>{} : erased.error();
  });
}

// Not for use while another thread seeks in the partition.
result<void> journal::trim_skips(partition_id partition, sequence through) {
  auto ranges = skips(partition);
  if (!ranges) return ranges.error();
  const auto gone = std::erase_if(*ranges, [&](const skip_range& r) { return r.to <= through; });
  return gone == 0 ? result<void>{} : set_skips(partition, *ranges);
}

}  // namespace windrow::storage
