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

/// A key, resolved once: what it is made of, what it is stored under and where.
struct resolved_key {
  std::vector<windrow::value> values;  ///< one per part
  std::string bytes;
  key_hash hash;
  std::uint32_t shard = 0;
};

/// On which shard the records of a key space are.
///
/// A key is placed by its own hash, or, where one of its parts is the primary key of a class, by
/// the hash that part has in the class's own key space, so that groups sit with their entity.
/// Ingest and queries must both use this class, or they would look in different places.
class placement {
public:
  /// The plan must outlive it. Cheap: made where it is needed.
  placement(const schema::plan& plan, int key_space, std::uint64_t folder_seed);

  /// Whether a key's own hash places it.
  bool by_whole_key() const noexcept {
    return space_->placement_parts.size() == space_->parts.size();
  }
  /// The parts of a key that place it.
  std::span<const int> parts() const noexcept { return space_->placement_parts; }

  storage::key_hash hash(std::string_view key) const {
    return storage::hash_key(key, folder_seed_, space_->id);
  }
  /// The hash of the bytes of the placing parts.
  storage::key_hash placing_hash(std::string_view placing_key) const {
    return storage::hash_key(placing_key, folder_seed_, placing_space_id_);
  }

  static std::uint32_t shard_of(storage::key_hash placing, std::uint32_t shard_count) noexcept {
    return static_cast<std::uint32_t>(placing.lo % shard_count);
  }
  /// The key of `values`, one per part; `invalid` if they are no key of this space.
  result<resolved_key> resolve(std::vector<windrow::value> values, std::uint32_t shard_count) const;

private:
  const schema::key_space* space_;
  std::uint64_t folder_seed_;
  std::uint64_t placing_space_id_;
};

}  // namespace windrow::storage
