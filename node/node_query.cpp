// What a node answers: queries, explanations and statistics.
#include <algorithm>

#include "node/node_impl.hpp"
#include "schema/catalog/key.hpp"
#include "storage/record/record_codec.hpp"

namespace windrow::node {

storage::sequence node::impl::smallest_position(storage::partition_id partition) {
  storage::sequence least = ~storage::sequence{0};
  for (auto& gate : gates) {
    gate->priority([&](storage::shard_core& core) {
      const auto positions = core.resume_positions();
      const auto at = positions.find(partition);
      least = std::min(least, at == positions.end() ? 0 : at->second);
    });
  }
  return least;
}

std::pair<std::string, std::uint64_t> node::impl::readable_position(storage::partition_id id,
                                                                    storage::sequence at) {
  std::lock_guard lock(mutex);
  if (!partition_names.count(id)) {
    for (const storage::partition& p : journal->partitions().all())
      partition_names[p.id] = storage::label_of(p);
  }
  return {partition_names[id], id == journal_partition ? entry_applied(at) : at};
}

namespace {

// Queries of at most as many entities are answered on the caller's thread.
constexpr std::size_t entities_here = 256;
// Lookups while a gate is held.
constexpr std::size_t lookups_at_once = 32;

}  // namespace

template <class Asked>
void node::impl::answer_here(query::query_core& core, Asked&& asked) {
  questions->notify_request();
  for (auto round = core.next_round(); !round.empty(); round = core.next_round()) {
    for (const auto& ask : round) {
      query::query_core::answers answers;
      answers.reserve(ask.requests->size());
      // In portions, so that no batch and no other lookup waits for all of them.
      while (answers.size() < ask.requests->size()) {
        const auto portion =
            std::span(*ask.requests)
                .subspan(answers.size())
                .first(std::min(lookups_at_once, ask.requests->size() - answers.size()));
        gates[ask.shard]->priority([&](storage::shard_core& shard) {
          for (const auto& r : portion) answers.push_back(shard.lookup(r));
        });
      }
      for (const auto& r : *ask.requests) asked(ask.shard, r);
      core.answered(ask, answers);
    }
  }
}

void node::impl::answer_here(query::query_core& core) {
  answer_here(core, [](std::uint32_t, const storage::lookup_request&) {});
}

result<query_answer> node::query(const query_request& request) {
  impl& i = *impl_;
  auto parsed = query::parse_query(*i.plan, request);
  if (!parsed) return parsed.error();
  const timestamp now = request.now.value_or(timestamp{wall_clock()});
  auto core = std::make_shared<query::query_core>(i.context, (*parsed)->subjects, now);
  const auto call = i.calls.enter();
  if ((*parsed)->subjects.size() <= entities_here || !call) {
    // The shards answer on this thread, ahead of their next batches.
    i.answer_here(*core);
    return core->finish();
  }
  i.questions->notify_request();
  std::optional<failure> failed;
  caf::scoped_actor self{*i.system};
  self->request(i.query, std::chrono::seconds(30), actors::run_query{core})
      .receive([&](const actors::query_done& done) { failed = done.failed; },
               [&](const caf::error&) {
                 failed = failure{errc::closed, "the query was not answered in time"};
               });
  if (failed) return *failed;
  return core->finish();
}

result<explanation> node::explain(const entity_reference& entity, const std::string& feature,
                                  std::optional<timestamp> now) {
  impl& i = *impl_;
  query_request request{{entity}, {feature}, now.value_or(timestamp{wall_clock()})};
  auto parsed = query::parse_query(*i.plan, request);
  if (!parsed) return parsed.error();
  const auto& features = (*parsed)->features.front();
  if (features.size() != 1 ||
      features.front().what != schema::feature_reference::kind::window_value) {
    return failure{
        errc::invalid,
        "explain takes one window of one windowed feature, such as 'sum_amount[\"1h\"]'"};
  }
  auto answer = query(request);
  if (!answer) return answer.error();
  explanation out;
  out.row = std::move(answer->rows.front());
  if (!out.row.features.front().value) return out;
  // The last record asked is the one that holds the window.
  query::query_core core(i.context, (*parsed)->subjects, *request.now);
  std::optional<std::pair<std::uint32_t, storage::lookup_request>> holder;
  i.answer_here(core, [&](std::uint32_t shard, const storage::lookup_request& r) {
    if (!r.window_values.empty()) holder = {shard, r};
  });
  if (!holder) return out;
  auto buckets = i.gates[holder->first]->priority(
      [&](storage::shard_core& shard) { return shard.explain(holder->second); });
  if (!buckets) return buckets.error();
  for (const auto& b : *buckets) out.buckets.push_back({{b.start}, {b.end}, b.events, b.value});
  return out;
}

result<node::prepared> node::prepare(std::string_view entity_class,
                                     std::span<const std::string> features) const {
  auto c = schema::resolve_class(*impl_->plan, entity_class);
  if (!c) return c.error();
  prepared out;
  out.entity_class = *c;
  for (const std::string& name : features) {
    auto found = schema::resolve_feature(*impl_->plan, *c, name);
    if (!found) return found.error();
    out.features.insert(out.features.end(), found->begin(), found->end());
  }
  return out;
}

result<answer_row> node::lookup(const prepared& query, std::string_view key, timestamp now) {
  impl& i = *impl_;
  const auto& c = i.plan->classes[static_cast<std::size_t>(query.entity_class)];
  const auto& space = i.plan->key_spaces[static_cast<std::size_t>(c.key_space)];
  auto values = schema::parse_key(space.parts, key);
  if (!values) return values.error();
  auto bytes = schema::encode_key(space.parts, *values);
  if (!bytes) return bytes.error();
  query::query_core::subject subject;
  subject.entity_class = query.entity_class;
  subject.key = std::move(*bytes);
  subject.features = query.features;
  std::vector<query::query_core::subject> subjects;
  subjects.push_back(std::move(subject));
  query::query_core core(i.context, std::move(subjects), now);
  i.answer_here(core);
  return std::move(core.finish().rows.front());
}

// ---- statistics --------------------------------------------------------------------------------

result<std::vector<node::rule_statistics>> node::rule_statistics_of_all() {
  impl& i = *impl_;
  const schema::plan& plan = *i.plan;
  struct tiling_statistics {
    std::uint64_t groups = 0, tiles = 0, bytes = 0;
  };
  std::vector<tiling_statistics> by_tiling(plan.tilings.size());
  std::vector<rule_statistics> out(plan.rules.size());
  for (auto& gate : i.gates) {
    std::optional<failure> failed;
    gate->priority([&](storage::shard_core& core) {
      const auto late = core.late_by_rule();
      for (std::size_t r = 0; r < out.size(); ++r) out[r].late += late[r];
      auto done = core.for_each_record([&](const storage::record_pool& pool, storage::record& r) {
        const storage::space_type& space = pool.space(r.space);
        std::string encoded;
        for (int lane = 0; lane < static_cast<int>(space.lanes.size()); ++lane) {
          const storage::lane_type& type = space.lanes[static_cast<std::size_t>(lane)];
          if (type.level != 0) continue;
          tiling_statistics& t = by_tiling[static_cast<std::size_t>(type.tiling)];
          std::uint64_t tiles = pool.tile_count(r, lane);
          const std::byte* tile = pool.tiles(r, lane);
          encoded.clear();
          for (std::uint64_t n = 0; n < tiles; ++n) {
            type.tiles->encode(encoded, tile, pool.lane_wide(r, lane));
            tile += type.tiles->form(pool.lane_wide(r, lane)).stride;
          }
          const std::size_t each =
              tiles ? encoded.size() / tiles + 1 : 0;  // and a byte for the bucket
          if (const auto* d = pool.directory(r)) {
            for (const auto& s : d->segments) tiles += s.lane == lane ? s.count : 0;
          }
          t.groups += tiles ? 1 : 0;
          t.tiles += tiles;
          t.bytes += tiles * each;
        }
      });
      if (!done) failed = done.error();
    });
    if (failed) return *failed;
  }
  for (std::size_t r = 0; r < out.size(); ++r) {
    const tiling_statistics& t = by_tiling[static_cast<std::size_t>(plan.rules[r].tiling)];
    out[r].groups = t.groups;
    out[r].tiles = t.tiles;
    out[r].bytes = t.bytes;
  }
  return out;
}

result<std::vector<node::shard_statistics>> node::shard_statistics_of_all() {
  impl& i = *impl_;
  std::vector<shard_statistics> out;
  for (std::size_t s = 0; s < i.gates.size(); ++s) {
    shard_statistics one;
    auto stats = i.stores[s]->stats();
    if (!stats) return stats.error();
    one.file = i.stores[s]->data_file();
    one.file_bytes = stats->file_bytes;
    one.used_bytes = stats->used_bytes - stats->free_bytes;
    for (const auto& table : stats->tables) one.stored_values += table.entries;
    const auto states =
        i.gates[s]->priority([](storage::shard_core& core) { return core.stripe_states(); });
    std::map<storage::partition_id, std::pair<storage::sequence, storage::sequence>> range;
    for (const auto& state : states) {
      for (const auto& e : state.sources.entries())
        range.try_emplace(e.partition, ~storage::sequence{0}, 0);
    }
    for (const auto& state : states) {
      std::map<std::string, std::uint64_t> readable;
      for (auto& [partition, bounds] : range) {
        const auto* found = state.sources.find(partition);
        const storage::sequence at = found ? found->at : 0;
        bounds = {std::min(bounds.first, at), std::max(bounds.second, at)};
        readable.insert(i.readable_position(partition, at));
      }
      one.stripe_positions.push_back(std::move(readable));
    }
    for (const auto& [partition, bounds] : range) {
      one.smallest.insert(i.readable_position(partition, bounds.first));
      one.largest.insert(i.readable_position(partition, bounds.second));
    }
    out.push_back(std::move(one));
  }
  return out;
}

result<std::optional<node::id_statistics>> node::id_statistics_of_all() {
  std::optional<id_statistics> out;
  storage::dedup_index* seen = impl_->seen.get();
  if (!seen) return out;
  auto stats = seen->file_stats();
  if (!stats) return stats.error();
  out.emplace();
  out->file = seen->data_file();
  out->file_bytes = stats->file_bytes;
  out->used_bytes = stats->used_bytes - stats->free_bytes;
  for (const auto& table : stats->tables) out->stored_values += table.entries;
  out->ids = seen->stats().ids;
  return out;
}

result<std::uint64_t> node::verify() {
  impl& i = *impl_;
  const std::uint64_t seed = i.folder->meta().hash_seed;
  auto total = i.journal->verify();
  if (!total) return total;
  if (i.seen) {
    auto checked = i.seen->verify();
    if (!checked) return checked;
    *total += *checked;
  }
  for (auto& store : i.stores) {
    storage::record_pool pool(i.plan);
    auto checked = store->verify(
        [&](const storage::record_key& key, bytes value) -> result<bool> {
          const auto body = storage::checked_body(key, seed, value);
          const auto name = storage::read_record_key(key);
          if (body.empty()) return storage::damaged("value in " + store->data_file());
          if (name.segment != 0) return true;
          storage::record* r = storage::decode_head(pool, body, name.hash.lo);
          if (!r) return storage::damaged("record in " + store->data_file());
          pool.destroy(r);
          return true;
        },
        [&](std::uint16_t stripe, bytes value) -> result<void> {
          auto state = storage::decode_stripe(*i.plan, value, stripe, seed);
          if (!state) return state.error();
          return {};
        });
    if (!checked) return checked;
    *total += *checked;
  }
  return total;
}

}  // namespace windrow::node
