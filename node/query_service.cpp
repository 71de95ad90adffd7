#include "node/query_service.hpp"

#include <algorithm>

#include "actors/yield_hint.hpp"
#include "base/clock.hpp"
#include "node/actor_runtime.hpp"
#include "node/position_names.hpp"
#include "node/run_state.hpp"
#include "node/shard_set.hpp"
#include "query/resolve_query.hpp"

namespace windrow::node {

namespace {

// Queries of at most as many entities are answered on the caller's thread.
constexpr std::size_t entities_here = 256;
// Lookups while a shard is held.
constexpr std::size_t lookups_at_once = 32;

}  // namespace

query_service::query_service(parts p, schema::plan_ptr plan) : parts_(p) { use(std::move(plan)); }

void query_service::use(schema::plan_ptr plan) {
  auto next = std::make_shared<pinned>();
  next->plan = std::move(plan);
  next->context.shard_count = static_cast<std::uint32_t>(parts_.shards.size());
  next->context.folder_seed = parts_.folder_seed;
  next->context.position = [names = &parts_.names](storage::partition_id id, storage::sequence at) {
    return names->readable(id, at);
  };
  const std::lock_guard lock(mutex_);
  pinned_ = std::move(next);
}

query_service::pinned_ptr query_service::current() const {
  const std::lock_guard lock(mutex_);
  return pinned_;
}

std::vector<query::shard_request> query_service::answer_here(query::query_core& core) {
  parts_.requests.notify_request();
  std::vector<query::shard_request> last;
  for (auto stage = core.next_stage(); !stage.empty(); stage = core.next_stage()) {
    for (const query::shard_request& asked : stage) {
      query::query_core::answers answers;
      answers.reserve(asked.requests->size());
      // In portions, so that no batch and no other lookup waits for all of them.
      while (answers.size() < asked.requests->size()) {
        const auto portion =
            std::span(*asked.requests)
                .subspan(answers.size())
                .first(std::min(lookups_at_once, asked.requests->size() - answers.size()));
        parts_.shards.access(asked.shard)->priority([&](storage::shard_core& shard) {
          for (const auto& r : portion) answers.push_back(shard.lookup(r));
        });
      }
      core.answered(asked, answers);
    }
    last = std::move(stage);
  }
  return last;
}

result<query_answer> query_service::query(const query_request& request) {
  const pinned_ptr pinned = current();
  auto asked =
      query::resolve_query(pinned->context, pinned->plan, request, timestamp{wall_clock()});
  if (!asked) return asked.error();
  const std::size_t entities = asked->rows.size();
  auto core = std::make_shared<query::query_core>(pinned->context, std::move(*asked));
  const auto call = parts_.state.calls().enter();
  if (entities <= entities_here || !call) {
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
  const pinned_ptr pinned = current();
  auto asked = query::resolve_query(pinned->context, pinned->plan, {{entity}, {feature}, now},
                                    timestamp{wall_clock()});
  if (!asked) return asked.error();
  const query::class_query& of = *asked->rows.front().asked;
  if (of.names.size() != 1 || !of.key_slots.empty() || !of.scalar_slots.empty()) {
    return failure{
        errc::invalid,
        "explain takes one window of one windowed feature, such as 'sum_amount[\"1h\"]'"};
  }
  query::query_core core(pinned->context, std::move(*asked));
  const auto last = answer_here(core);
  explanation out;
  out.row = std::move(core.finish().rows.front());
  if (!out.row.features.front().value) return out;
  // The last record asked is the one that holds the window.
  const query::shard_request& holder = last.front();
  auto buckets = parts_.shards.access(holder.shard)->priority([&](storage::shard_core& shard) {
    return shard.explain(holder.requests->front());
  });
  if (!buckets) return buckets.error();
  for (const auto& b : *buckets) out.buckets.push_back({{b.start}, {b.end}, b.events, b.value});
  return out;
}

result<query::class_query_ptr> query_service::prepare(std::string_view entity_class,
                                                      std::span<const std::string> features) const {
  return query::prepare(current()->plan, entity_class, features);
}

result<answer_row> query_service::lookup(const query::class_query_ptr& query, std::string_view key,
                                         timestamp now) {
  const pinned_ptr pinned = current();
  if (query->plan != pinned->plan) {
    return failure{errc::mismatch,
                   "the query was prepared for other declarations than those in use; prepare it "
                   "again"};
  }
  auto row = query::resolve_row(pinned->context, query, key);
  if (!row) return row.error();
  query::resolved_query asked{query->plan, now, {}};
  asked.rows.push_back(std::move(*row));
  query::query_core core(pinned->context, std::move(asked));
  answer_here(core);
  return std::move(core.finish().rows.front());
}

}  // namespace windrow::node
