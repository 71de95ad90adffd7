#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <chrono>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "sources/kafka_fetch_waker.hpp"
#include "sources/kafka_source.hpp"

/// The Kafka source against librdkafka's mock cluster, which can be told to fail.
namespace windrow::sources {
namespace {

constexpr int patience = 3'000;  // looks of some milliseconds

struct read_message {
  sequence at = 0;
  std::string value;
  std::string key;
  std::int64_t time = 0;
  friend bool operator==(const read_message&, const read_message&) = default;
};

class KafkaSource : public ::testing::Test {
protected:
  KafkaSource() {
    char text[512];
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "0", text, sizeof text);
    rd_kafka_conf_set(conf, "linger.ms", "0", text, sizeof text);
    owner_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    mock_ = rd_kafka_mock_cluster_new(owner_, 1);
    rd_kafka_mock_topic_create(mock_, "events", 2, 1);
    conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(mock_), text,
                      sizeof text);
    producer_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
  }
  ~KafkaSource() override {
    source_.reset();
    rd_kafka_destroy(producer_);
    rd_kafka_mock_cluster_destroy(mock_);
    rd_kafka_destroy(owner_);
  }

  schema::source declared(const std::string& topic = "events") {
    schema::source s;
    s.name = "tx";
    s.kind = &schema::kafka_kind;
    s.settings = {{"bootstrap_server", rd_kafka_mock_cluster_bootstraps(mock_)}, {"topic", topic}};
    return s;
  }

  kafka_source& open(const schema::source& what) {
    auto config = kafka_config_of(what);
    EXPECT_TRUE(config.ok());
    config->reset_command = "RESET";
    config->seek_command = "SEEK";
    auto made = kafka_source::open(*config);
    EXPECT_TRUE(made.ok()) << made.error().message;
    source_ = *made;
    return *source_;
  }

