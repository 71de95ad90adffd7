#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "schema/plan/plan.hpp"
#include "storage/shard/shard_core.hpp"
#include "windrow/engine.hpp"

namespace windrow::query {

/// What a query needs to know of the node.
struct query_context {
  schema::plan_ptr plan;
  std::uint32_t shard_count = 1;
  std::uint64_t folder_seed = 0;
  /// The name and the readable value of a position.
  std::function<std::pair<std::string, std::uint64_t>(storage::partition_id, storage::sequence)>
      position;
};

/// One query, as decisions: which shard to ask what, and what the answers mean together.
///
/// A first round asks every entity's own shard. Features whose group is not the entity itself need
/// its local join keys first: their groups are asked in a second round. Plain; whoever carries the
/// questions (the caller's thread, the query actor) drives it:
///
///     while (auto round = q.next_round(); !round.empty()) for (ask : round) q.answered(ask,
///     answers); q.finish()
class query_core {
public:
  /// One entity of a query: its key bytes and what is asked of it.
  struct subject {
    int entity_class = schema::none;
    std::string key;  ///< key bytes of the class's key space
    std::span<const schema::feature_reference> features;
    /// Features asked by a name that this class does not have.
    std::vector<feature_answer> unknown;
  };

  struct ask {
    std::uint32_t shard = 0;
    std::shared_ptr<std::vector<storage::lookup_request>> requests;
    std::vector<std::size_t> rows;  ///< the row each request is for
  };
  using answers = std::vector<result<storage::lookup_answer>>;

  /// `features` of the subjects must outlive the query.
  query_core(const query_context& context, std::vector<subject> subjects, timestamp now);
  ~query_core();

  /// What to ask now; empty when everything is known. One call a round.
  std::vector<ask> next_round();
  void answered(const ask& asked, const answers& got);
  /// No answer came from the shard: its values become this error.
  void unanswered(const ask& asked, const failure& why);

  /// The rows, in order of the subjects; an error of a feature is in its place.
  query_answer finish();

private:
  struct row_state;
  void ask_entity(std::size_t row, std::map<std::uint32_t, ask>& round);
  void ask_groups(std::size_t row, std::map<std::uint32_t, ask>& round);
  void add(std::uint32_t shard, std::size_t row, storage::lookup_request request,
           std::map<std::uint32_t, ask>& round);
  void take_scalar(row_state& state, std::size_t slot, const schema::scalar& scalar,
                   const std::optional<storage::record_pool::scalar_value>& stored);
  void take_windows(row_state& state, const storage::lookup_request& request,
                    const storage::lookup_answer& answer);
  result<std::string> group_key(const row_state& state, const schema::windowed_feature& feature,
                                int key_space) const;

  const query_context& context_;
  const schema::plan& plan_;
  std::vector<subject> subjects_;
  timestamp now_;
  int round_ = 0;
  std::vector<row_state> rows_;
};

/// Reads what a user wrote: `{"User", "u1"}` and feature names.
struct parsed_query {
  std::vector<std::vector<schema::feature_reference>> features;  ///< by class in `classes`
  std::vector<int> classes;
  std::vector<query_core::subject> subjects;
};
result<std::unique_ptr<parsed_query>> parse_query(const schema::plan& plan,
                                                  const query_request& request);

/// The canonical name of a thing asked for.
std::string canonical_name(const schema::plan& plan, int entity_class,
                           const schema::feature_reference& f);

}  // namespace windrow::query
