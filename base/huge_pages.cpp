#include "base/huge_pages.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <new>

namespace windrow {

void* map_huge(std::size_t bytes) {
  // More than is needed, to find an aligned part inside; the rest goes back at once.
  const std::size_t mapped = bytes + huge_page_bytes;
  char* raw = static_cast<char*>(
      mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (raw == MAP_FAILED) throw std::bad_alloc();
  const auto address = reinterpret_cast<std::uintptr_t>(raw);
  char* begin = raw + (huge_page_bytes - address % huge_page_bytes) % huge_page_bytes;
  char* end = begin + bytes;
  if (begin > raw) munmap(raw, static_cast<std::size_t>(begin - raw));
  if (raw + mapped > end) munmap(end, static_cast<std::size_t>(raw + mapped - end));
  madvise(begin, bytes, MADV_HUGEPAGE);
  return begin;
}

void unmap_huge(void* memory, std::size_t bytes) noexcept { munmap(memory, bytes); }

table_memory::~table_memory() {
  for (const mapping& m : mappings_) unmap_huge(m.memory, m.bytes);
}

void* table_memory::allocate(std::size_t bytes) {
  used_ += bytes;
  return take(bytes);
}

void* table_memory::take(std::size_t bytes) {
  const auto size = static_cast<std::size_t>(std::countr_zero(bytes));
  if (!free_[size].empty()) {
    void* block = free_[size].back();
    free_[size].pop_back();
    return std::memset(block, 0, bytes);
  }
  if (bytes >= huge_page_bytes) {
    mappings_.push_back({map_huge(bytes), bytes});
    held_ += bytes;
    return mappings_.back().memory;
  }
  // Half of a block of twice the size; fresh blocks are zero already.
  char* both = static_cast<char*>(take(bytes * 2));
  free_[size].push_back(both + bytes);
  return both;
}

void table_memory::release(void* block, std::size_t bytes) noexcept {
  used_ -= bytes;
  for (; bytes < huge_page_bytes; bytes *= 2) {
    auto& free = free_[static_cast<std::size_t>(std::countr_zero(bytes))];
    const auto address = reinterpret_cast<std::uintptr_t>(block);
    const auto other =
        std::find(free.begin(), free.end(), reinterpret_cast<void*>(address ^ bytes));
    if (other == free.end()) break;
    *other = free.back();
    free.pop_back();
    block = reinterpret_cast<void*>(address & ~static_cast<std::uintptr_t>(bytes));
  }
  free_[static_cast<std::size_t>(std::countr_zero(bytes))].push_back(block);
}

}  // namespace windrow
