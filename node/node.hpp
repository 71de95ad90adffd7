#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "query/class_query.hpp"
#include "schema/compile.hpp"
#include "schema/plan/plan.hpp"
#include "sources/source_control.hpp"
#include "sources/source_driver.hpp"
#include "sources/source_status.hpp"
#include "storage/folder/folder.hpp"
#include "storage/journal/journal.hpp"
#include "windrow/engine.hpp"

namespace windrow::node {

struct node_stats;

/// A file or standard input to read for a declared source.
struct node_input {
  std::string source;  ///< declared name
  std::string path;    ///< absolute, `-` for standard input, or empty for the declared topic
};

/// How standard input is taken, where it is an input. The functions are called on its own thread;
/// where one fails, nobody hears what is durable, and no more is read.
struct standard_input_options {
  /// Whose lines they are: each line of this run, blank ones too, is a sequence of that producer,
  /// the first one `first`. Lines that it had pushed before are not counted again. Empty: nobody's,
  /// and all of it is new input.
  std::string producer;
  storage::sequence first = 1;
  /// The last sequence taken of the producer; before any line is read.
  std::function<result<void>(storage::sequence)> resumes;
  /// So many lines of this run, blank ones too, are durable: in the journal or as dead letters.
  std::function<result<void>(std::uint64_t)> acknowledged;
};

struct node_options {
  std::string data;
  /// What the folder must be for, or is made for. Nothing: whatever the folder holds.
  std::optional<schema::catalog> declarations;
  unsigned shards = 0;
  std::size_t memory = std::size_t{1} << 30;
  std::chrono::milliseconds checkpoint_interval{10'000};
  /// Sources to read; none: the folder is only served.
  std::vector<node_input> inputs;
  standard_input_options standard_input;
  /// End at the end of the inputs; otherwise files are followed.
  bool once = false;
  /// Never make a folder, and leave it as it is: for commands that look. Pushes are refused.
  bool read_only = false;
};

/// Totals since the node started (`applied` and the like do not include replayed rows).
struct node_progress {
  std::uint64_t read = 0;         ///< messages
  std::uint64_t read_bytes = 0;   ///< of the messages
  std::uint64_t file_bytes = 0;   ///< of the files, how much lies before their positions
  std::uint64_t total_bytes = 0;  ///< of the files
  std::uint64_t applied = 0;      ///< messages that gave rows and were applied
  std::uint64_t skipped = 0;      ///< `parse` said null
  std::uint64_t duplicate = 0;    ///< repeats, of streams that declare deduplication
  std::uint64_t late = 0;         ///< rows too old for at least one rule
  std::map<std::string, std::uint64_t> dead_letters;  ///< by "phase: reason"
  std::uint64_t dead_lettered = 0;                    ///< messages
  std::int64_t newest = INT64_MIN;                    ///< newest event time, microseconds
  /// Nothing more will come: every input has ended and is applied (`once`), or every source has
  /// failed.
  bool finished = false;
  std::optional<failure> failed;  ///< the node has stopped taking input, and why
  /// Sources that have stopped with a reason while the others go on.
  std::vector<std::pair<std::string, failure>> failed_sources;
  /// Sources from which nothing comes at present, and why: no broker, say.
  std::map<std::string, std::string> waiting_sources;
};

/// One windrow node: its folder, journal, shards, sources and actors. The only place that wires
/// them. Any thread may call anything at any time, and the calls block; destruction only once
/// they have returned. After `stop` whatever would change something answers `closed`.
///
/// A source that fails stops alone, and `progress` and `sources` say why; what the shards, the
/// journal or the disk refuse stops the node.
class node {
public:
  static result<std::unique_ptr<node>> open(const node_options& options);
  ~node();

  const schema::plan& plan() const noexcept;
  const storage::folder& folder() const noexcept;
  storage::journal& journal() noexcept;

  node_progress progress() const;
  /// Waits until the inputs have ended (`once`), the node has failed, or the time is over.
  void wait(std::chrono::milliseconds time_limit);
  /// Stops the sources, applies what is under way, checkpoints and stops everything. The folder
  /// stays locked until destruction. The first failure, if any.
  result<void> stop();

