#include <gtest/gtest.h>

#include "tests/schema/declarations.hpp"

namespace windrow::schema {
namespace {

using testing::all_of;
using testing::compile;
using testing::replaced;
using testing::running_example;

/// What is inferred for a stream of the running example with these outputs.
std::string inferred(const std::string& outputs, const std::string& more = "",
                     const std::string& expression = "_.transactions[_.amount].sum()") {
  const compiled made = compile(R"(features:
  Transaction:
    fields: { id: str, user_id: str | null, amount: float, kind: str, ts: FeatureTime }
  User:
    fields:
      id: str
      transactions: { has_many: Transaction, join: User.id == Transaction.user_id }
      f: { windowed: [1h], materialization: true, expression: ')" +
                                expression + R"(' }
sources: { a: { file: a.ndjson } }
streams:
  s: { source: a, message: { id: str, user: str | null, n: float, kind: str, t: datetime },
       output: { )" + outputs + " }" +
                                more + " }\n");
  EXPECT_TRUE(made.ok()) << all_of(made);
  if (!made.ok()) return "";
  const inference& i = made.plan->inferences.at(0);
  EXPECT_EQ(i.updates, i.reason.empty());
  EXPECT_EQ(i.updates, !made.plan->streams[0].routes.empty());
  return i.updates ? "updates" : i.reason;
}

TEST(Inference, UpdatesWhereEverythingReadIsOutput) {
  EXPECT_EQ(inferred("Transaction.user_id: _.user, Transaction.amount: _.n"), "updates");
}

TEST(Inference, NamesTheMissingFeatures) {
  EXPECT_EQ(inferred("Transaction.user_id: _.user"),
            "does not, because it does not output Transaction.amount");
  EXPECT_EQ(inferred("Transaction.id: _.id"),
            "does not, because it does not output Transaction.amount and Transaction.user_id");
}

TEST(Inference, NamesTheClassThatIsNotOutputAtAll) {
  EXPECT_EQ(inferred("User.id: _.id"),
            "does not, because it outputs no feature of Transaction (Transaction.amount and "
            "Transaction.user_id are needed)");
}

TEST(Inference, NeedsWhatTheFilterReads) {
  const std::string filtered = "_.transactions[_.amount, _.kind == \"x\"].sum()";
  EXPECT_EQ(inferred("Transaction.user_id: _.user, Transaction.amount: _.n", "", filtered),
            "does not, because it does not output Transaction.kind");
  EXPECT_EQ(inferred("Transaction.user_id: _.user, Transaction.amount: _.n, "
                     "Transaction.kind: _.kind",
                     "", filtered),
            "updates");
}

TEST(Inference, DoesNotNeedTheFeatureTimeOfTheWindow) {
  EXPECT_EQ(inferred("Transaction.user_id: _.user, Transaction.amount: _.n", "",
                     "_.transactions[_.amount, _.ts > _.chalk_window].sum()"),
            "updates");
}

TEST(Inference, NeedsTheFeatureTimeThatAFilterReads) {
  const std::string filtered = "_.transactions[_.amount, _.ts != null].sum()";
  EXPECT_EQ(inferred("Transaction.user_id: _.user, Transaction.amount: _.n", "", filtered),
            "does not, because it does not output Transaction.ts");
  EXPECT_EQ(inferred("Transaction.user_id: _.user, Transaction.amount: _.n, Transaction.ts: _.t",
                     "", filtered),
            "updates");
}

TEST(Inference, DoesNotNeedTheProjectionOfACount) {
  EXPECT_EQ(inferred("Transaction.user_id: _.user", "", "_.transactions[_.amount].count()"),
            "updates");
}

TEST(Inference, LeavesAStreamOutThatOptsOut) {
  EXPECT_EQ(inferred("Transaction.user_id: _.user, Transaction.amount: _.n",
                     ", updates_materialized_aggregations: false"),
            "does not, because updates_materialized_aggregations is false");
}

TEST(Inference, CoversEveryStreamAndSeries) {
  const compiled made = compile(running_example);
  ASSERT_TRUE(made.ok()) << all_of(made);
  EXPECT_EQ(made.plan->inferences.size(), made.plan->streams.size() * made.plan->all_series.size());
}

TEST(Inference, NotesAFeatureThatNoStreamUpdates) {
  const compiled made = compile(replaced(running_example, ", Transaction.amount: _.amount", ""));
  ASSERT_TRUE(made.ok()) << all_of(made);
  EXPECT_NE(all_of(made).find(":11:7: note: no stream updates `User.sum_transaction_amount`"),
            std::string::npos)
      << all_of(made);
}

}  // namespace
}  // namespace windrow::schema
