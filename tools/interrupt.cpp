#include "tools/interrupt.hpp"

#include <signal.h>
#include <unistd.h>

#include <atomic>

namespace windrow::tools {
namespace {

constexpr int exit_interrupted = 130;

std::atomic<int> signals{0};
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void on_interrupt(int) {
  if (signals.fetch_add(1) > 0) ::_exit(exit_interrupted);
}

}  // namespace

void watch_interrupts() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

bool interrupted() noexcept { return signals.load() > 0; }

}  // namespace windrow::tools
