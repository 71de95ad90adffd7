#define XXH_INLINE_ALL
#include <xxhash.h>

#include "storage/batch.hpp"

namespace windrow::storage {

key_hash hash_key(std::string_view key, std::uint64_t folder_seed, std::uint64_t key_space_id) {
  const XXH128_hash_t hash =
      XXH3_128bits_withSeed(key.data(), key.size(), folder_seed ^ key_space_id);
  return {hash.high64, hash.low64};
}

}  // namespace windrow::storage
