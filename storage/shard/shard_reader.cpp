#include "storage/shard/shard_reader.hpp"

#include "storage/record/tile_scan.hpp"

namespace windrow::storage {

/// The buckets of one window value at one time, and where they are.
struct shard_reader::window_buckets {
  const schema::window_value& window;
  const schema::rule& rule;
  const schema::tiling& tiling;
  const schema::windowed_feature& feature;
  int lane;
  const tile_type& type;
  std::int64_t first, last;  // inclusive

  std::int64_t start(std::int64_t bucket) const {
    return schema::bucket_start(bucket, tiling.duration, tiling.origin);
  }
};

/// The merged tiles of the last window, which those of one rule and length share.
struct shard_reader::window_total {
  tile_total total;
  int tiling = schema::none;
  std::int64_t length = 0;
};

shard_reader::window_buckets shard_reader::buckets_of(int window_value, std::int64_t now) const {
  const auto& window = plan_.window_values[static_cast<std::size_t>(window_value)];
  const schema::rule& rule = plan_.rules[static_cast<std::size_t>(window.rule)];
  const auto tiling_index = static_cast<std::size_t>(rule.tiling);
  const schema::tiling& tiling = plan_.tilings[tiling_index];
  const record_layout& layout = parts_.pool.layout(tiling.key_space);
  const int lane = layout.lane_of_tiling[tiling_index];
  return {window,
          rule,
          tiling,
          plan_.windowed_features[static_cast<std::size_t>(window.feature)],
          lane,
          *layout.lanes[static_cast<std::size_t>(lane)].tiles,
          schema::bucket_index(now - window.window, tiling.duration, tiling.origin),
          schema::bucket_index(now, tiling.duration, tiling.origin)};
}

result<record*> shard_reader::record_for(const lookup_request& request, owned_record& owner) {
  if (auto* at = parts_.table.find(request.hash, request.key_space, request.key)) {
    at->r->warm();
    return at->r;
  }
  if (parts_.loader.complete(stripe_of(request.hash.hi))) return static_cast<record*>(nullptr);
  read_group reading(parts_.source);
  if (!reading.status) return reading.status.error();
  auto read = parts_.cold.read(request.hash);
  if (!read) return read.error();
  if (!read->r) return static_cast<record*>(nullptr);
  owner = {read->r, [this](record* r) { parts_.pool.destroy(r); }};
  if (read->r->space != request.key_space || parts_.pool.key(*read->r) != request.key) {
    return failure{errc::corrupt,
                   "two keys have one 128-bit hash; the folder's other record is not touched"};
  }
  return read->r;
}

window_answer shard_reader::answer_window(record* r, int window_value, std::int64_t now,
                                          window_total& last) {
  const window_buckets of = buckets_of(window_value, now);
  window_answer out;
  out.from = of.start(of.first);
  out.to = of.start(of.last + 1);
  if (auto why = parts_.retained.expired(of.rule, out.from + of.tiling.duration)) {
    out.value = std::move(*why);
    return out;
  }
  if (last.tiling != of.rule.tiling || last.length != of.window.window) {
    last.total.clear(of.type);
    last.tiling = of.rule.tiling;
    last.length = of.window.window;
    if (r) {
      if (auto done = merge_tiles(parts_.pool, *r, of.lane, of.first, of.last + 1, last.total,
                                  parts_.cold.load_segment());
          !done) {
        last.tiling = schema::none;
        out.value = done.error();
        return out;
      }
    }
  }
  out.events = last.total.rows();
  out.value = last.total.finalize(of.rule, of.feature.type);
  if (out.value && out.value->is_null() && of.feature.default_value)
    out.value = *of.feature.default_value;
  return out;
}

result<lookup_answer> shard_reader::lookup(const lookup_request& request) {
  owned_record owner;
  auto found = record_for(request, owner);
  if (!found) return found.error();
  record* r = *found;
  lookup_answer answer;
  answer.position = parts_.progress.position_of(stripe_of(request.hash.hi));
  for (const int scalar : request.scalars) {
    answer.scalars.push_back(r ? parts_.pool.scalar(*r, scalar) : std::nullopt);
  }
  window_total last;
  answer.windows.reserve(request.window_values.size());
  for (const int w : request.window_values) {
    answer.windows.push_back(answer_window(r, w, request.now, last));
  }
  return answer;
}

result<std::vector<explained_bucket>> shard_reader::explain(const lookup_request& request) {
  std::vector<explained_bucket> buckets;
  owned_record owner;
  auto found = record_for(request, owner);
  if (!found) return found.error();
  if (!*found || request.window_values.empty()) return buckets;
  const window_buckets of = buckets_of(request.window_values.front(), request.now);
  if (auto why = parts_.retained.expired(of.rule, of.start(of.first + 1))) return *why;
  auto done = visit_tiles(
      parts_.pool, **found, of.lane, of.first, of.last + 1,
      [&](std::int64_t index, const std::byte* tile, bool wide) {
        tile_total total(of.type);
        total.merge(tile, wide);
        const std::int64_t start = of.start(index);
        buckets.push_back({start, start + of.tiling.duration, total.rows(),
                           total.finalize(of.rule, of.feature.type)});
      },
      parts_.cold.load_segment());
  if (!done) return done.error();
  return buckets;
}

result<void> shard_reader::for_each_record(
    const std::function<void(const record_pool&, record&)>& visit) {
  record_pool& pool = parts_.pool;
  read_group reading(parts_.source);
  if (!reading.status) return reading.status;
  for (std::uint32_t stripe = 0; stripe < stripe_count; ++stripe) {
    for (const record_table::slot& at : parts_.table.slots(stripe)) {
      if (at.r) visit(pool, *at.r);
    }
    if (parts_.loader.complete(stripe)) continue;
    auto scanned = parts_.cold.scan(stripe, [&](const key_hash& hash, const decoded_head& read) {
      if (!parts_.table.find(hash, read.r->space, pool.key(*read.r))) visit(pool, *read.r);
      pool.destroy(read.r);
    });
    if (!scanned) return scanned;
  }
  return {};
}

}  // namespace windrow::storage
