#pragma once

#include <cstdint>

/// The only place that reads the clocks in microseconds. Decisions take the time as an argument:
/// `tests/tidy` says which folders may call these.
namespace windrow {

/// Microseconds since the epoch: what arrival is measured with. May be set back.
std::int64_t wall_clock();
/// Microseconds since some moment before the process began. Only goes forward.
std::int64_t steady_clock();

}  // namespace windrow
