#include "storage/shard/eviction.hpp"

#include <algorithm>
#include <array>

#include "base/prefetch.hpp"

namespace windrow::storage {

shard_memory eviction::memory() const noexcept {
  return {parts_.pool.used_bytes() + parts_.cycle.in_flight_bytes(), parts_.memory.held(),
          parts_.changes.bytes(), parts_.table.records()};
}

// What is not records: tables, the filter, lists of dirty records, writes under way.
std::size_t eviction::other_bytes() const noexcept {
  return parts_.memory.used() + parts_.cycle.in_flight_bytes() + parts_.changes.memory_bytes();
}

// A shard that holds next to nothing has nothing to give.
bool eviction::above(std::size_t bytes) const noexcept {
  constexpr std::uint64_t few_max = 256;
  return few_max < parts_.table.records() && bytes < parts_.pool.used_bytes() + other_bytes();
}

// A third of a stripe's share of what records may take; the rest is for what comes until the stripe
// is written again, and for what lies between blocks. (With half, a tenth more pages were written;
// with a quarter as many.)
std::size_t eviction::stripe_target() const noexcept {
  const std::size_t other = other_bytes();
  const std::size_t room = budget_ > other ? budget_ - other : 0;
  return room / 3 / stripe_count;
}

void eviction::evict(std::size_t records_max) {
  std::size_t passed = 0;
  for (std::uint32_t n = 0; pressed() && passed < records_max && n < stripe_count; ++n) {
    const std::uint32_t stripe = hand_;
    hand_ = (hand_ + 1) % stripe_count;
    // A stripe whose records are all dirty or being written has nothing to give.
    const std::uint32_t used = parts_.table.used(stripe);
    if (used <= parts_.changes.unstored(stripe)) continue;
    passed += used;
    evict_from(stripe, stripe_target());
  }
}

void eviction::evict_written(const stripe_write& write) {
  const std::size_t nearly_pressed = budget_ / 4 * 3;
  for (std::uint32_t i = write.first_stripe; i <= write.last_stripe && above(nearly_pressed); ++i)
    evict_from(i, stripe_target());
}

// Clean records leave, those used least first, until the stripe holds `target` bytes.
void eviction::evict_from(std::uint32_t stripe, std::size_t target) {
  constexpr std::size_t ahead = 8;
  constexpr std::size_t heats = (record::heat_most >> record::heat_at) + 1;
  if (parts_.table.used(stripe) == 0) return;
  const auto slots = parts_.table.slots(stripe);
  const std::size_t mask = slots.size() - 1;
  const bool in_flight = parts_.changes.in_flight(stripe);
  std::size_t bytes = 0;
  std::array<std::size_t, heats> clean_bytes{};
  for (std::size_t i = 0; i <= mask; ++i) {
    prefetch(slots[(i + ahead) & mask].r);
    record* r = slots[i].r;
    if (!r) continue;
    const bool leaves = parts_.changes.clean(stripe, r);
    if (leaves || !in_flight) parts_.pool.unload_segments(*r);
    bytes += r->capacity + r->owned;
    if (leaves) clean_bytes[static_cast<std::size_t>(r->heat())] += r->capacity + r->owned;
  }
  // Below `limit` all leave, at `limit` until `excess` bytes have left.
  std::size_t excess = bytes > target ? bytes - target : 0;
  std::size_t limit = 0;
  while (limit + 1 < heats && clean_bytes[limit] < excess) excess -= clean_bytes[limit++];
  for (std::size_t i = 0; i <= mask;) {
    record*& r = slots[i].r;
    if (!r) {
      ++i;
      continue;
    }
    const auto heat = static_cast<std::size_t>(r->heat());
    const bool leaves =
        parts_.changes.clean(stripe, r) && (heat < limit || (heat == limit && excess > 0));
    if (!leaves) {
      r->cool();
      parts_.pool.defragment(r);
      ++i;
      continue;
    }
    if (heat == limit) excess -= std::min<std::size_t>(excess, r->capacity + r->owned);
    // What is empty is stored nowhere, so forgetting it leaves the stripe complete.
    if (!(r->flags & record::dead)) parts_.loader.leave_complete(stripe);
    // The slot may now hold the next one.
    parts_.table.remove(stripe, static_cast<std::uint32_t>(i));
  }
  parts_.table.shrink(stripe);
}

}  // namespace windrow::storage
