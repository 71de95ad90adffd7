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

using partition_key = std::array<std::uint8_t, 8>;
using arrival_key = std::array<std::uint8_t, 16>;

partition_key partition_key_of(partition_id id) noexcept {
  partition_key key;
  store_big(key.data(), id);
  return key;
}

arrival_key arrival_key_of(partition_id id, sequence to) noexcept {
  arrival_key key;
  store_big(key.data(), id);
  store_big(key.data() + 8, to);
  return key;
}

}  // namespace

result<void> journal::load_partitions(const lmdb::read_transaction& txn) {
  std::map<std::uint32_t, partition> by_order;
  auto done =
      txn.scan(id(partition_entries), {}, {}, [&](const lmdb::entry& found) -> result<bool> {
        auto value = unseal(partition_entries, found);
        if (!value) return value.error();
        partition p;
        byte_reader in(*value);
        const auto order = in.number<std::uint32_t>();
        p.kind = static_cast<partition_kind>(in.number<std::uint8_t>());
        p.name = in.text();
        p.state = in.text();
        if (found.key.size() == sizeof(partition_key))
          p.id = load_big<partition_id>(found.key.data());
        if (!in.done() || p.id == 0 || p.id != id_of_name_(p.name) ||
            !by_order.emplace(order, std::move(p)).second)
          return damaged(partition_entries, found.key);
        return true;
      });
  if (!done) return done;
  for (auto& [order, p] : by_order) {
    if (order != partitions_.size() + 1)
      return failure{errc::corrupt, data_file() + ": source partition number " +
                                        std::to_string(partitions_.size() + 1) +
                                        " is missing. Restore the data folder from a copy."};
    order_[p.id] = partitions_.size();
    partitions_.push_back(std::move(p));
  }
  return {};
}

result<void> journal::put_partition(const partition& p, std::size_t order) {
  byte_buffer value;
  byte_writer out(value);
  out.number(static_cast<std::uint32_t>(order + 1));
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
  partition made{id_of_name_(name), kind, name, state};
  if (auto known = find_partition(made.id)) {
    if (known->name == name && known->kind == kind) return *std::move(known);
    return failure{errc::conflict,
                   "The source partition '" + name + "' would have the id " + hex_of(made.id) +
                       ", which the folder has given to '" + known->name +
                       "': what is stored of one would be taken for the other's. Read it under "
                       "another name, or into another folder."};
  }
  if (auto put = put_partition(made, partitions_.size()); !put) return put.error();
  const std::lock_guard lock(mutex_);
  order_[made.id] = partitions_.size();
  partitions_.push_back(made);
  return made;
}

result<void> journal::check_partition(partition_id id) const {
  if (find_partition(id)) return {};
  return failure{errc::not_found, "There is no source partition " + hex_of(id) + "."};
}

result<void> journal::set_partition_state(partition_id id, const std::string& state) {
  if (auto known = check_partition(id); !known) return known;
  const std::lock_guard order(writing_);
  partition changed = *find_partition(id);
  if (changed.state == state) return {};
  changed.state = state;
  if (auto put = put_partition(changed, order_.at(id)); !put) return put;
  const std::lock_guard lock(mutex_);
  partitions_[order_.at(id)] = std::move(changed);
  return {};
}

std::optional<partition> journal::find_partition(partition_id id) const {
  const std::lock_guard lock(mutex_);
  const auto found = order_.find(id);
  return found == order_.end() ? std::nullopt : std::optional(partitions_[found->second]);
}

std::optional<partition> journal::find_partition(partition_kind kind,
                                                 const std::string& name) const {
  auto found = find_partition(id_of_name_(name));
  return found && found->name == name && found->kind == kind ? std::move(found) : std::nullopt;
}

std::vector<partition> journal::partitions() const {
  const std::lock_guard lock(mutex_);
  return partitions_;
}

std::string label_of(const partition& p) {
  return p.kind == partition_kind::journal ? "journal" : p.name;
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
      range.to = load_big<sequence>(found.key.data() + 8);
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
                       hex_of(partition) + " up to " + std::to_string(there->back().to) + "."};
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
          load_big<sequence>(key.data() + 8) > through)
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
