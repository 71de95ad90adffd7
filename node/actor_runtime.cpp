#include "node/actor_runtime.hpp"

#include <algorithm>
#include <map>

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
#include "node/shard_set.hpp"

namespace windrow::node {

namespace {

// Longer than both steps of a rollout, which say who was silent.
constexpr std::chrono::seconds rollout_deadline{150};
constexpr std::chrono::seconds drain_deadline{120};
constexpr std::chrono::seconds stop_deadline{60};
constexpr std::chrono::seconds query_deadline{30};

template <class Actor>
void end(Actor& who) {
  if (who) caf::anon_send_exit(who, caf::exit_reason::user_shutdown);
  who = nullptr;
}

}  // namespace

struct actor_runtime::impl {
  explicit impl(runtime_options o) : options(std::move(o)) {}

  void spawn_shards();
  void spawn_ingest();
  actors::source_actor spawn_reader(std::uint32_t number, std::shared_ptr<sources::input> input,
                                    bool waits);
  /// Waits for an answer that says what failed, if anything; `silent` says that none came in time.
  template <class Answer, class Actor, class Request>
  result<void> ask(const Actor& whom, std::chrono::seconds deadline, Request what,
                   const char* silent) {
    std::optional<failure> failed;
    caf::scoped_actor self{*system};
    self->request(whom, deadline, std::move(what))
        .receive([&](const Answer& answer) { failed = answer.failed; },
                 [&](const caf::error&) {
                   failed = failure{errc::timeout, silent};
                 });
    if (failed) return *failed;
    return {};
  }

