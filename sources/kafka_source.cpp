#include "sources/kafka_source.hpp"

#include <algorithm>
#include <mutex>
#include <thread>

#include "sources/kafka_client.hpp"
#include "sources/kafka_reader.hpp"

namespace windrow::sources {

namespace {

/// Looks in a row at which a topic must be missing before it is taken to be gone: brokers learn
/// late of a new one.
constexpr int missing_looks_max = 10;
constexpr int last_commit_ms = 1'000;
/// Prefetched by all partitions together.
constexpr std::size_t queue_kilobytes = 65'536;
constexpr std::size_t queue_messages = 200'000;

// Sooner than librdkafka's own, so that what has come back is found quickly.
const kafka_properties common_defaults{{"client.id", "windrow"},
                                       {"reconnect.backoff.max.ms", "2000"},
                                       {"topic.metadata.propagation.max.ms", "5000"},
                                       {"topic.metadata.refresh.interval.ms", "30000"},
                                       {"fetch.error.backoff.ms", "100"},
                                       // A seek waits for the request that waits for messages.
                                       {"fetch.wait.max.ms", "100"}};

class kafka_topic_source final : public kafka_source,
                                 public std::enable_shared_from_this<kafka_topic_source> {
public:
  explicit kafka_topic_source(kafka_config config) : config_(std::move(config)) {}
  ~kafka_topic_source() override;

  result<void> connect() {
    auto made = make_consumer({});
    if (!made) return made.error();
    control_ = std::move(*made);
    commits_.reset(rd_kafka_queue_new(control_.get()));
    topic_.reset(rd_kafka_topic_new(control_.get(), config_.topic.c_str(), nullptr));
    if (topic_) return {};
    return failure{errc::invalid,
                   "the source `" + config_.source + "`: " + kafka_text(rd_kafka_last_error())};
  }

  const kafka_config& config() const noexcept override { return config_; }
  kafka_connection connection() const override { return health_->state(); }
  std::optional<failure> given_up() const override { return health_->hopeless(); }
  result<std::optional<int>> partition_count(int timeout_ms) override;
  result<std::optional<kafka_range>> range(int partition, int timeout_ms) override;
  result<std::optional<sequence>> position_of(const schema::kafka_start& from, int partition,
                                              int timeout_ms) override;
  result<std::unique_ptr<kafka_reader>> read(const kafka_read_options& options) override;
  void show_positions(std::span<const std::pair<int, sequence>> positions) override;

private:
  using list = kafka_pointer<rd_kafka_topic_partition_list_t>;

  result<kafka_pointer<rd_kafka_t>> make_consumer(const kafka_properties& queues) {
    kafka_properties defaults = common_defaults;
    defaults.insert(defaults.end(), queues.begin(), queues.end());
    auto conf = kafka_conf(config_, defaults,
                           {{"group.id", config_.group},
                            {"enable.auto.commit", "false"},
                            {"enable.auto.offset.store", "false"},
                            {"auto.offset.reset", "error"},
                            {"enable.partition.eof", "true"},
                            {"check.crcs", "true"},
                            {"isolation.level", "read_committed"},
                            {"allow.auto.create.topics", "false"}});
    if (!conf) return conf.error();
    return kafka_client(RD_KAFKA_CONSUMER, std::move(*conf), config_, *health_);
  }

  /// Whether the positions told last are dealt with.
  bool told(int timeout_ms) {
    if (!committing_) return true;
    rd_kafka_event_t* answer = rd_kafka_queue_poll(commits_.get(), timeout_ms);
    if (answer == nullptr) return false;
    rd_kafka_event_destroy(answer);
    committing_ = false;
    return true;
  }

  /// What a failed request means: a failure where waiting is of no use.
  result<void> weigh(rd_kafka_resp_err_t error) {
    rd_kafka_poll(control_.get(), 0);  // errors that say more
    if (error != RD_KAFKA_RESP_ERR__TIMED_OUT && error != RD_KAFKA_RESP_ERR__TRANSPORT) {
      health_->bad(error, "the topic `" + config_.topic + "`: " + kafka_text(error));
    } else if (health_->state().trouble.empty()) {
      health_->bad(error, "the broker does not answer");
    }
    if (const auto why = health_->hopeless()) return *why;
    return {};
  }

  kafka_config config_;
  const std::shared_ptr<kafka_health> health_ = std::make_shared<kafka_health>();
  // Apart from the one that reads, whose requests wait at the broker for messages.
  kafka_pointer<rd_kafka_t> control_;
  kafka_pointer<rd_kafka_topic_t> topic_;
  std::mutex mutex_;  // of what follows
  kafka_pointer<rd_kafka_queue_t> commits_;
  bool committing_ = false;
  kafka_pointer<rd_kafka_t> consumer_;
  std::optional<kafka_fetch_waker> waker_;  // ends before the consumer
  std::shared_ptr<formats::run_pool> pool_;
  int missing_looks_ = 0;
  int count_ = 1;
};

result<std::optional<int>> kafka_topic_source::partition_count(int timeout_ms) {
  const rd_kafka_metadata_t* metadata = nullptr;
  const auto error = rd_kafka_metadata(control_.get(), 0, topic_.get(), &metadata, timeout_ms);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (auto hope = weigh(error); !hope) return hope.error();
    return std::optional<int>();
  }
  const auto topic_error = metadata->topics[0].err;
  const int count = metadata->topics[0].partition_cnt;
  rd_kafka_metadata_destroy(metadata);
  const std::lock_guard lock(mutex_);
  if (reaction_to(topic_error) == kafka_reaction::look) {
    if (++missing_looks_ < missing_looks_max) return std::optional<int>();
    return failure{errc::not_found,
                   "the broker has no topic `" + config_.topic + "`, which the source `" +
                       config_.source +
                       "` reads. Create it, or correct its name in the "
                       "declarations; where it was deleted and is made again, run: " +
                       config_.reset_command};
  }
  if (topic_error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (auto hope = weigh(topic_error); !hope) return hope.error();
    return std::optional<int>();
  }
  missing_looks_ = 0;
  count_ = std::max(count, 1);
  health_->good();
  return std::optional<int>(count);
}

result<std::optional<kafka_range>> kafka_topic_source::range(int partition, int timeout_ms) {
  std::int64_t low = 0;
  std::int64_t high = 0;
  const auto error = rd_kafka_query_watermark_offsets(control_.get(), config_.topic.c_str(),
                                                      partition, &low, &high, timeout_ms);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
    health_->good();
    return std::optional<kafka_range>({static_cast<sequence>(std::max<std::int64_t>(low, 0)),
                                       static_cast<sequence>(std::max<std::int64_t>(high, 0))});
  }
  if (auto hope = weigh(error); !hope) return hope.error();
  return std::optional<kafka_range>();
}

