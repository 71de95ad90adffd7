#include "storage/shard/placement.hpp"

#include <utility>

#include "schema/catalog/key.hpp"

namespace windrow::storage {

placement::placement(const schema::plan& plan, int key_space, std::uint64_t folder_seed)
    : space_(&plan.key_spaces[static_cast<std::size_t>(key_space)]), folder_seed_(folder_seed) {
  const int placing = space_->placed_by == schema::none ? key_space : space_->placed_by;
  placing_space_id_ = plan.key_spaces[static_cast<std::size_t>(placing)].id;
}

result<resolved_key> placement::resolve(std::vector<windrow::value> values,
                                        std::uint32_t shard_count) const {
  auto bytes = schema::encode_key(space_->parts, values);
  if (!bytes) return bytes.error();
  resolved_key key{std::move(values), std::move(*bytes), {}, 0};
  key.hash = hash(key.bytes);
  key.shard = shard_of(key.hash, shard_count);
  if (by_whole_key()) return key;
  std::vector<schema::value_type> types;
  std::vector<windrow::value> placing;
  for (const int part : parts()) {
    types.push_back(space_->parts[static_cast<std::size_t>(part)]);
    placing.push_back(key.values[static_cast<std::size_t>(part)]);
  }
  const auto placing_bytes = schema::encode_key(types, placing);
  if (!placing_bytes) return placing_bytes.error();
  key.shard = shard_of(placing_hash(*placing_bytes), shard_count);
  return key;
}

}  // namespace windrow::storage
