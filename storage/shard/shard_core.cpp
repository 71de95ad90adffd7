#include "storage/shard/shard_core.hpp"

#include <optional>

#include "base/prefetch.hpp"
#include "windrow/time.hpp"

namespace windrow::storage {

namespace {

value value_at(const batch_column& column, std::size_t row) {
  if (!column.is_valid(row)) return value{null{}};
  switch (column.kind) {
    case schema::value_kind::boolean:
      return value{column.bools[row] != 0};
    case schema::value_kind::integer:
      return value{column.ints[row]};
    case schema::value_kind::floating:
      return value{column.floats[row]};
    case schema::value_kind::text:
      return value{std::string(column.text_at(row))};
    case schema::value_kind::datetime:
      return value{timestamp{column.ints[row]}};
    case schema::value_kind::list:
      return value{column.lists[row]};
    case schema::value_kind::map:
    case schema::value_kind::structure:
      return column.values[row];
    case schema::value_kind::bytes:
      return value{byte_string{std::string(column.text_at(row))}};
  }
  return value{null{}};
}

/// Of the budget, for the pages that LMDB keeps for a commit.
std::size_t commit_bytes(const shard_options& options) { return options.memory_budget / 16; }

/// What the rows after `row` will need, brought near step by step: slot, record, newest tiles.
void prefetch_behind(const record_table& table, const section& s, std::size_t row) {
  constexpr std::size_t far = 32, near = 20, close = 10;
  const std::size_t rows = s.rows();
  if (row + far < rows) table.prefetch(s.hashes[row + far].hi);
  if (row + near < rows) {
    if (const record* r = table.likely(s.hashes[row + near].hi)) {
      prefetch_to_write(r);
      prefetch_to_write(reinterpret_cast<const char*>(r) + 64);
    }
  }
  if (row + close < rows) {
    if (const record* r = table.likely(s.hashes[row + close].hi)) {
      const char* end = reinterpret_cast<const char*>(r) + r->used;
      prefetch_to_write(end - 1);
      prefetch_to_write(end - 65);
    }
  }
}

}  // namespace

shard_core::shard_core(schema::plan_ptr plan, shard_options options, record_reader& source)
    : source_(source),
      pool_(plan),
      layouts_(pool_.layouts()),
      cold_(source, options.folder_seed, pool_, layouts_),
      table_(pool_, table_memory_),
      progress_(*plan),
      retained_(pool_.layouts()),
      loader_({source, cold_, pool_, table_memory_, table_, changes_}, options.memory_budget),
      cycle_({pool_, layouts_, table_, changes_, progress_}, options.folder_seed,
             commit_bytes(options)),
      eviction_({pool_, table_memory_, table_, changes_, loader_, cycle_},
                options.memory_budget - commit_bytes(options)),
      sweep_({source, cold_, pool_, table_, changes_, loader_, retained_, progress_}),
      reader_({source, cold_, pool_, table_, loader_, retained_, progress_}),
      section_plans_(section_plans_of(pool_.layouts())) {}

result<std::unique_ptr<shard_core>> shard_core::open(schema::plan_ptr plan, shard_options options,
                                                     record_reader& source,
                                                     const stored_shard& stored) {
  std::unique_ptr<shard_core> core(new shard_core(plan, options, source));
  auto layouts = layout_table::make(core->pool_.layouts(), stored.layouts);
  if (!layouts) return layouts.error();
  core->layouts_ = std::move(*layouts);
  for (const auto& [index, bytes] : stored.stripes) {
    if (index >= stripe_count) return damaged("stripe");
    auto state =
        decode_stripe(*plan, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()},
                      index, options.folder_seed);
    if (!state) return state.error();
    if (state->catalog_version != plan->catalog_version) {
      return failure{errc::mismatch, "stripe " + std::to_string(index) +
                                         " belongs to catalog version " +
                                         std::to_string(state->catalog_version)};
    }
    core->progress_.recover(index, std::move(*state));
    core->loader_.recover(index);
  }
  core->retained_.advance(core->progress_.recovered_event_times());
  core->pool_.set_max_event_times(core->retained_.max_event_times());
  return core;
}

// ---- apply -------------------------------------------------------------------------------------

