#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/huge_pages.hpp"
#include "base/prefetch.hpp"
#include "storage/batch.hpp"
#include "storage/record/record.hpp"
#include "storage/record/record_key.hpp"

namespace windrow::storage {

/// The records of one shard that are in memory, by hash: of each stripe an open-addressing table
/// of (hash, record), probed linearly. It owns the records: what is removed goes back to the pool,
/// and so does what is left at the end.
///
/// Concurrency: none; refers to all it is made with.
class record_table {
public:
  struct slot {
    std::uint64_t hi = 0;
    record* r = nullptr;
  };

  record_table(record_pool& pool, table_memory& memory) : pool_(pool), memory_(memory) {}
  ~record_table();
  record_table(const record_table&) = delete;
  record_table& operator=(const record_table&) = delete;

  /// Null where there is none. A slot stays where it is until the next `insert`, `remove` or
  /// `shrink`; whoever moves its record tells it.
  slot* find(const key_hash& hash, int key_space, std::string_view key) const noexcept {
    const stripe_slots& st = stripes_[stripe_of(hash.hi)];
    if (!st.slots) return nullptr;
    for (std::uint32_t i = static_cast<std::uint32_t>(hash.hi) & st.mask; st.slots[i].r;
         i = (i + 1) & st.mask) {
      if (st.slots[i].hi != hash.hi) continue;
      const record& r = *st.slots[i].r;
      if (r.space == key_space && pool_.key(r) == key) return &st.slots[i];
    }
    return nullptr;
  }
  /// The record that a hash most likely means, without looking at its key: for prefetching.
  const record* likely(std::uint64_t hi) const noexcept {
    const stripe_slots& st = stripes_[stripe_of(hi)];
    if (!st.slots) return nullptr;
    std::uint32_t i = static_cast<std::uint32_t>(hi) & st.mask;
    while (st.slots[i].r && st.slots[i].hi != hi) i = (i + 1) & st.mask;
    return st.slots[i].r;
  }
  void prefetch(std::uint64_t hi) const noexcept {
    const stripe_slots& st = stripes_[stripe_of(hi)];
    if (st.slots) windrow::prefetch(&st.slots[hi & st.mask]);
  }
  /// REQUIRES: a record of that hash is in memory.
  record* at(const key_hash& hash) const noexcept {
    const stripe_slots& st = stripes_[stripe_of(hash.hi)];
    std::uint32_t i = static_cast<std::uint32_t>(hash.hi) & st.mask;
    while (st.slots[i].hi != hash.hi || st.slots[i].r->lo != hash.lo) i = (i + 1) & st.mask;
    return st.slots[i].r;
  }

  /// Takes a record that is not in the table.
  slot* insert(std::uint64_t hi, record* r);
  /// Destroys the record of a slot, which may then hold another of the stripe.
  void remove(std::uint32_t stripe, std::uint32_t index);
  /// Gives memory back where few records of the stripe are left.
  void shrink(std::uint32_t stripe);

  /// All slots of a stripe, those without a record too.
  std::span<slot> slots(std::uint32_t stripe) const noexcept {
    const stripe_slots& st = stripes_[stripe];
    return {st.slots, st.slots ? std::size_t{st.mask} + 1 : 0};
  }
  /// Records of a stripe.
  std::uint32_t used(std::uint32_t stripe) const noexcept { return stripes_[stripe].used; }
  /// Records of all stripes.
  std::uint64_t records() const noexcept { return records_; }

private:
  static constexpr std::uint32_t first_slots = 64;

  struct stripe_slots {
    slot* slots = nullptr;  ///< of the table memory; null until the first record
    std::uint32_t mask = 0;
    std::uint32_t used = 0;
  };

  void resize(stripe_slots& st, std::uint32_t size);

  record_pool& pool_;
  table_memory& memory_;
  std::array<stripe_slots, stripe_count> stripes_;
  std::uint64_t records_ = 0;
};

}  // namespace windrow::storage
