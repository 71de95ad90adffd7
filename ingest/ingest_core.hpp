#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "formats/message_run.hpp"
#include "ingest/batcher.hpp"
#include "ingest/duplicates.hpp"
#include "ingest/stream.hpp"
#include "schema/plan/plan.hpp"
#include "storage/batch.hpp"
#include "storage/journal/dead_letter.hpp"
#include "storage/journal/skip_range.hpp"

namespace windrow::ingest {

/// Bytes of a message that its dead letter keeps.
inline constexpr std::size_t dead_letter_bytes_max = 64 * 1024;

struct ingest_options {
  schema::plan_ptr plan;
  /// `plan.sources`, or none: streams of any source (the journal), chosen run by run.
  int source = schema::none;
  storage::partition_id partition = 0;  ///< the partition of that source whose runs are taken
  /// The position every shard is known to have; the first batches begin after it.
  storage::sequence position = 0;
  /// Messages in these ranges are passed over, in order of `from`.
  std::vector<storage::skip_range> skips;
  std::uint32_t shard_count = 1;
  std::uint64_t folder_seed = 0;
  /// Messages are resolved in blocks of half as many, and a shard's batch is closed at the end
  /// of the block in which it reaches this many rows.
  std::size_t batch_rows = 1024;
  /// Required where a stream of the source declares deduplication; outlives the core.
  storage::dedup_index* seen = nullptr;
};

/// What became of messages since the start.
struct ingest_counters {
  struct of_stream {
    int stream = schema::none;    ///< `plan.streams`
    std::uint64_t applied = 0;    ///< messages that the stream accepted
    std::uint64_t skipped = 0;    ///< its `parse` gave null
    std::uint64_t duplicate = 0;  ///< repeats of messages accepted before
    std::uint64_t dead_lettered = 0;
  };
  struct of_reason {
    std::string phase;
    std::string reason;
    std::uint64_t count = 0;  ///< dead letters, of all streams
  };
  std::uint64_t read = 0;          ///< messages, once each however many streams read them
  std::uint64_t bytes = 0;         ///< of these messages
  std::vector<of_stream> streams;  ///< those of the source
  std::vector<of_reason> reasons;  ///< in order of first appearance
};

/// Which streams take a run: one, or those of one source, or (both none) all there are.
struct stream_choice {
  int source = schema::none;
  int stream = schema::none;
};

/// What is to be sent on: batches in order, every shard's last one ending at the end of the run.
struct ingest_output {
  std::vector<shard_batch> batches;
  std::vector<storage::dead_letter> dead_letters;
  /// Ids could not be looked up: nothing of the run may be sent on, and no run taken any more.
  std::optional<failure> failed;
  void clear() noexcept { batches.clear(), dead_letters.clear(), failed.reset(); }
};

/// Turns the messages of one source partition into batches for shards.
///
/// For every stream of the source: decode, `parse`, the resolver's program, required outputs,
/// event time and its checks, keys, deduplication; each message ends, for each stream, in exactly
/// one of applied, skipped, duplicate and dead-lettered. Then for every route of the stream a row,
/// unless a part of its key is null, in the batch of the key's shard.
///
/// The same runs from the same position with the same newest times give the same rows with the
/// same sequences; how runs are cut changes only how rows are grouped into batches.
///
/// No clock, disk or thread of its own: arrival comes with the run, and what is a duplicate is
/// decided by `storage::dedup_index`. Belongs to one thread; the
/// batches may be dropped on any.
class ingest_core {
public:
  explicit ingest_core(ingest_options options);

  /// The newest event time of each watermark group of the plan among the messages up to the
  /// position
  /// (`storage::no_time` where there is none). Before the first run.
  void resume(std::span<const std::int64_t> max_event_times) { batcher_.resume(max_event_times); }
  /// The same after the runs taken so far.
  const std::vector<std::int64_t>& max_event_times() const noexcept {
    return batcher_.max_event_times();
  }

  /// Takes the next run and appends to `out`. Messages at or before the position are ignored, so
  /// a run may overlap with one taken before.
  void take(const formats::message_run& run, ingest_output& out, stream_choice choice = {});

  /// Other ranges than those given at the start.
  void set_skips(std::vector<storage::skip_range> skips) { skips_ = std::move(skips); }
  /// Passes over the messages up to `to`, as if they had been taken and given no rows: every
  /// shard's position moves. Nothing if that is not ahead.
  void skip_to(storage::sequence to, ingest_output& out);

  storage::sequence position() const noexcept { return position_; }
  const ingest_counters& counters() const noexcept { return counters_; }

private:
  void take_block(const formats::message_run& run, std::size_t begin, std::size_t end,
                  stream_choice choice, ingest_output& out);
  void dead_letter(const formats::message_run& run, std::size_t message,
                   const schema::stream& stream, const refusal& why, ingest_output& out);

  const std::size_t block_messages_;
  /// The first message from `begin` on that is not passed over, and how many follow it up to `end`
  /// before the next that is.
  std::pair<std::size_t, std::size_t> not_skipped(const formats::message_run& run,
                                                  std::size_t begin, std::size_t end) const;

  const storage::partition_id partition_;
  storage::sequence position_;
  std::vector<storage::skip_range> skips_;
  std::vector<ingest_stream> streams_;
  std::vector<stream_choice> choices_;                        // what chooses each of them
  std::vector<std::optional<ingest_duplicates>> duplicates_;  // of each, where it declares it
  ingest_batcher batcher_;
  ingest_counters counters_;
};

}  // namespace windrow::ingest
