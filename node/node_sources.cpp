// What a node reads: its sources' partitions as inputs, and what is heard of them.
#include <algorithm>

#include "node/node_impl.hpp"
#include "node/paused.hpp"
#include "sources/file_driver.hpp"
#include "sources/kafka_driver.hpp"
#include "sources/partition_name.hpp"

namespace windrow::node {

namespace {

constexpr std::uint32_t journal_input_number = 0;

/// The driver for a declared source: of the file `path`, or where that is empty of what is
/// declared.
result<std::unique_ptr<sources::source_driver>> make_driver(
    const schema::plan& plan, int source, const std::string& path,
    const sources::driver_context& context) {
  const schema::source& declared = plan.sources[static_cast<std::size_t>(source)];
  if (declared.kind == schema::source_kind::kafka && path.empty())
    return sources::kafka_driver::make(plan, source, context);
  return std::unique_ptr<sources::source_driver>(std::make_unique<sources::file_driver>(
      sources::file_driver::options{source, declared.name, path, path == declared.path}, context));
}

}  // namespace

// A folder that is looked at has a driver for every source, which answers from the journal.
result<void> node::impl::make_drivers() {
  driving.emplace(sources::driver_context{
      *journal, options.data, options.once,
      [this](storage::partition_id id) { return smallest_position(id); }, wall_clock,
      [this](const failure& why) { fail(why); }, [this] { found_partitions(); }});
  if (options.read_only) {
    for (std::size_t i = 0; i < plan->sources.size(); ++i) {
      const auto source = static_cast<int>(i);
      const bool kafka = plan->sources[i].kind == schema::source_kind::kafka;
      auto made = make_driver(*plan, source, "", *driving);
      if (!made) return made.error();
      drivers.push_back(std::move(*made));
      // Its messages may have come from a file, and then the folder knows that file.
      if (kafka) {
        drivers.push_back(std::make_unique<sources::file_driver>(
            sources::file_driver::options{source, plan->sources[i].name, "", false}, *driving));
      }
    }
    return {};
  }
  for (const node_input& in : options.inputs) {
    const auto source = std::find_if(plan->sources.begin(), plan->sources.end(),
                                     [&](const schema::source& s) { return s.name == in.source; });
    if (source == plan->sources.end())
      return failure{errc::invalid, "there is no source " + in.source};
    board.declare(in.source);
    if (in.path == "-") continue;
    auto made =
        make_driver(*plan, static_cast<int>(source - plan->sources.begin()), in.path, *driving);
    if (!made) return made.error();
    drivers.push_back(std::move(*made));
  }
  return {};
}

result<void> node::impl::start_inputs() {
  const std::lock_guard lock(sources_mutex);
  auto registered = journal->partitions().register_partition(
      storage::partition_kind::journal,
      sources::journal_partition_name(storage::to_string(folder->meta().id)), "");
  if (!registered) return registered.error();
  journal_partition = registered->id;
  if (const storage::sequence last = journal->entries().last(); last != 0)
    journal_at_start = after_entry(last);
  if (largest_position(journal_partition) > journal_at_start)
    return failure{errc::corrupt,
                   journal->data_file() +
                       " lacks pushes that have been applied: it is damaged or older "
                       "than the shards. Restore the whole data folder from one copy."};
  std::vector<std::string> piped;
  for (const node_input& in : options.inputs) {
    if (in.path == "-") piped.push_back(in.source);
  }
  if (piped.size() > 1) return failure{errc::invalid, "only one source can read standard input"};
  ends = options.once || (piped.size() == 1 && options.inputs.size() == 1);

  const storage::sequence applied = smallest_position(journal_partition);
  next_input = journal_input_number + 1;
  board.opened(journal_input_number, "", journal_partition, applied);
  auto in = std::make_shared<journal_input>(plan, *journal, journal_partition, applied, bell);
  journal_reader = spawn_reader(journal_input_number, std::move(in));
  actors::ingest_input reading;
  reading.number = journal_input_number;
  reading.reader = journal_reader;
  reading.partition = journal_partition;
  reading.position = applied;
  reading.clocks = clocks_of(journal_partition);
  reading.essential = true;
  begin({reading});
  discover();
  if (!piped.empty()) start_standard_input(piped.front());
  housekeeping = std::thread([this] { maintenance_loop(); });
  return {};
}

actors::source_actor node::impl::spawn_reader(std::uint32_t number,
                                              std::shared_ptr<sources::input> in) {
  actors::source_settings settings;
  settings.in = std::move(in);
  if (number == journal_input_number) settings.poll = {};  // its bell says when there is more
  auto reader = system->spawn<caf::detached>(actors::make_source, settings);
  if (number != journal_input_number) known[number].reader = reader;
  return reader;
}

void node::impl::discover() {
  if (options.read_only) return;
  std::vector<actors::ingest_input> starting;
  bool changed_something = false;
  for (const auto& driver : drivers) {
    {
      std::lock_guard lock(mutex);
      if (board.source_has_failed(driver->name())) continue;
    }
    auto found = driver->discover();
    if (!found) {
      source_failed(driver->name(), found.error());
      changed_something = true;
      continue;
    }
    for (const sources::driver_partition& p : *found) add_partition(*driver, p, starting);
    std::lock_guard lock(mutex);
    const bool completed = board.complete(driver->name(), driver->complete());
    changed_something = changed_something || completed || !found->empty();
  }
  if (changed_something) begin(std::move(starting));
}

void node::impl::add_partition(sources::source_driver& driver,
                               const sources::driver_partition& partition,
                               std::vector<actors::ingest_input>& starting) {
  {
    // Two readers of one position would each skip what the other has read.
    std::lock_guard lock(mutex);
    if (board.find(partition.id)) return;
  }
  const std::uint32_t number = next_input++;
  known[number] = {&driver, partition, {}, false};
  const auto paused = is_paused(*journal, driver.name(), partition.id);
  const auto start = start_of(partition);
  {
    std::lock_guard lock(mutex);
    board.opened(number, driver.name(), partition.id, start ? start->read_from : 0);
    if (paused && *paused) board.paused(number);
  }
  if (!paused) return fail(paused.error());
  if (!*paused) open_input(number, starting);
}

result<node::impl::starting_point> node::impl::start_of(
    const sources::driver_partition& partition) {
  starting_point start;
  start.position = std::max(smallest_position(partition.id), partition.start);
  auto skips = journal->skips().of(partition.id);
  if (!skips) return skips.error();
  start.skips = std::move(*skips);
  start.read_from = storage::after_skips(start.skips, start.position);
  return start;
}

void node::impl::open_input(std::uint32_t number, std::vector<actors::ingest_input>& starting) {
  known_input& input = known.at(number);
  auto start = start_of(input.partition);
  if (!start) return fail(start.error());
  auto opened = input.driver->open(input.partition.id, start->read_from);
  if (!opened) return input_failed(number, opened.error());
  actors::ingest_input reading;
  reading.number = number;
  reading.reader = spawn_reader(number, std::move(*opened));
  reading.source = static_cast<int>(
      std::find_if(plan->sources.begin(), plan->sources.end(),
                   [&](const schema::source& s) { return s.name == input.driver->name(); }) -
      plan->sources.begin());
  reading.partition = input.partition.id;
  reading.position = start->position;
  reading.skips = std::move(start->skips);
  reading.skip_to = start->read_from;
  reading.clocks = clocks_of(input.partition.id);
  input.in_ingest = true;
  starting.push_back(std::move(reading));
}

// Also without inputs: ingest then looks whether all is done.
void node::impl::begin(std::vector<actors::ingest_input> starting) {
  caf::anon_send(
      ingest, actors::start_inputs{
                  std::make_shared<const std::vector<actors::ingest_input>>(std::move(starting))});
}

// At the smallest position of any shard, which ingest goes on from.
std::vector<std::int64_t> node::impl::clocks_of(storage::partition_id partition) {
  const auto of = [&](auto& gate) {
    return gate->priority([&](auto& core) { return core.resume_clocks(partition); });
  };
  std::vector<std::int64_t> clocks = of(gates.front());
  for (auto& gate : gates) {
    const auto mine = of(gate);
    for (std::size_t i = 0; i < clocks.size(); ++i) clocks[i] = std::min(clocks[i], mine[i]);
  }
  return clocks;
}

void node::impl::start_standard_input(const std::string& source) {
  standard_input::options o;
  o.source = source;
  o.lines = options.standard_input;
  o.journal = journal.get();
  o.bell = bell;
  o.behind = [this] {
    const auto applied = entry_applied(smallest_position(journal_partition));
    return journal->entries().last() - std::min(applied, journal->entries().last());
  };
  o.failed = [this](const failure& why) { fail(why); };
  o.too_long = [this] { ++too_long; };
  o.unreadable = [this, source](const failure& why) {
    source_failed(source, why);
    look_whether_done();
  };
  o.ended = [this, source] {
    {
      std::lock_guard lock(mutex);
      board.complete(source, true);
    }
    look_whether_done();
  };
  feed = std::make_unique<standard_input>(std::move(o));
}

// ---- what is heard -----------------------------------------------------------------------------

void node::impl::progressed(const ingest::input_progress& p) {
  std::lock_guard lock(mutex);
  board.progressed(p);
}

void node::impl::input_failed(std::uint32_t input, const failure& why) {
  std::lock_guard lock(mutex);
  board.input_failed(input, why);
}

void node::impl::source_failed(const std::string& source, const failure& why) {
  std::lock_guard lock(mutex);
  board.source_failed(source, why);
}

void node::impl::settled() {
  const auto over = [this] {
    std::lock_guard lock(mutex);
    return board.over(options.once);
  };
  // In this order: once the sources are over, what they have journalled is all there.
  const bool finished = over() && (!ends || journal_applied());
  std::lock_guard lock(mutex);
  if (finished) progress.finished = true;
  changed.notify_all();
}

}  // namespace windrow::node
