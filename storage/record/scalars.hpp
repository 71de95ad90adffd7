#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "windrow/value.hpp"

/// The scalars of one record as bytes, the same in memory and on disk: u16 place in the layout,
/// i64 event time, u32 length, value (see value_codec.hpp), repeated. Bytes that cannot be read
/// end the list.
namespace windrow::storage {

struct scalar_value {
  std::int64_t time = 0;
  windrow::value value;
};

std::optional<scalar_value> find_scalar(std::span<const std::byte> scalars, std::uint16_t place);

/// The scalars with this value at `place`; nothing if the one that is there stays: it is newer, or
/// the same. Among values with one event time the later message of the source wins.
std::optional<std::string> with_scalar(std::span<const std::byte> scalars, std::uint16_t place,
                                       std::int64_t time, const value& v);

/// The scalars in other places: `places` has the new one of each old place, or -1 where it is gone.
/// Nothing if one stands in a place that there never was.
std::optional<std::string> replaced_scalars(std::span<const std::byte> scalars,
                                            std::span<const int> places);

}  // namespace windrow::storage
