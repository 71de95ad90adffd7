#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "schema/plan/plan.hpp"
#include "storage/record/record.hpp"
#include "storage/record/record_layout.hpp"
#include "windrow/result.hpp"

namespace windrow::storage {

/// What of a shard's buckets is retained, judged from the newest event times it was told.
///
/// Concurrency: none; refers to the layouts it is made with.
class retention_horizon {
public:
  explicit retention_horizon(const record_layouts& layouts);

  /// Takes newer event times, one a watermark group of the plan; older ones change nothing.
  void advance(std::span<const std::int64_t> max_event_times);

  /// By watermark group; `no_time` before the first event.
  std::span<const std::int64_t> max_event_times() const noexcept { return max_event_times_; }
  /// The newest of all.
  std::int64_t overall_max_event_time() const noexcept;
  /// By lane of a key space: the first bucket that is kept.
  keep_from keep(int key_space) const noexcept {
    return keep_[static_cast<std::size_t>(key_space)];
  }
  /// Why a rule cannot answer for a window whose first bucket ends at `first_end`; nothing where it
  /// can.
  std::optional<failure> expired(const schema::rule& rule, std::int64_t first_end) const;

private:
  void update_keep();

  const record_layouts& layouts_;
  std::vector<std::int64_t> max_event_times_;
  std::vector<std::vector<std::int64_t>> keep_;  // [key space][lane]
};

}  // namespace windrow::storage
