#include "windrow/engine.hpp"

#include <gtest/gtest.h>

#include "tests/support/card_declarations.hpp"
#include "windrow/time.hpp"

namespace windrow {
namespace {

using test::payment;
using test::temporary_folder;

class Engine : public ::testing::Test {
protected:
  Engine() { file_ = folder_.write("features.yaml", test::card_declarations); }

  engine open(unsigned shards = 2) {
    auto e = engine::open({.declarations = file_, .data = folder_ / "data", .shards = shards});
    if (!e) ADD_FAILURE() << e.error().message;
    return std::move(*e);
  }
  static void push(engine& e, const std::string& message) {
    const std::string_view one = message;
    auto pushed = e.push("payments", std::span(&one, 1));
    ASSERT_TRUE(pushed) << pushed.error().message;
  }
  static std::int64_t spent(const engine& e, const std::string& card) {
    auto answer = e.query({.entities = {{"Card", card}},
                           .features = {"spent[1h]"},
                           .now = *parse_time("2026-01-01T11:00:00Z")});
    if (!answer || !answer->rows[0].features[0].value) return -1;
    return std::get<std::int64_t>(*answer->rows[0].features[0].value);
  }

  temporary_folder folder_;
  std::string file_;
};

TEST_F(Engine, ShowsAPushAfterSettling) {
  engine e = open();
  push(e, payment("c1", 5, "10:30:00"));
  push(e, payment("c1", 7, "10:31:00"));
  ASSERT_TRUE(e.settle());
  EXPECT_EQ(spent(e, "c1"), 12);
}

TEST_F(Engine, KeepsPushesAcrossAClose) {
  {
    engine e = open();
    push(e, payment("c1", 5, "10:30:00"));
    ASSERT_TRUE(e.close());
  }
  engine e = open();
  EXPECT_EQ(spent(e, "c1"), 5);
}

TEST_F(Engine, AppliesAPushOnceWhereverACheckpointFell) {
  {
    engine e = open();
    for (int i = 0; i < 100; ++i) {
      push(e, payment("c" + std::to_string(i % 7), 1, "10:30:00"));
      if (i % 13 == 0) {
        ASSERT_TRUE(e.checkpoint());
      }
    }
    ASSERT_TRUE(e.settle());
  }
  engine e = open();
  ASSERT_TRUE(e.settle());
  std::int64_t total = 0;
  for (int c = 0; c < 7; ++c) total += spent(e, "c" + std::to_string(c));
  EXPECT_EQ(total, 100);
}

TEST_F(Engine, CountsAPushOfAProducerOnce) {
  const std::string one = payment("c1", 5, "10:30:00"), two = payment("c1", 7, "10:31:00");
  for (int run = 0; run < 3; ++run) {
    engine e = open();
    EXPECT_EQ(*e.producer_sequence("till 4"), run == 0 ? 0u : 2u);
    const auto first = e.push("payments", {one}, {.producer = "till 4", .sequence = 1});
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_EQ(first->sequence, 1u);
    EXPECT_EQ(first->duplicate, run > 0);
    if (run == 1) {
      ASSERT_TRUE(e.checkpoint());
    }
    const auto second = e.push("payments", {two, one}, {.producer = "till 4", .sequence = 2});
    EXPECT_EQ(second->sequence, 2u);
    EXPECT_EQ(second->duplicate, run > 0);
    ASSERT_TRUE(e.settle());
    EXPECT_EQ(spent(e, "c1"), 17);
  }
}

TEST_F(Engine, RefusesOtherContentGapsAndBadProducers) {
  engine e = open();
  const std::string one = payment("c1", 5, "10:30:00"), two = payment("c1", 7, "10:31:00");
  ASSERT_TRUE(e.push("payments", {one}, {.producer = "p", .sequence = 1}));
  EXPECT_EQ(e.push("payments", {two}, {.producer = "p", .sequence = 1}).error().code,
            errc::conflict);
  EXPECT_EQ(e.push("payments", {two}, {.producer = "p", .sequence = 3}).error().code, errc::gap);
  EXPECT_EQ(e.push("payments", {two}, {.producer = "p"}).error().code, errc::invalid);
  EXPECT_EQ(e.push("payments", {two}, {.sequence = 2}).error().code, errc::invalid);
  EXPECT_EQ(e.push("payments", {two}, {.producer = "\xff", .sequence = 1}).error().code,
            errc::invalid);
  ASSERT_TRUE(e.settle());
  EXPECT_EQ(spent(e, "c1"), 5);
}

// A few are answered on this thread, many by way of the query actor.
TEST_F(Engine, AnswersManyEntitiesInOrderLikeOneAtATime) {
  engine e = open(3);
  std::vector<std::string> messages;
  for (int i = 0; i < 1000; ++i)
    messages.push_back(payment("c" + std::to_string(i), i, "10:55:00"));
  const std::vector<std::string_view> views(messages.begin(), messages.end());
  ASSERT_TRUE(e.push("payments", views));
  ASSERT_TRUE(e.settle());
  for (const int count : {2, 50, 256, 257, 1000}) {
    query_request request{
        .entities = {}, .features = {"spent"}, .now = *parse_time("2026-01-01T11:00:00Z")};
    for (int i = 0; i < count; ++i) request.entities.push_back({"Card", "c" + std::to_string(i)});
    auto all = e.query(request);
    ASSERT_TRUE(all) << all.error().message;
    ASSERT_EQ(all->rows.size(), static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
      const auto& row = all->rows[static_cast<std::size_t>(i)];
      ASSERT_EQ(std::get<std::string>(row.key), "c" + std::to_string(i));
      ASSERT_EQ(row.features.size(), 2u);
      ASSERT_EQ(std::get<std::int64_t>(*row.features[1].value), i);
    }
  }
  for (int i = 0; i < 50; ++i) EXPECT_EQ(spent(e, "c" + std::to_string(i)), i);
}

TEST_F(Engine, RefusesASecondOpenOfItsFolder) {
  engine e = open();
  auto second = engine::open({.declarations = file_, .data = folder_ / "data"});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, errc::busy);
}

TEST_F(Engine, RefusesAnotherShardCount) {
  { engine e = open(2); }
  auto other = engine::open({.declarations = file_, .data = folder_ / "data", .shards = 3});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, errc::mismatch);
}

TEST_F(Engine, RefusesAStreamThatIsNotDeclared) {
  engine e = open();
  auto pushed = e.push("nothing", {"{}"});
  ASSERT_FALSE(pushed);
  EXPECT_EQ(pushed.error().code, errc::not_found);
  EXPECT_NE(pushed.error().message.find("payments"), std::string::npos);
}

TEST_F(Engine, TakesAMessageSpreadOverLines) {
  engine e = open();
  push(e, "{\"id\": \"p\",\n\"card\": \"c1\",\n\"amount\": 3, \"at\": \"2026-01-01T10:30:00Z\"}");
  ASSERT_TRUE(e.settle());
  EXPECT_EQ(spent(e, "c1"), 3);
}

TEST_F(Engine, AnswersClosedAfterClosing) {
  engine e = open();
  ASSERT_TRUE(e.close());
  EXPECT_EQ(e.settle().error().code, errc::closed);
  EXPECT_EQ(e.push("payments", {"{}"}).error().code, errc::closed);
}

}  // namespace
}  // namespace windrow
