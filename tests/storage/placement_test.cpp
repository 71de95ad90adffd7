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
  schema::entity_class user;
  user.name = "User";
  user.primary_key = "id";
  user.key_space = 0;
  plan.classes.push_back(user);
  schema::series series;
  series.key_space = 1;
  plan.all_series.push_back(series);
  schema::rule rule;
  rule.series = 0;
  plan.rules.push_back(rule);
  schema::window_value value;
  value.rule = 0;
  plan.window_values.push_back(value);
  schema::windowed_feature feature;
  feature.entity_class = 0;
  feature.local_key = {"country", "id"};
  feature.window_values = {0};
  plan.windowed_features.push_back(feature);
  return builder.build();
}

TEST(Placement, AGroupIsOnTheShardOfItsEntity) {
  const auto plan = user_and_groups();
  const storage::placement users(*plan, 0, 77);
  const storage::placement groups(*plan, 1, 77);
  EXPECT_TRUE(users.by_whole_key());
  EXPECT_FALSE(groups.by_whole_key());
  for (int i = 0; i < 100; ++i) {
    const windrow::value user[] = {"user" + std::to_string(i)};
    const windrow::value group[] = {std::string("NL"), user[0]};
    EXPECT_EQ(*groups.shard_of(group, 7), *users.shard_of(user, 7));
  }
}

TEST(Placement, SpreadsKeysEvenlyAndByTheirHash) {
  const auto plan = user_and_groups();
  const storage::placement users(*plan, 0, 77);
  std::vector<int> counts(5);
  for (int i = 0; i < 10'000; ++i) {
    const windrow::value user[] = {"user" + std::to_string(i)};
    const auto shard = *users.shard_of(user, 5);
    EXPECT_EQ(shard, users.hash("user" + std::to_string(i)).lo % 5);
    ++counts[shard];
  }
  for (const int count : counts) EXPECT_NEAR(count, 2000, 250);
}

TEST(Placement, ValuesThatAreNoKeyAreInvalid) {
  const auto plan = user_and_groups();
  const storage::placement groups(*plan, 1, 77);
  const windrow::value too_few[] = {std::string("NL")};
  EXPECT_EQ(groups.shard_of(too_few, 3).error().code, errc::invalid);
  const windrow::value wrong[] = {std::string("NL"), std::int64_t{4}};
  EXPECT_EQ(groups.shard_of(wrong, 3).error().code, errc::invalid);
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
