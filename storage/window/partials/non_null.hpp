#pragma once

#include "storage/window/partials/partial.hpp"

namespace windrow::storage::partials {

/// How many rows had an argument; kept only if it may be null. u32, wide u64.
struct non_null : plain {
  static constexpr std::size_t bytes(bool) noexcept { return 8; }

  static std::uint64_t get(const std::byte* at, bool wide) noexcept {
    return wide ? load<std::uint64_t>(at) : load<std::uint32_t>(at);
  }
  static void set(std::byte* at, bool wide, std::uint64_t n) noexcept {
    if (wide) {
      save(at, n);
    } else {
      save(at, static_cast<std::uint32_t>(n));
    }
  }
  // Never more than the tile's rows, which have been found to fit.
  static void fold(std::byte* at, bool wide, const input&) noexcept {
    set(at, wide, get(at, wide) + 1);
  }
  static void merge(std::byte* into, bool into_wide, const std::byte* from, bool from_wide,
                    const counts&) noexcept {
    set(into, into_wide, get(into, into_wide) + get(from, from_wide));
  }
  static void widen(const std::byte* from, std::byte* to) noexcept {
    set(to, true, get(from, false));
  }
  static void encode(std::string& out, const std::byte* at, bool wide, const wire_head& head) {
    put_varint(out, head.rows - get(at, wide));
  }
  static bool decode(varint_reader& in, std::byte* at, bool wide, const wire_head& head) {
    const auto nulls = in.varint<std::uint64_t>();
    if (nulls > head.rows) return false;
    set(at, wide, head.rows - nulls);
    return true;
  }
  static result<value> finalize(const std::byte* at, const question& asked) {
    return whole_number(get(at, true), asked);
  }
};

}  // namespace windrow::storage::partials
