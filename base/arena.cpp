#include "base/arena.hpp"

#include <bit>
#include <cstdlib>
#include <new>

#include "base/huge_pages.hpp"

namespace windrow {

// The head of a slab. Slabs are aligned to their size, so heads at their beginnings would share a
// few cache sets: each lies at an offset of its own (`head_of`). Blocks follow it.
struct arena::slab {
  enum class place : std::uint8_t { full, dense, sparse };
  slab* next;
  slab* previous;
  free_block* free;
  char* fresh;  // the first block never handed out
  std::uint16_t live;
  std::uint16_t blocks;
  std::uint32_t block_bytes;
  place listed;
};

namespace {

constexpr std::uintptr_t head_bytes = 64;

std::uintptr_t head_of(std::uintptr_t slab_begin) noexcept {
  return slab_begin + ((slab_begin >> 16 ^ slab_begin >> 21) & 31) * head_bytes;
}

}  // namespace

arena::~arena() {
  for (void* chunk : chunks_) unmap_huge(chunk, chunk_bytes);
}

// Classes 0..3 are 64, 80, 96, 112; then four to each doubling up to class_max.
int arena::class_of(std::size_t bytes) noexcept {
  if (bytes <= 64) return 0;
  const int log = std::bit_width(bytes - 1) - 1;  // 2^log < bytes <= 2^(log+1)
  const std::size_t step = std::size_t{1} << (log - 2);
  const int quarter = static_cast<int>((bytes - 1 - (std::size_t{1} << log)) / step);
  return 1 + (log - 6) * 4 + quarter;
}

std::size_t arena::class_bytes(int index) noexcept {
  if (index == 0) return 64;
  const int log = 6 + (index - 1) / 4;
  const int quarter = (index - 1) % 4;
  return (std::size_t{1} << log) +
         static_cast<std::size_t>(quarter + 1) * (std::size_t{1} << (log - 2));
}

arena::slab* arena::slab_of(const void* data) noexcept {
  return reinterpret_cast<slab*>(
      head_of(reinterpret_cast<std::uintptr_t>(data) & ~(slab_bytes - 1)));
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
  char* begin = static_cast<char*>(empty_slabs_.back());
  empty_slabs_.pop_back();
  used_ += slab_bytes;
  slab* s = slab_of(begin);
  const std::size_t size = class_bytes(index);
  char* first = reinterpret_cast<char*>(s) + head_bytes;
  *s = slab{nullptr,
            nullptr,
            nullptr,
            first,
            0,
            static_cast<std::uint16_t>(static_cast<std::size_t>(begin + slab_bytes - first) / size),
            static_cast<std::uint32_t>(size),
            slab::place::dense};
  link(partial_[index].dense, s);
  return s;
}

void arena::link(slab*& list, slab* s) noexcept {
  s->previous = nullptr;
  s->next = list;
  if (s->next) s->next->previous = s;
  list = s;
}

void arena::unlink(slab* s, int index) noexcept {
  slab*& list = s->listed == slab::place::dense ? partial_[index].dense : partial_[index].sparse;
  if (s->previous)
    s->previous->next = s->next;
  else
    list = s->next;
  if (s->next) s->next->previous = s->previous;
}

arena::block arena::allocate(std::size_t bytes) {
  if (bytes > class_max) {
    const std::size_t rounded = (bytes + bytes / 8 + 4095) & ~std::size_t{4095};
    void* data = std::aligned_alloc(64, rounded);
    if (!data) throw std::bad_alloc();
    live_ += rounded;
    used_ += rounded;
    held_ += rounded;
    return {data, static_cast<std::uint32_t>(rounded)};
  }
  const int index = class_of(bytes);
  slab* s = partial_[index].dense ? partial_[index].dense : partial_[index].sparse;
  if (!s) s = take_slab(index);
  void* data;
  if (s->free) {
    data = s->free;
    s->free = s->free->next;
  } else {
    data = s->fresh;
    s->fresh += s->block_bytes;
  }
  if (++s->live == s->blocks) {
    unlink(s, index);
    s->listed = slab::place::full;
  } else if (s->listed == slab::place::sparse && s->live * 8 >= s->blocks * 7) {
    unlink(s, index);
    s->listed = slab::place::dense;
    link(partial_[index].dense, s);
  }
  live_ += s->block_bytes;
  return {data, s->block_bytes};
}

void arena::release(void* data, std::size_t capacity) noexcept {
  live_ -= capacity;
  if (capacity > class_max) {
    used_ -= capacity;
    held_ -= capacity;
    std::free(data);
    return;
  }
  const int index = class_of(capacity);
  slab* s = slab_of(data);
  auto* b = static_cast<free_block*>(data);
  b->next = s->free;
  s->free = b;
  --s->live;
  if (s->live == 0) {
    if (s->listed != slab::place::full) unlink(s, index);
    used_ -= slab_bytes;
    empty_slabs_.push_back(
        reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(s) & ~(slab_bytes - 1)));
  } else if (s->listed == slab::place::full) {
    s->listed = slab::place::dense;
    link(partial_[index].dense, s);
  } else if (s->listed == slab::place::dense && s->live * 4 < s->blocks * 3) {
    unlink(s, index);
    s->listed = slab::place::sparse;
    link(partial_[index].sparse, s);
  }
}

bool arena::sparse(const void* data, std::size_t capacity) const noexcept {
  if (capacity > class_max) return false;
  const slab* s = slab_of(data);
  const partial& p = partial_[class_of(capacity)];
  return s->listed == slab::place::sparse && (p.dense || p.sparse != s);
}

}  // namespace windrow