  result<push_receipt> push(std::string_view stream, std::span<const std::string_view> messages,
                            const push_options& options = {});
  result<void> settle();
  /// Waits until the push of that entry is visible to lookups; false where the time was over first.
  result<bool> settle(std::uint64_t entry, std::chrono::milliseconds at_most);
  /// Pushes that are durable and not applied yet.
  std::uint64_t pushes_waiting();
  /// Whether what had been pushed before the node was opened is applied: until then answers may be
  /// older than those that an earlier run gave.
  bool caught_up();
  /// What could not be used of a push that is applied.
  result<std::vector<storage::dead_letter>> dead_letters_of(std::uint64_t entry);
  result<void> checkpoint();

  /// Puts the messages of dead letters into the journal again, each in the transaction that removes
  /// its letter. They arrive now, and are applied like pushes.
  result<storage::replay_outcome> replay_dead_letters(const storage::dead_letter_filter& filter);
  /// Forgets dead letters; how many there were.
  result<std::uint64_t> drop_dead_letters(const storage::dead_letter_filter& filter);

  /// Every source that the node reads (of a folder that is only looked at: every declared one),
  /// and `journal`, what is pushed.
  result<std::vector<sources::source_status>> sources();
  // Steering: also of a folder that is only looked at, and then for its next run. Each answers when
  // what it did is durable. `not_found` for a name that is not there, with those that are.

  /// Reads no more of it, also after a restart, until it is resumed. It holds no credit.
  result<sources::source_control> pause_source(const sources::source_selection& what);
  /// Reads on: what was paused, and also what has failed.
  result<sources::source_control> resume_source(const sources::source_selection& what);
  /// Reads on elsewhere: ahead, passing over what lies between, exactly, whatever happens to the
  /// process. Back, nothing changes but what earlier seeks have yet to pass over.
  result<sources::source_control> seek_source(const sources::source_selection& what,
                                              const sources::seek_target& target);
  /// Gives up the position: it is read again from its start, as new input.
  result<sources::source_control> reset_source(const sources::source_selection& what);

  result<query_answer> query(const query_request& request);
  result<explanation> explain(const entity_reference& entity, const std::string& feature,
                              std::optional<timestamp> now);
  /// Class and features resolved once, with the plan that they were resolved against.
  using prepared = query::class_query_ptr;
  result<prepared> prepare(std::string_view entity_class,
                           std::span<const std::string> features) const;
  result<answer_row> lookup(const prepared& query, std::string_view key, timestamp now);

  /// Per plan rule: what `aggregate list` shows. Reads the whole state.
  struct rule_statistics {
    std::uint64_t groups = 0;  ///< records with at least one tile of the rule's tiling
    std::uint64_t tiles = 0;
    std::uint64_t bytes = 0;  ///< stored form of those tiles, shared by the rules of a tiling
    std::uint64_t late = 0;
  };
  result<std::vector<rule_statistics>> rule_statistics_of_all();

  /// What the node measures of itself (`node/node_stats.hpp`). Cheap: for being asked often.
  result<node_stats> measures();

  /// Per shard, what `inspect` shows.
  struct shard_statistics {
    std::string file;
    std::uint64_t file_bytes = 0;
    std::uint64_t used_bytes = 0;
    std::uint64_t stored_values = 0;
    std::vector<std::map<std::string, std::uint64_t>> stripe_positions;  ///< by stripe
    std::map<std::string, std::uint64_t> smallest, largest;              ///< positions
  };
  result<std::vector<shard_statistics>> shard_statistics_of_all();
  /// What deduplication keeps; none where no stream declares it.
  struct id_statistics {
    std::string file;
    std::uint64_t file_bytes = 0;
    std::uint64_t used_bytes = 0;
    std::uint64_t stored_values = 0;
    std::uint64_t ids = 0;  ///< forgotten ones that still take room included
  };
  result<std::optional<id_statistics>> id_statistics_of_all();
  /// Reads every value of every file and checks every checksum; the number of values.
  result<std::uint64_t> verify();

private:
  struct impl;
  explicit node(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

}  // namespace windrow::node