  runtime_options options;
  caf::actor_system_config config;
  std::optional<caf::actor_system> system;
  std::vector<actors::writer_actor> writers;
  std::vector<actors::shard_actor> shards;
  actors::ingest_actor ingest;
  actors::query_actor query;
  actors::coordinator_actor coordinator;
  std::map<std::uint32_t, actors::source_actor> readers;  // by input
};

actor_runtime::actor_runtime(runtime_options options)
    : impl_(std::make_unique<impl>(std::move(options))) {
  impl& i = *impl_;
  i.config.set("scheduler.policy", caf::atom("sharing"));
  i.config.set("scheduler.max-threads", std::max<std::size_t>(i.options.shards->size() + 1, 2));
  i.system.emplace(i.config);
  i.spawn_shards();
  i.spawn_ingest();
  i.query = i.system->spawn(actors::make_query, actors::query_settings{i.shards});
  i.coordinator =
      i.system->spawn(actors::make_coordinator, actors::coordinator_settings{i.shards, i.ingest});
}

actor_runtime::~actor_runtime() { stop(); }

void actor_runtime::impl::spawn_shards() {
  shard_set& all = *options.shards;
  actors::writer_settings ws;
  ws.folder_seed = options.folder_seed;
  ws.journal = options.journal;
  ws.dedup = options.dedup;
  for (std::size_t s = 0; s < all.size(); ++s) ws.stores.push_back(&all.store(s));
  // A commit mostly waits for the disk: two wait together, and each shard has its own.
  const std::size_t writers_wanted = std::min<std::size_t>(all.size(), 2);
  for (std::size_t n = 0; n < writers_wanted; ++n)
    writers.push_back(system->spawn<caf::detached>(actors::make_writer, ws));
  for (std::size_t s = 0; s < all.size(); ++s) {
    actors::shard_settings ss;
    ss.access = all.access(s);
    ss.requests = options.requests;
    ss.writer = writers[s % writers.size()];
    ss.checkpoint_interval = options.checkpoint_interval;
    ss.read_only = options.read_only;
    ss.applied = options.events.applied;
    ss.durable = options.events.durable;
    ss.failed = options.events.failed;
    ss.metrics = all.metrics(s);
    shards.push_back(system->spawn(actors::make_shard, ss));
  }
}

void actor_runtime::impl::spawn_ingest() {
  actors::ingest_settings is;
  is.shards = shards;
  is.folder_seed = options.folder_seed;
  // Batches under way are applied whatever they bring into memory, so little memory means few.
  is.limits.batches =
      static_cast<std::uint32_t>(std::clamp<std::size_t>(options.memory >> 23, 8, 64));
  is.limits.bytes = std::min<std::uint64_t>(16 << 20, options.memory / 16 / shards.size());
  is.requests = options.requests;
  is.journal = options.journal;
  is.dedup = options.dedup;
  is.events.progressed = options.events.progressed;
  is.events.input_failed = options.events.input_failed;
  is.events.idle = options.events.idle;
  is.events.failed = options.events.failed;
  ingest = system->spawn(actors::make_ingest, is);
}

actors::source_actor actor_runtime::impl::spawn_reader(std::uint32_t number,
                                                       std::shared_ptr<sources::input> input,
                                                       bool waits) {
  actors::source_settings settings;
  settings.in = std::move(input);
  if (waits) settings.poll = {};
  return readers[number] = system->spawn<caf::detached>(actors::make_source, settings);
}

result<void> actor_runtime::activate(schema::plan_ptr plan) {
  return impl_->ask<actors::catalog_ready>(impl_->coordinator, rollout_deadline,
                                           actors::stage_catalog{std::move(plan)},
                                           "the shards did not open in time");
}

// ---- inputs ------------------------------------------------------------------------------------

void actor_runtime::read(std::vector<opened_input> inputs) {
  std::vector<actors::ingest_input> starting;
  for (opened_input& in : inputs) {
    actors::ingest_input one;
    one.number = in.number;
    one.reader = impl_->spawn_reader(in.number, std::move(in.input), in.waits);
    one.source = in.source;
    one.partition = in.partition;
    one.position = in.position;
    one.skips = std::move(in.skips);
    one.skip_to = in.skip_to;
    one.clocks = std::move(in.clocks);
    one.essential = in.essential;
    starting.push_back(std::move(one));
  }
  caf::anon_send(impl_->ingest,
                 actors::start_inputs{std::make_shared<const std::vector<actors::ingest_input>>(
                     std::move(starting))});
}

std::optional<storage::sequence> actor_runtime::stop_reading(std::uint32_t number) {
  std::optional<storage::sequence> position;
  caf::scoped_actor self{*impl_->system};
  self->request(impl_->ingest, stop_deadline, actors::stop_input{number})
      .receive([&](const actors::input_stopped& s) { position = s.position; },
               [](const caf::error&) {});
  const auto reader = impl_->readers.find(number);
  if (reader != impl_->readers.end()) {
    end(reader->second);
    impl_->readers.erase(reader);
  }
  return position;
}

void actor_runtime::read_on(std::uint32_t number, std::shared_ptr<sources::input> input,
                            std::vector<storage::skip_range> skips, storage::sequence skip_to) {
  auto reader = impl_->spawn_reader(number, std::move(input), false);
  caf::anon_send(impl_->ingest,
                 actors::continue_input{number, std::move(reader), std::move(skips), skip_to});
}

void actor_runtime::pass_over(std::uint32_t number, std::vector<storage::skip_range> skips,
                              storage::sequence skip_to) {
  caf::anon_send(impl_->ingest, actors::continue_input{number, {}, std::move(skips), skip_to});
}

// ---- what is asked -----------------------------------------------------------------------------

result<void> actor_runtime::answer(std::shared_ptr<query::query_core> core) {
  return impl_->ask<actors::query_done>(impl_->query, query_deadline,
                                        actors::run_query{std::move(core)},
                                        "the query was not answered in time");
}

result<void> actor_runtime::checkpoint() {
  std::optional<failure> failed;
  caf::scoped_actor self{*impl_->system};
  const auto ask = [&](const actors::shard_actor& shard) {
    return self->request(shard, caf::infinite, actors::checkpoint_now{});
  };
  std::vector<decltype(ask(impl_->shards.front()))> asked;  // all at once
  for (auto& shard : impl_->shards) asked.push_back(ask(shard));
  for (auto& answer : asked) {
    answer.receive(
        [&](const actors::checkpoint_done& done) {
          if (done.failed) failed = done.failed;
        },
        [&](const caf::error&) {
          failed = failure{errc::closed, "the shard has stopped"};
        });
  }
  if (failed) return *failed;
  return {};
}

void actor_runtime::drain() {
  caf::scoped_actor self{*impl_->system};
  self->request(impl_->ingest, drain_deadline, actors::drain{})
      .receive([](const actors::drained&) {}, [](const caf::error&) {});
}

void actor_runtime::stop() {
  impl& i = *impl_;
  if (!i.system) return;
  for (auto& [number, reader] : i.readers) end(reader);
  i.readers.clear();
  end(i.coordinator), end(i.query), end(i.ingest);
  for (auto& shard : i.shards) end(shard);
  for (auto& writer : i.writers) end(writer);
  i.shards.clear();
  i.writers.clear();
  i.system.reset();  // waits for the actors
}

}  // namespace windrow::node
