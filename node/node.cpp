#include "node/node.hpp"
#include "schema/catalog/catalog_codec.hpp"

#include <algorithm>
#include <filesystem>
#include <thread>
#include <utility>

#include "node/node_impl.hpp"
#include "storage/folder/rollback_guard.hpp"

namespace windrow::node {

namespace {

constexpr std::chrono::seconds start_deadline{120};

// What is left of the memory limit for the shards: the program itself and its buffers come first,
// then an eighth for batches under way and for what their records take beyond a full budget.
std::size_t record_budget(std::size_t memory, std::size_t ids, std::size_t shards) {
  const std::size_t fixed = std::min<std::size_t>(std::size_t{32} << 20, memory / 2);
  return (memory - ids - fixed - memory / 8) / shards;
}

std::int64_t steady_clock() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

bool deduplicates(const schema::plan& plan) {
  return std::any_of(plan.streams.begin(), plan.streams.end(), [](const schema::stream& s) {
    return s.deduplication.output != schema::none;
  });
}

// A quarter of the memory limit, where ids are kept.
std::size_t ids_budget(const schema::plan& plan, std::size_t memory) {
  return deduplicates(plan) ? memory / 4 : 0;
}

// Folding is what costs: ingest and the writer leave most of a core each to a shard.
unsigned default_shards() { return std::max(1u, std::thread::hardware_concurrency()); }

}  // namespace

node::node(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
node::~node() = default;

result<std::unique_ptr<node>> node::open(const node_options& options) {
  auto i = std::make_unique<impl>();
  i->options = options;
  if (auto opened = i->open_folder(); !opened) return opened.error();
  if (auto opened = i->open_stores(); !opened) return opened.error();
  if (auto started = i->start_actors(); !started) return started.error();
  if (auto made = i->make_drivers(); !made) return made.error();
  if (auto started = i->start_inputs(); !started) return started.error();
  return std::unique_ptr<node>(new node(std::move(i)));
}

result<void> node::impl::open_folder() {
  std::optional<schema::plan_ptr> wanted;
  if (options.declarations) {
    auto compiled = schema::compile_catalog(*options.declarations);
    if (!compiled) return compiled.error();
    wanted = *compiled;
  }
  storage::folder::expectation expected;
  if (options.shards > 0) expected.shard_count = options.shards;
  if (wanted) expected.plan_digest = (*wanted)->digest;
  auto opened = storage::folder::open(options.data, expected);
  if (!opened && opened.error().code == errc::not_found && !options.read_only) {
    if (!wanted) {
      return failure{errc::not_found,
                     opened.error().message + "; to make a new one, give declarations"};
    }
    storage::folder::create_options create;
    create.path = options.data;
    create.shard_count = options.shards > 0 ? options.shards : default_shards();
    create.plan_digest = (*wanted)->digest;
    create.catalog = schema::encode_catalog(*options.declarations);
    create.created = wall_clock();
    create.dedup_index = deduplicates(**wanted);
    opened = storage::folder::create(create);
  }
  if (!opened) return opened.error();
  folder.emplace(std::move(*opened));
  if (wanted) {
    plan = *wanted;
    return {};
  }
  auto declarations = schema::decode_catalog(folder->catalog());
  if (!declarations) return declarations.error();
  auto compiled = schema::compile_catalog(*declarations);
  if (!compiled) return compiled.error();
  plan = *compiled;
  return {};
}

result<void> node::impl::open_stores() {
  storage::journal::options o;
  o.directory = folder->journal_directory();
  o.identity = folder->journal_identity();
  o.map_bytes = folder->map_bytes();
  auto opened = storage::journal::open(o);
  if (!opened) return opened.error();
  journal = std::move(*opened);
  if (auto ids = open_seen_ids(); !ids) return ids;
  const std::uint32_t shards = folder->meta().shard_count;
  for (std::uint32_t s = 0; s < shards; ++s) {
    auto store = storage::shard_store::open(folder->shard_options(s));
    if (!store) return store.error();
    stores.push_back(std::move(*store));
    storage::shard_options so;
    so.shard = s;
    so.folder_seed = folder->meta().hash_seed;
    so.memory_budget = record_budget(options.memory, ids_budget(*plan, options.memory), shards);
    gates.push_back(std::make_shared<actors::shard_access>(so, *stores.back()));
  }
  durable.resize(shards);
  context.plan = plan;
  context.shard_count = shards;
  context.folder_seed = folder->meta().hash_seed;
  context.position = [this](storage::partition_id id, storage::sequence at) {
    return readable_position(id, at);
  };
  return options.read_only ? result<void>{} : begin_session();
}

// From here on a copy of one file that was made before is known to be old.
result<void> node::impl::begin_session() {
  if (auto begun = journal->begin_session(); !begun) return begun;
  if (seen)
    if (auto begun = seen->begin_session(); !begun) return begun;
  for (auto& store : stores)
    if (auto begun = store->begin_session(); !begun) return begun;
  return storage::note_versions(folder->path());
}

result<void> node::impl::open_seen_ids() {
  if (!deduplicates(*plan)) return {};
  storage::dedup_index::options o = folder->dedup_options();
  for (const schema::stream& s : plan->streams)
    o.streams.push_back({s.name, s.deduplication.within});
  o.memory = ids_budget(*plan, options.memory);
  o.read_only = options.read_only;
  auto opened = storage::dedup_index::open(o);
  if (!opened) return opened.error();
  seen = std::move(*opened);
  return {};
}

result<void> node::impl::start_actors() {
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", std::max<std::size_t>(gates.size() + 1, 2));
  system.emplace(config);
  actors::writer_settings ws;
  ws.folder_seed = folder->meta().hash_seed;
  ws.journal = journal.get();
  ws.seen = seen.get();
  for (auto& s : stores) ws.stores.push_back(s.get());
  // A commit mostly waits for the disk: two wait together, and each shard has its own.
  const std::size_t writers_wanted = std::min<std::size_t>(gates.size(), 2);
  for (std::size_t n = 0; n < writers_wanted; ++n)
    writers.push_back(system->spawn<caf::detached>(actors::make_writer, ws));
  for (auto& gate : gates) {
    actors::shard_settings ss;
    ss.gate = gate;
    ss.questions = questions;
    ss.writer = writers[shards.size() % writers.size()];
    ss.checkpoint_interval = options.checkpoint_interval;
    ss.read_only = options.read_only;
    ss.durable = [this](std::uint32_t s, const storage::positions& p) { round_durable(s, p); };
    ss.failed = [this](const failure& why) { fail(why); };
    ss.meters = meters.emplace_back(std::make_shared<actors::shard_metrics>());
    shards.push_back(system->spawn(actors::make_shard, ss));
  }
  actors::ingest_settings is;
  is.shards = shards;
  is.folder_seed = folder->meta().hash_seed;
  // Batches under way are applied whatever they bring into memory, so little memory means few.
  is.limits.batches =
      static_cast<std::uint32_t>(std::clamp<std::size_t>(options.memory >> 23, 8, 64));
  is.limits.bytes = std::min<std::uint64_t>(16 << 20, options.memory / 16 / gates.size());
  is.questions = questions;
  is.journal = journal.get();
  is.seen = seen.get();
  is.events.progressed = [this](const ingest::input_progress& p) { progressed(p); };
  is.events.input_failed = [this](std::uint32_t input, const failure& why) {
    input_failed(input, why);
  };
  is.events.settled = [this] { settled(); };
  is.events.failed = [this](const failure& why) { fail(why); };
  ingest = system->spawn(actors::make_ingest, is);
  query = system->spawn(actors::make_query, actors::query_settings{shards});
  coordinator =
      system->spawn(actors::make_coordinator, actors::coordinator_settings{shards, ingest});
  std::optional<failure> failed;
  caf::scoped_actor self{*system};
  self->request(coordinator, start_deadline, actors::stage_catalog{plan})
      .receive([&](const actors::catalog_ready& ready) { failed = ready.failed; },
               [&](const caf::error&) {
                 failed = failure{errc::closed, "the shards did not open in time"};
               });
  if (failed) return *failed;
  return {};
}

// ---- what the actors report --------------------------------------------------------------------

void node::impl::fail(const failure& why) {
  std::lock_guard lock(mutex);
  if (!progress.failed) progress.failed = why;
  changed.notify_all();
}

void node::impl::round_durable(std::uint32_t shard, const storage::positions& at) {
  std::lock_guard lock(mutex);
  durable[shard] = at;
  trim_due = true;
  changed.notify_all();
}

void node::impl::found_partitions() {
  std::lock_guard lock(mutex);
  discovery_due = true;
  changed.notify_all();
}

// What may wait for the disk, away from the shards' own threads: forgetting what every shard has
// on disk, and looking for partitions that are new.
void node::impl::maintenance_loop() {
  std::unique_lock lock(mutex);
  while (!stopping) {
    changed.wait_for(lock, std::chrono::milliseconds(200),
                     [this] { return stopping || trim_due || discovery_due; });
    if (stopping) return;
    discovery_due = false;
    const bool trim = std::exchange(trim_due, false);
    const std::vector<storage::positions> committed =
        trim ? durable : std::vector<storage::positions>{};
    lock.unlock();
    if (auto kept = trim ? forget(committed) : result<void>{}; !kept) fail(kept.error());
    {
      const std::lock_guard steered(sources_mutex);
      discover();
    }
    lock.lock();
    board.sample(steady_clock());
  }
}

result<void> node::impl::forget(const std::vector<storage::positions>& committed) {
  storage::positions smallest = committed.front();
  for (const storage::positions& p : committed) {
    for (auto& [partition, at] : smallest) {
      const auto mine = p.find(partition);
      at = std::min(at, mine == p.end() ? 0 : mine->second);
    }
  }
  const std::lock_guard lock(sources_mutex);
  if (seen) seen->forget(smallest);
  for (const auto& [partition, at] : smallest) {
    auto trimmed = partition == journal_partition ? journal->pushes().trim(entry_applied(at))
                                                  : journal->skips().trim(partition, at);
    if (!trimmed) return trimmed;
    if (auto settled = journal->removal().forget_removed(partition, at); !settled) return settled;
  }
  for (const auto& driver : drivers) {
    if (auto told = driver->committed(smallest); !told) source_failed(driver->name(), told.error());
  }
  return {};
}

// ---- node --------------------------------------------------------------------------------------

const schema::plan& node::plan() const noexcept { return *impl_->plan; }
const storage::folder& node::folder() const noexcept { return *impl_->folder; }
storage::journal& node::journal() noexcept { return *impl_->journal; }

node_progress node::progress() const {
  // Drivers have locks of their own: they are asked first.
  std::vector<sources::driver_partition> files;
  std::map<std::string, std::string> waiting;
  for (const auto& driver : impl_->drivers) {
    if (auto why = driver->trouble(); !why.empty()) waiting[driver->name()] = std::move(why);
    if (std::string_view(driver->unit()) != "bytes") continue;
    for (sources::driver_partition& p : driver->partitions()) files.push_back(std::move(p));
  }
  std::lock_guard lock(impl_->mutex);
  node_progress p = impl_->progress;
  source_totals sum = impl_->board.totals();
  p.read = sum.read;
  p.read_bytes = sum.read_bytes;
  p.applied = sum.applied;
  p.skipped = sum.skipped;
  p.duplicate = sum.duplicate;
  p.late = sum.late;
  p.dead_lettered = sum.dead_lettered;
  p.dead_letters = std::move(sum.dead_letters);
  p.newest = sum.newest;
  p.failed_sources = impl_->board.failures();
  p.waiting_sources = std::move(waiting);
  // Of files, how far they are read: line ends and what earlier runs have read count as well.
  for (const sources::driver_partition& file : files) {
    sources::partition_status at;
    if (!file.end || !impl_->board.describe(file.id, 0, at)) continue;
    p.total_bytes += *file.end;
    p.file_bytes += std::min<std::uint64_t>(at.position, *file.end);
  }
  if (const std::uint64_t letters = impl_->too_long; letters > 0) {
    p.read += letters;
    p.dead_lettered += letters;
    p.dead_letters["parse: too_long"] += letters;
  }
  return p;
}

void node::wait(std::chrono::milliseconds time_limit) {
  std::unique_lock lock(impl_->mutex);
  impl_->changed.wait_for(lock, time_limit,
                          [this] { return impl_->progress.finished || impl_->progress.failed; });
}

result<void> node::stop() { return impl_->stop(); }

result<void> node::impl::stop() {
  const std::lock_guard one(stop_guard);
  if (stop_result) return *stop_result;
  calls.close();
  changed.notify_all();
  calls.wait_until_empty();
  feed.reset();
  // What was pushed is applied now rather than by the next start. A failed node has said why.
  if (!options.read_only) static_cast<void>(settle([] { return false; }));
  result<void> done;
  if (system && ingest) {
    caf::scoped_actor self{*system};
    self->request(ingest, start_deadline, actors::drain{})
        .receive([](const actors::drained&) {}, [](const caf::error&) {});
    if (!options.read_only) done = checkpoint();
  }
  {
    std::lock_guard lock(mutex);
    if (progress.failed && done.ok()) done = *progress.failed;
  }
  shut_down();
  if (!options.read_only && done.ok()) done = storage::note_versions(folder->path());
  stop_result = done;
  return done;
}

result<void> node::impl::checkpoint() {
  std::optional<failure> failed;
  caf::scoped_actor self{*system};
  const auto ask = [&](const actors::shard_actor& shard) {
    return self->request(shard, caf::infinite, actors::checkpoint_now{});
  };
  std::vector<decltype(ask(shards.front()))> asked;  // all at once
  for (auto& shard : shards) asked.push_back(ask(shard));
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
  if (seen)
    if (auto flushed = seen->flush(); !flushed) return flushed;
  return journal->letters().flush();
}

void node::impl::shut_down() {
  {
    std::lock_guard lock(mutex);
    stopping = true;
    changed.notify_all();
  }
  if (housekeeping.joinable()) housekeeping.join();
  if (!system) return;
  // What the last round has brought to disk; a failure is the next start's to find.
  std::unique_lock state(mutex);
  const bool trim = std::exchange(trim_due, false) && !options.read_only;
  const std::vector<storage::positions> committed = durable;
  state.unlock();
  if (trim) static_cast<void>(forget(committed));
  const auto end = [](const auto& who) {
    if (who) caf::anon_send_exit(who, caf::exit_reason::user_shutdown);
  };
  for (auto& [number, in] : known) end(in.reader);
  end(journal_reader);
  end(coordinator), end(query), end(ingest);
  for (auto& s : shards) end(s);
  for (auto& writer : writers) end(writer);
  known.clear(), shards.clear();
  journal_reader = nullptr;
  coordinator = nullptr, query = nullptr, ingest = nullptr;
  writers.clear();
  system.reset();  // waits for the actors
}

node::impl::~impl() {
  feed.reset();
  shut_down();
  drivers.clear();  // their threads report to what is below
}

result<void> node::settle() {
  const auto call = impl_->calls.enter();
  if (!call) return node_closed(std::nullopt);
  return impl_->settle([this] { return impl_->calls.closed(); });
}

bool node::impl::journal_applied() {
  const storage::sequence last = journal->entries().last();
  return last == 0 || smallest_position(journal_partition) >= after_entry(last);
}

result<void> node::impl::settle(const std::function<bool()>& given_up) {
  if (journal->entries().last() == 0) return {};
  const storage::sequence target = after_entry(journal->entries().last());
  while (smallest_position(journal_partition) < target) {
    std::unique_lock lock(mutex);
    if (progress.failed) return node_closed(progress.failed);
    if (given_up()) return node_closed(std::nullopt);
    changed.wait_for(lock, std::chrono::milliseconds(1));
  }
  return {};
}

result<void> node::checkpoint() {
  const auto call = impl_->calls.enter();
  if (impl_->options.read_only || !call) return node_closed(std::nullopt);
  return impl_->checkpoint();
}

}  // namespace windrow::node
