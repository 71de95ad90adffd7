#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include "actors/coordinator.hpp"
#include "actors/ingester.hpp"
#include "actors/querier.hpp"
#include "actors/shard.hpp"
#include "actors/source.hpp"
#include "actors/writer.hpp"
#include "node/call_gate.hpp"
#include "node/journal_input.hpp"
#include "node/node.hpp"
#include "node/source_registry.hpp"
#include "node/standard_input.hpp"
#include "sources/source_driver.hpp"
#include "storage/dedup/dedup_index.hpp"

namespace windrow::node {

/// Why a node takes nothing any longer.
inline failure node_closed(const std::optional<failure>& why) {
  return {errc::closed,
          why ? "the node has stopped taking input: " + why->message : "the node is closed"};
}

/// What a node is made of. Shared by node.cpp (life), node_sources.cpp (inputs), node_steering.cpp
/// (what people do to sources), node_push.cpp (what is pushed to it) and node_query.cpp (answers).
struct node::impl {
  ~impl();

  result<void> open_folder();
  result<void> open_stores();
  result<void> begin_session();
  result<void> open_seen_ids();
  result<void> start_actors();
  // Sources (node_sources.cpp). All but the first are for who holds `sources_mutex`.
  result<void> start_inputs();
  result<void> make_drivers();
  /// Asks every driver for partitions that are new, and has them read.
  void discover();
  /// Makes a partition an input and opens it, unless it is paused.
  void add_partition(sources::source_driver& driver, const sources::driver_partition& partition,
                     std::vector<actors::ingest_input>& starting);
  /// Has an input read that ingest does not know yet. Where it does not open, it has failed.
  void open_input(std::uint32_t number, std::vector<actors::ingest_input>& starting);
  actors::source_actor spawn_reader(std::uint32_t number, std::shared_ptr<sources::input> in);
  void begin(std::vector<actors::ingest_input> starting);
  /// A partition's own newest event times, by timeline, where ingest goes on.
  std::vector<std::int64_t> clocks_of(storage::partition_id partition);
  void start_standard_input(const std::string& source);
  /// What is read on from where, of a partition that ingest does not know.
  struct starting_point {
    storage::sequence position = 0;  ///< every shard is there
    std::vector<storage::skip_range> skips;
    storage::sequence read_from = 0;
  };
  result<starting_point> start_of(const sources::driver_partition& partition);

  // What people see and do (node_steering.cpp); the first four for anyone, the others for who
  // holds `sources_mutex`.
  result<std::vector<sources::source_status>> every_status();
  result<sources::source_status> status_of(const std::string& source);
  result<void> describe_stopped(const std::string& source, const sources::driver_partition& p,
                                sources::partition_status& into);
  sources::source_status status_of_journal();
  struct chosen {
    sources::source_driver* driver = nullptr;
    sources::driver_partition partition;
    std::optional<std::uint32_t> number;  // where it is an input
  };
  result<std::vector<chosen>> choose(const sources::source_selection& what);
  result<std::vector<chosen>> choose_to_move(const sources::source_selection& what, bool one);
  /// Where ingest stands in it, if ingest knows it.
  std::optional<storage::sequence> stop_input(std::uint32_t number);
  void go_on(std::uint32_t number);
  result<sources::source_control_step> seek_partition(const chosen& c,
                                                      const sources::seek_target& target);
  storage::sequence largest_position(storage::partition_id partition);
  void look_whether_done();

  result<void> stop();
  result<void> checkpoint();
  /// Waits until the journal is applied, or for as long as `given_up` says no.
  result<void> settle(const std::function<bool()>& given_up);
  /// Whether pushes are taken; `call` is the caller's pass.
  result<void> takes_pushes(const call_gate::pass& call);
  void shut_down();

  void progressed(const ingest::input_progress& p);
  void input_failed(std::uint32_t input, const failure& why);
  void source_failed(const std::string& source, const failure& why);
  void settled();
  void fail(const failure& why);
  /// Where the journal cannot be written, it never is again: the node has failed then.
  failure not_journalled(const failure& why);
  void round_durable(std::uint32_t shard, const storage::positions& at);
  void found_partitions();
  void maintenance_loop();
  result<void> forget(const std::vector<storage::positions>& committed);

  /// Drives a query on the caller's thread: each shard answers ahead of its next batch. The last
  /// stage that it asked.
  std::vector<query::shard_request> answer_here(query::query_core& core);

  /// Whether every shard has applied what the journal holds.
  bool journal_applied();
  /// Where every shard is for a partition.
  storage::sequence smallest_position(storage::partition_id partition);
  /// A position for people: the partition's name, and bytes or entries.
  std::pair<std::string, std::uint64_t> readable_position(storage::partition_id id,
                                                          storage::sequence at);

  node_options options;
  schema::plan_ptr plan;
  // In order of construction: each uses those before it.
  std::optional<storage::folder> folder;
  std::unique_ptr<storage::journal> journal;
  std::unique_ptr<storage::dedup_index> seen;  // null where no stream declares deduplication
  std::vector<std::unique_ptr<storage::shard_store>> stores;
  std::vector<std::shared_ptr<actors::shard_access>> gates;
  std::vector<std::shared_ptr<actors::shard_metrics>> meters;
  std::optional<sources::driver_context> driving;
  std::vector<std::unique_ptr<sources::source_driver>> drivers;
  std::shared_ptr<journal_notifier> bell = std::make_shared<journal_notifier>();
  query::query_context context;
  std::shared_ptr<actors::yield_hint> questions = std::make_shared<actors::yield_hint>();

  std::mutex mutex;
  std::condition_variable changed;
  node_progress progress;  // guarded by mutex, like the next six
  source_registry board;
  std::vector<storage::positions> durable;  // by shard
  bool trim_due = false;
  bool discovery_due = false;
  bool stopping = false;
  std::map<storage::partition_id, std::string> partition_names;

  /// A partition that is an input; what the board says of it has the same number.
  struct known_input {
    sources::source_driver* driver = nullptr;
    sources::driver_partition partition;
    actors::source_actor reader;
    bool in_ingest = false;
  };
  std::mutex sources_mutex;  // one at a time changes what is read; taken before `mutex`
  std::uint32_t next_input = 0;
  std::map<std::uint32_t, known_input> known;
  // Lines of standard input that no journal entry could hold.
  std::atomic<std::uint64_t> too_long{0};
  storage::partition_id journal_partition = 0;
  storage::sequence journal_at_start = 0;  // position at which what was pushed before is applied
  std::atomic<bool> caught_up{false};
  bool ends = false;
  call_gate calls;
  std::mutex stop_guard;
  std::optional<result<void>> stop_result;

  caf::actor_system_config config;
  std::optional<caf::actor_system> system;
  std::vector<actors::writer_actor> writers;
  std::vector<actors::shard_actor> shards;
  actors::ingest_actor ingest;
  actors::query_actor query;
  actors::coordinator_actor coordinator;
  actors::source_actor journal_reader;
  std::unique_ptr<standard_input> feed;
  std::thread housekeeping;
};

}  // namespace windrow::node
