#pragma once

#include <cstdint>
#include <vector>

namespace windrow::bench {

/// SplitMix64: the same numbers on every machine and library.
class random_numbers {
public:
  explicit random_numbers(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() noexcept {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  /// Uniform in [0, bound).
  std::uint32_t below(std::uint32_t bound) noexcept {
    return static_cast<std::uint32_t>((static_cast<unsigned __int128>(next()) * bound) >> 64);
  }

private:
  std::uint64_t state_;
};

/// Exact samples of Zipf's law over `count` ranks, P(k) ~ 1 / (k+1)^exponent, by the alias method:
/// one random number and one look at a table a sample, however skewed.
class zipf_sampler {
public:
  zipf_sampler(std::uint32_t count, double exponent);
  /// A rank in [0, count), 0 the most frequent.
  std::uint32_t sample(random_numbers& random) const noexcept;

private:
  struct cell {
    std::uint32_t keep;  ///< of 2^32: how often the cell's own rank is the answer
    std::uint32_t other;
  };
  std::vector<cell> cells_;
};

/// 0 .. count-1 in an order that depends on the seed only.
std::vector<std::uint32_t> shuffled(std::uint32_t count, std::uint64_t seed);

}  // namespace windrow::bench
