#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace windrow::storage {

/// Memory for the records of one shard.
///
/// Problem: records grow a tile at a time and leave in any order, a million of them at once; a
/// general allocator spends 16 bytes and a cache miss on each, and its pages never become free.
///
/// Operation: blocks come in size classes, four to a doubling, cut from 64 KiB slabs; a slab whose
/// blocks are all free goes back to a common pool, so memory follows the records from class to
/// class as they grow. Slabs are cut from 2 MiB chunks that ask for huge pages. Blocks above the
/// largest class come from the system.
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

  /// Bytes of live blocks.
  std::size_t used() const noexcept { return used_; }
  /// Bytes held from the system, chunks and large blocks together.
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

  static int class_of(std::size_t bytes) noexcept;
  static std::size_t class_bytes(int index) noexcept;
  slab* take_slab(int index);
  void link(slab* s, int index) noexcept;
  void unlink(slab* s, int index) noexcept;

  slab* partial_[class_count] = {};   ///< slabs with a free block, newest first
  std::vector<void*> empty_slabs_;
  std::vector<void*> chunks_;         ///< of huge pages
  std::size_t used_ = 0;
  std::size_t held_ = 0;
};

}  // namespace windrow::storage
