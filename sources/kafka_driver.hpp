#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "schema/catalog/kafka_settings.hpp"
#include "schema/plan/plan.hpp"
#include "sources/kafka_dead_letters.hpp"
#include "sources/kafka_partition_state.hpp"
#include "sources/kafka_source.hpp"
#include "sources/partition_name.hpp"
#include "sources/source_driver.hpp"

namespace windrow::sources {

/// The partitions of one declared source's topic.
///
/// A thread of its own speaks to the broker: it finds partitions, where they begin and end, and
/// produces dead letters; `discover` only hands on what it has found. It is started by the first
/// `discover`, so a folder that is looked at connects only where `locate` has to.
///
/// A partition exists for the folder once it is registered in the journal with the position
/// where it begins (`kafka_partition_state`), so that every later start begins it there. The
/// declared `start` holds for the partitions there are when the topic is first seen; those found
/// later, and those after a reset, are read from their beginning.
class kafka_driver final : public source_driver {
public:
  struct options {
    int source = schema::none;  ///< plan.sources
    bool headers = false;       ///< some stream reads `_.message_headers`
    sources::kafka_config config;
  };
  /// Makes the driver of a declared source of kind `kafka`; `invalid` where a setting is wrong.
  static result<std::unique_ptr<source_driver>> make(const driver_request& request,
                                                     const driver_context& context);
  kafka_driver(options o, const driver_context& context);
  ~kafka_driver() override;

  const std::string& name() const noexcept override { return options_.config.source; }
  const schema::source_kind& kind() const noexcept override { return schema::kafka_kind; }

  result<std::vector<driver_partition>> discover() override;
  bool complete() const override;
  result<std::shared_ptr<sources::input>> open(storage::partition_id partition,
                                               storage::sequence from) override;
  result<void> committed(const storage::positions& on_disk) override;
  std::vector<driver_partition> partitions() const override;
  std::string trouble() const override;
  result<seek_place> locate(storage::partition_id partition, const seek_target& target) override;
  result<driver_partition> reset(storage::partition_id partition) override;

private:
  /// The newest incarnation of a partition.
  struct entry {
    storage::partition_id id = 0;
    sources::kafka_identity identity;
    sources::kafka_partition_state state;
    std::optional<storage::sequence> high;   ///< as last heard
    std::optional<storage::sequence> end;    ///< `once`: where it ends
    bool given = false;                      ///< by `discover`
    bool opened = false;                     ///< in this run
    storage::sequence dead_letters_due = 0;  ///< dead letters at or below are durable
    std::weak_ptr<sources::kafka_reader> reader;
  };
  using entries = std::map<int, entry>;  ///< by number

  result<void> load();
  result<std::shared_ptr<sources::kafka_source>> connect();
  void discover_partitions();
  result<bool> discover_partitions_of(sources::kafka_source& source);
  result<bool> begin_partition(sources::kafka_source& source, int number, bool first);
  result<void> produce_dead_letters();
  std::optional<kafka_dead_letters::stretch> next_stretch() const;
  result<void> remember(entry& e, const sources::kafka_partition_state& state);
  result<sources::kafka_range> ask_range(int number);
  entry* find(storage::partition_id partition);
  driver_partition describe(const entry& e) const;
  std::string trouble_now() const;
  std::string begun_name() const;

  const options options_;
  const driver_context& context_;

  mutable std::mutex mutex_;  // of everything below
  std::condition_variable changed_;
  std::shared_ptr<sources::kafka_source> source_;
  entries entries_;
  result<void> loaded_;
  std::optional<failure> failed_;
  bool failure_told_ = false;
  bool all_found_ = false;  ///< a whole discovery has succeeded, since the last reset
  int resets_ = 0;
  bool stopping_ = false;
  std::string dead_letters_trouble_;
  // The discovery_thread's alone.
  int fewer_found_ = 0;  ///< discoveries in a row that found too few partitions
  kafka_dead_letters dead_letters_;
  std::optional<kafka_dead_letters::stretch> stretch_begun_;  ///< and not delivered yet
  std::thread discovery_thread_;
};

}  // namespace windrow::sources
