#include "node/query_service.hpp"

#include <algorithm>

#include "actors/yield_hint.hpp"
#include "base/clock.hpp"
#include "node/actor_runtime.hpp"
#include "node/position_names.hpp"
#include "node/run_state.hpp"
#include "node/shard_set.hpp"
#include "schema/catalog/key.hpp"

namespace windrow::node {

namespace {

// Queries of at most as many entities are answered on the caller's thread.
constexpr std::size_t entities_here = 256;
// Lookups while a shard is held.
constexpr std::size_t lookups_at_once = 32;

}  // namespace

query_service::query_service(parts p, schema::plan_ptr plan) : parts_(p) { use(std::move(plan)); }

void query_service::use(schema::plan_ptr plan) {
  auto next = std::make_shared<query::query_context>();
  next->plan = std::move(plan);
  next->shard_count = static_cast<std::uint32_t>(parts_.shards.size());
  next->folder_seed = parts_.folder_seed;
  next->position = [names = &parts_.names](storage::partition_id id, storage::sequence at) {
    return names->readable(id, at);
  };
  const std::lock_guard lock(mutex_);
  context_ = std::move(next);
}

query_service::context_ptr query_service::context() const {
  const std::lock_guard lock(mutex_);
  return context_;
}

template <class Asked>
void query_service::answer_here(query::query_core& core, Asked&& asked) {
  parts_.requests.notify_request();
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
        parts_.shards.access(ask.shard)->priority([&](storage::shard_core& shard) {
          for (const auto& r : portion) answers.push_back(shard.lookup(r));
        });
      }
      for (const auto& r : *ask.requests) asked(ask.shard, r);
      core.answered(ask, answers);
    }
  }
}

void query_service::answer_here(query::query_core& core) {
  answer_here(core, [](std::uint32_t, const storage::lookup_request&) {});
}

result<query_answer> query_service::query(const query_request& request) {
  const context_ptr pinned = context();
  auto parsed = query::parse_query(*pinned->plan, request);
  if (!parsed) return parsed.error();
  return answer(*pinned, **parsed, request.now.value_or(timestamp{wall_clock()}));
}

result<query_answer> query_service::answer(const query::query_context& context,
                                           const query::parsed_query& parsed, timestamp now) {
  auto core = std::make_shared<query::query_core>(context, parsed.subjects, now);
  const auto call = parts_.state.calls().enter();
  if (parsed.subjects.size() <= entities_here || !call) {
    answer_here(*core);
    return core->finish();
  }
  parts_.requests.notify_request();
  if (auto answered = parts_.runtime.answer(core); !answered) return answered.error();
  return core->finish();
}

result<explanation> query_service::explain(const entity_reference& entity,
                                           const std::string& feature,
                                           std::optional<timestamp> now) {
  const context_ptr pinned = context();
  const timestamp at = now.value_or(timestamp{wall_clock()});
  auto parsed = query::parse_query(*pinned->plan, {{entity}, {feature}, at});
  if (!parsed) return parsed.error();
  const auto& features = (*parsed)->features.front();
  if (features.size() != 1 ||
      features.front().what != schema::feature_reference::kind::window_value) {
    return failure{
        errc::invalid,
        "explain takes one window of one windowed feature, such as 'sum_amount[\"1h\"]'"};
  }
  auto answered = answer(*pinned, **parsed, at);
  if (!answered) return answered.error();
  explanation out;
  out.row = std::move(answered->rows.front());
  if (!out.row.features.front().value) return out;
  // The last record asked is the one that holds the window.
  query::query_core core(*pinned, (*parsed)->subjects, at);
  std::optional<std::pair<std::uint32_t, storage::lookup_request>> holder;
  answer_here(core, [&](std::uint32_t shard, const storage::lookup_request& r) {
    if (!r.window_values.empty()) holder = {shard, r};
  });
  if (!holder) return out;
  auto buckets = parts_.shards.access(holder->first)->priority([&](storage::shard_core& shard) {
    return shard.explain(holder->second);
  });
  if (!buckets) return buckets.error();
  for (const auto& b : *buckets) out.buckets.push_back({{b.start}, {b.end}, b.events, b.value});
  return out;
}

result<query::prepared_lookup> query_service::prepare(std::string_view entity_class,
                                                      std::span<const std::string> features) const {
  const context_ptr pinned = context();
  auto c = schema::resolve_class(*pinned->plan, entity_class);
  if (!c) return c.error();
  query::prepared_lookup out;
  out.plan = pinned->plan;
  out.entity_class = *c;
  for (const std::string& name : features) {
    auto found = schema::resolve_feature(*pinned->plan, *c, name);
    if (!found) return found.error();
    out.features.insert(out.features.end(), found->begin(), found->end());
  }
  return out;
}

result<answer_row> query_service::lookup(const query::prepared_lookup& query, std::string_view key,
                                         timestamp now) {
  const context_ptr pinned = context();
  if (query.plan != pinned->plan) {
    return failure{errc::mismatch,
                   "the query was prepared for other declarations than those in use; prepare it "
                   "again"};
  }
  const auto& c = pinned->plan->classes[static_cast<std::size_t>(query.entity_class)];
  const auto& space = pinned->plan->key_spaces[static_cast<std::size_t>(c.key_space)];
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
  query::query_core core(*pinned, std::move(subjects), now);
  answer_here(core);
  return std::move(core.finish().rows.front());
}

}  // namespace windrow::node
