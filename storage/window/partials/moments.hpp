#pragma once

#include <algorithm>

#include "storage/window/partials/partial.hpp"

namespace windrow::storage::partials {

/// Mean and sum of squared deviations (Welford); merged by Chan, Golub and LeVeque (1979).
struct moment_pair {
  double mean = 0;
  double m2 = 0;
};

struct moments : plain {
  static constexpr bool reads_count = true;
  static constexpr std::size_t bytes(bool) noexcept { return sizeof(moment_pair); }

  static void fold(std::byte* at, bool, const input& in) noexcept {
    auto m = load<moment_pair>(at);
    const double v = number_at(in.value, in.row);
    const double delta = v - m.mean;
    m.mean += delta / static_cast<double>(in.count);
    m.m2 += delta * (v - m.mean);
    save(at, m);
  }
  static void merge(std::byte* into, bool, const std::byte* from, bool, const counts& n) noexcept {
    if (n.from == 0) return;
    const auto b = load<moment_pair>(from);
    if (n.into == 0) return save(into, b);
    auto a = load<moment_pair>(into);
    const auto na = static_cast<double>(n.into), nb = static_cast<double>(n.from);
    const double delta = b.mean - a.mean;
    a.mean += delta * (nb / (na + nb));
    a.m2 += b.m2 + delta * delta * (na * nb / (na + nb));
    save(into, a);
  }
  static void encode(std::string& out, const std::byte* at, bool, const wire_head&) {
    put_raw(out, load<moment_pair>(at));
  }
  static bool decode(varint_reader& in, std::byte* at, bool, const wire_head&) {
    save(at, in.raw<moment_pair>());
    return true;
  }
  /// `var` or `std`, of a sample.
  static result<value> finalize(const std::byte* at, const question& asked) {
    if (asked.count < 2) return value{null{}};
    const double variance =
        std::max(load<moment_pair>(at).m2, 0.0) / static_cast<double>(asked.count - 1);
    const bool root = asked.function == schema::aggregation::std;
    return finite(root ? std::sqrt(variance) : variance, asked);
  }
};

}  // namespace windrow::storage::partials
