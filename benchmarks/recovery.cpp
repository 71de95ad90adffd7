#include <sstream>

#include "benchmarks/benchmarks.hpp"
#include "benchmarks/child.hpp"
#include "benchmarks/node_run.hpp"

namespace windrow::bench {

namespace {

struct recovered {
  double answer_seconds = 0;
  double replay_rate = 0;  ///< M events/s
  double replayed = 0;     ///< M events
};

// Reads `at` lines until the child is `bytes` far; how far it is then.
std::uint64_t follow(child& process, std::uint64_t bytes) {
  std::uint64_t at = 0;
  while (auto line = process.read_line()) {
    std::istringstream words(*line);
    std::string word;
    if (words >> word && word == "at" && words >> at && at >= bytes) break;
  }
  return at;
}

result<recovered> kill_and_restart(const settings& s, const event_file& file,
                                   const child_task& task) {
  auto first = child::start(child_arguments(s, key_shape::uniform, task));
  if (!first) return first.error();
  const std::uint64_t killed_at = follow(*first, file.bytes / 20 * 17);
  first->kill();
  if (killed_at < file.bytes / 20 * 17)
    return failure{errc::closed, "the node ended before it could be killed"};
  if (killed_at == file.bytes) return failure{errc::closed, "the node was killed too late"};

  child_task again = task;
  again.first_answer = true;
  recovered r;
  const auto start = clock::now();
  auto second = child::start(child_arguments(s, key_shape::uniform, again));
  if (!second) return second.error();
  const auto line = second->read_line();
  r.answer_seconds = seconds_since(start);
  if (!line || line->rfind("answer ", 0) != 0 || *line == "answer 0") {
    return failure{errc::corrupt, "no answer that states its position"};
  }
  const std::uint64_t from = follow(*second, 0);
  const auto replaying = clock::now();
  const std::uint64_t to = follow(*second, killed_at);
  r.replayed = static_cast<double>(to - from) / line_bytes / 1e6;
  r.replay_rate = r.replayed / seconds_since(replaying);
  follow(*second, ~std::uint64_t{0});
  if (!second->wait()) return failure{errc::corrupt, "the state after recovery is wrong"};
  return r;
}

}  // namespace

void measure_recovery(const settings& s, report& out) {
  out.begin("recovery");
  auto file = event_file_of(s, key_shape::uniform);
  if (!file) return out.failed(file.error());
  std::vector<double> answer, rate, replayed;
  for (int run = 0; run < s.runs; ++run) {
    const scratch_folder folder(s, "recovery");
    // Short enough for some cycles before the end, however fast the machine.
    auto r = kill_and_restart(s, *file,
                              {.folder = folder.path(), .checkpoint_ms = s.quick ? 300 : 2'000});
    if (!r) return out.failed(r.error());
    answer.push_back(r->answer_seconds), rate.push_back(r->replay_rate),
        replayed.push_back(r->replayed);
  }
  out.add({"first answer after kill -9", "s", answer, 1, {}, true});
  out.add({"replay", "M events/s", rate, 2, {}});
  out.add({"replayed", "M events", replayed, {}, {}});
}

}  // namespace windrow::bench
