#include "ingest/batcher.hpp"

#include <algorithm>
#include <cstring>

#include "ingest/columns.hpp"
#include "schema/catalog/key.hpp"

namespace windrow::ingest {

namespace {

using schema::none;
using storage::no_time;

/// Where `rows` counts from its first item without gaps, a range can be copied at once.
bool is_range(std::span<const std::uint32_t> rows) noexcept {
  return !rows.empty() && rows.back() - rows.front() == rows.size() - 1;
}

/// The smallest age at which a row of the watermark group may be outside a rule's retention. A
/// bucket begins up to one duration before its rows.
std::int64_t retention_margin(const schema::plan& plan, int watermark_group) {
  std::int64_t margin = INT64_MAX;
  for (const schema::rule& rule : plan.rules) {
    const schema::tiling& tiling = plan.tilings[at(rule.tiling)];
    if (tiling.watermark_group != watermark_group) continue;
    margin = std::min(margin, std::max<std::int64_t>(0, rule.retention - tiling.duration));
  }
  return margin;
}

bool may_be_late(std::int64_t time, std::int64_t margin, std::int64_t max_event_time) noexcept {
  std::int64_t limit = 0;
  return max_event_time != no_time && !__builtin_add_overflow(time, margin, &limit) &&
         limit <= max_event_time;
}

}  // namespace

std::shared_ptr<batch_pool> batch_pool::make(std::size_t kept_max) {
  return std::shared_ptr<batch_pool>(new batch_pool(kept_max));
}

std::unique_ptr<storage::batch> batch_pool::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!kept_.empty()) {
      auto batch = std::move(kept_.back());
      kept_.pop_back();
      return batch;
    }
  }
  return std::make_unique<storage::batch>();
}

storage::batch_ptr batch_pool::share(std::unique_ptr<storage::batch> batch) {
  return storage::batch_ptr(batch.release(), [pool = shared_from_this()](const auto* done) {
    pool->give_back(std::unique_ptr<storage::batch>(const_cast<storage::batch*>(done)));
  });
}

void batch_pool::give_back(std::unique_ptr<storage::batch> batch) noexcept {
  constexpr std::size_t kept_bytes_max = 1 << 20;
  if (batch->bytes > kept_bytes_max) return;  // grown by unusual rows: not worth keeping
  const std::lock_guard lock(mutex_);
  if (kept_.size() < kept_max_) kept_.push_back(std::move(batch));
}

ingest_batcher::ingest_batcher(batcher_options options)
    : options_(std::move(options)),
      pool_(batch_pool::make(4 * options_.shard_count + 16)),
      section_of_route_(options_.plan->routes.size(), none),
      max_event_times_(options_.plan->watermark_groups.size(), no_time),
      open_(options_.shard_count) {
  const schema::plan& plan = *options_.plan;
  std::vector<int> state_of(plan.watermark_groups.size(), none);
  for (std::size_t i = 0; i < plan.routes.size(); ++i) {
    const schema::route& route = plan.routes[i];
    if (options_.source != none && plan.streams[at(route.stream)].source != options_.source)
      continue;
    section_of_route_[i] = static_cast<int>(routes_.size());
    route_state state{
        static_cast<int>(i), storage::placement(plan, route.key_space, options_.folder_seed), {}};
    for (const auto& feed : route.watermark_groups) {
      int& known = state_of[at(feed.watermark_group)];
      if (known == none) {
        known = static_cast<int>(watermark_groups_.size());
        watermark_groups_.push_back(
            {feed.watermark_group, retention_margin(plan, feed.watermark_group), no_time, {}, {}});
      }
      state.watermark_groups.push_back(known);
    }
    routes_.push_back(std::move(state));
  }
  for (open_batch& batch : open_) {
    batch.first = options_.position + 1;
    open(batch);
  }
}

void ingest_batcher::resume(std::span<const std::int64_t> max_event_times) {
  max_event_times_.assign(max_event_times.begin(), max_event_times.end());
  max_event_times_.resize(options_.plan->watermark_groups.size(), no_time);
}

void ingest_batcher::open(open_batch& to) {
  to.batch = pool_->take();
  storage::batch& batch = *to.batch;
  batch.rows = 0;
  batch.bytes = 0;
  batch.sections.resize(routes_.size());
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    storage::section& section = batch.sections[i];
    const schema::route& route = options_.plan->routes[at(routes_[i].route)];
    section.route = routes_[i].route;
    section.hashes.clear(), section.key_ends.clear(), section.keys.clear();
    section.times.clear(), section.sequences.clear(), section.max_event_time_before.clear();
    section.columns.resize(route.columns.size());
    for (std::size_t j = 0; j < route.columns.size(); ++j) {
      const auto& program = options_.plan->streams[at(route.stream)].resolve;
      clear_column(section.columns[j]);
      section.columns[j].kind = program->output_type(at(route.columns[j])).kind;
    }
  }
  to.extras.resize(routes_.size());
  for (section_extra& extra : to.extras) {
    extra.messages.clear();
    extra.earliest = INT64_MAX;
  }
}

