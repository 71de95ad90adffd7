#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/prefetch.hpp"
#include "storage/batch.hpp"

namespace windrow::storage {

/// Tells which ids are certainly not in a set (a split block Bloom filter: eight bits of one
/// block of 256 for each id, so that a question costs one cache line). Of ids that are not in the
/// set it lets about 1 in 1,000 pass at 16 bits an id, 1 in 30 at 8.
///
/// Without room (`bytes` of 0) it lets every id pass. For one thread at a time while ids are
/// added, for any number afterwards.
class id_filter {
public:
  id_filter() = default;
  explicit id_filter(std::size_t bytes) : blocks_(bytes / sizeof(block)) {}

  std::size_t bytes() const noexcept { return blocks_.size() * sizeof(block); }

  void add(const key_hash& id) noexcept {
    if (blocks_.empty()) return;
    block& at = blocks_[place(id)];
    for (std::size_t i = 0; i < words; ++i) at[i] |= bit(id, i);
  }
  void prefetch(const key_hash& id) const noexcept {
    if (!blocks_.empty()) windrow::prefetch(&blocks_[place(id)]);
  }
  bool may_hold(const key_hash& id) const noexcept {
    if (blocks_.empty()) return true;
    const block& at = blocks_[place(id)];
    std::uint32_t missing = 0;
    for (std::size_t i = 0; i < words; ++i) missing |= bit(id, i) & ~at[i];
    return missing == 0;
  }

private:
  static constexpr std::size_t words = 8;
  using block = std::array<std::uint32_t, words>;

  // The block from the one half of the hash, the bits from the other.
  std::size_t place(const key_hash& id) const noexcept {
    return static_cast<std::size_t>((static_cast<unsigned __int128>(id.lo) * blocks_.size()) >> 64);
  }
  static std::uint32_t bit(const key_hash& id, std::size_t word) noexcept {
    constexpr std::uint32_t factors[words] = {0x47b6137bU, 0x44974d91U, 0x8824ad5bU, 0xa2b7289dU,
                                              0x705495c7U, 0x2df1424bU, 0x9efc4947U, 0x5c6bfb31U};
    return std::uint32_t{1} << ((static_cast<std::uint32_t>(id.hi) * factors[word]) >> 27);
  }

  std::vector<block> blocks_;
};

}  // namespace windrow::storage
