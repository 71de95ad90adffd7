#pragma once

#include <vector>

#include "storage/journal/push.hpp"
#include "windrow/result.hpp"

namespace windrow::storage {

/// What is known of a producer: how far its sequences were taken, and what the newest stood for.
/// Decides what is new. Plain: no disk, no clock.
struct producer_state {
  struct taken {
    std::uint64_t content = 0;
    sequence entry = 0;  ///< of the journal; 0 if there was nothing to store
    friend bool operator==(const taken&, const taken&) = default;
  };
  sequence last = 0;
  std::vector<taken> remembered{};  ///< of the newest sequences, at most 16, `last` at the end

  /// How many of the units were taken before, and where the last of those is. `conflict` where one
  /// of them is remembered with other content, `gap` where the first is above the next sequence.
  result<push_outcome> check(const push_producer& pushed) const;
  /// Takes the units that were not taken before: they are stored in `outcome.entry`.
  void take(const push_producer& pushed, const push_outcome& outcome);

  friend bool operator==(const producer_state&, const producer_state&) = default;
};

/// `invalid` for a name that is none, sequence 0, and nothing at all.
result<void> check_producer(const push_producer& pushed);

}  // namespace windrow::storage