void ingest_batcher::begin_run(const formats::message_run& run) {
  run_ = &run;
  for (watermark_group_state& state : watermark_groups_) {
    state.at_run_start = max_event_times_[at(state.watermark_group)];
    state.given.assign(run.messages.size(), no_time);
    state.before.clear();
  }
}

std::size_t ingest_batcher::fitting(std::size_t begin, std::size_t end) const {
  storage::sequence first = open_.front().first;
  for (const open_batch& batch : open_) first = std::min(first, batch.first);
  const auto fits = [&](std::size_t message) {
    return run_->messages[message].sequence - first <= UINT32_MAX;
  };
  if (fits(end - 1)) return end - begin;
  std::size_t count = 0;
  while (fits(begin + count)) ++count;
  return count;
}

void ingest_batcher::make_room(std::size_t begin, std::vector<shard_batch>& out) {
  const storage::sequence last = run_->messages[begin].sequence - 1;
  for (std::uint32_t shard = 0; shard < open_.size(); ++shard) close(shard, last, out);
}

/// The rows that exist for a route: those that are kept and have a key.
std::span<const std::uint32_t> ingest_batcher::select(const route_keys& keys,
                                                      const resolved_block& block) {
  while (all_rows_.size() < block.rows) {
    all_rows_.push_back(static_cast<std::uint32_t>(all_rows_.size()));
  }
  const std::span<const std::uint32_t> kept =
      block.all_kept ? std::span<const std::uint32_t>(all_rows_).first(block.rows)
                     : std::span<const std::uint32_t>(block.kept);
  if (keys.present == nullptr) return kept;
  selected_.clear();
  for (const std::uint32_t row : kept) {
    if (keys.present[row] != 0) selected_.push_back(row);
  }
  return selected_;
}

/// Hashes the rows' keys and decides their shards.
void ingest_batcher::hash(const route_state& route, const resolved_block& block,
                          std::span<const std::uint32_t> rows, const route_keys& keys) {
  hashes_.resize(block.rows);
  for (const std::uint32_t row : rows) hashes_[row] = route.where.hash(keys.keys[row]);
  if (options_.shard_count == 1) return;
  shards_.resize(block.rows);
  if (route.where.by_whole_key()) {
    for (const std::uint32_t row : rows) {
      shards_[row] = storage::placement::shard_of(hashes_[row], options_.shard_count);
    }
    return;
  }
  const schema::route& declared = options_.plan->routes[at(route.route)];
  std::vector<const schema::column*> parts;
  for (const int part : route.where.parts()) {
    parts.push_back(block.outputs[at(declared.key[at(part)])]);
  }
  for (const std::uint32_t row : rows) {
    std::string_view placing;
    schema::view_key(placing, placing_key_, parts, row);
    shards_[row] =
        storage::placement::shard_of(route.where.placing_hash(placing), options_.shard_count);
  }
}

void ingest_batcher::follow_times(const route_state& route, const resolved_block& block,
                                  std::span<const std::uint32_t> rows, std::size_t begin) {
  const schema::route& declared = options_.plan->routes[at(route.route)];
  for (std::size_t i = 0; i < route.watermark_groups.size(); ++i) {
    watermark_group_state& state = watermark_groups_[at(route.watermark_groups[i])];
    const int filter = declared.watermark_groups[i].filter;
    const schema::column* const passes =
        filter == none ? nullptr : block.outputs[at(declared.columns[at(filter)])];
    std::int64_t max_event_time = max_event_times_[at(state.watermark_group)];
    std::int64_t* const given = state.given.data() + begin;
    for (const std::uint32_t row : rows) {
      if (passes != nullptr && (!passes->is_valid(row) || passes->bools[row] == 0)) continue;
      const std::int64_t time = block.times[row];
      std::int64_t& of_message = given[block.messages[row]];
      of_message = std::max(of_message, time);
      max_event_time = std::max(max_event_time, time);
    }
    max_event_times_[at(state.watermark_group)] = max_event_time;
  }
}

