#pragma once

#include "storage/window/partials/partial.hpp"

namespace windrow::storage::partials {

/// The sum of ints: 64 bits, wide 128.
struct sum_int : plain {
  static constexpr bool can_refuse = true;
  static constexpr std::size_t bytes(bool wide) noexcept { return wide ? 16 : 8; }

  static int128 get(const std::byte* at, bool wide) noexcept {
    return wide ? load<int128>(at) : load<std::int64_t>(at);
  }
  static bool is_narrow(int128 sum) noexcept { return sum == static_cast<std::int64_t>(sum); }

  static bool fits(const std::byte* at, const input& in) noexcept {
    std::int64_t sum;
    return !__builtin_add_overflow(load<std::int64_t>(at), in.value.ints[in.row], &sum);
  }
  static void fold(std::byte* at, bool wide, const input& in) noexcept {
    if (wide) {
      save(at, load<int128>(at) + in.value.ints[in.row]);
    } else {
      save(at, load<std::int64_t>(at) + in.value.ints[in.row]);
    }
  }
  static bool merge_fits(const std::byte* into, const std::byte* from, bool from_wide) noexcept {
    return is_narrow(get(into, false) + get(from, from_wide));
  }
  static void merge(std::byte* into, bool into_wide, const std::byte* from, bool from_wide,
                    const counts&) noexcept {
    const int128 sum = get(into, into_wide) + get(from, from_wide);
    if (into_wide) {
      save(into, sum);
    } else {
      save(into, static_cast<std::int64_t>(sum));
    }
  }
  static void widen(const std::byte* from, std::byte* to) noexcept { save(to, get(from, false)); }
  static void encode(std::string& out, const std::byte* at, bool wide, const wire_head&) {
    if (wide) {
      put_zigzag128(out, load<int128>(at));
    } else {
      put_zigzag(out, load<std::int64_t>(at));
    }
  }
  static bool decode(varint_reader& in, std::byte* at, bool wide, const wire_head&) {
    const int128 sum = in.zigzag128();
    if (wide) {
      save(at, sum);
      return true;
    }
    if (!is_narrow(sum)) return false;
    save(at, static_cast<std::int64_t>(sum));
    return true;
  }
  /// `sum` or `mean`.
  static result<value> finalize(const std::byte* at, const question& asked) {
    const auto sum = load<int128>(at);
    if (asked.function == schema::aggregation::mean) {
      if (asked.count == 0) return value{null{}};
      return finite(static_cast<double>(static_cast<long double>(sum) / asked.count), asked);
    }
    if (!is_narrow(sum)) return overflow(asked);
    return value{static_cast<std::int64_t>(sum)};
  }
};

}  // namespace windrow::storage::partials
