#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schema/plan/plan.hpp"
#include "storage/batch.hpp"
#include "windrow/result.hpp"
#include "windrow/value.hpp"

namespace windrow::storage {

/// A longer key is refused: it would be kept in full in every record.
inline constexpr std::size_t key_bytes_max = 1024;

/// On which shard the records of a key space are.
///
/// A key is placed by its own hash, or, where one of its parts is the primary key of a class, by
/// the hash that part has in the class's own key space, so that groups sit with their entity.
/// Ingest and queries must both use this class, or they would look in different places.
class placement {
public:
  placement(const schema::plan& plan, int key_space, std::uint64_t folder_seed);

  std::uint64_t key_space_id() const noexcept { return key_space_id_; }
  std::uint64_t folder_seed() const noexcept { return folder_seed_; }

  /// Whether a key's own hash places it.
  bool by_whole_key() const noexcept { return parts_.empty(); }
  /// Else: the parts of the key that place it, and the key space that they are hashed in.
  std::span<const int> parts() const noexcept { return parts_; }
  std::uint64_t placing_space_id() const noexcept { return placing_space_id_; }

  storage::key_hash hash(std::string_view key) const {
    return storage::hash_key(key, folder_seed_, key_space_id_);
  }
  /// The hash of the bytes of the placing parts.
  storage::key_hash placing_hash(std::string_view placing_key) const {
    return storage::hash_key(placing_key, folder_seed_, placing_space_id_);
  }

  static std::uint32_t shard_of(storage::key_hash placing, std::uint32_t shard_count) noexcept {
    return static_cast<std::uint32_t>(placing.lo % shard_count);
  }
  /// The shard of a key given by its values, one a part; `invalid` where they are no key.
  result<std::uint32_t> shard_of(std::span<const windrow::value> values,
                                 std::uint32_t shard_count) const;

private:
  std::uint64_t folder_seed_;
  std::uint64_t key_space_id_;
  std::uint64_t placing_space_id_;
  std::vector<schema::value_type> types_;
  std::vector<int> parts_;
};

}  // namespace windrow::storage
