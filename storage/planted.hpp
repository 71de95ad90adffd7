#pragma once

/// Bugs planted on purpose, for tests only: each breaks one rule of recovery, and a test shows
/// that the property test catches it (the table is in tests/storage/README.md). Without
/// WINDROW_PLANT, which only that test's build of the shard defines, none exists.
namespace windrow::storage {

enum class plant : int {
  none,
  touch_missed,        ///< a change of a record whose last version is not committed is not noted
  two_in_flight,       ///< a stripe is written again before its last write was committed
  encoded_is_clean,    ///< a record may leave memory once encoded
  delete_dropped,      ///< an expired record leaves memory without being deleted from storage
  replay_not_skipped,  ///< rows a stripe has already applied are applied again
  newest_not_stored,   ///< newest event times are not stored with the stripe
  stripe_not_a_range,  ///< stripes are cut by bits that do not come first in keys
  count,
};

/// The same for the rules of deduplication.
enum class seen_plant : int {
  none,
  ids_not_flushed,               ///< what was decided is durable before its ids are
  decided_again,                 ///< replay decides by what is there, not by what was decided
  own_is_duplicate,              ///< a message replayed is a duplicate of itself
  forgets_what_may_be_replayed,  ///< an id leaves while its message may be read again
  forgets_by_memory,             ///< an id leaves by times that a crash takes back
  count,
};

#ifdef WINDROW_PLANT
extern plant planted_bug;
extern seen_plant planted_seen_bug;
inline bool planted(plant bug) { return planted_bug == bug; }
inline bool planted(seen_plant bug) { return planted_seen_bug == bug; }
#else
constexpr bool planted(plant) { return false; }
constexpr bool planted(seen_plant) { return false; }
#endif

}  // namespace windrow::storage
