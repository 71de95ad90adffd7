#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "formats/message_run.hpp"
#include "sources/input.hpp"
#include "sources/kafka_config.hpp"
#include "windrow/result.hpp"

/// A Kafka topic as a source. Sequences are offset + 1, so that a position is the offset to read
/// next; gaps between sequences (compaction, aborted transactions) are nothing unusual. No consumer
/// groups: partitions are read from positions that the caller keeps.
namespace windrow::sources {

/// A record by which a topic is known again: the one whose sequence is `at`.
struct record_fingerprint {
  sequence at = 0;
  std::uint64_t hash = 0;  ///< XXH3-64 of offset, timestamp, key and value
  friend bool operator==(const record_fingerprint&, const record_fingerprint&) = default;
};

/// How a source's connection is, for people.
struct kafka_connection {
  bool connected = false;
  std::string trouble;  ///< the last error, empty while all is well
};

/// What the broker holds of a partition: positions from `low` to `high` can be read.
struct kafka_range {
  sequence low = 0;
  sequence high = 0;
};

class kafka_source;

struct kafka_read_options {
  int number = 0;  ///< of the partition in its topic
  partition_id partition = 0;
  sequence position = 0;  ///< continue after it
  /// A record that was read, read again and compared first.
  std::optional<record_fingerprint> check = {};
  std::optional<sequence> end = {};  ///< end there; else the partition is followed for ever
  bool headers = false;              ///< some stream reads `_.message_headers`
};

/// Reads one partition, as runs. `next` belongs to one thread, the rest may be called by any.
///
/// Before anything is handed on, the record of `check` is read again and compared; and so is the
/// newest record handed on whenever the partition has been silent, or in trouble, in between. A
/// topic that was deleted and made again, or cut off, is thereby found out: `mismatch`. What the
/// broker has deleted before it was read is `expired`, a damaged batch `corrupt`. After a failure
/// the reader is useless. What is temporary (broker down, leader moved) is waited for.
class kafka_reader {
public:
  virtual ~kafka_reader() = default;

  virtual result<source_step> next() = 0;
  virtual sequence position() const noexcept = 0;
  /// Messages without a value, which say that a key is deleted: skipped.
  virtual std::uint64_t tombstones() const noexcept = 0;
  /// The newest check at or below `through`. Older ones are forgotten.
  virtual std::optional<record_fingerprint> check_at(sequence through) = 0;
  /// Ends reading, also while `next` is waited for elsewhere: from now on there is nothing, and
  /// another reader may be opened. Done by destruction as well.
  virtual void close() = 0;
};

/// One declared source's connection to its topic. Any thread may call anything. Calls that
/// ask the broker wait at most `timeout_ms` and give nothing if it does not answer;
/// they fail where waiting is of no use.
class kafka_source {
public:
  /// Checks the configuration; the broker is looked for in the background.
  static result<std::shared_ptr<kafka_source>> open(kafka_config config);
  virtual ~kafka_source() = default;

  virtual const kafka_config& config() const noexcept = 0;
  virtual kafka_connection connection() const = 0;
  /// Why nothing more will come through this object: open another one once the cause is gone.
  virtual std::optional<failure> given_up() const = 0;

  /// How many partitions the topic has. `not_found` where there is no such topic for ten looks in a
  /// row: for one that looks now and then, not for every reader.
  virtual result<std::optional<int>> partition_count(int timeout_ms) = 0;
  /// What can be read of a partition.
  virtual result<std::optional<kafka_range>> range(int partition, int timeout_ms) = 0;
  /// The position from which `from` is read.
  virtual result<std::optional<sequence>> position_of(const schema::kafka_start& from,
                                                      int partition, int timeout_ms) = 0;

  /// Begins to read a partition; one reader each, which keeps the source alive.
  virtual result<std::unique_ptr<kafka_reader>> read(const kafka_read_options& options) = 0;

  /// Tells the broker positions (partition, position) for people's dashboards; does not wait, and
  /// nothing depends on whether it works.
  virtual void show_positions(std::span<const std::pair<int, sequence>> positions) = 0;
};

}  // namespace windrow::sources
