#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.hpp"
#include "windrow/result.hpp"

/// LMDB detects no corruption, so every value we read carries a checksum of its own (XXH3, 64
/// bits, little-endian, at the end).
namespace windrow {

inline constexpr std::size_t checksum_bytes = 8;

std::uint64_t checksum(bytes data, std::uint64_t seed = 0) noexcept;

/// Appends the checksum of a table's value. Table and key are part of it: a value that stands
/// under another key, or in another table, does not pass.
void seal_value(std::string_view table, bytes key, byte_buffer& value);

/// The value without its checksum, or nothing if it is damaged. Borrows from `stored`.
std::optional<bytes> unseal_value(std::string_view table, bytes key, bytes stored) noexcept;

/// A small file: 8 bytes of magic, format version (32 bits), payload length (64 bits), payload,
/// checksum of all before. The envelope is the same in every format version.
byte_buffer seal_file(std::string_view magic, std::uint32_t format, bytes payload);

struct unsealed_file {
  std::uint32_t format = 0;
  byte_buffer payload;
};
/// `corrupt` where it is not such a file or is damaged; `name` is for the message.
result<unsealed_file> unseal_file(std::string_view magic, bytes stored, const std::string& name);

}  // namespace windrow
