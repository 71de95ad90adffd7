#include "node/inspection.hpp"

#include "node/shard_set.hpp"
#include "sources/kinds.hpp"
#include "storage/dedup/dedup_index.hpp"
#include "storage/folder/folder.hpp"
#include "storage/journal/journal.hpp"
#include "storage/lmdb/file_identity.hpp"
#include "storage/record/record_codec.hpp"

namespace windrow::node {

namespace {

result<inspection::journal_state> describe(storage::journal& journal) {
  const auto stats = journal.stats();
  if (!stats) return stats.error();
  inspection::journal_state out;
  out.file = journal.data_file();
  out.file_bytes = stats->file_bytes;
  out.used_bytes = stats->used_bytes - stats->free_bytes;
  out.last = journal.entries().last();
  out.trimmed = journal.entries().trimmed();
  for (const auto& table : stats->tables) out.tables[table.name] = table.entries;
  return out;
}

result<inspection::dedup_state> describe(storage::dedup_index& dedup) {
  const auto stats = dedup.file_stats();
  if (!stats) return stats.error();
  inspection::dedup_state out;
  out.file = dedup.data_file();
  out.file_bytes = stats->file_bytes;
  out.used_bytes = stats->used_bytes - stats->free_bytes;
  for (const auto& table : stats->tables) out.stored_values += table.entries;
  out.ids = dedup.stats().ids;
  return out;
}

result<std::uint64_t> verify_shard(storage::shard_store& store, const schema::plan_ptr& plan,
                                   std::uint64_t seed) {
  storage::record_pool pool(plan);
  const auto stored = store.layouts();
  if (!stored) return stored.error();
  const auto layouts = storage::layout_table::make(pool.layouts(), *stored);
  if (!layouts) return layouts.error();
  return store.verify(
      [&](const storage::record_key& key, bytes value) -> result<bool> {
        const auto body = storage::checked_body(key, seed, *layouts, value);
        const auto name = storage::read_record_key(key);
        if (body.empty()) return storage::damaged("value in " + store.data_file());
        if (name.segment != 0) return true;
        const auto read = storage::decode_head(pool, *layouts, body, name.hash.lo);
        if (!read) return storage::damaged("record in " + store.data_file());
        if (read->r) pool.destroy(read->r);
        return true;
      },
      [&](std::uint16_t stripe, bytes value) -> result<void> {
        auto state = storage::decode_stripe(*plan, value, stripe, seed);
        if (!state) return state.error();
        return {};
      });
}

}  // namespace

result<inspection> inspect(const inspected& what) {
  inspection out;
  const storage::node_meta& meta = what.folder.meta();
  out.path = what.folder.path();
  out.format_version = storage::format_version;
  out.id = storage::to_string(meta.id);
  out.created = {meta.created};
  out.shard_count = meta.shard_count;
  out.declarations = storage::hex_of(meta.plan_digest);
  auto shards = count_shards(what.shards, what.names);
  if (!shards) return shards.error();
  out.shards = std::move(*shards);
  auto journal = describe(what.journal);
  if (!journal) return journal.error();
  out.journal = std::move(*journal);
  if (what.dedup) {
    auto dedup = describe(*what.dedup);
    if (!dedup) return dedup.error();
    out.dedup = std::move(*dedup);
  }
  for (const storage::partition& p : what.journal.partitions().all())
    out.partitions.push_back(
        {storage::hex_of(p.id), std::string(sources::name_of(p.kind)), storage::label_of(p)});
  for (const storage::dead_letter_totals& l : what.journal.dead_letters().summary())
    out.dead_letters.push_back({storage::hex_of(l.partition), l.kept, l.kept_bytes, l.dropped});
  return out;
}

result<std::uint64_t> verify(const inspected& what) {
  auto total = what.journal.verify();
  if (!total) return total;
  if (what.dedup) {
    auto checked = what.dedup->verify();
    if (!checked) return checked;
    *total += *checked;
  }
  for (std::size_t s = 0; s < what.shards.size(); ++s) {
    auto checked = verify_shard(what.shards.store(s), what.plan, what.folder.meta().hash_seed);
    if (!checked) return checked;
    *total += *checked;
  }
  return total;
}

}  // namespace windrow::node
