#include "node/node_stats.hpp"

#include <algorithm>

#include "node/run_state.hpp"
#include "node/shard_set.hpp"
#include "node/source_manager.hpp"
#include "node/source_overview.hpp"
#include "schema/check_report.hpp"

namespace windrow::node {
namespace {

/// Sums what one shard holds; the only part that is inside its gate.
struct shard_sums {
  explicit shard_sums(const schema::plan& plan)
      : holds(plan.key_spaces.size()),
        late(plan.rules.size()),
        max_event_times(plan.watermark_groups.size(), storage::no_time) {}

  void add(const storage::shard_core& core) {
    const auto memory = core.memory();
    used += memory.records + memory.table;
    dirty += memory.dirty;
    for (std::size_t i = 0; i < holds.size(); ++i) {
      holds[i].records += core.holds()[i].records;
      holds[i].buckets += core.holds()[i].buckets;
    }
    for (std::size_t i = 0; i < late.size(); ++i) late[i] += core.progress().late_by_rule()[i];
    for (std::size_t i = 0; i < max_event_times.size(); ++i)
      max_event_times[i] = std::max(max_event_times[i], core.max_event_times()[i]);
  }

  std::uint64_t used = 0, dirty = 0;
  std::vector<storage::record_pool::held> holds;
  std::vector<std::uint64_t> late;            // by rule
  std::vector<std::int64_t> max_event_times;  // by watermark group
};

void describe(const schema::plan& plan, const shard_sums& sums, node_stats& out) {
  for (std::size_t k = 0; k < plan.key_spaces.size(); ++k) {
    out.key_spaces.push_back(
        {plan.key_spaces[k].name, sums.holds[k].records, sums.holds[k].buckets});
  }
  for (std::size_t s = 0; s < plan.all_series.size(); ++s) {
    const schema::series& one = plan.all_series[s];
    node_stats::series line;
    line.text = schema::describe_series(plan, static_cast<int>(s));
    line.max_event_time = sums.max_event_times[static_cast<std::size_t>(one.watermark_group)];
    // A row that is too old for a rule is too old for those that keep less.
    for (const int r : one.rules)
      line.late = std::max(line.late, sums.late[static_cast<std::size_t>(r)]);
    out.all_series.push_back(std::move(line));
  }
}

/// Adds what a shard's metrics and file say.
result<void> add_shard(const shard_set& shards, std::size_t shard, node_stats& out) {
  out.state_memory_limit += shards.access(shard)->memory_budget();
  const actors::shard_metrics& m = *shards.metrics(shard);
  out.visible += m.visible.read();
  out.cycles += m.cycles.read();
  out.commits += m.commits.read();
  out.written_bytes += m.written_bytes;
  out.written_values += m.written_values;
  const std::int64_t last = m.last_cycle;
  out.last_cycle = shard == 0 ? last : std::min(out.last_cycle, last);
  auto stats = shards.store(shard).stats();
  if (!stats) return stats.error();
  out.file_bytes += stats->file_bytes;
  out.stored_bytes += stats->used_bytes - stats->free_bytes;
  for (const auto& table : stats->tables) {
    if (table.name == "records") out.stored_values += table.entries;
  }
  return {};
}

result<void> add_journal(storage::journal& journal, node_stats& out) {
  auto stats = journal.stats();
  if (!stats) return stats.error();
  out.file_bytes += stats->file_bytes;
  out.journal_last = journal.entries().last();
  out.journal_kept = out.journal_last - std::min(out.journal_last, journal.entries().trimmed());
  out.journal_waiting = out.statuses.back().partitions.front().lag.value_or(0);
  return {};
}

}  // namespace

result<node_stats> measure(const measured& what) {
  node_stats out;
  auto statuses = what.overview.all();
  if (!statuses) return statuses.error();
  out.statuses = std::move(*statuses);
  out.sources = what.sources.totals_by_source();
  out.failed = what.state.failed().has_value();
  shard_sums sums(*what.plan);
  for (std::size_t s = 0; s < what.shards.size(); ++s) {
    what.shards.access(s)->priority([&](storage::shard_core& core) { sums.add(core); });
    if (auto added = add_shard(what.shards, s, out); !added) return added.error();
  }
  describe(*what.plan, sums, out);
  out.memory_limit = what.memory;
  out.state_memory = sums.used;
  out.unwritten = sums.dirty;
  if (auto added = add_journal(what.journal, out); !added) return added.error();
  return out;
}

}  // namespace windrow::node
