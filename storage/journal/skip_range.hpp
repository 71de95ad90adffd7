#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "storage/batch.hpp"

namespace windrow::storage {

/// Messages of a source partition that a seek passed over: those with from < sequence <= to.
///
/// Kept in the journal until every shard has moved behind them, so that after a crash the same
/// messages are passed over: what some stripes have and others have not is applied first, up to
/// `from`, and nothing between there and `to` is.
struct skip_range {
  sequence from = 0;
  sequence to = 0;
  friend bool operator==(const skip_range&, const skip_range&) = default;
};

/// Where reading goes on from `at`: the same, or behind the ranges that lie there.
sequence after_skips(std::span<const skip_range> skips, sequence at) noexcept;

/// Passes over what is no longer there as well: from where reading would go on from `at`, the
/// smallest position of any stripe, to `to`.
std::vector<skip_range> with_gone(std::span<const skip_range> skips, sequence at, sequence to);

/// What a seek leads to.
struct seek_outcome {
  std::vector<skip_range> skips;  ///< from now on, in order, without overlaps
  sequence before = 0;            ///< where reading would have gone on
  sequence after = 0;             ///< where it does
};

/// Seeks to `target`. Ahead, what lies between is passed over. Back, only what an earlier seek
/// has passed over and no stripe has moved beyond can be taken back: `reached`, the largest
/// position of any stripe, is as far as it goes, because what was applied stays applied once.
seek_outcome seek(std::vector<skip_range> skips, sequence reached, sequence target);

}  // namespace windrow::storage
