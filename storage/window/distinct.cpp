#include "storage/window/distinct.hpp"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "base/varint.hpp"

namespace windrow::storage {

namespace {

constexpr int q = 64 - distinct_sketch::precision;  // bits that the leading-zero run is taken from

// sigma and tau of Ertl, equations (34) and (35), by their fixed-point series.
double sigma(double x) {
  if (x == 1.0) return std::numeric_limits<double>::infinity();
  double y = 1, z = x, previous;
  do {
    x *= x;
    previous = z;
    z += x * y;
    y += y;
  } while (z != previous);
  return z;
}

double tau(double x) {
  if (x == 0.0 || x == 1.0) return 0;
  double y = 1, z = 1 - x, previous;
  do {
    x = std::sqrt(x);
    previous = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  } while (z != previous);
  return z / 3;
}

}  // namespace

std::uint64_t distinct_hash(const void* data, std::size_t size) noexcept {
  return XXH3_64bits(data, size);
}

void distinct_sketch::set_register(std::uint64_t hash) noexcept {
  const auto index = static_cast<std::size_t>(hash >> q);
  const std::uint64_t tail = hash << precision;
  const auto rank = static_cast<std::uint8_t>(std::min(std::countl_zero(tail), q) + 1);
  if (registers_[index] < rank) registers_[index] = rank;
}

void distinct_sketch::make_dense() {
  registers_.assign(registers, 0);
  for (const std::uint64_t hash : hashes_) set_register(hash);
  hashes_ = {};
}

void distinct_sketch::add(std::uint64_t hash) {
  if (dense()) return set_register(hash);
  const auto at = std::lower_bound(hashes_.begin(), hashes_.end(), hash);
  if (at != hashes_.end() && *at == hash) return;
  hashes_.insert(at, hash);
  if (hashes_.size() > exact_limit) make_dense();
}

void distinct_sketch::merge(const distinct_sketch& other) {
  if (other.dense()) {
    if (!dense()) make_dense();
    for (std::size_t i = 0; i < registers; ++i) {
      registers_[i] = std::max(registers_[i], other.registers_[i]);
    }
  } else if (dense()) {
    for (const std::uint64_t hash : other.hashes_) set_register(hash);
  } else if (hashes_.empty()) {
    hashes_ = other.hashes_;
  } else {
    std::vector<std::uint64_t> both;
    both.reserve(hashes_.size() + other.hashes_.size());
    std::set_union(hashes_.begin(), hashes_.end(), other.hashes_.begin(), other.hashes_.end(),
                   std::back_inserter(both));
    hashes_ = std::move(both);
    if (hashes_.size() > exact_limit) make_dense();
  }
}

std::uint64_t distinct_sketch::estimate() const {
  if (!dense()) return hashes_.size();
  std::array<std::uint32_t, q + 2> histogram{};
  for (const std::uint8_t rank : registers_) ++histogram[rank];
  const double m = registers;
  double z = m * tau(1 - histogram[q + 1] / m);
  for (int k = q; k >= 1; --k) z = 0.5 * (z + histogram[static_cast<std::size_t>(k)]);
  z += m * sigma(histogram[0] / m);
  return static_cast<std::uint64_t>(std::llround(m * m / (2 * std::log(2.0) * z)));
}

void distinct_sketch::encode(std::string& out) const {
  out.push_back(dense() ? 1 : 0);
  if (!dense()) {
    put_varint(out, hashes_.size());
    std::uint64_t previous = 0;
    for (const std::uint64_t hash : hashes_) {
      put_varint(out, hash - previous);
      previous = hash;
    }
    return;
  }
  for (std::size_t i = 0; i < registers; i += 4) {
    const std::uint32_t packed = static_cast<std::uint32_t>(registers_[i]) |
                                 static_cast<std::uint32_t>(registers_[i + 1]) << 6 |
                                 static_cast<std::uint32_t>(registers_[i + 2]) << 12 |
                                 static_cast<std::uint32_t>(registers_[i + 3]) << 18;
    out.push_back(static_cast<char>(packed));
    out.push_back(static_cast<char>(packed >> 8));
    out.push_back(static_cast<char>(packed >> 16));
  }
}

bool distinct_sketch::decode(std::span<const std::uint8_t>& bytes) {
  varint_reader in(bytes);
  hashes_.clear();
  registers_.clear();
  const auto form = in.raw<std::uint8_t>();
  if (form == 0) {
    const auto count = in.varint<std::uint64_t>();
    if (!in.ok() || count > exact_limit) return false;
    std::uint64_t hash = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto delta = in.varint<std::uint64_t>();
      if (i > 0 && (delta == 0 || hash + delta < hash)) return false;
      hash += delta;
      hashes_.push_back(hash);
    }
  } else if (form == 1) {
    const auto packed = in.bytes(registers / 4 * 3);
    if (!in.ok()) return false;
    registers_.resize(registers);
    for (std::size_t i = 0; i < registers; i += 4) {
      const std::uint8_t* p = packed.data() + i / 4 * 3;
      const std::uint32_t word = p[0] | p[1] << 8 | p[2] << 16;
      for (std::size_t k = 0; k < 4; ++k) {
        registers_[i + k] = static_cast<std::uint8_t>(word >> (6 * k) & 0x3f);
        if (registers_[i + k] > q + 1) return false;
      }
    }
  } else {
    return false;
  }
  if (!in.ok()) return false;
  bytes = in.rest();
  return true;
}

}  // namespace windrow::storage
