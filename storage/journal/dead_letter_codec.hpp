#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "storage/journal/dead_letter.hpp"

/// The stored form of dead letters; `storage/README.md` has the bytes.
namespace windrow::storage {

/// Partition, sequence and the hash of the stream, big-endian: so dead letters are in that order.
struct dead_letter_key {
  std::array<std::uint8_t, 24> bytes{};

  static dead_letter_key of(const dead_letter& letter);
  /// The lowest key of a partition's dead letters from a sequence on.
  static dead_letter_key lowest(partition_id partition, sequence at = 0);
  /// Nothing if the bytes are no such key.
  static std::optional<dead_letter_key> read(windrow::bytes stored);

  partition_id partition() const noexcept { return load_big<partition_id>(bytes.data()); }
  sequence at() const noexcept { return load_big<sequence>(bytes.data() + 8); }
  operator windrow::bytes() const noexcept { return bytes; }  // NOLINT: where LMDB takes it
  friend auto operator<=>(const dead_letter_key&, const dead_letter_key&) = default;
};

/// What a dead letter takes in memory, about.
std::size_t memory_of(const dead_letter& letter) noexcept;

byte_buffer encode(const dead_letter& letter);
/// Nothing if the value is no dead letter.
std::optional<dead_letter> decode_dead_letter(const dead_letter_key& key, bytes value);

}  // namespace windrow::storage
