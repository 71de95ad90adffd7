#include "schema/check_report.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include "tests/schema/declarations.hpp"

namespace windrow::schema {
namespace {

using testing::compile;
using testing::replaced;
using testing::running_example;

TEST(CheckReport, ShowsTheRunningExample) {
  EXPECT_EQ(
      to_text(make_check_report(compile(running_example), "features.yaml")),
      R"(/somewhere/features.yaml:10:84: note: `max_staleness` on the has_many `transactions` is unused: its rows themselves are not served
/somewhere/features.yaml:15:18: note: the default of `sum_transaction_amount` is idle: `sum` is never null, an empty window gives 0

Series and the rules that fold them
  Transaction.amount by User.id == Transaction.user_id
    aggregation  bucket  origin  retention  windows
    mean         10m     epoch   20m        User.mean_transaction_amount["10m"]
    mean         1h      epoch   2h         User.mean_transaction_amount["1h"]
    mean         30d     epoch   60d        User.mean_transaction_amount["30d"]
    sum          1m      epoch   1h1m       User.sum_transaction_amount["10m"], User.sum_transaction_amount["1h"]
    sum          1h      epoch   30d1h      User.sum_transaction_amount["30d"]

Stored features
  User.name  str  max_staleness infinity  from user_stream

Outputs that are not stored
  transaction_stream  Transaction.amount   not stored, because max_staleness is 0 (the default) and etl_offline_to_online is not true
  transaction_stream  Transaction.id       not stored, because it is the primary key, which is kept with stored features, and this stream gives Transaction none
  transaction_stream  Transaction.user_id  not stored, because max_staleness is 0 (the default) and etl_offline_to_online is not true

Which stream updates which series
  transaction_stream  Transaction.amount by User.id == Transaction.user_id  updates
  user_stream         Transaction.amount by User.id == Transaction.user_id  does not, because it outputs no feature of Transaction (Transaction.amount and Transaction.user_id are needed)

features.yaml: ok
)");
}

TEST(CheckReport, DescribesFiltersAsTheyAreRead) {
  const compiled made =
      compile(replaced(running_example, "[_.amount].mean()", "[_.amount, _.amount > 10].mean()"));
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(describe_series(*made.plan, 0),
            "Transaction.amount by User.id == Transaction.user_id where amount > 10");
}

TEST(CheckReport, SaysWhatIsADuplicate) {
  const compiled made = compile(R"(features: { User: { fields: { id: str } } }
sources: { s: { file: x } }
streams:
  t: { source: s, message: { a: str, b: "int | null" }, output: { User.id: _.a },
       deduplication: { on: _.b, within: 1d12h } }
)");
  ASSERT_TRUE(made.ok());
  const check_report report = make_check_report(made, "f.yaml");
  const std::string text = to_text(report);
  EXPECT_NE(text.find("Duplicates that are not counted again\n  t  same _.b  within 1d12h\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("`on` is null are never duplicates"), std::string::npos) << text;
  EXPECT_NE(to_json(report).find("\"deduplications\": [{\"stream\": \"t\", \"on\": \"_.b\", "
                                 "\"within\": 129600}]"),
            std::string::npos);
}

TEST(CheckReport, CountsTheErrorsOfABadFile) {
  const std::string text = to_text(make_check_report(
      compile("features:\n  User: { fields: { id: string, a: txt } }"), "features.yaml"));
  EXPECT_EQ(text.substr(text.rfind("features.yaml")), "features.yaml: 2 errors\n");
  EXPECT_EQ(text.find("Series"), std::string::npos);
}

TEST(CheckReport, SaysTheSameInJson) {
  const compiled made = compile(running_example);
  const std::string json = to_json(make_check_report(made, "a \"quoted\"\n\x01 name.yaml"));
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  ASSERT_EQ(parser.parse(json).get(root), simdjson::SUCCESS) << json;
  EXPECT_EQ(std::string_view(root["file"]), "a \"quoted\"\n\x01 name.yaml");
  EXPECT_TRUE(bool(root["ok"]));
  EXPECT_EQ(simdjson::dom::array(root["diagnostics"]).size(), 2u);
  EXPECT_EQ(int64_t(root["diagnostics"].at(0)["line"]), 10);
  const auto rules = root["series"].at(0)["rules"];
  EXPECT_EQ(simdjson::dom::array(rules).size(), 5u);
  EXPECT_EQ(int64_t(rules.at(3)["bucket"]), 60);
  EXPECT_EQ(std::string_view(rules.at(3)["windows"].at(1)), "User.sum_transaction_amount[\"1h\"]");
  EXPECT_EQ(std::string_view(root["stored"].at(0)["feature"]), "User.name");
  EXPECT_EQ(simdjson::dom::array(root["not_stored"]).size(), 3u);
  EXPECT_TRUE(bool(root["inferences"].at(0)["updates"]));
  EXPECT_FALSE(bool(root["inferences"].at(1)["updates"]));
}

TEST(CheckReport, PutsErrorsIntoJson) {
  const compiled made = compile("features:\n  User: { fields: { id: string } }");
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  const std::string json = to_json(make_check_report(made, "f.yaml"));
  ASSERT_EQ(parser.parse(json).get(root), simdjson::SUCCESS) << json;
  EXPECT_FALSE(bool(root["ok"]));
  EXPECT_EQ(std::string_view(root["diagnostics"].at(0)["severity"]), "error");
  EXPECT_EQ(int64_t(root["diagnostics"].at(0)["column"]), 25);
}

}  // namespace
}  // namespace windrow::schema
