#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace windrow::storage::testing {

/// One random history of deduplication: messages of up to three source partitions for one or two
/// streams, decided in blocks of random size and interleaving; stripes that commit at random times
/// (ids first), what is passed forgotten, runs written and merged; crashes that lose what was not
/// flushed, after which every partition is read again from its smallest committed position, in
/// another interleaving. Every verdict is compared with a naive oracle that never forgets an id.
///
/// Gives the first difference, or nothing. The same seed gives the same history.
std::optional<std::string> run_seen_history(std::uint64_t seed);

}  // namespace windrow::storage::testing
