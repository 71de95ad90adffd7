#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/dedup/memtable.hpp"
#include "storage/dedup/sorted_runs.hpp"

namespace windrow::storage {

/// How far a source partition may lie behind the newest event time of its stream, beyond `within`,
/// before its ids are forgotten as those of a partition that has ended. 30 days, in microseconds.
inline constexpr std::int64_t partition_lag_max = 30LL * 86'400 * 1'000'000;

struct dedup_stream_rule {
  std::string name;
  std::int64_t within = 0;  ///< microseconds; 0: no deduplication
};

/// Names a stream in what is stored.
std::uint64_t hash_of_stream(std::string_view name) noexcept;

/// Each stream's messages from each source partition: how far they are decided, how new they are,
/// and so which ids are still remembered. Guarded by its owner.
class dedup_tracks {
public:
  /// One stream's messages from one partition.
  struct track {
    std::uint64_t stream_hash = 0;
    int stream = -1;  ///< index of its rule; -1: not of this plan
    partition_id partition = 0;
    sequence decided = 0;
    std::int64_t max_event_time = no_time;  ///< of what was accepted
    sequence decided_durable = 0;
    std::int64_t max_event_time_durable = no_time;
  };
  /// A track by its number, as it was at some time.
  using numbered = std::pair<std::uint32_t, track>;

  explicit dedup_tracks(std::span<const dedup_stream_rule> rules);
  result<void> load(const dedup_files& files, const lmdb::read_transaction& txn);

  /// The number of a track, from 1; a new one where there is none.
  std::uint32_t number_of(int stream, partition_id partition);
  track& at(std::uint32_t number) { return tracks_[number - 1]; }
  const std::vector<track>& all() const noexcept { return tracks_; }
  std::int64_t within(const track& of) const noexcept;

  /// A message of the track with that event time was accepted.
  void note_max_event_time(track& of, std::int64_t time) noexcept;
  /// Whether an id that was accepted counts still.
  bool remembered(const dedup_id& seen) const noexcept;
  /// Messages at or below these positions will not be replayed.
  void forget(const positions& committed);
  /// What may be left out, by what is durable: a crash must not bring back the need for it.
  dedup_limits limits() const;

  /// Those whose last decision is not durable.
  std::vector<numbered> undurable() const;
  /// Of tracks as they once were, those of which less is durable.
  std::vector<numbered> undurable_of(const std::vector<track>& once) const;
  void made_durable(std::span<const numbered> tracks);
  static dedup_value encode(const numbered& track);

private:
  struct stream_state {
    std::uint64_t hash = 0;
    std::int64_t within = 0;
    std::int64_t max_event_time = no_time;
  };
  std::vector<stream_state> streams_;
  std::vector<track> tracks_;  // tracks_[i] has the number i + 1
  std::map<std::pair<std::uint64_t, partition_id>, std::uint32_t> numbers_;
  positions passed_;
};

}  // namespace windrow::storage
