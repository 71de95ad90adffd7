// Which bug the planted programs have: the one that WINDROW_FAILPOINT names, else none.
#include <cstdlib>
#include <cstring>
#include <iterator>

#include "base/fault_injection.hpp"

namespace windrow {

namespace {

failpoint choose() {
  const char* wanted = std::getenv("WINDROW_FAILPOINT");
  if (wanted == nullptr) return failpoint::none;
  for (std::size_t i = 0; i < std::size(failpoint_names); ++i)
    if (std::strcmp(failpoint_names[i], wanted) == 0) return static_cast<failpoint>(i);
  std::abort();  // a test with a wrong name must not pass for one that found something
}

}  // namespace

failpoint injected_fault = choose();

}  // namespace windrow