bool shard_core::too_late(const section& s, std::size_t row, const lane_step& step,
                          std::size_t watermark_groups, bool& counted) {
  const std::int64_t max_event_time =
      s.max_event_time_before[row * watermark_groups + step.watermark_group];
  if (max_event_time == no_time) return false;
  const std::int64_t end = schema::bucket_start(step.bucket + 1, step.duration, step.origin);
  std::size_t late = 0;
  for (const auto& [rule, retention] : step.rules) {
    if (end > max_event_time - retention) continue;
    ++late;
    progress_.count_late(stripe_of(s.hashes[row].hi), static_cast<std::size_t>(rule));
    counted = true;
  }
  return late == step.rules.size();
}

result<void> shard_core::apply_section(const batch& b, const section& s, apply_outcome& outcome) {
  section_plan& plan = section_plans_[static_cast<std::size_t>(s.route)];
  const record_layout& space = pool_.layout(plan.key_space);
  const keep_from keep = retained_.keep(plan.key_space);
  plan.bind(s);
  const bool again = progress_.replaying(b);
  const bool may_be_late = !s.max_event_time_before.empty();
  const std::size_t rows = s.rows();
  for (std::size_t row = 0; row < rows; ++row) {
    prefetch_behind(table_, s, row);
    if (again && progress_.already_applied(b, s, row)) {
      ++outcome.already_applied;
      continue;
    }
    auto found = loader_.record_of(s.hashes[row], plan.key_space, s.key_at(row));
    if (!found) return found.error();
    record_table::slot* at = *found;
    record* r = at->r;
    r->warm();
    changes_.touch(s.hashes[row].hi, r);
    for (const auto& write : plan.scalars) {
      const batch_column& column = s.columns[static_cast<std::size_t>(write.column)];
      pool_.set_scalar(r, write.scalar, s.times[row], value_at(column, row));
    }
    bool late = false;
    const std::int64_t time = s.times[row];
    record_pool::lane_cursor cursor;
    fold_row folded{{}, row, time, b.partition, b.first + s.sequences[row]};
    for (lane_step& step : plan.steps) {
      if (step.filter_column &&
          !(step.filter_column->is_valid(row) && step.filter_column->bools[row]))
        continue;
      if (time < step.bucket_begin || time >= step.bucket_end) {
        step.bucket = schema::bucket_index(time, step.duration, step.origin);
        step.bucket_begin = schema::bucket_start(step.bucket, step.duration, step.origin);
        step.bucket_end = step.bucket_begin + step.duration;
      }
      if (may_be_late && too_late(s, row, step, plan.watermark_groups, late)) continue;
      folded.columns = step.columns;
      if (pool_.fold_newest(r, space, step.lane, step.bucket, folded, cursor)) continue;
      cursor = {};
      auto done = pool_.fold(r, step.lane, step.bucket, folded, keep, cold_.load_segment());
      if (!done) {
        at->r = r;
        return done;
      }
    }
    at->r = r;
    ++outcome.rows;
    outcome.late += late ? 1 : 0;
  }
  return {};
}

result<apply_outcome> shard_core::apply(const batch& b) {
  const std::uint32_t version = pool_.layouts().plan().catalog_version;
  if (b.catalog_version != version) {
    return failure{errc::mismatch,
                   "a batch of catalog version " + std::to_string(b.catalog_version) +
                       " came to a shard that has version " + std::to_string(version)};
  }
  pool_.set_max_event_times(b.max_event_times);
  apply_outcome outcome;
  std::optional<read_group> reading;
  if (loader_.has_stored_only()) {
    reading.emplace(source_);
    if (!reading->status) return reading->status.error();
    if (auto loaded = loader_.load_missing(b, progress_); !loaded) return loaded.error();
  }
  for (const section& s : b.sections) {
    if (auto done = apply_section(b, s, outcome); !done) return done.error();
  }
  progress_.applied(b);
  retained_.advance(b.max_event_times);
  return outcome;
}

// ---- checkpoints and expiry --------------------------------------------------------------------

std::unique_ptr<stripe_write> shard_core::next_write(std::size_t bytes) {
  const std::size_t before = changes_.records();
  auto write = cycle_.next_write(bytes, loader_.stored_bytes());
  sweep_.written(before - changes_.records());
  return write;
}

void shard_core::committed(const stripe_write& write) {
  cycle_.committed(write);
  loader_.wrote(write.bytes.size());
  eviction_.evict_written(write);
}

result<bool> shard_core::sweep(std::size_t allowance) {
  sweep_.earn(allowance);
  // What expires must come in to be written: not while what is there waits for that.
  if (changes_.records() > 0 && eviction_.over_budget()) return false;
  return sweep_.sweep();
}

}  // namespace windrow::storage
