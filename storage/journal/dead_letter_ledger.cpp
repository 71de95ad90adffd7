#include "storage/journal/dead_letter_ledger.hpp"

#include <algorithm>
#include <array>

namespace windrow::storage {

namespace {

constexpr auto count_table = journal_table::dead_letter_counts;
constexpr auto total_table = journal_table::dead_letter_totals;

}  // namespace

result<void> dead_letter_ledger::load(const journal_file& file, const lmdb::read_transaction& txn) {
  auto counted = file.scan(txn, count_table, {}, [&](bytes key, bytes value) -> result<bool> {
    byte_reader name(key);
    const bytes partition = name.raw(8);
    const bytes phase = name.raw(name.number<std::uint8_t>());
    byte_reader in(value);
    const auto count = in.number<std::uint64_t>();
    if (!name.ok() || !in.done()) return file.damaged(count_table, key);
    count_key of;
    of.partition = load_big<partition_id>(partition.data());
    of.phase = as_text(phase);
    of.reason = as_text(key.subspan(9 + phase.size()));
    counts[of] = count;
    return true;
  });
  if (!counted) return counted;
  return file.scan(txn, total_table, {}, [&](bytes key, bytes value) -> result<bool> {
    account one;
    byte_reader in(value);
    one.totals.kept = in.number<std::uint64_t>();
    one.totals.kept_bytes = in.number<std::uint64_t>();
    one.totals.dropped = in.number<std::uint64_t>();
    one.totals.replayed = in.number<std::uint64_t>();
    one.totals.erased = in.number<std::uint64_t>();
    one.removed = in.number<std::uint64_t>();
    one.removed_through = in.number<sequence>();
    const auto through = dead_letter_key::read(in.raw(sizeof(dead_letter_key)));
    if (!in.done() || !through || key.size() != 8) return file.damaged(total_table, key);
    one.dropped_through = *through;
    one.totals.partition = load_big<partition_id>(key.data());
    accounts[one.totals.partition] = one;
    return true;
  });
}

result<void> dead_letter_ledger::write(const journal_file& file, lmdb::write_transaction& txn,
                                       const dead_letter_ledger& before) const {
  for (const auto& [key, count] : counts) {
    if (const auto old = before.counts.find(key);
        old != before.counts.end() && old->second == count)
      continue;
    byte_buffer name(8);
    store_big(name.data(), key.partition);
    byte_writer out(name);
    out.number(static_cast<std::uint8_t>(key.phase.size()));
    out.raw(as_bytes(key.phase));
    out.raw(as_bytes(key.reason));
    byte_buffer value;
    byte_writer(value).number(count);
    if (auto put = file.put(txn, count_table, name, value); !put) return put;
  }
  for (const auto& [partition, one] : accounts) {
    const auto old = before.accounts.find(partition);
    if (old != before.accounts.end() && old->second == one) continue;
    std::array<std::uint8_t, 8> name{};
    store_big(name.data(), partition);
    byte_buffer value;
    byte_writer out(value);
    out.number(one.totals.kept);
    out.number(one.totals.kept_bytes);
    out.number(one.totals.dropped);
    out.number(one.totals.replayed);
    out.number(one.totals.erased);
    out.number(one.removed);
    out.number(one.removed_through);
    out.raw(one.dropped_through);
    if (auto put = file.put(txn, total_table, name, value); !put) return put;
  }
  return {};
}

}  // namespace windrow::storage
