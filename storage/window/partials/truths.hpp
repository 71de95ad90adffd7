#pragma once

#include "storage/window/partials/partial.hpp"

namespace windrow::storage::partials {

/// Which bools there were: bit 0 for true, bit 1 for false.
struct truths : plain {
  static constexpr std::size_t bytes(bool) noexcept { return 8; }

  static void fold(std::byte* at, bool, const input& in) noexcept {
    *at |= in.value.bools[in.row] != 0 ? std::byte{1} : std::byte{2};
  }
  static void merge(std::byte* into, bool, const std::byte* from, bool, const counts&) noexcept {
    *into |= *from;
  }
  static void encode(std::string& out, const std::byte* at, bool, const wire_head&) {
    put_raw(out, *at);
  }
  static bool decode(varint_reader& in, std::byte* at, bool, const wire_head&) {
    *at = in.raw<std::byte>();
    return std::to_integer<unsigned>(*at) <= 3;
  }
  /// `any` or `all`.
  static result<value> finalize(const std::byte* at, const question& asked) {
    const auto seen = std::to_integer<unsigned>(*at);
    return value{asked.function == schema::aggregation::any ? (seen & 1) != 0 : (seen & 2) == 0};
  }
};

}  // namespace windrow::storage::partials