  void produce(int partition, int count, const std::string& prefix = "m") {
    for (int i = 0; i < count; ++i) {
      const std::string value = prefix + std::to_string(i), key = "k" + std::to_string(i % 3);
      const auto error = rd_kafka_producev(
          producer_, RD_KAFKA_V_TOPIC("events"), RD_KAFKA_V_PARTITION(partition),
          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
          RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
          RD_KAFKA_V_KEY(key.data(), key.size()), RD_KAFKA_V_TIMESTAMP(std::int64_t{1'000} + i),
          RD_KAFKA_V_HEADER("h", "x", 1), RD_KAFKA_V_END);
      ASSERT_EQ(error, RD_KAFKA_RESP_ERR_NO_ERROR);
    }
    ASSERT_EQ(rd_kafka_flush(producer_, 30'000), RD_KAFKA_RESP_ERR_NO_ERROR);
  }

  /// Reads until `count` messages, the end or a failure.
  std::vector<read_message> read(kafka_reader& reader, std::size_t count,
                                 std::optional<failure>* failed = nullptr) {
    std::vector<read_message> out;
    for (int look = 0; look < patience && out.size() < count; ++look) {
      const auto step = reader.next();
      if (!step) {
        if (failed != nullptr)
          *failed = step.error();
        else
          ADD_FAILURE() << step.error().message;
        break;
      }
      if (step->what == source_step::kind::end) break;
      if (!step->run) continue;
      EXPECT_GE(step->run->last, step->run->after);
      for (std::size_t i = 0; i < step->run->messages.size(); ++i) {
        const auto& m = step->run->messages[i];
        const auto& e = step->run->envelopes;
        out.push_back({m.sequence, std::string(m.text()), std::string(e.key_of(i).value_or("")),
                       e.times[i].micros});
      }
      last_ = step->run;
    }
    return out;
  }

  void expect_all(const std::vector<read_message>& got, std::size_t count, sequence after = 0) {
    ASSERT_EQ(got.size(), count);
    for (std::size_t i = 0; i < count; ++i) {
      const auto n = static_cast<std::int64_t>(i + after);
      EXPECT_EQ(got[i], (read_message{static_cast<sequence>(n) + 1, "m" + std::to_string(n),
                                      "k" + std::to_string(n % 3), (1'000 + n) * 1'000}));
    }
  }

  std::unique_ptr<kafka_reader> reader(kafka_source& source, kafka_read_options options) {
    options.partition = 7;
    auto made = source.read(options);
    EXPECT_TRUE(made.ok());
    return std::move(*made);
  }

  void fail_requests(int api, rd_kafka_resp_err_t error, int times) {
    for (int i = 0; i < times; ++i) rd_kafka_mock_push_request_errors(mock_, api, 1, error);
  }

  rd_kafka_t* owner_ = nullptr;
  rd_kafka_mock_cluster_t* mock_ = nullptr;
  rd_kafka_t* producer_ = nullptr;
  std::shared_ptr<kafka_source> source_;
  formats::message_run_ptr last_;
};

constexpr int fetch_api = 1, list_offsets_api = 2;

TEST_F(KafkaSource, ReadsAPartitionWithKeysHeadersAndTimes) {
  produce(1, 500);
  kafka_source& source = open(declared());
  const auto count = source.partition_count(10'000);
  ASSERT_TRUE(count.ok());
  EXPECT_EQ(*count, std::optional<int>(2));
  const auto range = source.range(1, 10'000);
  ASSERT_TRUE(range.ok() && range->has_value());
  EXPECT_EQ((*range)->high, 500u);
  auto in = reader(source, {.number = 1, .end = 500, .headers = true});
  expect_all(read(*in, 1'000), 500);
  EXPECT_EQ(in->position(), 500u);
  EXPECT_EQ(last_->partition, 7u);
  ASSERT_EQ(last_->envelopes.headers.at(0).size(), 1u);
  EXPECT_EQ(last_->envelopes.headers[0][0],
            (std::pair<std::string_view, std::string_view>{"h", "x"}));
  EXPECT_TRUE(source.connection().connected);
}

TEST_F(KafkaSource, ContinuesAfterAPositionOnceTheRecordBeforeItIsTheSame) {
  produce(0, 300);
  kafka_source& source = open(declared());
  std::optional<record_fingerprint> check;
  {
    auto first = reader(source, {.end = 300});
    EXPECT_EQ(read(*first, 300).size(), 300u);
    check = first->check_at(300);
    ASSERT_TRUE(check);
    EXPECT_EQ(check->at, 300u);
    EXPECT_FALSE(first->check_at(299));
  }
  for (int i = 0; i < 100; ++i) produce(0, 1, "more" + std::to_string(i) + "-");
  auto second = reader(source, {.position = 300, .check = check, .end = 400});
  const auto got = read(*second, 1'000);
  ASSERT_EQ(got.size(), 100u);
  EXPECT_EQ(got.front().value, "more0-0");
  EXPECT_EQ(got.front().at, 301u);
}

TEST_F(KafkaSource, StopsWhereTheCheckedRecordIsAnotherOne) {
  produce(0, 300);
  kafka_source& source = open(declared());
  auto in = reader(source, {.position = 200, .check = record_fingerprint{200, 12345}});
  std::optional<failure> failed;
  EXPECT_TRUE(read(*in, 1, &failed).empty());
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->code, errc::mismatch);
  EXPECT_NE(failed->message.find("another record at offset 199"), std::string::npos);
  EXPECT_NE(failed->message.find("RESET"), std::string::npos);
}

TEST_F(KafkaSource, StopsWhereThePartitionIsShorterThanWhatWasRead) {
  produce(0, 300);
  for (const bool checked : {true, false}) {
    kafka_source& source = open(declared());
    kafka_read_options options{.position = 1'000};
    if (checked) options.check = record_fingerprint{1'000, 1};
    auto in = reader(source, options);
    std::optional<failure> failed;
    EXPECT_TRUE(read(*in, 1, &failed).empty());
    ASSERT_TRUE(failed);
    EXPECT_EQ(failed->code, errc::mismatch);
    EXPECT_NE(failed->message.find("ends at offset 300, and 1000 have been read"),
              std::string::npos)
        << failed->message;
  }
}

TEST_F(KafkaSource, StopsWhereTheBrokerHasDeletedWhatWasNotRead) {
  // The mock keeps 5 MiB of a partition.
  produce(0, 100);
  const std::string large(100'000, 'x');
  for (int i = 0; i < 80; ++i) produce(0, 1, large);
  kafka_source& source = open(declared());
  auto in = reader(source, {.position = 5});
  std::optional<failure> failed;
  EXPECT_TRUE(read(*in, 1, &failed).empty());
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->code, errc::mismatch);
  EXPECT_NE(failed->message.find("deleted"), std::string::npos);
  EXPECT_NE(failed->message.find("SEEK --partition 0 --to "), std::string::npos);
}

TEST_F(KafkaSource, WaitsForWhateverPasses) {
  const rd_kafka_resp_err_t errors[] = {
      RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,  RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
      RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,     RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
      RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH,   RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH,
      RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE,  RD_KAFKA_RESP_ERR_UNKNOWN,
      RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__TRANSPORT,
      RD_KAFKA_RESP_ERR_INVALID_MSG,           RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION};
  kafka_source& source = open(declared());
  auto in = reader(source, {.end = 100'000});
  std::vector<read_message> got;
  std::size_t produced = 0;
  for (const auto error : errors) {
    produce(0, 20, rd_kafka_err2name(error));
    produced += 20;
    for (const int api : {fetch_api, list_offsets_api}) fail_requests(api, error, 1);
    const auto more = read(*in, produced - got.size());
    got.insert(got.end(), more.begin(), more.end());
    ASSERT_EQ(got.size(), produced) << rd_kafka_err2name(error);
  }
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].at, i + 1);
    EXPECT_EQ(got[i].value, rd_kafka_err2name(errors[i / 20]) + std::to_string(i % 20));
  }
}

TEST_F(KafkaSource, GoesOnWhenTheBrokerIsBack) {
  produce(0, 50);
  kafka_source& source = open(declared());
  auto in = reader(source, {.end = 100'000});
  auto got = read(*in, 50);
  rd_kafka_mock_broker_set_down(mock_, 1);
  for (int look = 0; look < patience && source.connection().connected; ++look) {
    EXPECT_TRUE(in->next().ok());
  }
  EXPECT_FALSE(source.connection().connected);
  EXPECT_FALSE(source.connection().trouble.empty());
  rd_kafka_mock_broker_set_up(mock_, 1);
  produce(0, 30, "after");
  const auto more = read(*in, 30);
  ASSERT_EQ(more.size(), 30u);
  EXPECT_EQ(more.front().at, 51u);
  EXPECT_TRUE(source.connection().connected);
}

TEST_F(KafkaSource, IsNotHeldUpByQueuesThatWereFull) {
  // librdkafka looks at a queue that was full once a second only, unless it is woken.
  produce(0, 30'000);
  schema::source what = declared();
  what.settings.emplace_back("kafka_args.queued.min.messages", "1000");
  what.settings.emplace_back("kafka_args.fetch.message.max.bytes", "65536");
  kafka_source& source = open(what);
  auto in = reader(source, {.end = 30'000});
  std::size_t read_so_far = 0;
  int empty_looks = 0;
  for (int look = 0; look < patience && read_so_far < 30'000; ++look) {
    const auto step = in->next();
    ASSERT_TRUE(step.ok());
    if (step->run)
      read_so_far += step->run->messages.size();
    else if (read_so_far > 0)
      ++empty_looks;
  }
  EXPECT_EQ(read_so_far, 30'000u);
  EXPECT_LT(empty_looks, 60);  // a hundred are a second
}

TEST(KafkaQueueWatch, NudgesOnceForEachHalvingOfAQueueThatMayHaveBeenFull) {
  kafka_queue_watch watch({.bytes = 100'000, .messages = 1'000});
  EXPECT_FALSE(watch.wants_wake(400));
  watch.taken(10, 100);
  EXPECT_FALSE(watch.wants_wake(390));  // never near a limit
  EXPECT_FALSE(watch.wants_wake(0));
  EXPECT_FALSE(watch.wants_wake(2'000));
  watch.taken(900, 9'000);
  EXPECT_FALSE(watch.wants_wake(1'100));
  watch.taken(200, 2'000);
  EXPECT_TRUE(watch.wants_wake(900));
  EXPECT_FALSE(watch.wants_wake(800));
  EXPECT_TRUE(watch.wants_wake(450));
  EXPECT_FALSE(watch.wants_wake(200));  // 450 was not full
  watch.taken(2'000, 20'000);
  EXPECT_TRUE(watch.wants_wake(0));  // filled and emptied since it was looked at
  EXPECT_FALSE(watch.wants_wake(0));
}

TEST(KafkaQueueWatch, TakesBytesForALimitToo) {
  kafka_queue_watch watch({.bytes = 100'000, .messages = 100'000});
  watch.taken(1, 10'000);
  EXPECT_FALSE(watch.wants_wake(6));
  EXPECT_TRUE(watch.wants_wake(3));
  EXPECT_FALSE(watch.wants_wake(1));
}

TEST_F(KafkaSource, TakesATopicToBeGoneOnceItHasBeenMissingTenTimes) {
  kafka_source& source = open(declared());
  rd_kafka_mock_topic_set_error(mock_, "events", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  for (int look = 1; look < 10; ++look) {
    const auto count = source.partition_count(10'000);
    ASSERT_TRUE(count.ok()) << count.error().message;
    EXPECT_FALSE(count->has_value());
  }
  const auto count = source.partition_count(10'000);
  ASSERT_FALSE(count.ok());
  EXPECT_EQ(count.error().code, errc::not_found);
}

TEST_F(KafkaSource, StopsWhereReadingIsForbidden) {
  produce(0, 5);
  kafka_source& source = open(declared());
  auto in = reader(source, {});
  fail_requests(fetch_api, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 3);
  std::optional<failure> failed;
  read(*in, 100, &failed);
  ASSERT_TRUE(failed);
  EXPECT_NE(failed->message.find("cannot be read"), std::string::npos) << failed->message;
}

TEST_F(KafkaSource, BeginsWhereToldTo) {
  produce(1, 120);
  kafka_source& source = open(declared());
  using where = schema::kafka_start::from;
  EXPECT_EQ(source.position_of({where::earliest, {}}, 1, 10'000).value(), sequence{0});
  EXPECT_EQ(source.position_of({where::latest, {}}, 1, 10'000).value(), sequence{120});
}

TEST(KafkaConfig, NamesWhatLibrdkafkaDoesNotTakeWithoutItsValue) {
  schema::source declared;
  declared.name = "tx";
  declared.settings = {{"bootstrap_server", "127.0.0.1:1"},
                       {"topic", "t"},
                       {"kafka_args.no.such.password", "hunter2"}};
  auto made = kafka_source::open(*kafka_config_of(declared));
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.error().message.find("no.such.password"), std::string::npos);
  EXPECT_EQ(made.error().message.find("hunter2"), std::string::npos);
}

TEST(KafkaConfig, TellsSettingsFromPropertiesAndItsOwnFromLibrdkafkas) {
  schema::source declared;
  declared.name = "tx";
  declared.settings = {{"bootstrap_server", "h"},
                       {"dead_letter_queue_topic", "d"},
                       {"insecure", "true"},
                       {"kafka_args.client.id", "c"},
                       {"sasl_password", "p"},
                       {"start", "latest"},
                       {"topic", "t"}};
  const auto config = kafka_config_of(declared);
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->topic, "t");
  EXPECT_EQ(config->group, "windrow-tx");
  EXPECT_EQ(config->dead_letter_topic, "d");
  EXPECT_EQ(config->start.where, schema::kafka_start::from::latest);
  const std::map<std::string, std::string> properties(config->properties.begin(),
                                                      config->properties.end());
  const std::map<std::string, std::string> expected{
      {"bootstrap.servers", "h"},
      {"client.id", "c"},
      {"enable.ssl.certificate.verification", "false"},
      {"sasl.password", "p"},
      {"ssl.endpoint.identification.algorithm", "none"}};
  EXPECT_EQ(properties, expected);
}

}  // namespace
}  // namespace windrow::sources
