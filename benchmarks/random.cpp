#include "benchmarks/random.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace windrow::bench {

zipf_sampler::zipf_sampler(std::uint32_t count, double exponent) : cells_(count) {
  std::vector<double> weights(count);
  for (std::uint32_t k = 0; k < count; ++k) weights[k] = std::pow(k + 1.0, -exponent);
  const double total = std::accumulate(weights.rbegin(), weights.rend(), 0.0);  // small ones first
  std::vector<std::uint32_t> poor, rich;
  for (std::uint32_t k = 0; k < count; ++k) {
    weights[k] *= count / total;
    (weights[k] < 1 ? poor : rich).push_back(k);
  }
  const auto fill = [&](std::uint32_t k, double share, std::uint32_t other) {
    cells_[k] = {static_cast<std::uint32_t>(std::min(share, 0.9999999997) * 4294967296.0), other};
  };
  // Every poor rank's cell is filled up by a rich one, until all cells are full.
  while (!poor.empty() && !rich.empty()) {
    const std::uint32_t p = poor.back(), r = rich.back();
    poor.pop_back();
    fill(p, weights[p], r);
    weights[r] -= 1 - weights[p];
    if (weights[r] < 1) {
      rich.pop_back();
      poor.push_back(r);
    }
  }
  for (const std::uint32_t k : poor) fill(k, 1, k);
  for (const std::uint32_t k : rich) fill(k, 1, k);
}

std::uint32_t zipf_sampler::sample(random_numbers& random) const noexcept {
  const std::uint64_t bits = random.next();
  const auto count = static_cast<std::uint64_t>(cells_.size());
  const auto k = static_cast<std::uint32_t>(((bits >> 32) * count) >> 32);
  return static_cast<std::uint32_t>(bits) < cells_[k].keep ? k : cells_[k].other;
}

std::vector<std::uint32_t> shuffled(std::uint32_t count, std::uint64_t seed) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  random_numbers random(seed);
  for (std::uint32_t i = count; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

}  // namespace windrow::bench
