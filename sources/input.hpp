#pragma once

#include <cstdint>

#include "formats/message_run.hpp"
#include "windrow/result.hpp"

namespace windrow::sources {

using storage::partition_id;
using storage::sequence;

/// What a source answers when it is asked for more.
struct source_step {
  enum class kind : std::uint8_t {
    run,      ///< `run` is set
    nothing,  ///< nothing yet: ask again later
    end,      ///< the input has ended and everything in it was returned
  } what = kind::nothing;
  formats::message_run_ptr run;
};

/// One input as a source actor reads it: a file, the journal. Belongs to the actor's thread.
class input {
public:
  virtual ~input() = default;
  /// The next run, the end, or nothing yet (after waiting a few milliseconds at most).
  virtual result<source_step> next() = 0;
  /// Whose streams read the run that `next` returned last: all of a source's, or one.
  virtual int source() const noexcept = 0;
  virtual int stream() const noexcept = 0;
};

}  // namespace windrow::sources
