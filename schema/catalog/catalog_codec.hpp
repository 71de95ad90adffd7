#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "schema/catalog/catalog.hpp"
#include "windrow/result.hpp"

namespace windrow::schema {

/// Cap'n Proto bytes of `schema/catalog/catalog.capnp`, canonical: equal catalogs give equal bytes.
std::vector<std::uint8_t> encode_catalog(const catalog& declarations);
/// `corrupt` where the bytes are not a catalog. Never throws.
result<catalog> decode_catalog(std::span<const std::uint8_t> bytes);

}  // namespace windrow::schema
