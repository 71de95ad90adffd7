#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "query/class_query.hpp"
#include "query/query_core.hpp"
#include "windrow/engine.hpp"

namespace windrow::actors {
class yield_hint;
}

namespace windrow::node {

class actor_runtime;
class position_names;
class run_state;
class shard_set;

/// What a node answers. Few entities are answered on the caller's thread, ahead of the shards' next
/// batches, also after the node was stopped; many by all shards at once.
///
/// Any thread. Each call uses the plan that was active when it came, to its end; what was prepared
/// for another is refused. Everything it is made of outlives it.
class query_service {
public:
  struct parts {
    shard_set& shards;
    position_names& names;
    run_state& state;
    actor_runtime& runtime;
    actors::yield_hint& requests;
    std::uint64_t folder_seed = 0;
  };
  query_service(parts p, schema::plan_ptr plan);

  /// Answers by this plan from now on. Every shard has it.
  void use(schema::plan_ptr plan);

  result<query_answer> query(const query_request& request);
  result<explanation> explain(const entity_reference& entity, const std::string& feature,
                              std::optional<timestamp> now);
  result<query::class_query_ptr> prepare(std::string_view entity_class,
                                         std::span<const std::string> features) const;
  /// `mismatch` if the query was prepared for another plan.
  result<answer_row> lookup(const query::class_query_ptr& query, std::string_view key,
                            timestamp now);

private:
  /// A plan and what its queries need.
  struct pinned {
    schema::plan_ptr plan;
    query::query_context context;
  };
  using pinned_ptr = std::shared_ptr<const pinned>;
  pinned_ptr current() const;
  /// Drives a query on the caller's thread; the last stage that it asked.
  std::vector<query::shard_request> answer_here(query::query_core& core);

  const parts parts_;
  mutable std::mutex mutex_;
  pinned_ptr pinned_;  // replaced as a whole
};

}  // namespace windrow::node
