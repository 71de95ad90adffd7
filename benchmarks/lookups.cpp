#include <algorithm>
#include <thread>

#include "benchmarks/benchmarks.hpp"
#include "benchmarks/node_run.hpp"
#include "benchmarks/random.hpp"

namespace windrow::bench {

namespace {

const std::vector<std::string> three_features{"amount_sum[10m]", "amount_mean[1h]",
                                              "purchases[30d]"};

struct latencies {
  std::vector<double> micros;
  std::uint64_t events = 0;  ///< in all answers together: they were not empty
  std::uint64_t wrong = 0;
  std::uint64_t overtaken = 0;  ///< `expired`, and rightly: newer events had come
};

// Whether events have been applied that are newer than `now`. What is read is reported after it
// has been sent on, so this may take a moment.
bool is_overtaken(cluster::service& service, timestamp now) {
  const auto start = clock::now();
  do {
    if (service.progress().max_event_time > now.micros) return true;
    service.wait(std::chrono::milliseconds(1));
  } while (seconds_since(start) < 1);
  return false;
}

/// Looks one user up and keeps how long it took. `overtaken` says whether `expired` is right.
template <class Lookup, class Overtaken>
void look_up(const Lookup& lookup, std::uint32_t user, const Overtaken& overtaken,
             latencies& into) {
  const std::string key = user_name(user);
  const auto start = clock::now();
  auto row = lookup(key);
  into.micros.push_back(seconds_since(start) * 1e6);
  if (!row || row->features.size() != three_features.size()) {
    ++into.wrong;
    return;
  }
  bool expired = false;
  for (const auto& f : row->features) {
    if (f.value.ok()) continue;
    const bool right = f.value.error().code == errc::expired && (expired || overtaken());
    expired = expired || right;
    into.wrong += !right;
  }
  into.overtaken += expired;
  into.events += row->features.back().events;
}

void check(const latencies& l, const char* name, report& out) {
  out.check(l.wrong == 0 && l.events > 0,
            std::string(name) + ": " + std::to_string(l.wrong) + " lookups failed");
  if (l.overtaken > 0)
    out.note(std::string(name) + ": " + std::to_string(l.overtaken) + " of " +
             std::to_string(l.micros.size()) + " lookups were overtaken by the events");
}

template <class Lookup>
latencies back_to_back(const Lookup& lookup, std::uint32_t users, int count) {
  latencies l;
  l.micros.reserve(static_cast<std::size_t>(count));
  random_numbers random(11);
  for (int i = 0; i < count; ++i)
    look_up(
        lookup, random.below(users), [] { return false; }, l);
  return l;
}

// Until the file is read to a share: lookups at a time that follows the events.
latencies while_ingesting(cluster::service& service, const query::class_query_ptr& query,
                          const event_file& file, double until, std::chrono::microseconds pause) {
  constexpr double ahead = 50'000;  // events that may be applied and not yet be in the progress
  latencies l;
  random_numbers random(12);
  timestamp now{};
  for (std::uint32_t i = 0;; ++i) {
    if (i % 64 == 0 || pause.count() > 0) {
      const auto progress = service.progress();
      const double read = static_cast<double>(progress.read),
                   all = static_cast<double>(file.events);
      if (read >= until * all || progress.failed || progress.finished) return l;
      now.micros = (file.first + static_cast<std::int64_t>((read + ahead) / all *
                                                           static_cast<double>(event_span_ms))) *
                   1000;
    }
    look_up([&](const std::string& key) { return service.lookup(query, key, now); },
            random.below(file.users), [&] { return is_overtaken(service, now); }, l);
    if (pause.count() > 0) std::this_thread::sleep_for(pause);
  }
}

struct lookup_figures {
  std::vector<double> idle_50, idle_99, stored_50, stored_99, busy_50, busy_99, busy_max, paced_99,
      paced_max;
};

void add_busy(latencies& l, const char* name, std::vector<double>* p50, std::vector<double>& p99,
              std::vector<double>& max, report& out) {
  check(l, name, out);
  if (p50) p50->push_back(quantile(l.micros, 0.5));
  p99.push_back(quantile(l.micros, 0.99) / 1000);
  max.push_back(quantile(l.micros, 1) / 1000);
}

void measure_once(const settings& s, const event_file& file, lookup_figures& f, report& out) {
  const int count = s.quick ? 100'000 : 300'000;
  const scratch_folder folder(s, "lookups");
  // Checkpoints follow each other, so that nearly every lookup meets one.
  node_run run{.features = {}, .folder = folder.path(), .input = file.path};
  run.checkpoint = std::chrono::milliseconds(500);
  {
    auto node = open_node(run);
    if (!node) return out.failed(node.error());
    auto query = (*node)->prepare("User", three_features);
    if (!query) return out.failed(query.error());
    while ((*node)->progress().read < file.events / 10) (*node)->wait(std::chrono::milliseconds(5));
    latencies busy = while_ingesting(**node, *query, file, 0.5, {});
    add_busy(busy, "busy", &f.busy_50, f.busy_99, f.busy_max, out);
    latencies paced = while_ingesting(**node, *query, file, 0.95, std::chrono::milliseconds(1));
    add_busy(paced, "paced", nullptr, f.paced_99, f.paced_max, out);
    if (auto ended = wait_for_end(**node); !ended) return out.failed(ended.error());
    const timestamp now{file.max_event_time * 1000};
    latencies idle =
        back_to_back([&](const std::string& key) { return (*node)->lookup(*query, key, now); },
                     file.users, count);
    check(idle, "idle", out);
    f.idle_50.push_back(quantile(idle.micros, 0.5)),
        f.idle_99.push_back(quantile(idle.micros, 0.99));
    if (auto stopped = (*node)->stop(); !stopped) return out.failed(stopped.error());
    check_answers(**node, run, file, out);
  }
  auto engine = engine::open({.declarations = {}, .data = folder.path()});
  if (!engine) return out.failed(engine.error());
  auto query = engine->prepare("User", three_features);
  if (!query) return out.failed(query.error());
  const timestamp now{file.max_event_time * 1000};
  latencies stored = back_to_back(
      [&](const std::string& key) { return engine->lookup(*query, key, now); }, file.users, count);
  check(stored, "from storage", out);
  f.stored_50.push_back(quantile(stored.micros, 0.5)),
      f.stored_99.push_back(quantile(stored.micros, 0.99));
}

}  // namespace

void measure_lookups(const settings& s, report& out) {
  out.begin("lookups");
  auto file = event_file_of(s, key_shape::uniform);
  if (!file) return out.failed(file.error());
  lookup_figures f;
  for (int run = 0; run < s.runs; ++run) measure_once(s, *file, f, out);
  out.add({"idle, in memory, p50", "µs", f.idle_50, 5, {}, true});
  out.add({"idle, in memory, p99", "µs", f.idle_99, 25, {}, true});
  out.add({"idle, just opened, p50", "µs", f.stored_50, 5, {}, true});
  out.add({"idle, just opened, p99", "µs", f.stored_99, 25, {}, true});
  out.add({"ingesting, back to back, p50", "µs", f.busy_50, {}, {}, true});
  out.add({"ingesting, back to back, p99", "ms", f.busy_99, 10, 1, true});
  out.add({"ingesting, back to back, longest", "ms", f.busy_max, {}, {}, true});
  out.add({"ingesting, one a ms, p99", "ms", f.paced_99, 10, 1, true});
  out.add({"ingesting, one a ms, longest", "ms", f.paced_max, {}, {}, true});
}

}  // namespace windrow::bench
