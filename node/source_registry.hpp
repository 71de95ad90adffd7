#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "ingest/progress.hpp"
#include "sources/source_status.hpp"
#include "windrow/result.hpp"

namespace windrow::node {

/// Messages a second over the last seconds.
class rate_meter {
public:
  explicit rate_meter(std::int64_t half_life = 2'000'000) : half_life_(half_life) {}
  /// `count` of all time at `now` (microseconds of any clock that goes forward).
  void sample(std::int64_t now, std::uint64_t count);
  double per_second() const noexcept { return per_second_; }

private:
  std::int64_t half_life_;
  std::optional<std::int64_t> last_at_;
  std::uint64_t last_ = 0;
  double per_second_ = 0;
  bool warm_ = false;
};

/// Sums of inputs since the start.
struct source_totals {
  std::uint64_t read = 0, read_bytes = 0, applied = 0, skipped = 0, duplicate = 0, late = 0,
                dead_lettered = 0;
  std::map<std::string, std::uint64_t> dead_letters;  ///< by "phase: reason"
  std::int64_t max_event_time = storage::no_time;
};

/// What is known of a node's sources: which inputs there are, how they get on, what has become
/// of them, and whether the node has anything left to do. Decides only; the node tells it what
/// happens. Any thread.
///
/// An input is one partition from when it is opened to when it is dropped; it keeps its number
/// while it is paused, has failed, or is read on from elsewhere.
class source_registry {
public:
  using input_number = std::uint32_t;

  void declare(const std::string& source);
  void opened(input_number input, const std::string& source, storage::partition_id partition,
              storage::sequence position, bool is_paused = false);
  void progressed(const ingest::input_progress& p);
  void input_failed(input_number input, const failure& why);
  void source_failed(const std::string& source, const failure& why);
  void paused(input_number input);
  /// It is read again, after a pause, a failure or a seek.
  void continued(input_number input);
  void source_continued(const std::string& source);
  /// A reset gave it up; what it has read stays counted.
  void dropped(input_number input);
  /// Whether no more inputs of the source will come; true if that is new.
  bool complete(const std::string& source, bool is_complete);
  /// The source as a whole, not one of its inputs.
  bool source_has_failed(const std::string& source) const;
  bool is_complete(const std::string& source) const;
  bool is_paused(input_number input) const;
  /// Paused or failed: not read at present.
  bool is_stopped(input_number input) const;
  /// A seek of an input that is not being read.
  void moved(input_number input, storage::sequence position);

  /// Rates are those of the calls before; microseconds of a steady clock.
  void sample(std::int64_t now);

  std::optional<input_number> find(storage::partition_id partition) const;

  /// Fills in what is known of a partition; false if it was never opened. `now` is the wall
  /// clock.
  bool describe(storage::partition_id partition, std::int64_t now,
                sources::partition_status& into) const;
  std::optional<failure> failure_of(const std::string& source) const;
  /// Sources with a failure, of their own or of an input, in order of their names.
  std::vector<std::pair<std::string, failure>> failures() const;
  source_totals totals() const;
  /// The same for each source, those that have read nothing too. What is pushed has no name.
  std::map<std::string, source_totals> totals_by_source() const;
  /// Whether nothing more can come: there are sources, and each has failed, or is complete and all
  /// of its inputs have ended, failed, or (where `once`) are paused.
  bool over(bool once) const;

private:
  enum class fate : std::uint8_t { open, paused, failed, dropped };
  struct input_entry {
    std::string source;
    storage::partition_id partition = 0;
    fate what = fate::open;
    failure why;
    ingest::ingest_counters counters;
    storage::sequence position = 0;
    std::uint64_t late = 0;
    std::int64_t max_event_time = storage::no_time;
    std::int64_t arrival = storage::no_time;
    bool waiting = false;
    bool ended = false;
    rate_meter rate;
  };
  struct source_entry {
    std::optional<failure> failed;
    bool complete = false;
  };
  // Those that follow are for who holds `mutex_`.
  bool over(const std::string& name, const source_entry& source, bool once) const;
  const input_entry* entry_of(storage::partition_id partition) const;
  std::optional<failure> why_failed(const std::string& source) const;
  static void add(const input_entry& entry, source_totals& sum);

  mutable std::mutex mutex_;
  std::map<input_number, input_entry> inputs_;
  std::map<std::string, source_entry> sources_;
};

/// What a source's state is, from its partitions' and what holds for the whole of it.
sources::source_state state_of(const sources::source_status& source);

}  // namespace windrow::node
