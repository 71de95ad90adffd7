#include <gtest/gtest.h>

#include "node/node.hpp"
#include "node/query_service.hpp"
#include "node/source_controller.hpp"
#include "schema/compile.hpp"
#include "tests/support/card_declarations.hpp"
#include "windrow/time.hpp"

namespace windrow::node {
namespace {

using test::card_declarations;
using test::payment;
using test::temporary_folder;

/// A node that follows a file and is steered while it runs.
class Steering : public ::testing::Test {
protected:
  Steering() { folder_.write("payments.ndjson", ""); }

  void open() {
    auto compiled = schema::compile_yaml(card_declarations, folder_ / "features.yaml",
                                         [](std::string_view) { return std::nullopt; });
    ASSERT_TRUE(compiled.ok());
    node_options o;
    o.data = folder_ / "data";
    o.declarations = *compiled.declarations;
    o.shards = 2;
    o.inputs = {{"payments", folder_ / "payments.ndjson"}};
    auto n = node::open(o);
    ASSERT_TRUE(n) << n.error().message;
    node_ = std::move(*n);
  }
  void add(int amount) {
    const std::string text = payment("c1", amount, "10:30:00") + "\n";
    folder_.append("payments.ndjson", text);
    size_ += text.size();
  }
  sources::source_status status() {
    auto all = node_->sources();
    if (!all) {
      ADD_FAILURE() << all.error().message;
      return {};
    }
    return all->front();
  }
  /// Waits until everything in the file is applied and seen.
  testing::AssertionResult caught_up() {
    for (int i = 0; i < 30'000; ++i) {
      const sources::source_status s = status();
      if (s.partitions.size() == 1 && s.partitions[0].position == size_) {
        return testing::AssertionSuccess();
      }
      node_->wait(std::chrono::milliseconds(1));
    }
    return testing::AssertionFailure() << "at " << status().partitions.front().position;
  }
  std::int64_t spent() {
    // Ingest has it; the shards answer for what they were sent before.
    auto done = node_->checkpoint();
    EXPECT_TRUE(done) << done.error().message;
    auto answer = node_->queries().query({.entities = {{"Card", "c1"}},
                                          .features = {"spent[1h]"},
                                          .now = *parse_time("2026-01-01T11:00:00Z")});
    const auto& value = answer->rows[0].features[0].value;
    return value ? std::get<std::int64_t>(*value) : -1;
  }

