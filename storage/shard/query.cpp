// Lookups of a shard: what it answers, and whether it may.
#include <algorithm>

#include "storage/shard/shard_core.hpp"
#include "windrow/time.hpp"

namespace windrow::storage {

positions shard_core::position_of(const stripe& st) const {
  positions at = st.recovered.sources.at();
  for (const auto& told : applied_.entries()) {
    auto& mine = at[told.partition];
    mine = std::max(mine, told.at);
  }
  return at;
}

source_progress shard_core::progress_of(const stripe& st) const {
  source_progress progress = st.recovered.sources;
  progress.advance(applied_);
  return progress;
}

result<record*> shard_core::record_for(
    const lookup_request& request, std::unique_ptr<record, std::function<void(record*)>>& owner) {
  stripe& st = stripes_[stripe_of(request.hash.hi)];
  if (slot* at = find(st, request.hash, request.key_space, request.key)) {
    at->r->warm();
    return at->r;
  }
  if (st.complete) return static_cast<record*>(nullptr);
  read_group reading(source_);
  if (!reading.status) return reading.status.error();
  auto read = cold_.read(request.hash);
  if (!read) return read.error();
  if (!read->r) return static_cast<record*>(nullptr);
  owner = {read->r, [this](record* r) { pool_.destroy(r); }};
  if (read->r->space != request.key_space || pool_.key(*read->r) != request.key) {
    return failure{errc::corrupt,
                   "two keys have one 128-bit hash; the folder's other record is not touched"};
  }
  return read->r;
}

std::optional<failure> shard_core::expired(const schema::rule& rule, std::int64_t first_end) const {
  const int watermark_group = plan_->tilings[static_cast<std::size_t>(rule.tiling)].watermark_group;
  const std::int64_t max_event_time = max_event_times_[static_cast<std::size_t>(watermark_group)];
  if (max_event_time == no_time || first_end > max_event_time - rule.retention) return std::nullopt;
  return failure{errc::expired,
                 "the window begins before what is retained: " + format_duration(rule.retention) +
                     " before the newest event at " + format_time({max_event_time}) +
                     "; ask for a later time or declare a longer retention"};
}

window_answer shard_core::answer_window(record* r, int window_value, std::int64_t now,
                                        tile_total& total, int& total_of,
                                        std::int64_t& total_window) {
  const schema::window_value& w = plan_->window_values[static_cast<std::size_t>(window_value)];
  const schema::rule& rule = plan_->rules[static_cast<std::size_t>(w.rule)];
  const schema::tiling& tiling = plan_->tilings[static_cast<std::size_t>(rule.tiling)];
  const schema::windowed_feature& feature =
      plan_->windowed_features[static_cast<std::size_t>(w.feature)];
  const std::int64_t first = schema::bucket_index(now - w.window, tiling.duration, tiling.origin);
  const std::int64_t last = schema::bucket_index(now, tiling.duration, tiling.origin);
  window_answer out;
  out.from = schema::bucket_start(first, tiling.duration, tiling.origin);
  out.to = schema::bucket_start(last + 1, tiling.duration, tiling.origin);
  if (auto why = expired(rule, out.from + tiling.duration)) {
    out.value = std::move(*why);
    return out;
  }
  const int lane =
      pool_.layout(tiling.key_space).lane_of_tiling[static_cast<std::size_t>(rule.tiling)];
  const tile_type& type =
      *pool_.layout(tiling.key_space).lanes[static_cast<std::size_t>(lane)].tiles;
  if (total_of != rule.tiling || total_window != w.window) {
    total.clear(type);
    total_of = rule.tiling;
    total_window = w.window;
    if (r) {
      if (auto done = pool_.accumulate(*r, lane, first, last + 1, total, cold_.load_segment());
          !done) {
        total_of = schema::none;
        out.value = done.error();
        return out;
      }
    }
  }
  out.events = total.rows();
  out.value = total.finalize(rule, feature.type);
  if (out.value && out.value->is_null() && feature.default_value)
    out.value = *feature.default_value;
  return out;
}

result<lookup_answer> shard_core::lookup(const lookup_request& request) {
  std::unique_ptr<record, std::function<void(record*)>> owner;
  auto found = record_for(request, owner);
  if (!found) return found.error();
  record* r = *found;
  lookup_answer answer;
  answer.position = position_of(stripes_[stripe_of(request.hash.hi)]);
  for (const int scalar : request.scalars) {
    answer.scalars.push_back(r ? pool_.scalar(*r, scalar) : std::nullopt);
  }
  tile_total total;
  int total_of = schema::none;
  std::int64_t total_window = 0;
  answer.windows.reserve(request.window_values.size());
  for (const int w : request.window_values) {
    answer.windows.push_back(answer_window(r, w, request.now, total, total_of, total_window));
  }
  return answer;
}

result<std::vector<explained_bucket>> shard_core::explain(const lookup_request& request) {
  std::vector<explained_bucket> buckets;
  std::unique_ptr<record, std::function<void(record*)>> owner;
  auto found = record_for(request, owner);
  if (!found) return found.error();
  if (!*found || request.window_values.empty()) return buckets;
  record* r = *found;
  const auto& w = plan_->window_values[static_cast<std::size_t>(request.window_values.front())];
  const schema::rule& rule = plan_->rules[static_cast<std::size_t>(w.rule)];
  const schema::tiling& tiling = plan_->tilings[static_cast<std::size_t>(rule.tiling)];
  const schema::windowed_feature& feature =
      plan_->windowed_features[static_cast<std::size_t>(w.feature)];
  const std::int64_t first =
      schema::bucket_index(request.now - w.window, tiling.duration, tiling.origin);
  const std::int64_t last = schema::bucket_index(request.now, tiling.duration, tiling.origin);
  if (auto why = expired(rule, schema::bucket_start(first + 1, tiling.duration, tiling.origin)))
    return *why;
  const int lane =
      pool_.layout(tiling.key_space).lane_of_tiling[static_cast<std::size_t>(rule.tiling)];
  const tile_type& type =
      *pool_.layout(tiling.key_space).lanes[static_cast<std::size_t>(lane)].tiles;
  auto done = pool_.visit(
      *r, lane, first, last + 1,
      [&](std::int64_t index, const std::byte* tile, bool wide) {
        tile_total total(type);
        total.merge(tile, wide);
        const std::int64_t start = schema::bucket_start(index, tiling.duration, tiling.origin);
        buckets.push_back(
            {start, start + tiling.duration, total.rows(), total.finalize(rule, feature.type)});
      },
      cold_.load_segment());
  if (!done) return done.error();
  return buckets;
}

result<void> shard_core::for_each_record(
    const std::function<void(const record_pool&, record&)>& visit) {
  read_group reading(source_);
  if (!reading.status) return reading.status;
  for (std::uint32_t index = 0; index < stripe_count; ++index) {
    stripe& st = stripes_[index];
    for (std::uint32_t i = 0; st.slots && i <= st.mask; ++i) {
      if (st.slots[i].r) visit(pool_, *st.slots[i].r);
    }
    if (st.complete) continue;
    auto scanned = cold_.scan(index, [&](const key_hash& hash, const decoded_head& read) {
      if (!find(st, hash, read.r->space, pool_.key(*read.r))) visit(pool_, *read.r);
      pool_.destroy(read.r);
    });
    if (!scanned) return scanned;
  }
  return {};
}

}  // namespace windrow::storage
