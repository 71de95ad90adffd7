#include <gtest/gtest.h>

#include "tests/server/answers.hpp"
#include "tools/report_explain.hpp"
#include "tools/report_query.hpp"

namespace windrow::tools {
namespace {

using test::atlanta;
using test::context;
using test::two_users;

TEST(QueryTable, HasAColumnAFeature) {
  EXPECT_EQ(query_table(two_users(), {}),
            "                  sum_transaction_amount   n\n"
            " entity    name                       1h   30d\n"
            "───────────────────────────────────────────────────\n"
            " User u1   Ann                      12.5   expired\n"
            " User u4   –                         0.0   expired\n"
            " 1h: 2026-03-01T11:30:00Z to 2026-03-01T12:31:00Z\n"
            " User u1, user.n__2592000__: reaches beyond 31 days\n"
            " User u4, user.n__2592000__: reaches beyond 31 days\n");
}

TEST(QueryTable, HasALineAValueWhereTheTerminalIsNarrow) {
  query_answer answer = two_users();
  answer.rows[1].features.pop_back();
  EXPECT_EQ(query_table(answer, {.width = 49}),
            " entity    feature     window     value   events\n"
            "─────────────────────────────────────────────────\n"
            " User u1   name                     Ann\n"
            " User u1   sum_tran…   1h          12.5        3\n"
            " User u1   n           30d      expired\n"
            "─────────────────────────────────────────────────\n"
            " User u4   name                       –\n"
            " User u4   sum_tran…   1h           0.0        0\n"
            " 1h: 2026-03-01T11:30:00Z to 2026-03-01T12:31:00Z\n"
            " User u1, user.n__2592000__: reaches beyond 31 days\n");
}

TEST(FeatureLabel, SplitsNameAndWindow) {
  using label = std::pair<std::string, std::string>;
  EXPECT_EQ(feature_label("user.sum__5400__"), label("sum", "1h30m"));
  EXPECT_EQ(feature_label("user.sum__all__"), label("sum", "all"));
  EXPECT_EQ(feature_label("user.name"), label("name", ""));
  EXPECT_EQ(feature_label("user.odd__x__"), label("odd__x__", ""));
  EXPECT_EQ(feature_label("user.__60__"), label("__60__", ""));
}

TEST(ExplainTable, ShowsBucketsWithBarsAndTheInterval) {
  EXPECT_EQ(explain_table(atlanta(), context(), {}),
            "Airport ATL, delay[2h] = 7.0\n"
            " bucket                 events   value\n"
            "──────────────────────────────────────────────────────────────────\n"
            " 2026-03-01T10:00:00Z        1    12.0   █████████████▏\n"
            " 2026-03-01T11:00:00Z        2    -3.0   ░░░\n"
            " 2026-03-01T12:00:00Z        1    22.0   ████████████████████████\n"
            " mean of _.delay, in buckets of 1h\n"
            " covers 2026-03-01T10:00:00Z to 2026-03-01T13:00:00Z, 4 events, as of "
            "2026-03-01T12:30:00Z\n");
}

TEST(ExplainTable, LeavesOutTheOldestBeyondItsLimit) {
  explain_context newest = context();
  newest.buckets_max = 1;
  const std::string text = explain_table(atlanta(), newest, {});
  EXPECT_EQ(text.find("11:00:00Z    "), std::string::npos) << text;
  EXPECT_NE(text.find("2026-03-01T12:00:00Z        1    22.0"), std::string::npos) << text;
  EXPECT_NE(text.find("and 2 earlier"), std::string::npos) << text;
}

TEST(ExplainTable, SaysWhyThereIsNoValue) {
  explanation what = atlanta();
  what.row.features[0].value = failure{errc::expired, "reaches beyond\nwhat is kept"};
  EXPECT_EQ(explain_table(what, context(), {}),
            "Airport ATL, delay[2h]: reaches beyond\\nwhat is kept\n");
}

}  // namespace
}  // namespace windrow::tools
