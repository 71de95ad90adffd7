#include "benchmarks/lone_shard.hpp"

#include <filesystem>

#include "benchmarks/events.hpp"
#include "schema/catalog/key.hpp"

namespace windrow::bench {

namespace {

std::string key_of(const schema::plan& plan, std::uint32_t user) {
  const auto& space = plan.key_spaces[static_cast<std::size_t>(plan.routes.front().key_space)];
  auto values = schema::parse_key(space.parts, user_name(user));
  return values ? *schema::encode_key(space.parts, *values) : std::string();
}

}  // namespace

result<std::unique_ptr<lone_shard>> lone_shard::make(const declared& features,
                                                     const std::string& folder,
                                                     std::size_t memory) {
  auto compiled = compile(features);
  if (!compiled) return compiled.error();
  auto made = std::make_unique<lone_shard>();
  made->plan_ = compiled->plan;
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  storage::shard_store::options o;
  o.directory = folder;
  o.identity.shard_count = 1;
  if (auto created = storage::shard_store::create(o); !created) return created.error();
  auto store = storage::shard_store::open(o);
  if (!store) return store.error();
  made->store_ = std::move(*store);
  made->source_ = std::make_unique<storage::stored_records>(*made->store_);
  auto core = storage::shard_core::open(made->plan_, {0, folder_seed, memory}, *made->source_, {});
  if (!core) return core.error();
  made->core_ = std::move(*core);
  return made;
}

storage::section lone_shard::section_of(std::uint32_t first_user, std::uint32_t end_user) const {
  const auto& space = plan_->key_spaces[static_cast<std::size_t>(plan_->routes.front().key_space)];
  storage::section s;
  s.route = 0;
  for (std::uint32_t user = first_user; user < end_user; ++user) {
    const std::string key = key_of(*plan_, user);
    s.hashes.push_back(storage::hash_key(key, folder_seed, space.id));
    s.keys += key;
    s.key_ends.push_back(static_cast<std::uint32_t>(s.keys.size()));
  }
  return s;
}

storage::lookup_request lone_shard::request(std::uint32_t user, const std::string& feature,
                                            std::int64_t now) const {
  const int key_space = plan_->routes.front().key_space;
  storage::lookup_request r;
  r.key_space = key_space;
  r.key = key_of(*plan_, user);
  r.hash = storage::hash_key(r.key, folder_seed,
                             plan_->key_spaces[static_cast<std::size_t>(key_space)].id);
  r.now = now;
  auto found = schema::resolve_class(*plan_, "User");
  if (!found) return r;
  auto features = schema::resolve_feature(*plan_, *found, feature);
  if (features) r.window_values.push_back(features->front().index);
  return r;
}

}  // namespace windrow::bench
