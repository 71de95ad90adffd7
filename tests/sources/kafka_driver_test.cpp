#include "sources/kafka_driver.hpp"

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "tests/support/card_declarations.hpp"

/// The driver of a topic against librdkafka's mock cluster and a journal of its own.
namespace windrow::sources {
namespace {

using test::temporary_folder;

using namespace std::chrono_literals;

constexpr int produce_api = 0;

class KafkaDriver : public ::testing::Test {
protected:
  KafkaDriver() {
    char text[512];
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "0", text, sizeof text);
    owner_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    mock_ = rd_kafka_mock_cluster_new(owner_, 2);
    rd_kafka_mock_topic_create(mock_, "events", 2, 2);
    rd_kafka_mock_topic_create(mock_, "dead", 1, 2);
    for (const int partition : {0, 1}) {
      rd_kafka_mock_partition_set_leader(mock_, "events", partition, 1);
    }
    rd_kafka_mock_partition_set_leader(mock_, "dead", 0, 2);
    conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(mock_), text,
                      sizeof text);
    producer_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    const storage::journal::options o{.directory = folder_.path(), .identity = {}};
    EXPECT_TRUE(storage::journal::create(o).ok());
    auto opened = storage::journal::open(o);
    EXPECT_TRUE(opened.ok());
    journal_ = std::move(*opened);
    context_.emplace(sources::driver_context{
        *journal_, folder_.path(), false, [this](storage::partition_id) { return applied_.load(); },
        [] { return std::int64_t{0}; }, [](const failure& why) { FAIL() << why.message; }, [] {}});
  }
  ~KafkaDriver() override {
    driver_.reset();
    rd_kafka_destroy(producer_);
    rd_kafka_mock_cluster_destroy(mock_);
    rd_kafka_destroy(owner_);
  }

  void open() {
    schema::source s;
    s.name = "tx";
    s.kind = &schema::kafka_kind;
    s.settings = {{"bootstrap_server", rd_kafka_mock_cluster_bootstraps(mock_)},
                  {"topic", "events"},
                  {"dead_letter_queue_topic", "dead"}};
    auto config = sources::kafka_config_of(s);
    ASSERT_TRUE(config.ok());
    driver_ = std::make_unique<sources::kafka_driver>(
        sources::kafka_driver::options{0, false, *config}, *context_);
  }

  void produce(int partition, int count, const std::string& value = "m") {
    for (int i = 0; i < count; ++i) {
      ASSERT_EQ(
          rd_kafka_producev(producer_, RD_KAFKA_V_TOPIC("events"), RD_KAFKA_V_PARTITION(partition),
                            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                            RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
                            RD_KAFKA_V_END),
          RD_KAFKA_RESP_ERR_NO_ERROR);
      ASSERT_EQ(rd_kafka_flush(producer_, 30'000), RD_KAFKA_RESP_ERR_NO_ERROR);
    }
  }

  /// Until `there()`, or not within `limit`.
  template <class There>
  bool within(std::chrono::milliseconds limit, There there) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!there()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(20ms);
    }
    return true;
  }
  /// Discovers until there are `count` partitions.
  std::vector<sources::driver_partition> found(std::size_t count) {
    std::vector<sources::driver_partition> all;
    EXPECT_TRUE(within(30s, [&] {
      auto some = driver_->discover();
      EXPECT_TRUE(some.ok()) << some.error().message;
      if (some) all.insert(all.end(), some->begin(), some->end());
      return !some || all.size() >= count;
    }));
    return all;
  }
  /// Whether the discovery_thread looks again, and so has done what it does after the look before.
  bool looks_again() {
    produce(1, 1);
    ++looks_;
    return within(10s, [&] { return driver_->partitions().back().end == looks_; });
  }
  std::int64_t high_of(const char* topic, int partition) {
    std::int64_t low = 0, high = -1;
    rd_kafka_query_watermark_offsets(producer_, topic, partition, &low, &high, 5'000);
    return high;
  }
  void dead_letter(storage::partition_id partition, storage::sequence at) {
    storage::dead_letter letter;
    letter.partition = partition;
    letter.at = at;
    letter.stream = "s";
    letter.phase = "parse";
    letter.reason = "bad";
    letter.bytes = "{";
    ASSERT_TRUE(journal_->dead_letters().stage(letter).ok());
    ASSERT_TRUE(journal_->dead_letters().flush().ok());
  }

  temporary_folder folder_;
  rd_kafka_t* owner_ = nullptr;
  rd_kafka_mock_cluster_t* mock_ = nullptr;
  rd_kafka_t* producer_ = nullptr;
  std::unique_ptr<storage::journal> journal_;
  std::optional<sources::driver_context> context_;
  std::atomic<storage::sequence> applied_ = 0;
  storage::sequence looks_ = 0;  // messages in the second partition
  std::unique_ptr<sources::kafka_driver> driver_;
};

TEST_F(KafkaDriver, DoesNotTakeOneAnswerForATopicMadeAgain) {
  ASSERT_TRUE(
      journal_->partitions()
          .register_partition(storage::partition_kind::kafka, "kafka:tx/events/2#0", "start=0")
          .ok());
  open();
  std::optional<failure> failed;
  const auto has_failed = [&] {
    auto some = driver_->discover();
    if (!some) failed = some.error();
    return failed.has_value();
  };
  EXPECT_FALSE(within(2s, has_failed));
  EXPECT_TRUE(within(30s, has_failed));
  EXPECT_NE(failed->message.find("made again"), std::string::npos);
}

TEST_F(KafkaDriver, ProducesLettersOfMessagesThatWereAppliedBeforeAPause) {
  produce(0, 3);
  open();
  const auto id = found(2).front().id;
  ASSERT_TRUE(driver_->open(id, 0).ok());
  applied_ = 3;  // and not durable
  ASSERT_TRUE(driver_->open(id, 3).ok());
  ASSERT_TRUE(looks_again() && looks_again());
  dead_letter(id, 2);
  ASSERT_TRUE(driver_->committed({{id, 3}}).ok());
  EXPECT_TRUE(within(10s, [&] { return high_of("dead", 0) == 1; }));
}

TEST_F(KafkaDriver, IsNotHeldUpByASlowDeadLetterTopic) {
  open();
  const auto id = found(2).front().id;
  dead_letter(id, 1);
  rd_kafka_mock_broker_push_request_error_rtts(mock_, 2, produce_api, 1, RD_KAFKA_RESP_ERR_NO_ERROR,
                                               20'000);
  ASSERT_TRUE(driver_->committed({{id, 1}}).ok());
  EXPECT_TRUE(looks_again() && looks_again() && looks_again());
}

TEST_F(KafkaDriver, SaysWhereAPartitionBeginsAfterAResetOnceItIsKnown) {
  context_->once = true;
  // The mock keeps 5 MiB of a partition.
  produce(0, 60, std::string(100'000, 'x'));
  open();
  const auto id = found(2).front().id;
  ASSERT_TRUE(within(10s, [&] { return driver_->complete(); }));
  const auto made = driver_->reset(id);
  ASSERT_TRUE(made.ok());
  EXPECT_FALSE(made->begun);
  EXPECT_FALSE(driver_->complete());
  const auto again = found(1);
  EXPECT_EQ(again.front().id, made->id);
  EXPECT_GT(again.front().start, 0u);
  EXPECT_TRUE(driver_->complete());
  EXPECT_TRUE(driver_->open(made->id, again.front().start).ok());
}

}  // namespace
}  // namespace windrow::sources
