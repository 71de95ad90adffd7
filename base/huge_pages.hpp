#pragma once

#include <cstddef>
#include <limits>
#include <vector>

namespace windrow {

inline constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

/// Zeroed memory, aligned to and a multiple of 2 MiB, that asks for huge pages: random access to
/// gigabytes in 4 KiB pages spends more time on address translation than on the data (measured: 40
/// % of the folding thread in one instruction, the first touch of a table slot). Throws
/// std::bad_alloc where there is none.
void* map_huge(std::size_t bytes);
void unmap_huge(void* memory, std::size_t bytes) noexcept;

/// Hash tables' memory: zeroed blocks of a power of two bytes, cut from huge pages by halves, which
/// become one again when both are free: tables grow one after the other through the same sizes.
/// One thread.
class table_memory {
public:
  table_memory() = default;
  ~table_memory();
  table_memory(const table_memory&) = delete;
  table_memory& operator=(const table_memory&) = delete;

  /// REQUIRES: `bytes` is a power of two, at least 1 KiB.
  void* allocate(std::size_t bytes);
  void release(void* block, std::size_t bytes) noexcept;

  /// Bytes of blocks in use.
  std::size_t used() const noexcept { return used_; }
  /// Bytes held from the system.
  std::size_t held() const noexcept { return held_; }

private:
  struct mapping {
    void* memory;
    std::size_t bytes;
  };
  std::vector<mapping> mappings_;
  void* take(std::size_t bytes);

  /// By log2 of the size; one for each result that std::countr_zero has.
  std::vector<void*> free_[std::numeric_limits<std::size_t>::digits + 1];
  std::size_t used_ = 0;
  std::size_t held_ = 0;
};

}  // namespace windrow
