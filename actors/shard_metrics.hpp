#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace windrow::actors {

/// How long something took, in classes. Any thread may add and read; a reader may see a duration in
/// its class before it is in the sum.
class duration_meter {
public:
  /// Microseconds: the ends of all classes but the last, which has none.
  static constexpr std::array<std::int64_t, 14> ends{
      100,    250,     500,     1'000,     2'500,     5'000,      10'000,
      25'000, 100'000, 500'000, 1'000'000, 5'000'000, 30'000'000, 300'000'000};

  struct reading {
    std::array<std::uint64_t, ends.size() + 1> classes{};
    std::uint64_t micros = 0;
    reading& operator+=(const reading& other) noexcept {
      for (std::size_t i = 0; i < classes.size(); ++i) classes[i] += other.classes[i];
      micros += other.micros;
      return *this;
    }
  };

  /// `times` things that took so long each.
  void add(std::int64_t micros, std::uint64_t times = 1) noexcept {
    const auto at = std::lower_bound(ends.begin(), ends.end(), micros) - ends.begin();
    classes_[static_cast<std::size_t>(at)].fetch_add(times, std::memory_order_relaxed);
    micros_.fetch_add(static_cast<std::uint64_t>(std::max<std::int64_t>(micros, 0)) * times,
                      std::memory_order_relaxed);
  }
  reading read() const noexcept {
    reading out;
    for (std::size_t i = 0; i < classes_.size(); ++i)
      out.classes[i] = classes_[i].load(std::memory_order_relaxed);
    out.micros = micros_.load(std::memory_order_relaxed);
    return out;
  }

private:
  std::array<std::atomic<std::uint64_t>, ends.size() + 1> classes_{};
  std::atomic<std::uint64_t> micros_{0};
};

/// What a shard measures of itself, for monitoring.
struct shard_metrics {
  duration_meter visible;  ///< of each row, from the arrival of its run until answers have it
  duration_meter cycles;   ///< of checkpoints, from the beginning of a cycle until it is on disk
  duration_meter commits;  ///< of transactions, from asking the writer until they are on disk
  std::atomic<std::uint64_t> written_bytes{0};  ///< of records, in those transactions
  std::atomic<std::uint64_t> written_values{0};
  std::atomic<std::int64_t> last_cycle{0};  ///< its end, by the wall clock; 0: none
};

}  // namespace windrow::actors
