#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "schema/catalog/source_kinds.hpp"
#include "schema/plan/plan.hpp"
#include "sources/input.hpp"
#include "storage/journal/journal.hpp"
#include "storage/shard/stripe.hpp"
#include "windrow/result.hpp"

namespace windrow::sources {

/// Where a partition of a source is to be read on.
struct seek_target {
  enum class kind : std::uint8_t {
    earliest,  ///< the oldest message that is still there
    latest,    ///< behind the newest
    position,  ///< `position`: of a file the byte, of a log the offset of the next message to read
    time,      ///< `time`: the first message that arrived then or later
  } what = kind::latest;
  storage::sequence position = 0;
  std::int64_t time = 0;  ///< microseconds
  friend bool operator==(const seek_target&, const seek_target&) = default;
};

/// What a target means in a partition.
struct seek_place {
  storage::sequence at = 0;
  storage::sequence oldest = 0;  ///< what lies before it is gone; 0 if that is not known
};

/// A partition as its driver knows it.
struct driver_partition {
  storage::partition_id id = 0;
  /// For people and `--partition`: a file's path, the number of a topic's partition.
  std::string name;
  /// The position of a partition of which nothing has been applied. Must be the same at each
  /// start, so what is not 0 is kept durably by the driver (in the partition's state).
  storage::sequence start = 0;
  /// False after a reset while `start` is still to be found out.
  bool begun = true;
  /// The position at which nothing is left to read, as last heard; nothing if that is not known.
  std::optional<storage::sequence> end;
  /// Why nothing comes at present though nothing has failed (no connection, and since when); empty
  /// where all is well.
  std::string trouble;
};

/// What a driver works with; outlives it. `position_of` is the smallest position of any shard.
struct driver_context {
  storage::journal& journal;
  std::string data;   ///< the folder as the user wrote it, for commands in messages
  bool once = false;  ///< inputs end where their partition ended when the node started
  std::function<storage::sequence(storage::partition_id)> position_of;
  std::function<std::int64_t()> clock;  ///< the wall clock, microseconds
  /// The journal has refused something: that is no failure of the source, and stops the node.
  std::function<void(const failure&)> journal_failed;
  /// There may be something for `discover` to return: it is called soon, not a fifth of a second
  /// later. Any thread, holding nothing that `discover` waits for.
  std::function<void()> found;

  /// Hands on what the journal answered.
  template <class T>
  result<T> heard(result<T> answer) const {
    if (!answer && answer.error().code != errc::invalid) journal_failed(answer.error());
    return answer;
  }
};

/// The source for which a driver is wanted.
struct driver_request {
  const schema::plan& plan;
  int source = schema::none;  ///< plan.sources
  /// The file to read: the declared one, or one that stands in its place. Empty: what is declared,
  /// and of files only those that the folder knows.
  std::string path;

  const schema::source& declared() const { return plan.sources[static_cast<std::size_t>(source)]; }
};

/// One declared source of a node: knows its partitions and opens them as inputs.
///
/// The driver says what there is and how to read it. The node decides when: it keeps positions,
/// ranges that a seek passed over and what is paused, gives every open input an actor, and
/// puts together the status that people see.
///
/// Life: `discover` at the start and about five times a second from then on; `open` for each
/// partition that is not paused, and again after a seek, a resume, or to try again after a failure;
/// `committed` after each checkpoint cycle. An input that is no longer read is destroyed on
/// its reader's thread, perhaps after `open` has returned the next one; inputs must not outlive
/// the driver and do not. In a folder that is only looked at nothing is discovered or opened:
/// `partitions`, `locate` and `reset` must work from what the journal remembers.
///
/// Failures. An input whose `next` fails stops alone, as does a partition that does not open; a
/// failed `discover` stops the whole source. Neither touches other sources. What may pass by itself
/// (a broker that cannot be reached) is no failure but `trouble`; one whose cause a person has
/// to remove says with which command.
///
/// Concurrency: `partitions` may be called by any thread at any time and must not wait for
/// the network; the others are called by one thread at a time, and may block for a few seconds
/// at most, `discover` (which holds up the node's maintenance) a tenth of one.
class source_driver {
public:
  virtual ~source_driver() = default;

  /// The declared name.
  virtual const std::string& name() const noexcept = 0;
  /// The kind that is read, which is `file` if a file stands in the place of what is declared.
  virtual const schema::source_kind& kind() const noexcept = 0;

  /// Partitions that are there now and were not returned before, registered in the journal.
  virtual result<std::vector<driver_partition>> discover() = 0;
  /// Whether `discover` will return no more.
  virtual bool complete() const = 0;

  /// Opens a partition: messages with sequences above `from`, in order. Where the node runs
  /// `once`, the input ends where the partition ended when the node was started.
  virtual result<std::shared_ptr<sources::input>> open(storage::partition_id partition,
                                                       storage::sequence from) = 0;

  /// Every shard has this on disk (partitions of other sources among them). Nothing below will be
  /// read again: notes about it may go, and others may be told.
  virtual result<void> committed(const storage::positions& on_disk) = 0;

  /// All partitions known, current ones only: what `reset` gave up is not among them.
  virtual std::vector<driver_partition> partitions() const = 0;

  /// Why nothing comes from the source as a whole, in words for people; empty if all is well.
  /// Any thread, at any time.
  virtual std::string trouble() const { return {}; }

  /// The position that a target means; `invalid` where there is no such place, with what there is.
  virtual result<seek_place> locate(storage::partition_id partition, const seek_target& target) = 0;

  /// Gives up the position in a partition: it becomes a new one, registered in the journal and
  /// returned here, that is read from its start. Where it is not `begun`, `discover` returns it as
  /// well, once its start is known; else it does not. What was applied stays applied; what is read
  /// again counts again. The node has stopped the partition's input.
  virtual result<driver_partition> reset(storage::partition_id partition) = 0;
};

}  // namespace windrow::sources
