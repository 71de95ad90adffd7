// A node in a process of its own, told to ingest a file; says in lines how far it is.
#include <algorithm>
#include <cstdio>

#include "benchmarks/benchmarks.hpp"
#include "benchmarks/child.hpp"
#include "benchmarks/node_run.hpp"

namespace windrow::bench {

namespace {

// What an early client would do: any user's features, and from which position they are.
result<std::uint64_t> first_answer(cluster::service& service, timestamp now) {
  const std::vector<std::string> names{"purchases[30d]"};
  auto query = service.prepare("User", names);
  if (!query) return query.error();
  auto row = service.lookup(*query, user_name(1), now);
  if (!row) return row.error();
  if (!row->features.front().value) return row->features.front().value.error();
  std::uint64_t position = 0;
  for (const auto& [source, at] : row->position) position = std::max(position, at);
  return position;
}

result<void> ingest_and_tell(const settings& s, const child_task& task, report& out) {
  const node_run run{.features = {},
                     .folder = task.folder,
                     .input = event_path(s, s.keys.front()),
                     .memory = task.memory,
                     .checkpoint = std::chrono::milliseconds(task.checkpoint_ms)};
  const std::size_t before = resident_bytes();
  const auto start = clock::now();
  auto node = open_node(run);
  if (!node) return node.error();
  if (task.first_answer) {
    auto position = first_answer(**node, {(first_event_ms + event_span_ms) * 1000});
    if (!position) return position.error();
    std::printf("answer %llu\n", static_cast<unsigned long long>(*position));
    std::fflush(stdout);
  }
  std::size_t peak = 0;
  for (bool ended = false; !ended;) {
    (*node)->wait(std::chrono::milliseconds(10));
    const auto progress = (*node)->progress();
    if (progress.failed) return *progress.failed;
    ended = progress.finished;
    peak = std::max(peak, resident_bytes());
    std::printf("at %llu\n", static_cast<unsigned long long>(progress.read_bytes));
    std::fflush(stdout);
  }
  if (auto stopped = (*node)->stop(); !stopped) return stopped;
  const double seconds = seconds_since(start);
  peak = std::max(peak, resident_bytes());
  std::printf("done %.6f %zu %zu\n", seconds, peak,
              resident_bytes() - std::min(resident_bytes(), before));
  std::fflush(stdout);
  // Only now, because what is expected takes memory too.
  auto file = event_file_of(s, s.keys.front());
  if (!file) return file.error();
  check_answers(**node, run, *file, out, !task.first_answer);
  return {};
}

}  // namespace

void run_child(const settings& s, const child_task& task, report& out) {
  out.begin("child");
  if (auto done = ingest_and_tell(s, task, out); !done) out.failed(done.error());
}

std::vector<std::string> child_arguments(const settings& s, key_shape keys,
                                         const child_task& task) {
  std::vector<std::string> words{"--events",
                                 std::to_string(s.events),
                                 "--users",
                                 std::to_string(s.users),
                                 "--data",
                                 s.data,
                                 "--keys",
                                 to_string(keys),
                                 "child",
                                 "--folder",
                                 task.folder,
                                 "--memory",
                                 std::to_string(task.memory),
                                 "--checkpoint-ms",
                                 std::to_string(task.checkpoint_ms)};
  if (task.first_answer) words.push_back("--first-answer");
  return words;
}

}  // namespace windrow::bench
