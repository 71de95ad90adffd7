#include "storage/shard/shard_progress.hpp"

#include <algorithm>
#include <span>

#include "base/fault_injection.hpp"

namespace windrow::storage {

shard_progress::shard_progress(const schema::plan& plan)
    : plan_(plan),
      applied_(plan.watermark_groups.size()),
      recovered_most_(plan.watermark_groups.size()),
      late_(plan.rules.size(), 0) {
  stripes_.fill(stripe_state(plan));
}

void shard_progress::recover(std::uint32_t stripe, stripe_state state) {
  for (std::size_t i = 0; i < state.rules.size(); ++i) late_[i] += state.rules[i].late;
  recovered_most_.advance(state.sources);
  stripes_[stripe] = std::move(state);
}

bool shard_progress::replaying(const batch& b) const {
  const auto reaches_into = [&](const source_progress& known) {
    const auto* at = known.find(b.partition);
    return at && b.first <= at->at;
  };
  return reaches_into(recovered_most_) || reaches_into(applied_);
}

bool shard_progress::already_applied(const batch& b, const section& s, std::size_t row) const {
  if (fault_injected(failpoint::replay_not_skipped)) return false;
  const sequence position = b.first + s.sequences[row];
  const auto* at = stripes_[stripe_of(s.hashes[row].hi)].sources.find(b.partition);
  if (at && position <= at->at) return true;
  const auto* told = applied_.find(b.partition);
  return told && position <= told->at;
}

positions shard_progress::position_of(std::uint32_t stripe) const {
  positions at = stripes_[stripe].sources.at();
  for (const auto& told : applied_.entries()) {
    auto& mine = at[told.partition];
    mine = std::max(mine, told.at);
  }
  return at;
}

stripe_state shard_progress::state_of(std::uint32_t stripe) const {
  stripe_state state = stripes_[stripe];
  state.catalog_version = plan_.catalog_version;
  state.sources.advance(applied_);
  return state;
}

std::vector<stripe_state> shard_progress::states() const {
  std::vector<stripe_state> all;
  for (std::uint32_t stripe = 0; stripe < stripe_count; ++stripe) all.push_back(state_of(stripe));
  return all;
}

positions shard_progress::resume_positions() const {
  positions smallest;
  for (const auto& last : recovered_most_.entries())
    smallest[last.partition] = resume_position(last.partition);
  for (const auto& told : applied_.entries())
    smallest[told.partition] = resume_position(told.partition);
  return smallest;
}

sequence shard_progress::resume_position(partition_id partition) const {
  const auto* applied = applied_.find(partition);
  const sequence mine = applied ? applied->at : 0;
  const auto* last = recovered_most_.find(partition);
  // Stripes that recovered a later position are behind nothing once this run has come so far.
  if (!last || mine >= last->at) return mine;
  sequence least = last->at;
  for (const stripe_state& st : stripes_) {
    const auto* at = st.sources.find(partition);
    least = std::min(least, at ? at->at : 0);
  }
  return std::max(least, mine);
}

// Clocks go with positions: those of the smallest position are the smallest.
std::vector<std::int64_t> shard_progress::resume_clocks(partition_id partition) const {
  std::vector<std::int64_t> clocks(plan_.watermark_groups.size(), no_time);
  const auto clocks_in = [&](const source_progress& progress) {
    const auto* at = progress.find(partition);
    return at ? progress.clocks_of(*at) : std::span<const std::int64_t>();
  };
  if (const auto most = clocks_in(recovered_most_); !most.empty()) {
    clocks.assign(most.begin(), most.end());
    for (const stripe_state& st : stripes_) {
      const auto mine = clocks_in(st.sources);
      for (std::size_t i = 0; i < clocks.size(); ++i)
        clocks[i] = mine.empty() ? no_time : std::min(clocks[i], mine[i]);
    }
  }
  const auto told = clocks_in(applied_);
  for (std::size_t i = 0; i < told.size(); ++i) clocks[i] = std::max(clocks[i], told[i]);
  return clocks;
}

}  // namespace windrow::storage
