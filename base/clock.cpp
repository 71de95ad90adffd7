#include "base/clock.hpp"

#include <chrono>

namespace windrow {

namespace {

template <class Clock>
std::int64_t micros_of() {
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now().time_since_epoch())
      .count();
}

}  // namespace

std::int64_t wall_clock() { return micros_of<std::chrono::system_clock>(); }
std::int64_t steady_clock() { return micros_of<std::chrono::steady_clock>(); }

}  // namespace windrow
