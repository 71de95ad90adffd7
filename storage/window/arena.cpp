#include "storage/window/arena.hpp"

#include <bit>
#include <cstdlib>
#include <new>

#include "storage/window/huge_pages.hpp"

namespace windrow::storage {

// The head of a 64 KiB-aligned slab; blocks follow it.
struct arena::slab {
  slab* next;
  slab* previous;
  free_block* free;
  std::uint32_t live;
  std::uint32_t fresh;       // offset of the first block never handed out
  std::uint32_t block_bytes;
  std::uint32_t linked;
};

namespace {
constexpr std::size_t head_bytes = 64;
}

arena::~arena() {
  for (void* chunk : chunks_) unmap_huge(chunk, chunk_bytes);
}

// Classes 0..3 are 64, 80, 96, 112; then four to each doubling up to class_max.
int arena::class_of(std::size_t bytes) noexcept {
  if (bytes <= 64) return 0;
  const int log = std::bit_width(bytes - 1) - 1;       // 2^log < bytes <= 2^(log+1)
  const std::size_t step = std::size_t{1} << (log - 2);
  const int quarter = static_cast<int>((bytes - 1 - (std::size_t{1} << log)) / step);
  return 1 + (log - 6) * 4 + quarter;
}

std::size_t arena::class_bytes(int index) noexcept {
  if (index == 0) return 64;
  const int log = 6 + (index - 1) / 4;
  const int quarter = (index - 1) % 4;
  return (std::size_t{1} << log) + static_cast<std::size_t>(quarter + 1) * (std::size_t{1} << (log - 2));
}

arena::slab* arena::take_slab(int index) {
  if (empty_slabs_.empty()) {
    char* chunk = static_cast<char*>(map_huge(chunk_bytes));
    chunks_.push_back(chunk);
    held_ += chunk_bytes;
    for (std::size_t i = chunk_bytes / slab_bytes; i-- > 0;) {
      empty_slabs_.push_back(chunk + i * slab_bytes);
    }
  }
  auto* s = static_cast<slab*>(empty_slabs_.back());
  empty_slabs_.pop_back();
  *s = slab{nullptr, nullptr, nullptr, 0, head_bytes,
            static_cast<std::uint32_t>(class_bytes(index)), 0};
  link(s, index);
  return s;
}

void arena::link(slab* s, int index) noexcept {
  s->previous = nullptr;
  s->next = partial_[index];
  if (s->next) s->next->previous = s;
  partial_[index] = s;
  s->linked = 1;
}

void arena::unlink(slab* s, int index) noexcept {
  if (s->previous) s->previous->next = s->next;
  else partial_[index] = s->next;
  if (s->next) s->next->previous = s->previous;
  s->linked = 0;
}

arena::block arena::allocate(std::size_t bytes) {
  if (bytes > class_max) {
    const std::size_t rounded = (bytes + bytes / 8 + 4095) & ~std::size_t{4095};
    void* data = std::aligned_alloc(64, rounded);
    if (!data) throw std::bad_alloc();
    used_ += rounded;
    held_ += rounded;
    return {data, static_cast<std::uint32_t>(rounded)};
  }
  const int index = class_of(bytes);
  slab* s = partial_[index] ? partial_[index] : take_slab(index);
  void* data;
  if (s->free) {
    data = s->free;
    s->free = s->free->next;
  } else {
    data = reinterpret_cast<char*>(s) + s->fresh;
    s->fresh += s->block_bytes;
  }
  ++s->live;
  if (!s->free && s->fresh + s->block_bytes > slab_bytes) unlink(s, index);
  used_ += s->block_bytes;
  return {data, s->block_bytes};
}

void arena::release(void* data, std::size_t capacity) noexcept {
  used_ -= capacity;
  if (capacity > class_max) {
    held_ -= capacity;
    std::free(data);
    return;
  }
  const int index = class_of(capacity);
  auto* s = reinterpret_cast<slab*>(reinterpret_cast<std::uintptr_t>(data) & ~(slab_bytes - 1));
  auto* b = static_cast<free_block*>(data);
  b->next = s->free;
  s->free = b;
  --s->live;
  if (s->live == 0) {
    if (s->linked) unlink(s, index);
    empty_slabs_.push_back(s);
  } else if (!s->linked) {
    link(s, index);
  }
}

}  // namespace windrow::storage
