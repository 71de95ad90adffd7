#pragma once

#include <cstddef>
#include <iterator>

/// Bugs planted on purpose, for tests only: each breaks one rule of recovery, and a test shows
/// that it is caught (the tables are in tests/storage/README.md and tests/crash/README.md).
/// Without WINDROW_FAULT_INJECTION, which only those tests' builds define, none exists.
namespace windrow {

enum class failpoint : int {
  none,
  touch_missed,         ///< a change of a record whose last version is not committed is not noted
  two_in_flight,        ///< a stripe is written again before its last write was committed
  encoded_is_clean,     ///< a record may leave memory once encoded
  delete_dropped,       ///< an expired record leaves memory without being deleted from storage
  replay_not_skipped,   ///< rows a stripe has already applied are applied again
  newest_not_stored,    ///< newest event times are not stored with the stripe
  stripe_not_a_range,   ///< stripes are cut by bits that do not come first in keys
  count,                ///< of those above, which are caught by histories of a shard
  acknowledged_early,   ///< a push is answered before it is stored (with the next one)
  not_synced,           ///< a commit does not wait for the disk
  positions_first,      ///< stripes' positions are committed before their records
  dead_letters_last,    ///< dead letters become durable after all positions above them
  trimmed_too_far,      ///< the journal forgets what some shard has not applied
  checksum_skipped,     ///< what is read is not compared with checksums and sums
  replay_by_the_clock,  ///< messages that are read again arrive again
  producer_ignored,     ///< what a producer has pushed before is stored again
  end,
};

/// By number, as the environment of the planted programs names them.
inline constexpr const char* failpoint_names[] = {"none",
                                                  "touch_missed",
                                                  "two_in_flight",
                                                  "encoded_is_clean",
                                                  "delete_dropped",
                                                  "replay_not_skipped",
                                                  "newest_not_stored",
                                                  "stripe_not_a_range",
                                                  "",
                                                  "acknowledged_early",
                                                  "not_synced",
                                                  "positions_first",
                                                  "dead_letters_last",
                                                  "trimmed_too_far",
                                                  "checksum_skipped",
                                                  "replay_by_the_clock",
                                                  "producer_ignored"};
static_assert(std::size(failpoint_names) == static_cast<std::size_t>(failpoint::end));

/// The same for the rules of deduplication.
enum class dedup_failpoint : int {
  none,
  ids_not_flushed,               ///< what was decided is durable before its ids are
  decided_again,                 ///< replay decides by what is there, not by what was decided
  own_is_duplicate,              ///< a message replayed is a duplicate of itself
  forgets_what_may_be_replayed,  ///< an id leaves while its message may be read again
  forgets_by_memory,             ///< an id leaves by times that a crash takes back
  count,
};

#ifdef WINDROW_FAULT_INJECTION
extern failpoint injected_fault;
extern dedup_failpoint injected_dedup_fault;
inline bool fault_injected(failpoint bug) { return injected_fault == bug; }
inline bool fault_injected(dedup_failpoint bug) { return injected_dedup_fault == bug; }
#else
constexpr bool fault_injected(failpoint) { return false; }
constexpr bool fault_injected(dedup_failpoint) { return false; }
#endif

}  // namespace windrow
