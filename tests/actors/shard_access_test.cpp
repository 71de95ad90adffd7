#include "actors/shard_access.hpp"

#include <gtest/gtest.h>

#include "tests/storage/shard_scenario.hpp"
#include "tests/storage/temporary_folder.hpp"

namespace windrow::actors {
namespace {

using namespace storage::testing;

/// A shard in a file, with one count over an hour.
class ShardAccess : public ::testing::Test {
protected:
  void SetUp() override {
    one_tiling made(minute);
    counted_ = made.add(schema::aggregation::count, schema::none, {hour});
    plan_ = made.maker.make();
    storage::shard_store::options at{folder_.path(), {}, 64 << 20};
    ASSERT_TRUE(storage::shard_store::create(at));
    auto opened = storage::shard_store::open(at);
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
    storage::shard_options options;
    options.folder_seed = folder_seed;
    access_.emplace(options, *store_);
  }
  void count_one() {
    event e;
    e.at = ++last_;
    e.time = hour;
    e.keys = {"k"};
    const auto batch = sender(plan_).cut(std::span(&e, 1), 1, last_, last_);
    access_->exclusive([&](storage::shard_core& core) { EXPECT_TRUE(core.apply(*batch)); });
  }
  std::int64_t count() {
    const auto& rule = plan_->rules[static_cast<std::size_t>(
        plan_->window_values[static_cast<std::size_t>(counted_)].rule)];
    const int space = plan_->tilings[static_cast<std::size_t>(rule.tiling)].key_space;
    const auto answer = access_->priority([&](storage::shard_core& core) {
      return core.lookup({space, "k", hash_of(*plan_, space, "k"), {}, {counted_}, hour});
    });
    EXPECT_TRUE(answer) << answer.error().message;
    return std::get<std::int64_t>(*answer->windows.front().value);
  }

  temporary_folder folder_;
  schema::plan_ptr plan_;
  int counted_ = 0;
  std::unique_ptr<storage::shard_store> store_;
  std::optional<shard_access> access_;
  storage::sequence last_ = 0;
};

TEST_F(ShardAccess, OpensWhenThePlanIsActivated) {
  ASSERT_TRUE(access_->stage(plan_));
  EXPECT_FALSE(access_->is_open());
  ASSERT_TRUE(access_->activate(plan_->catalog_version));
  EXPECT_TRUE(access_->is_open());
  count_one();
  EXPECT_EQ(count(), 1);
}

TEST_F(ShardAccess, RunsOnUnchangedWhileAnotherPlanIsStaged) {
  ASSERT_TRUE(access_->stage(plan_));
  ASSERT_TRUE(access_->activate(plan_->catalog_version));
  count_one();
  // What is stored lacks the row: a stage that switched would lose it.
  ASSERT_TRUE(access_->stage(plan_));
  EXPECT_EQ(count(), 1);
  count_one();
  EXPECT_EQ(count(), 2);
  EXPECT_EQ(access_->activate(plan_->catalog_version).error().code, errc::conflict)
      << "two rows are not on disk";
  EXPECT_EQ(count(), 2);
}

TEST_F(ShardAccess, ActivatesOnlyWhatIsStaged) {
  EXPECT_EQ(access_->activate(plan_->catalog_version).error().code, errc::conflict);
  ASSERT_TRUE(access_->stage(plan_));
  EXPECT_EQ(access_->activate(plan_->catalog_version + 1).error().code, errc::conflict);
  EXPECT_FALSE(access_->is_open());
  ASSERT_TRUE(access_->activate(plan_->catalog_version));
  EXPECT_EQ(access_->activate(plan_->catalog_version).error().code, errc::conflict)
      << "a staged core is used once";
}

}  // namespace
}  // namespace windrow::actors
