#include "storage/shard/stripe_write.hpp"

#include <algorithm>
#include <cstring>

#include "base/bytes.hpp"
#include "base/fault_injection.hpp"
#include "storage/record/record_codec.hpp"
#include "storage/shard/shard_store.hpp"

namespace windrow::storage {

void stripe_write::seal(std::uint64_t folder_seed) {
  std::sort(entries.begin(), entries.end(),
            [](const entry& a, const entry& b) { return a.key < b.key; });
  for (const entry& e : entries) {
    if (e.size == 0) continue;
    auto* at = reinterpret_cast<std::uint8_t*>(bytes.data() + e.offset);
    std::uint64_t layout;
    std::memcpy(&layout, at, 8);
    const std::uint64_t sum = value_checksum(e.key, folder_seed, layout, {at + 8, e.size - 8});
    std::memcpy(at, &sum, 8);
  }
}

result<void> commit(shard_store& store, const stripe_write& write) {
  std::vector<put> puts;
  puts.reserve(write.entries.size());
  const auto* base = reinterpret_cast<const std::uint8_t*>(write.bytes.data());
  for (const stripe_write::entry& e : write.entries) {
    puts.push_back({e.key, {base + e.offset, e.size}, e.size == 0});
  }
  std::vector<stripe_put> stripes;
  for (std::size_t i = 0; i < write.stripes.size(); ++i) {
    const std::string& s = write.stripes[i];
    stripes.push_back({static_cast<std::uint16_t>(write.first_stripe + i),
                       {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()}});
  }
  std::vector<layout_put> layouts;
  for (const auto& [number, definition] : write.layouts)
    layouts.push_back({number, as_bytes(definition)});
  if (fault_injected(failpoint::positions_first))
    if (auto done = store.commit({}, stripes); !done) return done;
  return store.commit(puts, stripes, layouts);
}

}  // namespace windrow::storage
