#include <gtest/gtest.h>

#include "tools/report_explain.hpp"
#include "tools/report_query.hpp"
#include "windrow/time.hpp"

namespace windrow::tools {
namespace {

timestamp at(const char* text) { return parse_time(text).value(); }

feature_answer name_is(windrow::value value, std::optional<timestamp> when) {
  feature_answer name;
  name.feature = "user.name";
  name.value = std::move(value);
  name.at = when;
  return name;
}

feature_answer sum_is(windrow::value value, std::uint64_t events) {
  return {.feature = "user.sum_transaction_amount__3600__",
          .value = std::move(value),
          .at = {},
          .age = {},
          .from = at("2026-03-01T11:30:00Z"),
          .to = at("2026-03-01T12:31:00Z"),
          .events = events};
}

feature_answer expired(const char* feature) {
  feature_answer answer;
  answer.feature = feature;
  answer.value = failure{errc::expired, "reaches beyond 31 days"};
  return answer;
}

query_answer two_users() {
  return {.now = at("2026-03-01T12:30:00Z"),
          .catalog_version = 1,
          .rows = {{.entity = "User",
                    .key = std::string("u1"),
                    .position = {{"transactions", 1103}},
                    .features = {name_is(std::string("Ann"), at("2026-03-01T09:00:00Z")),
                                 sum_is(12.5, 3), expired("user.n__2592000__")}},
                   {.entity = "User",
                    .key = std::string("u4"),
                    .position = {},
                    .features = {name_is(null{}, std::nullopt), sum_is(0.0, 0),
                                 expired("user.n__2592000__")}}}};
}

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

explanation atlanta() {
  const feature_answer delay{.feature = "airport.delay__7200__",
                             .value = windrow::value(7.0),
                             .at = {},
                             .age = {},
                             .from = at("2026-03-01T10:00:00Z"),
                             .to = at("2026-03-01T13:00:00Z"),
                             .events = 4};
  const auto bucket = [](const char* start, const char* end, std::uint64_t events, double value) {
    return explanation::bucket{at(start), at(end), events, windrow::value(value)};
  };
  return {.row = {.entity = "Airport",
                  .key = std::string("ATL"),
                  .position = {},
                  .features = {delay}},
          .buckets = {bucket("2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z", 1, 12.0),
                      bucket("2026-03-01T11:00:00Z", "2026-03-01T12:00:00Z", 2, -3.0),
                      bucket("2026-03-01T12:00:00Z", "2026-03-01T13:00:00Z", 1, 22.0)}};
}

explain_context context() {
  return {.now = at("2026-03-01T12:30:00Z"),
          .aggregation = "mean of _.delay",
          .bucket_duration = 3'600'000'000};
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
