#pragma once

#include <memory>

#include "storage/window/distinct.hpp"
#include "storage/window/partials/partial.hpp"

namespace windrow::storage::partials {

/// A pointer to a `distinct_sketch`, null while it is empty. Owned by the tile.
struct distinct : plain {
  static constexpr bool owns_memory = true;
  static constexpr std::uint32_t inline_max = 8;
  static constexpr std::size_t bytes(bool) noexcept { return sizeof(distinct_sketch*); }

  static distinct_sketch* get(const std::byte* at) noexcept { return load<distinct_sketch*>(at); }
  static distinct_sketch& made(std::byte* at) {
    auto* sketch = get(at);
    if (!sketch) save(at, sketch = new distinct_sketch);
    return *sketch;
  }
  static void destroy(std::byte* at) noexcept {
    delete get(at);
    save<distinct_sketch*>(at, nullptr);
  }
  static std::size_t owned_bytes(const std::byte* at) noexcept {
    const auto* sketch = get(at);
    return sketch ? sketch->memory() : 0;
  }
  static std::uint64_t hash_of(const batch_column& column, std::size_t row) {
    switch (column.kind) {
      case schema::value_kind::text: {
        const auto text = column.text_at(row);
        return distinct_hash(text.data(), text.size());
      }
      case schema::value_kind::floating: {
        const double v = column.floats[row] == 0 ? 0.0 : column.floats[row];  // -0.0 is 0.0
        return distinct_hash(&v, 8);
      }
      default:
        return distinct_hash(&column.ints[row], 8);
    }
  }
  static void fold(std::byte* at, bool, const input& in) {
    made(at).add(hash_of(in.value, in.row));
  }
  static void merge(std::byte* into, bool, const std::byte* from, bool, const counts&) {
    if (const auto* sketch = get(from)) made(into).merge(*sketch);
  }
  static void encode(std::string& out, const std::byte* at, bool, const wire_head&) {
    static const distinct_sketch empty;
    const auto* sketch = get(at);
    (sketch ? *sketch : empty).encode(out);
  }
  static bool decode(varint_reader& in, std::byte* at, bool, const wire_head&) {
    auto sketch = std::make_unique<distinct_sketch>();
    if (!sketch->decode(in.rest())) return false;
    if (*sketch != distinct_sketch{}) save(at, sketch.release());
    return true;
  }
  static result<value> finalize(const std::byte* at, const question& asked) {
    const auto* sketch = get(at);
    return whole_number(sketch ? sketch->estimate() : 0, asked);
  }
};

}  // namespace windrow::storage::partials
