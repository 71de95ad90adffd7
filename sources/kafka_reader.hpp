#pragma once

#include <librdkafka/rdkafka.h>

#include <deque>
#include <mutex>

#include "sources/kafka_client.hpp"
#include "sources/kafka_source.hpp"

namespace windrow::sources {

/// What the readers of one source share: all of it is the source's, which they keep alive.
struct kafka_shared {
  std::shared_ptr<kafka_source> source;
  const kafka_config* config = nullptr;
  kafka_health* health = nullptr;
  rd_kafka_t* consumer = nullptr;
  std::shared_ptr<run_pool> pool;
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
  std::optional<kafka_check> check_at(sequence through) override;
  void close() override;

private:
  using message = kafka_pointer<rd_kafka_message_t>;
  enum class state : std::uint8_t { seeking, checking, reading };

  result<source_step> look();
  void seek();
  bool go_to(sequence offset);
  void unassign();
  /// Waits a little for messages; what came is in `waiting_`.
  void receive();
  void keep_fetching();
  /// Deals with what comes before the next messages to hand on.
  result<void> advance();
  /// Whether the first waiting message is, or stands after, the awaited record.
  result<void> compare(const rd_kafka_message_t& first);
  result<void> on_end(const rd_kafka_message_t& end);
  result<void> on_error(const rd_kafka_message_t& error);
  result<void> on_out_of_range();
  message_run_ptr take_run();
  std::size_t countable(std::size_t& bytes) const;
  void copy(const rd_kafka_message_t& from, message_run& run, char*& to) const;
  void remember(const rd_kafka_message_t& last);
  void disturbed();
  std::string where() const;
  failure stop(errc code, const std::string& what) const;
  failure other_topic(const std::string& what) const;

  const kafka_shared shared_;
  const kafka_read_options options_;
  std::mutex reading_;               ///< held while reading, so that closing waits for it
  bool closed_ = false;
  kafka_pointer<rd_kafka_queue_t> queue_;
  std::atomic<sequence> position_;
  std::atomic<std::uint64_t> tombstones_{0};
  state state_ = state::seeking;
  bool assigned_ = false;
  bool handed_on_ = false;          ///< messages, since the last comparison
  int silent_looks_ = 0;
  int damaged_reads_ = 0;
  std::deque<message> waiting_;
  std::vector<rd_kafka_message_t*> batch_;
  std::size_t batch_size_ = 256;
  std::size_t taken_ = 0;           ///< bytes, since the queue was looked at
  std::size_t length_seen_ = 0;     ///< of the queue, then
  sequence gap_end_ = 0;            ///< there is nothing between the position and this

  std::mutex guard_;                 ///< of the next one
  std::deque<kafka_check> checks_;   ///< of runs that were handed on, oldest first
  std::optional<kafka_check> newest_;
};

std::uint64_t kafka_hash(const rd_kafka_message_t& message);

}  // namespace windrow::sources
