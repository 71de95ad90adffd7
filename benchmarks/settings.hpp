#pragma once

#include <time.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace windrow::bench {

/// How the keys of events are distributed over users.
enum class key_shape : std::uint8_t { uniform, zipf };
inline const char* to_string(key_shape keys) {
  return keys == key_shape::zipf ? "zipf" : "uniform";
}

/// What every benchmark is told.
struct settings {
  std::uint64_t events = 30'000'000;
  std::uint32_t users = 1'000'000;
  int runs = 3;
  bool quick = false;                     ///< smaller state and fewer repetitions everywhere
  std::string data = "build/bench-data";  ///< input files, kept; data folders, removed
  std::vector<key_shape> keys{key_shape::uniform, key_shape::zipf};
  bool baselines = true;
};

using clock = std::chrono::steady_clock;
inline double seconds_since(clock::time_point start) {
  return std::chrono::duration<double>(clock::now() - start).count();
}

/// Time on the wall and processor time of all threads, from its making.
class stopwatch {
public:
  double seconds() const { return seconds_since(start_); }
  double cpu_seconds() const { return cpu() - cpu_start_; }

private:
  static double cpu() {
    timespec t{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
  }
  clock::time_point start_ = clock::now();
  double cpu_start_ = cpu();
};

}  // namespace windrow::bench
