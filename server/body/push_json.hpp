#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/body/body_shape.hpp"
#include "windrow/engine.hpp"

namespace windrow::server {

/// A message of a push that could not be used.
struct push_error {
  std::uint32_t message = 0;  ///< its place in the push, from 1
  std::string phase;
  std::string reason;
  std::string detail;
};

/// What became of a push.
struct push_answer {
  std::string stream;
  std::uint64_t messages = 0;
  push_receipt receipt;
  /// Whether it was applied before the answer: what could not be used is then in `errors`, all of
  /// it. Else that is not known yet.
  bool applied = false;
  std::vector<push_error> errors;
};

/// `{"stream", "messages", "position": {"journal": N}, "duplicate", "applied", "errors":
/// [{"message", "phase", "reason", "detail"}]}` on one line, with its end.
std::string push_json(const push_answer& what);

/// The messages of a push.
extern const body_shape messages_shape;
/// What `push_json` writes.
extern const body_shape push_answer_shape;

}  // namespace windrow::server
