#pragma once

#include <cstdint>

#include "formats/message_run.hpp"
#include "schema/plan/plan.hpp"
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
  formats::message_run_ptr run = {};
  int source = schema::none;  ///< plan.sources whose streams all read the run, or
  int stream = schema::none;  ///< plan.streams, the only one that does (pushes)
};

/// One input as a source actor reads it: a file, the journal. Belongs to the actor's thread.
class input {
public:
  virtual ~input() = default;
  /// The next run, the end, or nothing yet (after waiting a few milliseconds at most).
  virtual result<source_step> next() = 0;
};

}  // namespace windrow::sources
