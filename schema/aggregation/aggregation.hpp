#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

/// The names of aggregations and of what tiles keep for them. `list.def` has both lists.
namespace windrow::schema {

/// What a windowed feature asks of its rows. Described by `describe` (`description.hpp`).
enum class aggregation : std::uint8_t {
#define WINDROW_AGGREGATION(name) name,
#include "schema/aggregation/list.def"
};
std::string_view to_string(aggregation a) noexcept;

/// What a tile stores beside its row count. Each is mergeable: a commutative monoid whose identity
/// is the empty partial. Its bytes: `storage/window/partials/`. The numbers are stored in record
/// layouts.
enum class partial_kind : std::uint8_t {
#define WINDROW_PARTIAL(name) name,
#include "schema/aggregation/list.def"
};
std::string_view to_string(partial_kind p) noexcept;
inline constexpr std::size_t partial_kind_count = 0
#define WINDROW_PARTIAL(name) +1
#include "schema/aggregation/list.def"
    ;

}  // namespace windrow::schema
