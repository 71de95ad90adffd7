#include "storage/shard/placement.hpp"

#include <algorithm>

#include "schema/catalog/key.hpp"

namespace windrow::storage {

namespace {

/// The key space of the class whose primary key is among the parts of `key_space`, or `none`.
int entity_space(const schema::plan& plan, int key_space) {
  for (const schema::windowed_feature& feature : plan.windowed_features) {
    const auto& entity = plan.classes[static_cast<std::size_t>(feature.entity_class)];
    if (std::find(feature.local_key.begin(), feature.local_key.end(), entity.primary_key) ==
        feature.local_key.end()) {
      continue;
    }
    for (const int value : feature.window_values) {
      const int rule = plan.window_values[static_cast<std::size_t>(value)].rule;
      const int series = plan.rules[static_cast<std::size_t>(rule)].series;
      if (plan.all_series[static_cast<std::size_t>(series)].key_space == key_space) {
        return entity.key_space;
      }
    }
  }
  return schema::none;
}

}  // namespace

placement::placement(const schema::plan& plan, int key_space, std::uint64_t folder_seed)
    : folder_seed_(folder_seed) {
  const schema::key_space& space = plan.key_spaces[static_cast<std::size_t>(key_space)];
  key_space_id_ = space.id;
  placing_space_id_ = space.id;
  types_ = space.parts;
  if (space.placement_parts.size() == space.parts.size()) return;
  parts_ = space.placement_parts;
  if (const int entity = entity_space(plan, key_space); entity != schema::none) {
    placing_space_id_ = plan.key_spaces[static_cast<std::size_t>(entity)].id;
  }
}

result<std::uint32_t> placement::shard_of(std::span<const windrow::value> values,
                                          std::uint32_t shard_count) const {
  if (by_whole_key() || values.size() != types_.size()) {
    const auto key = schema::encode_key(types_, values);
    if (!key) return key.error();
    return shard_of(hash(*key), shard_count);
  }
  std::vector<schema::value_type> types;
  std::vector<windrow::value> placing;
  for (const int part : parts_) {
    types.push_back(types_[static_cast<std::size_t>(part)]);
    placing.push_back(values[static_cast<std::size_t>(part)]);
  }
  const auto key = schema::encode_key(types, placing);
  if (!key) return key.error();
  return shard_of(placing_hash(*key), shard_count);
}

}  // namespace windrow::storage
