// The benchmarks' program: `bench all`, or one of them by name.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <fstream>
#include <functional>
#include <map>

#include "benchmarks/benchmarks.hpp"

namespace {

using namespace windrow::bench;

struct named {
  const char* name;
  const char* about;
  void (*measure)(const settings&, report&);
};

constexpr named benchmarks[] = {
    {"ingest", "from a file to durable features, beside both baselines", measure_ingest},
    {"fine-buckets", "a one-hour window in 1-second buckets beside 1-minute buckets",
     measure_fine_buckets},
    {"lookups", "three features of one entity: idle, and while ingesting", measure_lookups},
    {"stalls", "how long a batch waits for checkpoints and growth", measure_stalls},
    {"long-window", "43,200 full buckets beside ten", measure_long_window},
    {"sizes", "bytes an entity and a tile take", measure_sizes},
    {"little-memory", "ingest with memory for a quarter of the state", measure_little_memory},
    {"checkpoints", "what they cost an ingest that is under way", measure_checkpoints},
    {"push", "batches pushed and acknowledged, and the replay of the journal", measure_push},
    {"kafka", "from a topic to durable features, beside a consumer that only counts",
     measure_kafka},
    {"recovery", "kill -9: the first answer, and the replay", measure_recovery},
};

}  // namespace

int main(int count, char** arguments) {
  CLI::App app{"Measures windrow and checks every result."};
  settings s;
  std::string json, keys;
  bool node_only = false;
  app.add_flag("--quick", s.quick, "3 M events, one run, smaller state")->envname("BENCH_QUICK");
  auto* events =
      app.add_option("--events", s.events, "events of the input files")->envname("BENCH_EVENTS");
  app.add_option("--users", s.users, "users they may belong to")
      ->check(CLI::Range(100u, 9'999'999u));
  auto* runs = app.add_option("--runs", s.runs, "runs of each measurement")
                   ->envname("BENCH_RUNS")
                   ->check(CLI::Range(1, 99));
  app.add_option("--data", s.data, "folder for input files and state")->capture_default_str();
  app.add_option("--keys", keys, "only this distribution")
      ->check(CLI::IsMember({"uniform", "zipf"}));
  app.add_flag("--node-only", node_only, "without the baselines");
  app.add_option("--json", json, "write the figures here");
  app.require_subcommand(1);
  app.fallthrough();
  app.add_subcommand("all", "every benchmark");
  for (const named& b : benchmarks) app.add_subcommand(b.name, b.about);
  child_task task;
  auto* child = app.add_subcommand("child")->group("");  // benchmarks start it themselves
  child->add_option("--folder", task.folder);
  child->add_option("--memory", task.memory);
  child->add_option("--checkpoint-ms", task.checkpoint_ms);
  child->add_flag("--first-answer", task.first_answer);
  CLI11_PARSE(app, count, arguments);

  if (s.quick && events->empty()) s.events = 3'000'000;
  if (s.quick && runs->empty()) s.runs = 1;
  if (!keys.empty()) s.keys = {keys == "zipf" ? key_shape::zipf : key_shape::uniform};
  s.baselines = !node_only;
  report out;
  if (app.got_subcommand("child")) {
    run_child(s, task, out);
    return out.right() ? 0 : 1;
  }
  for (const named& b : benchmarks) {
    if (app.got_subcommand("all") || app.got_subcommand(b.name)) b.measure(s, out);
  }
  std::printf("\n%s", out.table().c_str());
  if (!json.empty()) {
    std::ofstream file(json);
    file << out.json(s);
    if (!file.flush()) {
      std::fprintf(stderr, "cannot write %s\n", json.c_str());
      return 1;
    }
  }
  return out.right() ? 0 : 1;
}
