#include "node/node_stats.hpp"

#include <algorithm>

#include "node/node_impl.hpp"
#include "schema/check_report.hpp"

namespace windrow::node {
namespace {

/// Sums what one shard holds; the only part that is inside its gate.
struct shard_sums {
  explicit shard_sums(const schema::plan& plan)
      : holds(plan.key_spaces.size()),
        late(plan.rules.size()),
        newest(plan.timelines.size(), storage::no_time) {}

  void add(const storage::shard_core& core) {
    const auto memory = core.memory();
    used += memory.records + memory.table;
    dirty += memory.dirty;
    for (std::size_t i = 0; i < holds.size(); ++i) {
      holds[i].records += core.holds()[i].records;
      holds[i].buckets += core.holds()[i].buckets;
    }
    for (std::size_t i = 0; i < late.size(); ++i) late[i] += core.late_by_rule()[i];
    for (std::size_t i = 0; i < newest.size(); ++i)
      newest[i] = std::max(newest[i], core.newest()[i]);
  }

  std::uint64_t used = 0, dirty = 0;
  std::vector<storage::record_pool::held> holds;
  std::vector<std::uint64_t> late;   // by rule
  std::vector<std::int64_t> newest;  // by timeline
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
    line.newest = sums.newest[static_cast<std::size_t>(one.timeline)];
    // A row that is too old for a rule is too old for those that keep less.
    for (const int r : one.rules)
      line.late = std::max(line.late, sums.late[static_cast<std::size_t>(r)]);
    out.all_series.push_back(std::move(line));
  }
}

}  // namespace

result<node_stats> node::measures() {
  impl& i = *impl_;
  const auto call = i.calls.enter();
  if (!call) return node_closed(std::nullopt);
  node_stats out;
  auto statuses = i.every_status();
  if (!statuses) return statuses.error();
  out.statuses = std::move(*statuses);
  {
    const std::lock_guard lock(i.mutex);
    out.sources = i.board.totals_by_source();
    out.failed = i.progress.failed.has_value();
  }
  // Lines of standard input that no journal entry could hold.
  if (const std::uint64_t letters = i.too_long; letters > 0) {
    source_totals& piped = out.sources[""];
    piped.read += letters;
    piped.dead_lettered += letters;
    piped.dead_letters["parse: too_long"] += letters;
  }
  shard_sums sums(*i.plan);
  for (std::size_t s = 0; s < i.gates.size(); ++s) {
    i.gates[s]->priority([&](storage::shard_core& core) { sums.add(core); });
    out.state_memory_limit += i.gates[s]->memory_budget();
    const actors::shard_metrics& m = *i.meters[s];
    out.visible += m.visible.read();
    out.rounds += m.rounds.read();
    out.commits += m.commits.read();
    out.written_bytes += m.written_bytes;
    out.written_values += m.written_values;
    const std::int64_t last = m.last_round;
    out.last_round = s == 0 ? last : std::min(out.last_round, last);
    auto stats = i.stores[s]->stats();
    if (!stats) return stats.error();
    out.file_bytes += stats->file_bytes;
    out.stored_bytes += stats->used_bytes - stats->free_bytes;
    for (const auto& table : stats->tables) {
      if (table.name == "records") out.stored_values += table.entries;
    }
  }
  describe(*i.plan, sums, out);
  out.memory_limit = i.options.memory;
  out.state_memory = sums.used;
  out.unwritten = sums.dirty;
  auto stats = i.journal->stats();
  if (!stats) return stats.error();
  out.file_bytes += stats->file_bytes;
  out.journal_last = i.journal->entries().last();
  out.journal_kept = out.journal_last - std::min(out.journal_last, i.journal->entries().trimmed());
  out.journal_waiting = out.statuses.back().partitions.front().lag.value_or(0);
  return out;
}

}  // namespace windrow::node
