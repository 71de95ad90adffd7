#include "storage/record/record_key.hpp"

#include "base/bytes.hpp"

namespace windrow::storage {

record_key make_record_key(const key_hash& hash, std::uint32_t segment) noexcept {
  return big_key(hash.hi, hash.lo, segment);
}

record_name read_record_key(const record_key& key) noexcept {
  return {{load_big<std::uint64_t>(key.data()), load_big<std::uint64_t>(key.data() + 8)},
          load_big<std::uint32_t>(key.data() + 16)};
}

}  // namespace windrow::storage
