#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace windrow::storage {

/// Counts distinct 64-bit hashes: exactly up to `exact_limit`, then by HyperLogLog with 2^12
/// registers (standard error 1.04 / sqrt(4096) = 1.63 %).
///
/// The estimate of the dense form follows O. Ertl, "New cardinality estimation algorithms for
/// HyperLogLog sketches" (arXiv:1702.01284), section 4, which needs no bias tables and holds over
/// the whole range; the sparse-then-dense idea is HyperLogLog++ (Heule, Nunkesser, Hall, 2013).
///
/// The state depends only on the set of hashes, never on their order or on how they were merged:
/// sparse while the set has at most `exact_limit` members, dense above. A value type.
class distinct_sketch {
public:
  static constexpr std::size_t exact_limit = 1024;
  static constexpr int precision = 12;
  static constexpr std::size_t registers = std::size_t{1} << precision;

  void add(std::uint64_t hash);
  void merge(const distinct_sketch& other);
  /// Exact while sparse; otherwise rounded to the nearest integer.
  std::uint64_t estimate() const;

  bool dense() const noexcept { return !registers_.empty(); }
  std::size_t memory() const noexcept {
    return sizeof(*this) + hashes_.capacity() * 8 + registers_.capacity();
  }

  /// Appends the wire form: u8 form; sparse: varint count, then ascending hashes as varint
  /// deltas; dense: 4096 six-bit registers packed little-endian (3072 bytes).
  void encode(std::string& out) const;
  /// Reads what `encode` wrote from the front of `bytes` and advances it; false on bad bytes.
  bool decode(std::span<const std::uint8_t>& bytes);

  friend bool operator==(const distinct_sketch&, const distinct_sketch&) = default;

private:
  void set_register(std::uint64_t hash) noexcept;
  void make_dense();

  std::vector<std::uint64_t> hashes_;    // ascending, unique; empty when dense
  std::vector<std::uint8_t> registers_;  // empty while sparse
};

/// The hash `add` expects, of a value's canonical bytes.
std::uint64_t distinct_hash(const void* data, std::size_t size) noexcept;

}  // namespace windrow::storage
