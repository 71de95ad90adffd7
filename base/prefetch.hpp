#pragma once

namespace windrow {

/// Brings the cache line of an address near; any address is allowed. The empty `asm` is an effect
/// in the compiler's eyes: GCC takes a function that only prefetches for one without any, and
/// leaves out calls of it.
inline void prefetch(const void* at) noexcept {
  __builtin_prefetch(at);
  __asm__ volatile("");
}
/// The same, to be written.
inline void prefetch_to_write(const void* at) noexcept {
  __builtin_prefetch(at, 1);
  __asm__ volatile("");
}

}  // namespace windrow
