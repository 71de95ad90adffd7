#include "storage/shard/record_table.hpp"

namespace windrow::storage {

record_table::~record_table() {
  for (std::uint32_t index = 0; index < stripe_count; ++index) {
    for (const slot& at : slots(index)) {
      if (at.r) pool_.destroy(at.r);
    }
  }
}

void record_table::resize(stripe_slots& st, std::uint32_t size) {
  auto* slots = static_cast<slot*>(memory_.allocate(size * sizeof(slot)));
  for (std::uint32_t i = 0; st.slots && i <= st.mask; ++i) {
    if (!st.slots[i].r) continue;
    std::uint32_t j = static_cast<std::uint32_t>(st.slots[i].hi) & (size - 1);
    while (slots[j].r) j = (j + 1) & (size - 1);
    slots[j] = st.slots[i];
  }
  if (st.slots) memory_.release(st.slots, (st.mask + 1) * sizeof(slot));
  st.slots = slots;
  st.mask = size - 1;
}

record_table::slot* record_table::insert(std::uint64_t hi, record* r) {
  stripe_slots& st = stripes_[stripe_of(hi)];
  if (!st.slots || (st.used + 1) * 4 > (st.mask + 1) * 3)
    resize(st, st.slots ? (st.mask + 1) * 2 : first_slots);
  std::uint32_t i = static_cast<std::uint32_t>(hi) & st.mask;
  while (st.slots[i].r) i = (i + 1) & st.mask;
  st.slots[i] = {hi, r};
  ++st.used;
  ++records_;
  return &st.slots[i];
}

// Linear probing without tombstones: what follows moves back over the hole.
void record_table::remove(std::uint32_t stripe, std::uint32_t index) {
  stripe_slots& st = stripes_[stripe];
  pool_.destroy(st.slots[index].r);
  std::uint32_t hole = index;
  for (std::uint32_t j = (hole + 1) & st.mask; st.slots[j].r; j = (j + 1) & st.mask) {
    const std::uint32_t home = static_cast<std::uint32_t>(st.slots[j].hi) & st.mask;
    if (((j - home) & st.mask) >= ((j - hole) & st.mask)) {
      st.slots[hole] = st.slots[j];
      hole = j;
    }
  }
  st.slots[hole] = {};
  --st.used;
  --records_;
}

void record_table::shrink(std::uint32_t stripe) {
  stripe_slots& st = stripes_[stripe];
  std::uint32_t size = st.mask + 1;
  while (size > first_slots && st.used * 8 < size) size /= 2;
  if (size <= st.mask) resize(st, size);
}

}  // namespace windrow::storage
