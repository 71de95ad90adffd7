#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "formats/message_run.hpp"
#include "ingest/stream.hpp"
#include "schema/plan/plan.hpp"
#include "storage/batch.hpp"
#include "storage/shard/placement.hpp"

namespace windrow::ingest {

/// Recycles batches with the memory of their columns. Thread-safe: a batch comes back on the
/// thread of whoever drops it last, also after the pool's owner has gone.
class batch_pool : public std::enable_shared_from_this<batch_pool> {
public:
  static std::shared_ptr<batch_pool> make(std::size_t kept_max);

  std::unique_ptr<storage::batch> take();
  storage::batch_ptr share(std::unique_ptr<storage::batch> batch);

private:
  explicit batch_pool(std::size_t kept_max) : kept_max_(kept_max) {}
  void give_back(std::unique_ptr<storage::batch> batch) noexcept;

  const std::size_t kept_max_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<storage::batch>> kept_;
};

/// A batch and the shard it is for.
struct shard_batch {
  std::uint32_t shard = 0;
  storage::batch_ptr batch;
};

struct batcher_options {
  schema::plan_ptr plan;
  int source = schema::none;
  storage::partition_id partition = 0;
  storage::sequence position = 0;
  std::uint32_t shard_count = 1;
  std::uint64_t folder_seed = 0;
  std::size_t batch_rows = 1024;
};

/// Spreads rows over shards, gathers them into batches, and follows the newest event time of
/// every watermark group in the order of the source.
///
/// Invariants: the batches of a shard tile the sequences: each begins where the one before ended.
/// A batch is closed between two messages and holds all rows of the messages it covers. A row's
/// `max_event_time_before` counts the messages before its own, whatever their stream and shard.
///
/// Operation: `begin_run`, then for each block of messages `make_room` (where a sequence jumps
/// far), `add` for every route of every stream and `end_block`, then `end_run`. One thread.
class ingest_batcher {
public:
  explicit ingest_batcher(batcher_options options);

  /// The newest event time of each watermark group of the plan before the position, for the start.
  void resume(std::span<const std::int64_t> max_event_times);
  const std::vector<std::int64_t>& max_event_times() const noexcept { return max_event_times_; }

  void begin_run(const formats::message_run& run);
  /// How many messages from `begin` on fit into the open batches: 0 means that the sequence of
  /// the first is too far from where the open batches begin; call `make_room`.
  std::size_t fitting(std::size_t begin, std::size_t end) const;
  /// Closes all batches just before message `begin`.
  void make_room(std::size_t begin, std::vector<shard_batch>& out);
  /// Adds the rows of one route of a stream; `route` is the index among the stream's routes, and
  /// `begin` the message (index in the run) at which the block begins.
  void add(const schema::stream& stream, std::size_t route, const resolved_block& block,
           std::size_t begin);
  /// All streams have added their rows of the messages before `end`: closes what is full.
  void end_block(std::size_t end, std::vector<shard_batch>& out);
  /// Closes every shard's batch at the end of the run, rows or not.
  void end_run(std::vector<shard_batch>& out);

private:
  struct section_extra {
    std::vector<std::uint32_t> messages;  ///< index in the run, one a row
    std::int64_t earliest = INT64_MAX;    ///< of the rows' times
  };
  struct open_batch {
    std::unique_ptr<storage::batch> batch;
    storage::sequence first = 0;
    std::vector<section_extra> extras;  ///< one a section
  };
  struct watermark_group_state {
    int watermark_group = schema::none;
    /// A row whose time plus this is at or before the newest may be outside a rule's retention.
    std::int64_t margin = 0;
    std::int64_t at_run_start = storage::no_time;
    std::vector<std::int64_t> given;   ///< newest time each message of the run gave
    std::vector<std::int64_t> before;  ///< newest before each message, as far as computed
  };
  struct route_state {
    int route = schema::none;
    storage::placement where;
    std::vector<int>
        watermark_groups;  ///< into watermark_groups_, one per `route.watermark_groups`
  };

  std::span<const std::uint32_t> select(const route_keys& keys, const resolved_block& block);
  void hash(const route_state& route, const resolved_block& block,
            std::span<const std::uint32_t> rows, const route_keys& keys);
  void follow_times(const route_state& route, const resolved_block& block,
                    std::span<const std::uint32_t> rows, std::size_t begin);
  void append(open_batch& to, std::size_t section, const resolved_block& block,
              const route_keys& keys, std::span<const std::uint32_t> rows, std::size_t begin);
  void close(std::uint32_t shard, storage::sequence last, std::vector<shard_batch>& out);
  void note_late_rows(open_batch& from, std::size_t section);
  std::int64_t max_event_time_before(watermark_group_state& state, std::size_t message);
  void open(open_batch& to);

  const batcher_options options_;
  std::shared_ptr<batch_pool> pool_;
  std::vector<route_state> routes_;    ///< of all streams of the source: the sections
  std::vector<int> section_of_route_;  ///< by plan route
  std::vector<watermark_group_state> watermark_groups_;  ///< that the source feeds
  std::vector<std::int64_t> max_event_times_;            ///< one per watermark group of the plan
  std::vector<open_batch> open_;                         ///< one a shard
  const formats::message_run* run_ = nullptr;
  // Working memory, one item a row of the block.
  std::vector<std::uint32_t> all_rows_;
  std::vector<std::uint32_t> selected_;
  std::vector<storage::key_hash> hashes_;
  std::vector<std::uint32_t> shards_;
  std::vector<std::uint32_t> by_shard_;
  std::vector<std::uint32_t> shard_ends_;
  std::string placing_key_;
};

}  // namespace windrow::ingest
