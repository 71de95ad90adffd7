#include <algorithm>
#include <sstream>

#include "benchmarks/benchmarks.hpp"
#include "benchmarks/child.hpp"
#include "benchmarks/node_run.hpp"

namespace windrow::bench {

namespace {

struct limited_run {
  double seconds = 0;
  double peak = 0;   ///< bytes, anonymous and resident
  double state = 0;  ///< the same at the end, without what the process had before
};

result<limited_run> run_limited(const settings& s, std::size_t memory) {
  const scratch_folder folder(s, "memory");
  auto process = child::start(
      child_arguments(s, key_shape::zipf, {.folder = folder.path(), .memory = memory}));
  if (!process) return process.error();
  limited_run run;
  while (auto line = process->read_line()) {
    std::istringstream words(*line);
    std::string word;
    if (words >> word && word == "done") words >> run.seconds >> run.peak >> run.state;
  }
  if (!process->wait() || run.seconds == 0)
    return failure{errc::corrupt, "a run with limited memory failed"};
  return run;
}

}  // namespace

void measure_little_memory(const settings& s, report& out) {
  out.begin("little memory");
  if (auto file = event_file_of(s, key_shape::zipf); !file) return out.failed(file.error());
  constexpr double mebi = 1 << 20;
  std::vector<double> state, limits, shares, ratios, peaks;
  // Long runs, and their ratio hardly varies.
  for (int run = 0; run < (s.runs + 2) / 3; ++run) {
    auto free = run_limited(s, std::size_t{16} << 30);
    if (!free) return out.failed(free.error());
    const double limit = std::max(free->state / 4, 64 * mebi);
    auto limited = run_limited(s, static_cast<std::size_t>(limit));
    if (!limited) return out.failed(limited.error());
    state.push_back(free->state / mebi), limits.push_back(limit / mebi);
    shares.push_back(limit / free->state);  // more than a quarter where that would be under 64 MiB
    ratios.push_back(free->seconds / limited->seconds), peaks.push_back(limited->peak / limit);
  }
  out.add({"state, zipf", "MiB", state, {}, {}, true});
  out.add({"limit", "MiB", limits, {}, {}, true});
  out.add({"limit / state", "x", shares, {}, {}, true});
  out.add({"rate, limited / not limited", "x", ratios, 0.3, {}});
  out.add({"peak anonymous memory / limit", "x", peaks, 1, {}, true});
}

}  // namespace windrow::bench
