#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "query/query_context.hpp"
#include "query/resolve_query.hpp"
#include "storage/shard/shard_core.hpp"
#include "windrow/engine.hpp"

namespace windrow::query {

/// What one shard is asked in one stage of a query.
struct shard_request {
  std::uint32_t shard = 0;
  std::shared_ptr<std::vector<storage::lookup_request>> requests;
  /// What each request is for: a row's own record, or a group of `class_query::groups`.
  struct place {
    static constexpr std::size_t own = ~std::size_t{0};
    std::size_t row = 0;
    std::size_t group = own;
  };
  std::vector<place> places;  ///< one per request
};

/// One query, as decisions: which shard to ask what, and what the answers mean together.
///
/// A first stage asks every entity's own shard. Features whose group is not the entity itself need
/// its local join keys first: their groups are asked in a second stage. Plain; whoever carries the
/// requests (the caller's thread, the query actor) drives it, one thread at a time:
///
///     for (auto stage = q.next_stage(); !stage.empty(); stage = q.next_stage())
///       for (const shard_request& r : stage) q.answered(r, answers of that shard);
///     q.finish()
class query_core {
public:
  using answers = std::vector<result<storage::lookup_answer>>;

  /// `context` must outlive the query.
  query_core(const query_context& context, resolved_query query);
  ~query_core();

  /// What to ask now, one request per shard; empty when everything is known. A stage begins when
  /// each request of the one before it is answered or `unanswered`.
  std::vector<shard_request> next_stage();
  /// `got` has one answer per lookup of `request`, in their order.
  void answered(const shard_request& request, const answers& got);
  /// No answer came from the shard: its values become this error.
  void unanswered(const shard_request& request, const failure& why);

  /// The rows, in order of the query's; an error of a feature is in its place. Once.
  query_answer finish();

private:
  struct row_state;
  using requests_by_shard = std::map<std::uint32_t, shard_request>;

  void request_entity(std::size_t row, requests_by_shard& stage);
  void request_groups(std::size_t row, requests_by_shard& stage);
  result<storage::resolved_key> group_key(const row_state& state, const query_row& row,
                                          const class_query::group& group) const;
  timestamp now_of(const query_row& row) const { return row.now.value_or(query_.now); }
  void take(const shard_request::place& place, const storage::lookup_answer& answer);
  void take_scalars(const shard_request::place& place, const storage::lookup_answer& answer);
  void fail(const shard_request::place& place, const failure& why);

  const query_context& context_;
  resolved_query query_;
  int stages_ = 0;
  std::vector<row_state> rows_;
};

}  // namespace windrow::query
