#include "storage/partition_id.hpp"

#include "base/checksum.hpp"

namespace windrow::storage {

partition_id partition_id_of(std::string_view durable_name) noexcept {
  constexpr std::uint64_t seed = 0x706172746974696f;  // "partitio"
  const std::uint64_t hash = checksum(as_bytes(durable_name), seed);
  return hash == 0 ? 1 : hash;
}

std::string hex_of(partition_id id) {
  constexpr const char* digits = "0123456789abcdef";
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4) text += digits[(id >> shift) & 15];
  return text;
}

}  // namespace windrow::storage
