#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include <caf/response_promise.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/actor_slot.hpp"
#include "actors/interfaces.hpp"
#include "actors/yield_hint.hpp"
#include "ingest/credit.hpp"
#include "ingest/ingest_core.hpp"
#include "ingest/progress.hpp"
#include "storage/journal/journal.hpp"

namespace windrow::actors {

/// What ingest tells the node. Called on the actor's thread.
struct ingest_events {
  /// One input has got on, has to wait, or has ended.
  std::function<void(const ingest::input_progress&)> progressed;
  /// One input has failed and is left alone; the others go on.
  std::function<void(std::uint32_t input, const failure&)> input_failed;
  /// Everything sent so far is applied.
  std::function<void()> idle;
  /// An essential input, a shard or the journal has failed: nothing more is taken.
  std::function<void(const failure&)> failed;
};

struct ingest_settings {
  std::vector<shard_actor> shards;
  std::uint64_t folder_seed = 0;
  ingest::credit::limits limits;
  storage::journal* journal = nullptr;    ///< for dead letters; outlives the actor
  storage::dedup_index* dedup = nullptr;  ///< where a stream declares deduplication; the same
  std::shared_ptr<const yield_hint> requests = std::make_shared<yield_hint>();
  ingest_events events;
};

/// Turns runs of messages into batches for shards, input by input, as far as credit reaches.
/// Decisions live in `ingest_core` (rows) and `credit` (when).
///
/// Inputs are isolated: one that fails or is stopped holds no credit once what was sent of it is
/// applied, keeps nothing that was read and not taken, and can be continued from where it stands.
class ingester {
public:
  static inline constexpr const char* name = "ingest";

  ingester(ingest_actor::pointer self, ingest_settings settings);

  ingest_actor::behavior_type make_behavior();

private:
  struct input_state {
    source_actor reader;              // null while stopped
    std::uint32_t reader_number = 0;  // tells its answers from those of an earlier one
    std::unique_ptr<ingest::ingest_core> core;
    std::optional<source_read> ready;  // read, waiting for credit
    std::uint64_t late = 0;
    std::int64_t arrival = storage::no_time;
    bool essential = false;
    bool reading = false;
    bool ended = false;
    bool waiting = false;  // as last reported
  };

  catalog_ready on_stage(const stage_catalog& message);
  catalog_ready on_activate(const activate_catalog& message);
  void on_start(const start_inputs& message);
  input_stopped on_stop(const stop_input& message);
  void on_continue(const continue_input& message);
  void pump();
  void read(std::uint32_t number, input_state& in);
  void on_read(std::uint32_t number, std::uint32_t reader, const source_read& got);
  void on_input_failed(std::uint32_t number, const failure& why);
  void take(std::uint32_t number, input_state& in);
  void skip(std::uint32_t number, input_state& in, storage::sequence to);
  void send(std::uint32_t number);
  void on_applied(std::uint32_t number, const batch_applied& done);
  void report(std::uint32_t number, input_state& in);
  void report_if_idle();
  void fail(const failure& why);

  ingest_actor::pointer self_;
  ingest_settings settings_;
  std::uint64_t requests_seen_ = 0;
  schema::plan_ptr plan_;    // active
  schema::plan_ptr staged_;  // null but between the steps of a rollout
  std::map<std::uint32_t, input_state> inputs_;
  ingest::credit credit_;
  ingest::ingest_output output_;
  bool draining_ = false;
  bool failed_ = false;
  std::vector<caf::typed_response_promise<drained>> drains_;
};

ingest_actor::behavior_type make_ingest(ingest_actor::stateful_pointer<actor_slot<ingester>> self,
                                        ingest_settings settings);

}  // namespace windrow::actors
