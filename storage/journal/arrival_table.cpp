#include "storage/journal/arrival_table.hpp"

#include <algorithm>
#include <array>

namespace windrow::storage {

namespace {

using arrival_key = std::array<std::uint8_t, 16>;

}  // namespace

result<std::vector<arrival_range>> arrival_table::between(partition_id id, sequence from,
                                                          sequence to) {
  std::vector<arrival_range> all;
  if (from >= to) return all;
  const arrival_key first = big_key(id, from + 1);
  auto read = file_.read([&](const lmdb::read_transaction& txn) {
    return file_.scan(txn, journal_table::arrivals, first,
                      [&](bytes key, bytes value) -> result<bool> {
                        byte_reader in(value);
                        arrival_range range;
                        range.from = in.number<sequence>();
                        range.arrival = in.number<std::int64_t>();
                        if (!in.done() || key.size() != first.size())
                          return file_.damaged(journal_table::arrivals, key);
                        range.to = load_big<sequence>(key.data() + 8);
                        if (load_big<partition_id>(key.data()) != id || range.from >= to)
                          return false;
                        all.push_back(range);
                        return true;
                      });
  });
  if (!read) return read.error();
  return all;
}

result<std::optional<arrival_range>> arrival_table::find(partition_id id, sequence at) {
  if (at == 0) return std::optional<arrival_range>{};
  auto covering = between(id, at - 1, at);
  if (!covering) return covering.error();
  return covering->empty() ? std::optional<arrival_range>{} : covering->front();
}

result<void> arrival_table::note(partition_id id, const arrival_range& range) {
  if (auto known = partitions_.check_known(id); !known) return known;
  if (range.from >= range.to)
    return failure{errc::invalid, "A range of arrivals ends after it begins."};
  const std::lock_guard order(file_.writing());
  auto there = between(id, range.from, range.to);
  if (!there) return there.error();
  if (there->size() == 1 && there->front() == range) return {};
  if (!there->empty())
    return failure{errc::invalid,
                   "An arrival time is noted already for messages of source "
                   "partition " +
                       hex_of(id) + " up to " + std::to_string(there->back().to) + "."};
  byte_buffer value;
  byte_writer out(value);
  out.number(range.from);
  out.number(range.arrival);
  const arrival_key key = big_key(id, range.to);
  return file_.write([&](lmdb::write_transaction& txn) {
    return file_.put(txn, journal_table::arrivals, key, value);
  });
}

result<void> arrival_table::trim(partition_id id, sequence through) {
  const std::lock_guard order(file_.writing());
  const arrival_key first = big_key(id, sequence{0});
  std::vector<arrival_key> gone;
  auto listed = file_.read([&](const lmdb::read_transaction& txn) {
    return file_.scan(txn, journal_table::arrivals, first, [&](bytes key, bytes) -> result<bool> {
      arrival_key mine{};
      if (key.size() != mine.size()) return file_.damaged(journal_table::arrivals, key);
      std::copy(key.begin(), key.end(), mine.begin());
      if (load_big<partition_id>(mine.data()) != id ||
          load_big<sequence>(mine.data() + 8) > through)
        return false;
      gone.push_back(mine);
      return true;
    });
  });
  if (!listed || gone.empty()) return listed;
  return file_.write([&](lmdb::write_transaction& txn) -> result<void> {
    for (const arrival_key& key : gone)
      if (auto erased = txn.erase(file_.id(journal_table::arrivals), key); !erased)
        return erased.error();
    return {};
  });
}

}  // namespace windrow::storage
