#include "storage/journal/skip_table.hpp"

namespace windrow::storage {

result<std::vector<skip_range>> skip_table::of(partition_id id) {
  std::vector<skip_range> ranges;
  const auto key = big_key(id);
  auto read = file_.read([&](const lmdb::read_transaction& txn) -> result<void> {
    auto value = file_.get(txn, journal_table::skips, key);
    if (!value) return value.error();
    if (!*value) return {};
    byte_reader in(**value);
    while (in.ok() && !in.done()) {
      skip_range range;
      range.from = in.number<sequence>();
      range.to = in.number<sequence>();
      ranges.push_back(range);
    }
    return in.done() ? result<void>{} : file_.damaged(journal_table::skips, key);
  });
  if (!read) return read.error();
  return ranges;
}

result<void> skip_table::set(partition_id id, const std::vector<skip_range>& ranges) {
  if (auto known = partitions_.check_known(id); !known) return known;
  const auto key = big_key(id);
  byte_buffer value;
  byte_writer out(value);
  for (const skip_range& range : ranges) {
    out.number(range.from);
    out.number(range.to);
  }
  const std::lock_guard order(file_.writing());
  return file_.write([&](lmdb::write_transaction& txn) -> result<void> {
    if (!ranges.empty()) return file_.put(txn, journal_table::skips, key, value);
    auto erased = txn.erase(file_.id(journal_table::skips), key);
    return erased ? result<void>{} : erased.error();
  });
}

result<void> skip_table::trim(partition_id id, sequence through) {
  auto ranges = of(id);
  if (!ranges) return ranges.error();
  const auto gone = std::erase_if(*ranges, [&](const skip_range& r) { return r.to <= through; });
  return gone == 0 ? result<void>{} : set(id, *ranges);
}

}  // namespace windrow::storage
