#include "storage/shard/placement.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "schema/catalog/key.hpp"
#include "tests/support/plan_builder.hpp"

namespace windrow::storage {
namespace {

using schema::value_kind;
using test::plan_builder;
using test::type_of;

/// A class `User` in key space 0, and key space 1 of groups by (country, user) that belong to it.
schema::plan_ptr user_and_groups() {
  plan_builder builder;
  builder.key_space({type_of(value_kind::text)});
  builder.key_space({type_of(value_kind::text), type_of(value_kind::text)}, {1});
  schema::plan& plan = builder.plan();
  plan.key_spaces[1].placed_by = 0;
  return builder.build();
}

TEST(Placement, AGroupIsOnTheShardOfItsEntity) {
  const auto plan = user_and_groups();
  const storage::placement users(*plan, 0, 77);
  const storage::placement groups(*plan, 1, 77);
  EXPECT_TRUE(users.by_whole_key());
  EXPECT_FALSE(groups.by_whole_key());
  for (int i = 0; i < 100; ++i) {
    const std::string user = "user" + std::to_string(i);
    const auto group = groups.resolve({std::string("NL"), user}, 7);
    EXPECT_EQ(group->shard, users.resolve({user}, 7)->shard);
    EXPECT_EQ(group->hash, groups.hash(group->bytes));
  }
}

TEST(Placement, SpreadsKeysEvenlyAndByTheirHash) {
  const auto plan = user_and_groups();
  const storage::placement users(*plan, 0, 77);
  std::vector<int> counts(5);
  for (int i = 0; i < 10'000; ++i) {
    const std::string user = "user" + std::to_string(i);
    const std::uint32_t shard = users.resolve({user}, 5)->shard;
    EXPECT_EQ(shard, users.hash(user).lo % 5);
    ++counts[shard];
  }
  for (const int count : counts) EXPECT_NEAR(count, 2000, 250);
}

TEST(Placement, ValuesThatAreNoKeyAreInvalid) {
  const auto plan = user_and_groups();
  const storage::placement groups(*plan, 1, 77);
  EXPECT_EQ(groups.resolve({std::string("NL")}, 3).error().code, errc::invalid);
  EXPECT_EQ(groups.resolve({std::string("NL"), std::int64_t{4}}, 3).error().code, errc::invalid);
}

TEST(HashKey, DependsOnSeedKeySpaceAndEveryByte) {
  const auto hash = storage::hash_key("user", 1, 2);
  EXPECT_EQ(hash, storage::hash_key("user", 1, 2));
  EXPECT_NE(hash, storage::hash_key("user", 2, 2));
  EXPECT_NE(hash, storage::hash_key("user", 1, 3));
  EXPECT_NE(hash, storage::hash_key("uses", 1, 2));
  EXPECT_NE(hash, storage::hash_key("", 1, 2));
}

}  // namespace
}  // namespace windrow::storage
