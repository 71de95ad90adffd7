#pragma once

#include <librdkafka/rdkafka.h>

#include <array>
#include <deque>
#include <mutex>

#include "sources/kafka_client.hpp"
#include "sources/kafka_fetch_waker.hpp"
#include "sources/kafka_source.hpp"

namespace windrow::sources {

/// What the readers of one source share: all of it is the source's, which they keep alive.
struct kafka_shared {
  std::shared_ptr<kafka_source> source;
  const kafka_config* config = nullptr;
  kafka_health* health = nullptr;
  rd_kafka_t* consumer = nullptr;
  std::shared_ptr<formats::run_pool> pool;
  kafka_fetch_waker* waker = nullptr;
  kafka_queue_limits limits;
};

/// The reader of one partition, on a queue of its own.
///
/// States: *seeking* (the consumer is to be positioned), *checking* (the record of the check is
/// awaited), *reading*. Anything unusual leads back to seeking, which begins at the check: so
/// whatever happened in between, what is handed on continues what was handed on.
class kafka_partition_reader final : public kafka_reader {
public:
  kafka_partition_reader(kafka_shared shared, const kafka_read_options& options);
  ~kafka_partition_reader() override;

  result<source_step> next() override;
  sequence position() const noexcept override { return position_; }
  std::uint64_t tombstones() const noexcept override { return tombstones_; }
  std::optional<record_fingerprint> check_at(sequence through) override;
  void close() override;

private:
  using message = kafka_pointer<rd_kafka_message_t>;
  enum class state : std::uint8_t { seeking, checking, reading };

  result<source_step> look();
  void seek();
  bool go_to(sequence offset);
  void unassign();
  /// Gets messages where none wait, waiting a little for them if asked; whether any wait now.
  bool receive(bool patient);
  void keep_fetching();
  /// Deals with what waits and gathers messages to hand on, until there is a run of them, nothing
  /// waits any more, or something unusual comes.
  result<void> gather();
  /// The same for the first that waits; whether to go on.
  result<bool> gather_one(const rd_kafka_message_t& first);
  /// Whether what waits is, or stands after, the awaited record.
  result<void> compare(const rd_kafka_message_t& first);
  result<void> on_end(const rd_kafka_message_t& end);
  result<void> on_error(const rd_kafka_message_t& error);
  result<void> on_out_of_range();
  formats::message_run_ptr take_run();
  /// Copies a message into the run that is gathered; false if it does not fit.
  bool add(const rd_kafka_message_t& from);
  void add_envelope(const rd_kafka_message_t& from, formats::message_run& run);
  bool full() const noexcept;
  void pop();
  void forget_waiting();
  void remember(const rd_kafka_message_t& last);
  void disturbed();
  std::string where() const;
  failure stop(errc code, const std::string& what) const;
  failure other_topic(const std::string& what) const;

  const kafka_shared shared_;
  const kafka_read_options options_;
  std::mutex reading_;  ///< held while reading, so that closing waits for it
  bool closed_ = false;
  kafka_pointer<rd_kafka_queue_t> queue_;
  std::atomic<sequence> position_;
  std::atomic<std::uint64_t> tombstones_{0};
  state state_ = state::seeking;
  bool assigned_ = false;
  bool handed_on_ = false;  ///< messages, since the last comparison
  int silent_looks_ = 0;
  int damaged_reads_ = 0;
  // What waits: few enough to be in the cache still when they are copied and given back.
  std::array<rd_kafka_message_t*, 256> waiting_;
  std::size_t next_ = 0;   ///< of `waiting_`
  std::size_t count_ = 0;  ///< in `waiting_`
  // What is gathered.
  std::unique_ptr<formats::message_run> run_;
  char* to_ = nullptr;        ///< in its buffer
  std::size_t gathered_ = 0;  ///< messages, tombstones too
  message last_;              ///< the last of them
  kafka_queue_watch watch_;
  sequence gap_end_ = 0;  ///< there is nothing between the position and this

  std::mutex mutex_;                       ///< of the next one
  std::deque<record_fingerprint> checks_;  ///< of runs that were handed on, oldest first
  std::optional<record_fingerprint> newest_;
};

std::uint64_t kafka_hash(const rd_kafka_message_t& message);

}  // namespace windrow::sources
