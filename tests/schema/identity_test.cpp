#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/schema/declarations.hpp"

namespace windrow::schema {
namespace {

using testing::all_of;
using testing::compile;
using testing::replaced;
using testing::running_example;

plan_ptr plan_of(const std::string& text) {
  const compiled made = compile(text);
  EXPECT_TRUE(made.ok()) << all_of(made);
  return made.plan;
}

template <class T>
std::set<std::uint64_t> ids(const std::vector<T>& things) {
  std::set<std::uint64_t> out;
  for (const T& thing : things) out.insert(thing.id);
  return out;
}

bool contains(const std::set<std::uint64_t>& all, const std::set<std::uint64_t>& part) {
  return std::includes(all.begin(), all.end(), part.begin(), part.end());
}

TEST(Identity, IsTheDefinitionsNotTheFeaturesName) {
  const plan_ptr before = plan_of(running_example);
  const plan_ptr after =
      plan_of(replaced(running_example, "      sum_transaction_amount:", "      a_total_spent:"));
  EXPECT_EQ(ids(before->all_series), ids(after->all_series));
  EXPECT_EQ(ids(before->rules), ids(after->rules));
  EXPECT_EQ(ids(before->watermark_groups), ids(after->watermark_groups));
  EXPECT_EQ(ids(before->key_spaces), ids(after->key_spaces));
  EXPECT_NE(before->digest, after->digest);  // what queries may ask for differs
}

TEST(Identity, SurvivesAWindowThatFitsABucket) {
  const plan_ptr before = plan_of(running_example);
  const plan_ptr after = plan_of(
      replaced(running_example, "windowed: [10m, 1h, 30d]", "windowed: [5m, 10m, 1h, 30d]"));
  EXPECT_EQ(ids(before->rules), ids(after->rules));
  EXPECT_EQ(after->window_values.size(), before->window_values.size() + 1);
}

TEST(Identity, SurvivesARenamedRelation) {
  std::string text = running_example;
  for (std::size_t at; (at = text.find("transactions: { has_many")) != std::string::npos;) {
    text.replace(at, 12, "payments");
  }
  for (std::size_t at; (at = text.find("_.transactions")) != std::string::npos;) {
    text.replace(at, 14, "_.payments");
  }
  EXPECT_EQ(ids(plan_of(running_example)->rules), ids(plan_of(text)->rules));
}

TEST(Identity, KeepsWhatIsThereWhenSomethingIsAdded) {
  const plan_ptr before = plan_of(running_example);
  const plan_ptr after =
      plan_of(replaced(running_example, "sources:\n",
                       "      count_large:\n"
                       "        windowed: [1h]\n"
                       "        expression: _.transactions[_.amount > 10].count()\n"
                       "        materialization: { bucket_duration: 1m }\n"
                       "sources:\n"));
  EXPECT_TRUE(contains(ids(after->all_series), ids(before->all_series)));
  EXPECT_TRUE(contains(ids(after->rules), ids(before->rules)));
  EXPECT_TRUE(contains(ids(after->watermark_groups), ids(before->watermark_groups)));
  EXPECT_EQ(after->all_series.size(), 2u);
}

TEST(Identity, ChangesWithTheDefinition) {
  const plan_ptr before = plan_of(running_example);
  const auto rule_ids = ids(before->rules);
  for (const auto& [from, to] :
       {std::pair{"_.transactions[_.amount].mean()", "_.transactions[_.amount].max()"},
        std::pair{"_.transactions[_.amount].mean()",
                  "_.transactions[_.amount, _.amount > 1].mean()"},
        std::pair{"bucket_duration: 1m,", "bucket_duration: 2m,"},
        std::pair{"bucket_duration: 1m,",
                  "bucket_duration: 1m, bucket_start: \"2024-01-01T00:00:30Z\","}}) {
    const plan_ptr after = plan_of(replaced(running_example, from, to));
    EXPECT_FALSE(contains(ids(after->rules), rule_ids)) << to;
    EXPECT_NE(after->digest, before->digest) << to;
  }
}

TEST(Identity, OfSeriesDiffersBetweenJoins) {
  const plan_ptr p = plan_of(R"yaml(features:
  Transfer: { fields: { id: str, sender: str, receiver: str, amount: float } }
  User:
    fields:
      id: str
      sent: { has_many: Transfer, join: User.id == Transfer.sender }
      received: { has_many: Transfer, join: User.id == Transfer.receiver }
      a: { windowed: [1h], expression: "_.sent[_.amount].sum()", materialization: true }
      b: { windowed: [1h], expression: "_.received[_.amount].sum()", materialization: true }
  Account:
    fields:
      id: str
      sent: { has_many: Transfer, join: Account.id == Transfer.sender }
      a: { windowed: [1h], expression: "_.sent[_.amount].sum()", materialization: true }
sources: { s: { file: x } }
streams: { t: { source: s, message: { a: str, b: str, c: float },
                output: { Transfer.sender: _.a, Transfer.receiver: _.b, Transfer.amount: _.c } } }
)yaml");
  EXPECT_EQ(ids(p->all_series).size(), 3u);
  EXPECT_EQ(ids(p->watermark_groups).size(), 3u);
  EXPECT_EQ(p->streams[0].routes.size(), 3u);
}

TEST(Identity, DoesNotDependOnTheOrderInTheFile) {
  const std::string start = "features:\n";
  const std::string a = "  A: { fields: { id: str, x: int, y: str } }\n";
  const std::string b =
      "  B:\n    fields:\n      as: { has_many: A, join: B.id == A.y }\n      id: str\n";
  const std::string f =
      "      f: { windowed: [1h, 2h], expression: \"_.as[_.x].sum()\", materialization: true }\n";
  const std::string g =
      "      g: { windowed: [1h], expression: \"_.as.count()\", materialization: true }\n";
  const plan_ptr one = plan_of(start + a + b + f + g);
  const plan_ptr two = plan_of(start + b + g + f + a);
  EXPECT_EQ(one->digest, two->digest);
  ASSERT_EQ(one->rules.size(), two->rules.size());
  for (std::size_t i = 0; i < one->rules.size(); ++i) EXPECT_EQ(one->rules[i].id, two->rules[i].id);
  for (std::size_t i = 0; i < one->classes.size(); ++i) {
    EXPECT_EQ(one->classes[i].name, two->classes[i].name);
  }
}

TEST(Identity, DigestIgnoresPathsAndSettings) {
  const std::uint64_t before = plan_of(running_example)->digest;
  EXPECT_EQ(before, plan_of(replaced(running_example, "users.ndjson", "other.ndjson"))->digest);
  EXPECT_EQ(before, plan_of(replaced(running_example, "localhost:9092", "kafka:9092"))->digest);
  EXPECT_NE(before,
            plan_of(replaced(running_example, "User.name: _.name", "User.name: _.id"))->digest);
  EXPECT_NE(before,
            plan_of(replaced(running_example, "  user_stream:", "  users_stream:"))->digest);
  EXPECT_NE(
      before,
      plan_of(replaced(running_example, "max_staleness: infinity", "max_staleness: 1d"))->digest);
}

TEST(Identity, DigestCoversDeduplication) {
  const auto with = [](const std::string& deduplication) {
    return plan_of(
               "features: { User: { fields: { id: str } } }\n"
               "sources: { s: { file: x } }\n"
               "streams: { t: { source: s, message: { a: str, b: int }, "
               "output: { User.id: _.a }" +
               deduplication + " } }\n")
        ->digest;
  };
  const std::uint64_t one = with(", deduplication: { on: _.a, within: 24h }");
  EXPECT_EQ(one, with(", deduplication: { within: 1d, on: _.a }"));
  EXPECT_NE(one, with(""));
  EXPECT_NE(one, with(", deduplication: { on: _.a, within: 23h }"));
  EXPECT_NE(one, with(", deduplication: { on: _.b, within: 24h }"));
}

TEST(Identity, IsStoredAndStaysTheSame) {
  // These numbers are in data folders: if one changes, folders no longer open.
  const plan_ptr p = plan_of(running_example);
  EXPECT_EQ(p->all_series[0].id, 17624789564443916426u);
  EXPECT_EQ(p->rules[0].id, 7240613819167926740u);
  EXPECT_EQ(p->watermark_groups[0].id, 74640000287235525u);
  EXPECT_EQ(p->scalars[0].id, 3580409050429444038u);
  EXPECT_EQ(p->digest, 17773118200621198632u);
}

}  // namespace
}  // namespace windrow::schema
