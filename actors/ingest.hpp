#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <caf/response_promise.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/credit.hpp"
#include "actors/ingest_core.hpp"
#include "actors/interfaces.hpp"
#include "actors/slot.hpp"
#include "storage/journal.hpp"

namespace windrow::actors {

/// What ingest tells the node. Called on the actor's thread.
struct ingest_events {
  /// Totals of all inputs, and the newest event time in any of them.
  std::function<void(const std::vector<const ingest_counters*>&, std::uint64_t late, std::int64_t newest)> counted;
  /// Everything sent so far is applied; `ended`: and every input has ended.
  std::function<void(bool ended)> settled;
  /// An input, a shard or the journal has failed: nothing more is taken.
  std::function<void(const failure&)> failed;
};

struct ingest_settings {
  std::vector<shard_actor> shards;
  std::uint64_t folder_seed = 0;
  credit::limits limits;
  storage::journal* journal = nullptr;     ///< for dead letters; outlives the actor
  storage::seen_ids* seen = nullptr;       ///< where a stream declares deduplication; the same
  ingest_events events;
};

/// Turns runs of messages into batches for shards, input by input, as far as credit reaches.
/// Decisions live in `ingest_core` (rows) and `credit` (when).
class ingest {
public:
  static inline constexpr const char* name = "ingest";

  ingest(ingest_actor::pointer self, ingest_settings settings);

  ingest_actor::behavior_type make_behavior();

private:
  struct input_state {
    source_actor reader;
    std::unique_ptr<ingest_core> core;
    std::optional<source_read> ready;      // read, waiting for credit
    bool reading = false;
    bool ended = false;
  };

  void on_start(const start_inputs& message);
  void pump();
  void read(std::size_t number);
  void on_read(const source_read& got);
  void take(std::size_t number);
  void send(const shard_batch& b);
  void on_applied(const batch_applied& done);
  void report();
  void report_if_settled();
  void fail(const failure& why);

  ingest_actor::pointer self_;
  ingest_settings settings_;
  schema::plan_ptr plan_;
  std::vector<input_state> inputs_;
  credit credit_;
  ingest_output output_;
  std::uint64_t late_ = 0;
  bool draining_ = false;
  bool failed_ = false;
  std::vector<caf::typed_response_promise<drained>> drains_;
};

ingest_actor::behavior_type make_ingest(ingest_actor::stateful_pointer<actor_slot<ingest>> self,
                                        ingest_settings settings);

}  // namespace windrow::actors
