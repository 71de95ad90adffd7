#include "node/node.hpp"

#include <mutex>
#include <optional>
#include <utility>

#include "actors/yield_hint.hpp"
#include "node/actor_runtime.hpp"
#include "node/current_plan.hpp"
#include "node/dead_letter_service.hpp"
#include "node/journal_input.hpp"
#include "node/maintenance.hpp"
#include "node/node_stats.hpp"
#include "node/open_folder.hpp"
#include "node/position_names.hpp"
#include "node/push_service.hpp"
#include "node/query_service.hpp"
#include "node/run_state.hpp"
#include "node/shard_set.hpp"
#include "node/source_controller.hpp"
#include "node/source_manager.hpp"
#include "node/source_overview.hpp"
#include "sources/partition_name.hpp"
#include "storage/folder/rollback_guard.hpp"

namespace windrow::node {

/// What a node is made of, in order of construction: each uses those before it.
struct node::impl {
  impl(const node_options& o, std::unique_ptr<stored_state> s, storage::partition_id pushes);
  ~impl() {
    shut_down();
    sources.drop_drivers();  // their threads call what is declared after it
  }

  result<void> start();
  result<void> stop();
  result<void> checkpoint();
  void shut_down();
  runtime_events events();
  void idle();
  inspected looked_at() {
    return {stored->folder,      plan.get(),      *stored->journal,
            stored->dedup.get(), *stored->shards, names};
  }

  const node_options options;
  const std::unique_ptr<stored_state> stored;
  const storage::partition_id partition;  // of what is pushed
  /// Whether the end of the sources is the end of all input.
  const bool ends;
  run_state state;
  current_plan plan;
  position_names names;
  const std::shared_ptr<journal_notifier> notifier = std::make_shared<journal_notifier>();
  const std::shared_ptr<actors::yield_hint> requests = std::make_shared<actors::yield_hint>();
  actor_runtime runtime;
  source_manager sources;
  source_overview overview;
  source_controller controller;
  push_service pushes;
  dead_letter_service dead_letters;
  query_service queries;
  maintenance upkeep;

