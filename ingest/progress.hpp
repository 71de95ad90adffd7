#pragma once

#include <cstdint>

#include "ingest/ingest_core.hpp"
#include "storage/batch.hpp"

namespace windrow::ingest {

/// Where an input stands.
struct input_progress {
  std::uint32_t input = 0;
  const ingest_counters* counters = nullptr;  ///< valid in the call
  storage::sequence position = 0;             ///< after what was taken
  std::uint64_t late = 0;                     ///< its rows that were too old for at least one rule
  std::int64_t max_event_time = storage::no_time;  ///< of what it feeds
  std::int64_t arrival = storage::no_time;         ///< of what was taken last
  bool waiting = false;                            ///< there is more, and no credit for it
  bool ended = false;
};

}  // namespace windrow::ingest