  temporary_folder folder_;
  std::unique_ptr<node> node_;
  std::size_t size_ = 0;
};

TEST_F(Steering, APausedSourceIsReadOnWhereItStood) {
  add(1);
  open();
  ASSERT_TRUE(caught_up());
  auto paused = node_->controller().pause({"payments", {}});
  ASSERT_TRUE(paused) << paused.error().message;
  ASSERT_EQ(paused->steps.size(), 1u);
  EXPECT_EQ(paused->steps[0].after, size_);
  add(10);
  EXPECT_EQ(status().state, sources::source_state::paused);
  EXPECT_GT(status().partitions[0].lag, 0u);
  EXPECT_EQ(spent(), 1);
  ASSERT_TRUE(node_->controller().resume({"payments", {}}));
  ASSERT_TRUE(caught_up());
  EXPECT_EQ(spent(), 11);
  EXPECT_EQ(status().state, sources::source_state::running);
}

TEST_F(Steering, APauseLastsOverARestart) {
  add(1);
  open();
  ASSERT_TRUE(caught_up());
  ASSERT_TRUE(node_->controller().pause({"payments", {}}));
  ASSERT_TRUE(node_->stop());
  add(10);
  node_.reset();
  open();
  EXPECT_EQ(status().state, sources::source_state::paused);
  EXPECT_EQ(spent(), 1);
  ASSERT_TRUE(node_->controller().resume({"payments", {}}));
  ASSERT_TRUE(caught_up());
  EXPECT_EQ(spent(), 11);
}

TEST_F(Steering, ASeekPassesOverWhatIsNotReadYet) {
  add(1);
  open();
  ASSERT_TRUE(caught_up());
  ASSERT_TRUE(node_->controller().pause({"payments", {}}));
  add(10);
  const std::size_t target = size_;
  add(100);
  auto moved =
      node_->controller().seek({"payments", {}}, {sources::seek_target::kind::position, target, 0});
  ASSERT_TRUE(moved) << moved.error().message;
  EXPECT_EQ(moved->steps[0].after, target);
  EXPECT_GT(moved->steps[0].skipped, 0u);
  EXPECT_EQ(status().state, sources::source_state::paused) << "a seek does not end a pause";
  ASSERT_TRUE(node_->controller().resume({"payments", {}}));
  ASSERT_TRUE(caught_up());
  EXPECT_EQ(spent(), 101);
}

// Nothing is checkpointed when the seek comes: after a crash what was applied before it is applied
// again, and what it passed over is not.
TEST_F(Steering, ASeekHoldsAfterACrash) {
  add(1);
  open();
  ASSERT_TRUE(caught_up());
  ASSERT_TRUE(node_->controller().pause({"payments", {}}));
  add(10);
  ASSERT_TRUE(
      node_->controller().seek({"payments", {}}, {sources::seek_target::kind::latest, 0, 0}));
  ASSERT_TRUE(node_->controller().resume({"payments", {}}));
  add(100);
  ASSERT_TRUE(caught_up());
  node_.reset();  // without a checkpoint
  open();
  ASSERT_TRUE(caught_up());
  EXPECT_EQ(spent(), 101);
}

TEST_F(Steering, ASeekBackStaysWhereItIs) {
  add(1);
  open();
  ASSERT_TRUE(caught_up());
  auto moved =
      node_->controller().seek({"payments", {}}, {sources::seek_target::kind::earliest, 0, 0});
  ASSERT_TRUE(moved) << moved.error().message;
  EXPECT_EQ(moved->steps[0].after, size_);
  EXPECT_NE(moved->steps[0].text.find("applied once"), std::string::npos);
  add(10);
  ASSERT_TRUE(caught_up());
  EXPECT_EQ(spent(), 11);
}

TEST_F(Steering, AResetReadsItAllAgain) {
  add(1);
  open();
  ASSERT_TRUE(caught_up());
  ASSERT_TRUE(node_->controller().reset({"payments", {}}));
  ASSERT_TRUE(caught_up());
  EXPECT_EQ(spent(), 2);
  add(10);
  ASSERT_TRUE(caught_up());
  EXPECT_EQ(spent(), 12);
}

TEST_F(Steering, AFailedSourceIsTriedAgainByAResume) {
  add(1);
  open();
  ASSERT_TRUE(caught_up());
  const std::string whole = payment("c1", 1, "10:30:00") + "\n";
  folder_.write("payments.ndjson", whole.substr(0, 10));
  while (status().state != sources::source_state::failed) node_->wait(std::chrono::milliseconds(1));
  EXPECT_NE(status().reason.find("shorter"), std::string::npos) << status().reason;
  EXPECT_EQ(node_->progress().failed_sources.size(), 1u);
  EXPECT_FALSE(node_->progress().failed);
  folder_.write("payments.ndjson", whole);
  add(10);
  ASSERT_TRUE(node_->controller().resume({"payments", {}}));
  ASSERT_TRUE(caught_up());
  EXPECT_EQ(spent(), 11);
  EXPECT_TRUE(node_->progress().failed_sources.empty());
}

TEST_F(Steering, SaysWhichNamesThereAre) {
  add(1);
  open();
  ASSERT_TRUE(caught_up());
  const auto source = node_->controller().pause({"nothing", {}});
  EXPECT_EQ(source.error().code, errc::not_found);
  EXPECT_NE(source.error().message.find("payments"), std::string::npos);
  const auto partition = node_->controller().reset({"payments", "7"});
  EXPECT_EQ(partition.error().code, errc::not_found);
  EXPECT_NE(partition.error().message.find("payments.ndjson"), std::string::npos);
}

TEST_F(Steering, ClosesWithTheNode) {
  open();
  ASSERT_TRUE(node_->stop());
  EXPECT_EQ(node_->sources().error().code, errc::closed);
  EXPECT_EQ(node_->controller().pause({"payments", {}}).error().code, errc::closed);
}

}  // namespace
}  // namespace windrow::node