  std::mutex stop_mutex;
  std::optional<result<void>> stop_result;
};

namespace {

bool ends_with_its_inputs(const node_options& options) {
  return options.once || (options.inputs.size() == 1 && options.inputs.front().path == "-");
}

}  // namespace

node::impl::impl(const node_options& o, std::unique_ptr<stored_state> s,
                 storage::partition_id pushes_of)
    : options(o),
      stored(std::move(s)),
      partition(pushes_of),
      ends(ends_with_its_inputs(o)),
      state(o.read_only),
      names(*stored->journal, partition),
      runtime({stored->shards.get(), stored->journal.get(), stored->dedup.get(), requests,
               stored->folder.meta().hash_seed, options.memory, options.checkpoint_interval,
               options.read_only, events()}),
      sources({options, plan, *stored->journal, *stored->shards, state, runtime},
              [this] { upkeep.found_partitions(); }),
      overview(sources.context(), partition),
      controller(sources.context()),
      pushes({plan, *stored->journal, *stored->shards, state, *notifier, *requests, partition}),
      dead_letters({plan, *stored->journal, state, *notifier}),
      queries({*stored->shards, names, state, runtime, *requests, stored->folder.meta().hash_seed},
              stored->plan),
      upkeep({*stored->journal, stored->dedup.get(), sources, state, partition,
              stored->shards->size()}) {}

// Nothing happens before the plan is staged, and all parts are there then.
runtime_events node::impl::events() {
  runtime_events out;
  out.progressed = [this](const ingest::input_progress& p) { sources.registry().progressed(p); };
  out.input_failed = [this](std::uint32_t input, const failure& why) {
    sources.registry().input_failed(input, why);
  };
  out.idle = [this] { idle(); };
  out.applied = [this](storage::partition_id id) {
    if (id == partition) state.applied().notify();
  };
  out.durable = [this](std::uint32_t shard, const storage::positions& at) {
    upkeep.durable(shard, at);
  };
  out.failed = [this](const failure& why) { state.fail(why); };
  return out;
}

// In this order: once the sources are over, what they have journalled is all there.
void node::impl::idle() {
  if (sources.over() && (!ends || pushes.all_applied())) state.finished(true);
}

result<void> node::impl::start() {
  if (auto active = runtime.activate(stored->plan); !active) return active;
  plan.set(stored->plan);
  if (auto opened = sources.open(); !opened) return opened;
  if (auto all_there = pushes.check_journal(); !all_there) return all_there;
  opened_input reading;
  reading.partition = partition;
  reading.position = stored->shards->resume_position(partition);
  reading.input = std::make_shared<journal_input>(stored->plan, *stored->journal, partition,
                                                  reading.position, notifier);
  sources.start(std::move(reading), notifier, [this] { return pushes.waiting(); });
  upkeep.start();
  return {};
}

result<void> node::impl::stop() {
  const std::lock_guard one(stop_mutex);
  if (stop_result) return *stop_result;
  state.calls().close();
  state.applied().notify();
  state.calls().wait_until_empty();
  sources.close();
  // What was pushed is applied now rather than by the next start. A failed node has said why.
  if (!options.read_only) static_cast<void>(pushes.wait_applied_at_the_end());
  runtime.drain();
  result<void> done;
  if (!options.read_only) done = checkpoint();
  if (const auto why = state.failed(); why && done) done = *why;
  shut_down();
  if (!options.read_only && done) done = storage::note_versions(stored->folder.path());
  stop_result = done;
  return done;
}

result<void> node::impl::checkpoint() {
  if (auto written = runtime.checkpoint(); !written) return written;
  if (stored->dedup)
    if (auto flushed = stored->dedup->flush(); !flushed) return flushed;
  return stored->journal->dead_letters().flush();
}

void node::impl::shut_down() {
  sources.close();
  upkeep.stop();
  runtime.stop();
}

// ---- node --------------------------------------------------------------------------------------

node::node(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
node::~node() = default;

result<std::unique_ptr<node>> node::open(const node_options& options) {
  auto stored = open_stored_state(options);
  if (!stored) return stored.error();
  auto pushes = (*stored)->journal->partitions().register_partition(
      storage::partition_kind::journal,
      sources::journal_partition_name(storage::to_string((*stored)->folder.meta().id)), "");
  if (!pushes) return pushes.error();
  auto i = std::make_unique<impl>(options, std::move(*stored), pushes->id);
  if (auto started = i->start(); !started) return started.error();
  return std::unique_ptr<node>(new node(std::move(i)));
}

query_service& node::queries() noexcept { return impl_->queries; }
push_service& node::pushes() noexcept { return impl_->pushes; }
source_controller& node::controller() noexcept { return impl_->controller; }
dead_letter_service& node::dead_letters() noexcept { return impl_->dead_letters; }
storage::journal& node::journal() noexcept { return *impl_->stored->journal; }

schema::plan_ptr node::plan() const { return impl_->plan.get(); }

node_progress node::progress() const {
  node_progress out;
  impl_->sources.describe(out);
  out.finished = impl_->state.finished();
  out.failed = impl_->state.failed();
  return out;
}

void node::wait(std::chrono::milliseconds time_limit) { impl_->state.wait(time_limit); }

result<void> node::stop() { return impl_->stop(); }

result<void> node::checkpoint() {
  const auto call = impl_->state.calls().enter();
  if (impl_->options.read_only || !call) return failure{errc::closed, "the node is closed"};
  return impl_->checkpoint();
}

result<std::vector<sources::source_status>> node::sources() {
  const auto call = impl_->state.calls().enter();
  if (!call) return failure{errc::closed, "the node is closed"};
  if (!impl_->options.read_only) {
    if (auto flushed = impl_->stored->journal->dead_letters().flush(); !flushed)
      return flushed.error();
  }
  return impl_->overview.all();
}

result<std::vector<rule_statistics>> node::count_rules() {
  return windrow::node::count_rules(*impl_->plan.get(), *impl_->stored->shards);
}

result<node_stats> node::measure() {
  const auto call = impl_->state.calls().enter();
  if (!call) return failure{errc::closed, "the node is closed"};
  return windrow::node::measure({impl_->plan.get(), *impl_->stored->journal, *impl_->stored->shards,
                                 impl_->sources, impl_->overview, impl_->state,
                                 impl_->options.memory});
}

result<inspection> node::inspect(bool and_verify) {
  const inspected what = impl_->looked_at();
  auto out = windrow::node::inspect(what);
  if (!out || !and_verify) return out;
  const auto values = verify(what);
  if (!values) return values.error();
  out->verified = *values;
  return out;
}

}  // namespace windrow::node
