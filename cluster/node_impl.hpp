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
#include "actors/ingest.hpp"
#include "actors/query.hpp"
#include "actors/shard.hpp"
#include "actors/source.hpp"
#include "actors/writer.hpp"
#include "cluster/inputs.hpp"
#include "cluster/node.hpp"
#include "storage/seen_ids.hpp"

namespace windrow::cluster {

/// What a node is made of. Shared by node.cpp (life) and node_query.cpp (answers).
struct node::impl {
  ~impl();

  result<void> open_folder();
  result<void> open_stores();
  result<void> open_seen_ids();
  result<void> start_actors();
  result<void> start_inputs();
  actors::ingest_input make_input(int source, storage::partition_id partition,
                                  storage::sequence position, std::shared_ptr<actors::input> in);
  result<void> add_file(const file_request& request, std::vector<actors::ingest_input>& inputs);
  void begin(std::vector<actors::ingest_input> inputs);
  void start_standard_input();
  result<void> stop();
  result<void> checkpoint();
  result<void> settle();
  void shut_down();

  void counted(const std::vector<const actors::ingest_counters*>& counters, std::uint64_t late,
               std::int64_t newest);
  void settled(bool ended);
  void fail(const failure& why);
  void round_durable(std::uint32_t shard, const storage::positions& at);
  void keep_house();
  result<void> forget(const std::vector<storage::positions>& committed);
  result<void> look_at_empty_files();

  /// Drives a query on the caller's thread: each shard answers ahead of its next batch. `asked`
  /// sees every request with its shard.
  template <class Asked>
  void answer_here(actors::query_core& core, Asked&& asked);
  void answer_here(actors::query_core& core);

  /// Where every shard is for a partition.
  storage::sequence smallest_position(storage::partition_id partition);
  /// A position for people: the partition's name, and bytes or entries.
  std::pair<std::string, std::uint64_t> readable_position(storage::partition_id id,
                                                          storage::sequence at);
  sources::arrival_notes& arrivals();

  node_options options;
  schema::plan_ptr plan;
  // In order of construction: each uses those before it.
  std::optional<storage::folder> folder;
  std::unique_ptr<storage::journal> journal;
  std::unique_ptr<storage::seen_ids> seen;  // null where no stream declares deduplication
  std::vector<std::unique_ptr<storage::shard_store>> stores;
  std::vector<std::shared_ptr<actors::shard_gate>> gates;
  std::unique_ptr<journal_arrivals> notes;
  std::shared_ptr<journal_bell> bell = std::make_shared<journal_bell>();
  actors::query_context context;

  std::mutex mutex;
  std::condition_variable changed;
  node_progress progress;                   // guarded by mutex, like the next four
  std::vector<storage::positions> durable;  // by shard
  bool trim_due = false;
  bool stopping = false;
  std::map<storage::partition_id, std::string> partition_names;

  std::vector<file_request> empty_files;  // of the starting, then of the housekeeping thread
  std::uint32_t next_input = 0;
  // Of the inputs, read by earlier runs.
  std::atomic<std::uint64_t> skipped_bytes{0};
  // Lines of standard input that no journal entry could hold.
  std::atomic<std::uint64_t> too_long{0};
  storage::partition_id journal_partition = 0;
  bool ends = false;
  bool stopped = false;
  result<void> stop_result;

  caf::actor_system_config config;
  std::optional<caf::actor_system> system;
  actors::writer_actor writer;
  std::vector<actors::shard_actor> shards;
  actors::ingest_actor ingest;
  actors::query_actor query;
  actors::coordinator_actor coordinator;
  std::vector<actors::source_actor> readers;
  std::unique_ptr<standard_input> feed;
  std::thread housekeeping;
};

}  // namespace windrow::cluster
