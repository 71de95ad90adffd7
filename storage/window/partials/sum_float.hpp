#pragma once

#include "storage/window/partials/partial.hpp"

namespace windrow::storage::partials {

/// A float sum and what rounding has taken from it (two-sum, Knuth TAOCP 4.2.2).
struct float_sum {
  double sum = 0;
  double lost = 0;
  void add(double v) noexcept {
    const double t = sum + v;
    const double b = t - sum;
    lost += (sum - (t - b)) + (v - b);
    sum = t;
  }
  void merge(const float_sum& other) noexcept {
    add(other.sum);
    lost += other.lost;
  }
  double total() const noexcept { return sum + lost; }
};

/// The compensated sum of numbers.
struct sum_float : plain {
  static constexpr std::size_t bytes(bool) noexcept { return sizeof(float_sum); }

  static void fold(std::byte* at, bool, const input& in) noexcept {
    auto s = load<float_sum>(at);
    s.add(number_at(in.value, in.row));
    save(at, s);
  }
  static void merge(std::byte* into, bool, const std::byte* from, bool, const counts&) noexcept {
    auto s = load<float_sum>(into);
    s.merge(load<float_sum>(from));
    save(into, s);
  }
  static bool is_exact(const std::byte* at) noexcept { return load<float_sum>(at).lost == 0; }
  static void encode(std::string& out, const std::byte* at, bool, const wire_head& head) {
    const auto s = load<float_sum>(at);
    put_raw(out, s.sum);
    if (!head.exact) put_raw(out, s.lost);
  }
  static bool decode(varint_reader& in, std::byte* at, bool, const wire_head& head) {
    float_sum s;
    s.sum = in.raw<double>();
    if (!head.exact) s.lost = in.raw<double>();
    save(at, s);
    return true;
  }
  /// `sum` or `mean`.
  static result<value> finalize(const std::byte* at, const question& asked) {
    const auto s = load<float_sum>(at);
    if (asked.function != schema::aggregation::mean) return finite(s.total(), asked);
    if (asked.count == 0) return value{null{}};
    const auto n = static_cast<double>(asked.count);
    return finite(s.sum / n + s.lost / n, asked);
  }
};

}  // namespace windrow::storage::partials
