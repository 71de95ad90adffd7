#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.hpp"

namespace windrow::storage {

/// What a stripe's stored records add up to: tells that one is missing, was added, moved to another
/// key or is an older version of itself, which no checksum inside a record can.
///
/// Operation: each commit takes the terms of the values it replaces out and puts those of the new
/// ones in, in the transaction that writes them; a reader adds up what it finds and compares.
/// A sum modulo 2^64 of independent 64-bit hashes: it does not depend on the order, and an accident
/// passes once in 2^64. Not against somebody who means it.
struct stripe_digest {
  std::uint64_t records = 0;  ///< heads and segments
  std::uint64_t sum = 0;      ///< of their terms
  std::uint64_t state = 0;    ///< the term of the stripe's own value

  static std::uint64_t term(bytes key, bytes value) noexcept;
  void add(bytes key, bytes value) noexcept { ++records, sum += term(key, value); }
  void remove(bytes key, bytes value) noexcept { --records, sum -= term(key, value); }

  void encode(bytes key, byte_buffer& value) const;
  static std::optional<stripe_digest> decode(bytes key, bytes stored) noexcept;

  friend bool operator==(const stripe_digest&, const stripe_digest&) = default;
};

}  // namespace windrow::storage
