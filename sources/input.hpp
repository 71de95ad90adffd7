#pragma once

#include "formats/message_run.hpp"
#include "schema/plan/plan.hpp"
#include "windrow/result.hpp"

namespace windrow::actors {

/// One input as a source actor reads it: a file, the journal. Belongs to the actor's thread.
class input {
public:
  virtual ~input() = default;
  /// The next run, the end, or nothing yet (after waiting a few milliseconds at most).
  virtual result<sources::source_step> next() = 0;
  /// Whose streams read the run that `next` returned last: all of a source's, or one.
  virtual int source() const noexcept = 0;
  virtual int stream() const noexcept = 0;
};

}  // namespace windrow::actors
