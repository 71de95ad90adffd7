#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace windrow {

/// Memory for the records of one shard.
///
/// Problem: records grow a tile at a time and leave in any order, a million of them at once; a
/// general allocator spends 16 bytes and a cache miss on each, and its pages never become free.
///
/// Operation: blocks come in size classes, four to a doubling, cut from 64 KiB slabs; a slab whose
/// blocks are all free goes back to a common pool, so memory follows the records from class to
/// class as they grow. Slabs are cut from 2 MiB chunks that ask for huge pages. Blocks above the
/// largest class come from the system. What leaves in any order leaves slabs half empty: blocks are
/// handed out of full slabs first, and `sparse` tells the owner of a block that moving it would
/// help to empty a slab.
///
/// Concurrency: none; one arena belongs to one shard. Limits: blocks are 16-byte aligned.
class arena {
public:
  arena() = default;
  ~arena();
  arena(const arena&) = delete;
  arena& operator=(const arena&) = delete;

  struct block {
    void* data = nullptr;
    std::uint32_t capacity = 0;  ///< usable bytes, at least what was asked for
  };

  /// REQUIRES: 0 < bytes < 2^31.
  block allocate(std::size_t bytes);
  /// Gives back a block with the capacity `allocate` returned.
  void release(void* data, std::size_t capacity) noexcept;

  /// Whether the block lies in a slab that is less than 3/4 full, and another has room for it: a
  /// block allocated now in its place, and this one released, brings the slab nearer to empty.
  bool sparse(const void* data, std::size_t capacity) const noexcept;

  /// Bytes of live blocks.
  std::size_t live() const noexcept { return live_; }
  /// Bytes of slabs that hold a live block, and of large blocks.
  std::size_t used() const noexcept { return used_; }
  /// Bytes held from the system: the most that `used` has been, rounded up to a chunk.
  std::size_t held() const noexcept { return held_; }

private:
  static constexpr std::size_t slab_bytes = 64 * 1024;
  static constexpr std::size_t chunk_bytes = 2 * 1024 * 1024;
  static constexpr std::size_t class_max = 8 * 1024;
  static constexpr int class_count = 40;

  struct slab;
  struct free_block {
    free_block* next;
  };

  /// Slabs of one class that have a free block.
  struct partial {
    slab* dense = nullptr;  ///< at least 3/4 full, or new
    slab* sparse = nullptr;
  };

  static int class_of(std::size_t bytes) noexcept;
  static std::size_t class_bytes(int index) noexcept;
  static slab* slab_of(const void* data) noexcept;
  slab* take_slab(int index);
  void link(slab*& list, slab* s) noexcept;
  void unlink(slab* s, int index) noexcept;

  partial partial_[class_count];
  std::vector<void*> empty_slabs_;
  std::vector<void*> chunks_;  ///< of huge pages
  std::size_t live_ = 0;
  std::size_t used_ = 0;
  std::size_t held_ = 0;
};

}  // namespace windrow