result<std::optional<sequence>> kafka_topic_source::position_of(const schema::kafka_start& from,
                                                                int partition, int timeout_ms) {
  using where = schema::kafka_start::from;
  const auto all = range(partition, timeout_ms);
  if (!all) return all.error();
  if (!*all) return std::optional<sequence>();
  if (from.where == where::earliest) return std::optional<sequence>((*all)->low);
  if (from.where == where::latest) return std::optional<sequence>((*all)->high);
  const list wanted(rd_kafka_topic_partition_list_new(1));
  auto* entry = rd_kafka_topic_partition_list_add(wanted.get(), config_.topic.c_str(), partition);
  // The first millisecond that is not before the time.
  entry->offset = std::max<std::int64_t>((from.time.micros + 999) / 1000, 0);
  auto error = rd_kafka_offsets_for_times(control_.get(), wanted.get(), timeout_ms);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) error = wanted->elems[0].err;
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (auto hope = weigh(error); !hope) return hope.error();
    return std::optional<sequence>();
  }
  const std::int64_t offset = wanted->elems[0].offset;
  return std::optional<sequence>(offset < 0 ? (*all)->high : static_cast<sequence>(offset));
}

result<std::unique_ptr<kafka_reader>> kafka_topic_source::read(const kafka_read_options& options) {
  const std::lock_guard lock(mutex_);
  if (!consumer_) {
    const auto partitions = static_cast<std::size_t>(count_);
    const auto kilobytes = std::clamp<std::size_t>(queue_kilobytes / partitions, 256, 16'384);
    const auto messages = std::clamp<std::size_t>(queue_messages / partitions, 1'000, 100'000);
    auto made = make_consumer({{"queued.max.messages.kbytes", std::to_string(kilobytes)},
                               {"queued.min.messages", std::to_string(messages)}});
    if (!made) return made.error();
    consumer_ = std::move(*made);
    waker_.emplace(consumer_.get(), config_.topic);
    pool_ = formats::run_pool::make((std::size_t{1} << 20) + (std::size_t{1} << 18));
  }
  return std::unique_ptr<kafka_reader>(
      new kafka_partition_reader({shared_from_this(), &config_, health_.get(), consumer_.get(),
                                  pool_, &*waker_, queue_limits_of(consumer_.get())},
                                 options));
}

void kafka_topic_source::show_positions(std::span<const std::pair<int, sequence>> positions) {
  const std::lock_guard lock(mutex_);
  // What cannot be said now is not kept for later: the next positions say more.
  if (positions.empty() || !health_->state().connected || !told(0)) return;
  const list all(rd_kafka_topic_partition_list_new(static_cast<int>(positions.size())));
  for (const auto& [partition, position] : positions) {
    rd_kafka_topic_partition_list_add(all.get(), config_.topic.c_str(), partition)->offset =
        static_cast<std::int64_t>(position);
  }
  committing_ = rd_kafka_commit_queue(control_.get(), all.get(), commits_.get(), nullptr,
                                      nullptr) == RD_KAFKA_RESP_ERR_NO_ERROR;
}

kafka_topic_source::~kafka_topic_source() {
  waker_.reset();
  consumer_.reset();
  topic_.reset();
  const bool done = told(last_commit_ms);
  commits_.reset();
  if (done) return;
  // While the group has no coordinator a client with a commit under way takes up to a minute to
  // end, and nothing depends on it: nobody waits for it.
  std::thread([health = health_, client = control_.release()] {
    kafka_deleter()(client);
  }).detach();
}

}  // namespace

result<std::shared_ptr<kafka_source>> kafka_source::open(kafka_config config) {
  auto made = std::make_shared<kafka_topic_source>(std::move(config));
  if (auto connected = made->connect(); !connected) return connected.error();
  return std::shared_ptr<kafka_source>(std::move(made));
}

}  // namespace windrow::sources
