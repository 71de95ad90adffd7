#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/fault_injection.hpp"
#include "storage/batch.hpp"
#include "storage/record/record.hpp"
#include "storage/record/record_key.hpp"

namespace windrow::storage {

/// The records of a stripe that changed since its last encoding, by hash, so that a record that
/// moves needs no fixing here. Chunked, so that growing moves nothing.
class dirty_list {
public:
  void push(key_hash hash) {
    if (size_ / chunk == chunks_.size()) chunks_.push_back(std::make_unique<key_hash[]>(chunk));
    chunks_[size_ / chunk][size_ % chunk] = hash;
    ++size_;
  }
  const key_hash& operator[](std::uint32_t i) const { return chunks_[i / chunk][i % chunk]; }
  std::uint32_t size() const noexcept { return size_; }
  void clear() noexcept {
    size_ = 0;
    if (chunks_.size() > 1) chunks_.resize(1);
  }

  static constexpr std::uint32_t chunk = 32;
  static constexpr std::size_t least_bytes = chunk * sizeof(key_hash);

private:
  std::vector<std::unique_ptr<key_hash[]>> chunks_;
  std::uint32_t size_ = 0;
};

/// Which records in memory differ from what is stored. Stripes count generations: `touch` gives a
/// record that of its stripe, encoding the stripe begins the next, and once the write of
/// generation g is committed the records last changed in g or before are clean.
///
/// Concurrency: none.
class change_tracker {
public:
  /// Every change of a record goes through here first.
  void touch(std::uint64_t hi, record* r) {
    r->flags = static_cast<std::uint16_t>(r->flags & ~record::dead);
    changes& st = stripes_[stripe_of(hi)];
    if (r->generation == st.generation) return;
    if (fault_injected(failpoint::touch_missed) && r->generation > st.committed) return;
    r->generation = st.generation;
    st.dirty.push({hi, r->lo});
    const std::size_t bytes = r->capacity;
    st.dirty_bytes += bytes;
    bytes_ += bytes;
    ++records_;
  }
  /// Whether the record is stored as it is, so that it may leave memory.
  bool clean(std::uint32_t stripe, const record* r) const noexcept {
    const changes& st = stripes_[stripe];
    if (fault_injected(failpoint::encoded_is_clean)) return r->generation < st.generation;
    return r->generation <= st.committed;
  }

  const dirty_list& dirty(std::uint32_t stripe) const noexcept { return stripes_[stripe].dirty; }
  /// Whether a write of the stripe is under way.
  bool in_flight(std::uint32_t stripe) const noexcept { return stripes_[stripe].in_flight; }
  /// Records of a stripe that are dirty or in the write under way.
  std::uint32_t unstored(std::uint32_t stripe) const noexcept {
    return stripes_[stripe].dirty.size() + stripes_[stripe].encoded;
  }

  /// All dirty records of the stripe are in a write; gives its generation.
  std::uint32_t encoded(std::uint32_t stripe) noexcept {
    changes& st = stripes_[stripe];
    st.encoded = st.dirty.size();
    st.dirty.clear();
    st.in_flight = true;
    bytes_ -= st.dirty_bytes;
    records_ -= st.encoded;
    st.dirty_bytes = 0;
    return st.generation++;
  }
  /// That write is on disk.
  void committed(std::uint32_t stripe, std::uint32_t generation) noexcept {
    changes& st = stripes_[stripe];
    st.committed = generation;
    st.in_flight = false;
    st.encoded = 0;
  }

  /// Dirty records of all stripes, and an estimate of the bytes that a full checkpoint would write.
  std::size_t records() const noexcept { return records_; }
  std::size_t bytes() const noexcept { return bytes_; }
  /// Memory of the lists.
  std::size_t memory_bytes() const noexcept {
    return records_ * sizeof(key_hash) + stripe_count * dirty_list::least_bytes;
  }

private:
  struct changes {
    std::uint32_t generation = 1;
    std::uint32_t committed = 0;
    std::uint32_t encoded = 0;  ///< records in the write under way
    bool in_flight = false;
    std::size_t dirty_bytes = 0;
    dirty_list dirty;
  };

  std::array<changes, stripe_count> stripes_;
  std::size_t bytes_ = 0;
  std::size_t records_ = 0;
};

}  // namespace windrow::storage
