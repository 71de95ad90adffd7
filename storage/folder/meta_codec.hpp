#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "storage/lmdb/file_identity.hpp"
#include "windrow/result.hpp"

namespace windrow::storage {

/// What a data folder is; never changes after it was made.
struct node_meta {
  folder_id id{};
  std::uint64_t hash_seed = 0;
  std::uint32_t shard_count = 0;
  std::uint64_t plan_digest = 0;
  std::int64_t created = 0;  ///< microseconds
  std::uint64_t catalog_checksum = 0;
  friend bool operator==(const node_meta&, const node_meta&) = default;
};

/// Cap'n Proto bytes of `meta.capnp`.
byte_buffer encode_meta(const node_meta& meta);
/// `corrupt` where the bytes are not a meta. Never throws.
result<node_meta> decode_meta(bytes encoded);

}  // namespace windrow::storage
