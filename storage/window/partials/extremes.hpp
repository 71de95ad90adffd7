#pragma once

#include <algorithm>
#include <type_traits>

#include "storage/window/partials/partial.hpp"

namespace windrow::storage::partials {

/// The smallest or largest of values of one type; without any it is what every value replaces.
template <class Number, bool Smallest>
struct extreme : plain {
  static constexpr std::size_t bytes(bool) noexcept { return 8; }

  static void create(std::byte* at) noexcept {
    using limits = std::numeric_limits<Number>;
    const Number most = limits::has_infinity ? limits::infinity() : limits::max();
    const Number least = limits::has_infinity ? -limits::infinity() : limits::lowest();
    save(at, Smallest ? most : least);
  }
  static void fold(std::byte* at, bool, const input& in) noexcept {
    if constexpr (std::is_same_v<Number, double>) {
      take(at, number_at(in.value, in.row));
    } else {
      take(at, in.value.ints[in.row]);
    }
  }
  static void merge(std::byte* into, bool, const std::byte* from, bool, const counts&) noexcept {
    take(into, load<Number>(from));
  }
  static void encode(std::string& out, const std::byte* at, bool, const wire_head&) {
    if constexpr (std::is_same_v<Number, double>) {
      put_raw(out, load<double>(at));
    } else {
      put_zigzag(out, load<Number>(at));
    }
  }
  static bool decode(varint_reader& in, std::byte* at, bool, const wire_head&) {
    if constexpr (std::is_same_v<Number, double>) {
      save(at, in.raw<double>());
    } else {
      save(at, in.zigzag());
    }
    return true;
  }
  /// `min` or `max`.
  static result<value> finalize(const std::byte* at, const question& asked) {
    if (asked.count == 0) return value{null{}};
    return value{load<Number>(at)};
  }

private:
  static void take(std::byte* at, Number v) noexcept {
    const auto held = load<Number>(at);
    save(at, Smallest ? std::min(held, v) : std::max(held, v));
  }
};

struct min_int : extreme<std::int64_t, true> {};
struct max_int : extreme<std::int64_t, false> {};
struct min_float : extreme<double, true> {};
struct max_float : extreme<double, false> {};

}  // namespace windrow::storage::partials
