#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/dead_letter.hpp"
#include "windrow/engine.hpp"

namespace windrow::server {

/// What became of a push.
struct push_answer {
  std::string stream;
  std::uint64_t messages = 0;
  push_receipt receipt;
  /// Whether it was applied before the answer: what could not be used is then in `errors`, all of
  /// it. Else that is not known yet.
  bool applied = false;
  std::vector<storage::dead_letter> errors;
};

/// `{"stream", "messages", "position": {"journal": N}, "duplicate", "applied", "errors":
/// [{"message", "phase", "reason", "detail"}]}`; `message` is the place in the push, from 1.
std::string push_json(const push_answer& what);

}  // namespace windrow::server