void ingest_batcher::add(const schema::stream& stream, std::size_t route,
                         const resolved_block& block, std::size_t begin) {
  const route_keys& keys = block.routes[route];
  const std::span<const std::uint32_t> rows = select(keys, block);
  if (rows.empty()) return;
  const std::size_t section = at(section_of_route_[at(stream.routes[route])]);
  const route_state& state = routes_[section];
  hash(state, block, rows, keys);
  follow_times(state, block, rows, begin);
  const std::uint32_t shard_count = options_.shard_count;
  if (shard_count == 1) return append(open_[0], section, block, keys, rows, begin);
  shard_ends_.assign(shard_count + 1, 0);
  for (const std::uint32_t row : rows) ++shard_ends_[shards_[row] + 1];
  for (std::uint32_t i = 0; i < shard_count; ++i) shard_ends_[i + 1] += shard_ends_[i];
  by_shard_.resize(rows.size());
  for (const std::uint32_t row : rows) by_shard_[shard_ends_[shards_[row]]++] = row;
  std::uint32_t from = 0;  // the ends have moved one shard up while rows were placed
  for (std::uint32_t shard = 0; shard < shard_count; ++shard) {
    const std::uint32_t to = shard_ends_[shard];
    if (from != to) {
      append(open_[shard], section, block, keys,
             std::span<const std::uint32_t>(by_shard_).subspan(from, to - from), begin);
    }
    from = to;
  }
}

void ingest_batcher::append(open_batch& to, std::size_t index, const resolved_block& block,
                            const route_keys& keys, std::span<const std::uint32_t> rows,
                            std::size_t begin) {
  storage::section& section = to.batch->sections[index];
  section_extra& extra = to.extras[index];
  const bool range = is_range(rows);
  append_items(section.hashes, hashes_.data(), rows, range);
  append_items(section.times, block.times, rows, range);
  append_texts(section.keys, section.key_ends, keys.keys, rows);
  const std::size_t old = section.sequences.size();
  section.sequences.resize(old + rows.size());
  extra.messages.resize(old + rows.size());
  const formats::message_view* const messages = run_->messages.data() + begin;
  std::int64_t earliest = extra.earliest;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::uint32_t message = block.messages[rows[i]];
    section.sequences[old + i] = static_cast<std::uint32_t>(messages[message].sequence - to.first);
    extra.messages[old + i] = static_cast<std::uint32_t>(begin + message);
    earliest = std::min(earliest, block.times[rows[i]]);
  }
  extra.earliest = earliest;
  const schema::route& route = options_.plan->routes[at(routes_[index].route)];
  for (std::size_t i = 0; i < route.columns.size(); ++i) {
    append_column(section.columns[i], old, *block.outputs[at(route.columns[i])], rows, range);
  }
  to.batch->rows += rows.size();
}

void ingest_batcher::end_block(std::size_t end, std::vector<shard_batch>& out) {
  for (std::uint32_t shard = 0; shard < open_.size(); ++shard) {
    if (open_[shard].batch->rows < options_.batch_rows) continue;
    close(shard, run_->messages[end - 1].sequence, out);
  }
}

void ingest_batcher::end_run(std::vector<shard_batch>& out) {
  for (std::uint32_t shard = 0; shard < open_.size(); ++shard) {
    // The last block may have closed a batch exactly here.
    if (open_[shard].first <= run_->last) close(shard, run_->last, out);
  }
  run_ = nullptr;
}

void ingest_batcher::close(std::uint32_t shard, storage::sequence last,
                           std::vector<shard_batch>& out) {
  open_batch& from = open_[shard];
  if (last < from.first) return;
  storage::batch& batch = *from.batch;
  batch.partition = options_.partition;
  batch.first = from.first;
  batch.last = last;
  batch.catalog_version = options_.plan->catalog_version;
  batch.max_event_times = max_event_times_;
  for (std::size_t i = 0; i < batch.sections.size(); ++i) note_late_rows(from, i);
  batch.bytes = bytes_of(batch);
  out.push_back({shard, pool_->share(std::move(from.batch))});
  from.first = last + 1;
  open(from);
}

/// Fills `max_event_time_before` of a section where one of its rows may be too late for a rule.
void ingest_batcher::note_late_rows(open_batch& from, std::size_t index) {
  storage::section& section = from.batch->sections[index];
  const section_extra& extra = from.extras[index];
  const std::vector<int>& fed = routes_[index].watermark_groups;
  if (section.rows() == 0) return;
  const bool possible = std::any_of(fed.begin(), fed.end(), [&](int i) {
    const watermark_group_state& state = watermark_groups_[at(i)];
    return may_be_late(extra.earliest, state.margin, max_event_times_[at(state.watermark_group)]);
  });
  if (!possible) return;
  section.max_event_time_before.reserve(section.rows() * fed.size());
  for (const std::uint32_t message : extra.messages) {
    for (const int i : fed) {
      section.max_event_time_before.push_back(
          max_event_time_before(watermark_groups_[at(i)], message));
    }
  }
}

/// Extends the prefix maxima up to `message`. All messages before it have been added by then.
std::int64_t ingest_batcher::max_event_time_before(watermark_group_state& state,
                                                   std::size_t message) {
  if (state.before.empty()) state.before.push_back(state.at_run_start);
  while (state.before.size() <= message) {
    const std::size_t previous = state.before.size() - 1;
    state.before.push_back(std::max(state.before[previous], state.given[previous]));
  }
  return state.before[message];
}

}  // namespace windrow::ingest
