#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tests/storage/test_plan.hpp"
#include "tests/support/oracle.hpp"

namespace windrow::storage::testing {

/// One random history of a shard: a random plan, random messages of several source partitions in
/// random arrival order, cut into random batches, between checkpoints of which some never end,
/// crashes, evictions, sweeps and lookups. After every crash each record must be the fold of the
/// log up to its stripe's positions, at the end of the whole log, as the naive oracle says.
///
/// Gives the first difference, or nothing. The same seed gives the same history.
std::optional<std::string> run_shard_history(std::uint64_t seed);

/// The number in an environment variable, or `otherwise`. SEEDS=1000 runs more histories; the
/// presets with sanitizers set it to fewer.
std::uint64_t from_environment(const char* name, std::uint64_t otherwise);

/// A rule's function as the oracle calls it.
windrow::testing::oracle_function function_of(const schema::plan& p, const schema::rule& r);
/// What a rule over that column aggregates of an event.
value argument_of(const event& e, int column);
std::string show(const value& v);

}  // namespace windrow::storage::testing
