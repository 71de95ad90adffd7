#include "schema/plan/plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "schema/expression/program.hpp"
#include "tests/schema/declarations.hpp"
#include "windrow/time.hpp"

namespace windrow::schema {
namespace {

using testing::all_of;
using testing::compile;
using testing::replaced;
using testing::running_example;

constexpr std::int64_t minute = 60'000'000;
constexpr std::int64_t hour = 60 * minute;
constexpr std::int64_t day = 24 * hour;

plan_ptr plan_of(const std::string& text) {
  const compiled made = compile(text);
  EXPECT_TRUE(made.ok()) << all_of(made);
  return made.plan;
}

/// Orders by user and by country; `features` are fields of User, `streams` the streams.
plan_ptr orders(const std::string& features, const std::string& output) {
  return plan_of(R"(features:
  Order:
    fields: { id: int, user: str, country: str | null, cents: int, price: float | null, paid: bool, at: FeatureTime }
  User:
    max_staleness: 1d
    etl_offline_to_online: true
    fields:
      id: str
      country: str
      orders: { has_many: Order, join: User.id == Order.user }
      near: { has_many: Order, join: User.country == Order.country }
      both: { has_many: Order, join: User.country == Order.country & User.id == Order.user }
)" + features + R"(
sources: { a: { file: a.ndjson } }
streams:
  s:
    source: a
    message: { id: int, who: str, where: str | null, n: int, paid: bool | null, t: datetime }
    output: )" + output +
                 "\n");
}

const std::string all_outputs =
    "{ Order.id: _.id, Order.user: _.who, Order.country: _.where, Order.cents: _.n, "
    "Order.price: _.n, Order.paid: _.paid }";

std::string feature(const std::string& name, const std::string& expression,
                    const std::string& rest = "") {
  return "      " + name + ": { windowed: [1h], materialization: true, expression: \"" +
         expression + "\"" + rest + " }\n";
}

TEST(Plan, SharesOneSeriesInTheRunningExample) {
  const plan_ptr p = plan_of(running_example);
  ASSERT_EQ(p->all_series.size(), 1u);
  const series& s = p->all_series[0];
  EXPECT_EQ(s.child_class, "Transaction");
  EXPECT_EQ(s.join_key, std::vector<std::string>{"user_id"});
  EXPECT_EQ(s.argument, "_.amount");
  EXPECT_EQ(s.filter, "");
  // Joined on the primary key: groups live in the entity's record.
  EXPECT_EQ(p->key_spaces[s.key_space].name, "User");
  ASSERT_EQ(p->watermark_groups.size(), 1u);
  EXPECT_EQ(p->watermark_groups[0].child_class, "Transaction");
}

TEST(Plan, KeepsOneRuleForEachBucketAndAggregation) {
  const plan_ptr p = plan_of(running_example);
  struct expected {
    aggregation function;
    std::int64_t bucket, retention;
    std::vector<std::string> windows;
  };
  const std::vector<expected> rules{
      {aggregation::mean, 10 * minute, 20 * minute, {"user.mean_transaction_amount__600__"}},
      {aggregation::mean, hour, 2 * hour, {"user.mean_transaction_amount__3600__"}},
      {aggregation::mean, 30 * day, 60 * day, {"user.mean_transaction_amount__2592000__"}},
      {aggregation::sum,
       minute,
       hour + minute,
       {"user.sum_transaction_amount__600__", "user.sum_transaction_amount__3600__"}},
      {aggregation::sum, hour, 30 * day + hour, {"user.sum_transaction_amount__2592000__"}}};
  ASSERT_EQ(p->rules.size(), rules.size());
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const rule& r = p->rules[i];
    EXPECT_EQ(r.function, rules[i].function) << i;
    EXPECT_EQ(p->tilings[r.tiling].duration, rules[i].bucket) << i;
    EXPECT_EQ(r.retention, rules[i].retention) << i;
    std::vector<std::string> windows;
    for (const int v : r.window_values) windows.push_back(p->window_values[v].fqn);
    EXPECT_EQ(windows, rules[i].windows) << i;
  }
}

TEST(Plan, SharesATileBetweenMeanAndSum) {
  // Mean and sum with one-hour buckets share a tile of one sum: `mean` costs nothing.
  const plan_ptr p = plan_of(running_example);
  ASSERT_EQ(p->tilings.size(), 4u);
  const auto hourly = std::find_if(p->tilings.begin(), p->tilings.end(),
                                   [](const tiling& t) { return t.duration == hour; });
  EXPECT_EQ(hourly->retention, 30 * day + hour);
  ASSERT_EQ(hourly->partials.size(), 1u);
  EXPECT_EQ(hourly->partials[0].kind, partial_kind::sum_float);
  EXPECT_EQ(p->rules[1].tiling, p->rules[4].tiling);
  EXPECT_EQ(p->rules[1].value_partial, p->rules[4].value_partial);
  EXPECT_EQ(p->rules[1].non_null_partial, none);  // an amount is never null: the row count serves
}

TEST(Plan, OrdersTilingsFromTheLongestBucket) {
  const plan_ptr p = plan_of(running_example);
  for (const key_space& space : p->key_spaces) {
    for (std::size_t i = 1; i < space.tilings.size(); ++i) {
      EXPECT_GE(p->tilings[space.tilings[i - 1]].duration, p->tilings[space.tilings[i]].duration);
    }
  }
}

TEST(Plan, StoresOnlyWhatIsDeclaredToBeKept) {
  const compiled made = compile(running_example);
  ASSERT_TRUE(made.ok());
  ASSERT_EQ(made.plan->scalars.size(), 1u);
  EXPECT_EQ(made.plan->scalars[0].fqn, "user.name");
  EXPECT_EQ(made.plan->scalars[0].max_staleness, duration_all);
  std::string idle;
  for (const auto& n : made.idle_outputs) idle += n.feature + " " + n.reason + "\n";
  EXPECT_NE(idle.find("Transaction.amount not stored, because max_staleness is 0 (the default)"),
            std::string::npos)
      << idle;
  EXPECT_EQ(idle.find("User."), std::string::npos) << idle;
}

TEST(Plan, RoutesEachStreamToTheKeySpacesItReaches) {
  const plan_ptr p = plan_of(running_example);
  ASSERT_EQ(p->streams.size(), 2u);
  const stream& transactions = p->streams[0];
  ASSERT_EQ(transactions.name, "transaction_stream");
  ASSERT_EQ(transactions.routes.size(), 1u);
  const route& r = p->routes[transactions.routes[0]];
  EXPECT_EQ(p->key_spaces[r.key_space].name, "User");
  ASSERT_EQ(r.key.size(), 1u);
  EXPECT_EQ(transactions.message[transactions.resolve->passthrough(r.key[0])].name, "user_id");
  ASSERT_EQ(r.columns.size(), 1u);
  EXPECT_EQ(transactions.message[transactions.resolve->passthrough(r.columns[0])].name, "amount");
  EXPECT_EQ(r.tilings.size(), 4u);
  for (const auto& update : r.tilings) {
    EXPECT_EQ(update.filter, none);
    EXPECT_EQ(update.arguments, std::vector<int>{0});
  }
  EXPECT_TRUE(r.scalars.empty());
  EXPECT_EQ(transactions.time_output, none);

  const route& users = p->routes[p->streams[1].routes.at(0)];
  EXPECT_EQ(users.scalars.size(), 1u);
  EXPECT_TRUE(users.tilings.empty());
}

TEST(Plan, MergesRoutesWithOneKeyAndSeparatesOthers) {
  const plan_ptr same = orders(feature("a", "_.orders[_.cents].sum()"),
                               "{ Order.user: _.who, Order.cents: _.n, User.id: _.who, "
                               "User.country: _.who }");
  ASSERT_EQ(same->streams[0].routes.size(), 1u);
  EXPECT_EQ(same->routes[0].scalars.size(), 1u);
  EXPECT_EQ(same->routes[0].tilings.size(), 1u);
  const plan_ptr other = orders(feature("a", "_.orders[_.cents].sum()"),
                                "{ Order.user: _.who, Order.cents: _.n, User.id: _.where, "
                                "User.country: _.who }");
  EXPECT_EQ(other->streams[0].routes.size(), 2u);
}

TEST(Plan, FeedsGroupsOfSeveralKeysFromOneMessage) {
  const plan_ptr p = orders(feature("a", "_.orders.count()") + feature("b", "_.near.count()") +
                                feature("c", "_.both.count()"),
                            all_outputs);
  ASSERT_EQ(p->streams[0].routes.size(), 3u);
  EXPECT_EQ(p->key_spaces[p->all_series[1].key_space].name, "Order by country");
  const key_space& both = p->key_spaces[p->all_series[2].key_space];
  EXPECT_EQ(both.name, "Order by (country, user)");
  EXPECT_EQ(both.part_names, (std::vector<std::string>{"country", "user"}));
  EXPECT_EQ(both.parts[0], (value_type{value_kind::text, false, nullptr}));
  EXPECT_EQ(both.placement_parts, std::vector<int>{1});  // sits with its user
  EXPECT_EQ(both.placed_by, p->classes[1].key_space);
  EXPECT_EQ(p->key_spaces[p->all_series[1].key_space].placed_by, none);
  const windowed_feature& feature = p->windowed_features[2];
  EXPECT_EQ(feature.local_key.size(), 2u);
  EXPECT_EQ(p->scalars[static_cast<std::size_t>(feature.local_key[0])].fqn, "user.country");
  EXPECT_EQ(feature.local_key[1], none);  // the primary key
  EXPECT_EQ(local_field(*p, feature, 0), "country");
  EXPECT_EQ(local_field(*p, feature, 1), "id");
}

TEST(Plan, PutsFiltersOfOneMeaningIntoOneSeries) {
  const plan_ptr p =
      orders(feature("a", "_.orders[_.cents > 5, _.paid == true].count()") +
                 feature("b", "_.orders[(_.paid == true) & (_.cents > 5)].count()") +
                 feature("c",
                         "_.orders[_.paid == true, _.at > _.chalk_window, _.cents > 5, "
                         "_.chalk_now >= _.at].count()") +
                 feature("d", "_.orders[_.id, _.paid == true, _.cents > 5].count()"),
             all_outputs);
  EXPECT_EQ(p->all_series.size(), 1u);
  EXPECT_EQ(p->rules.size(), 1u);
  EXPECT_EQ(p->all_series[0].argument, "");
}

TEST(Plan, KnowsTheTypeOfEachAggregation) {
  const plan_ptr p =
      orders(feature("a", "_.orders[_.cents].sum()") + feature("b", "_.orders[_.price].sum()") +
                 feature("c", "_.orders.count()") + feature("d", "_.orders[_.cents].min()") +
                 feature("e", "_.orders[_.cents].mean()") +
                 feature("f", "_.orders[_.cents].stddev_sample()") +
                 feature("g", "_.orders[_.country].approx_count_distinct()") +
                 feature("h", "_.orders[_.price].max()", ", default: 0") +
                 feature("i", "_.orders[_.cents].var_sample()") +
                 feature("j", "_.orders[_.paid, _.cents > 5].any()"),
             all_outputs);
  std::string types;
  for (const auto& f : p->windowed_features) types += to_string(f.type) + "; ";
  EXPECT_EQ(types,
            "int; float; int; int | null; float | null; float | null; int; float; float | null; "
            "bool; ");
  EXPECT_EQ(p->windowed_features[7].default_value, windrow::value(0.0));
  EXPECT_EQ(p->windowed_features[5].function, aggregation::std);
  EXPECT_EQ(p->windowed_features[8].function, aggregation::var);
}

TEST(Plan, CountsNonNullArgumentsOnlyWhereTheyMayBeNull) {
  const plan_ptr p = orders(
      feature("a", "_.orders[_.cents].sum()") + feature("b", "_.orders[_.price].mean()") +
          feature("c", "_.orders[_.price].max()") + feature("d", "_.orders[_.cents * 2].sum()"),
      all_outputs);
  ASSERT_EQ(p->tilings.size(), 1u);
  const tiling& t = p->tilings[0];
  EXPECT_EQ(t.arguments, (std::vector<std::string>{"(_.cents * 2)", "_.cents", "_.price"}));
  std::vector<std::pair<partial_kind, int>> partials;
  for (const partial& x : t.partials) partials.emplace_back(x.kind, x.argument);
  using k = partial_kind;
  // Integer arithmetic may overflow to null.
  EXPECT_EQ(partials, (std::vector<std::pair<k, int>>{{k::non_null, 0},
                                                      {k::sum_int, 0},
                                                      {k::sum_int, 1},
                                                      {k::non_null, 2},
                                                      {k::sum_float, 2},
                                                      {k::max_float, 2}}));
  EXPECT_EQ(p->rules[1].non_null_partial, p->rules[2].non_null_partial);
  EXPECT_EQ(p->rules[0].non_null_partial, none);
}

TEST(Plan, RequiresWhatAFeatureCannotBeWithout) {
  const plan_ptr p = orders(feature("a", "_.orders.count()"), all_outputs);
  std::vector<std::string> required;
  for (const auto& r : p->streams[0].required) required.push_back(r.feature);
  // `country` may be null, `price` is given by a plain int; `paid` may be null and must not be.
  EXPECT_EQ(required, std::vector<std::string>{"Order.paid"});
}

TEST(Plan, TakesTheEventTimeFromTheFeatureTime) {
  const plan_ptr p =
      orders(feature("a", "_.orders.count()"), "{ Order.user: _.who, Order.at: _.t }");
  const stream& s = p->streams[0];
  ASSERT_NE(s.time_output, none);
  EXPECT_EQ(s.message[s.resolve->passthrough(s.time_output)].name, "t");
}

TEST(Plan, ComputesFiltersAndArgumentsOverTheMessage) {
  const plan_ptr p = orders(feature("a", "_.orders[_.price * 2, _.cents > 5].sum()"),
                            "{ Order.user: _.who, Order.cents: _.n + 1, Order.price: _.n }");
  const stream& s = p->streams[0];
  const route& r = p->routes[s.routes[0]];
  ASSERT_EQ(r.tilings.size(), 1u);
  column id, who, where, n, paid, t;
  n.ints = {4, 5};
  const std::vector<column*> all{&id, &who, &where, &n, &paid, &t};
  std::vector<const column*> inputs;
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i]->type = s.message[i].type;
    inputs.push_back(all[i]);
  }
  id.ints = {1, 2};
  who.texts = {"a", "b"};
  where.texts = {"x", "y"};
  paid.bools = {0, 0};
  t.ints = {0, 0};
  program::scratch scratch;
  const column& filter = s.resolve->run(r.columns[r.tilings[0].filter], inputs, 2, scratch);
  EXPECT_EQ(filter.bools, (std::vector<std::uint8_t>{0, 1}));  // n + 1 > 5
  const column& argument = s.resolve->run(r.columns[r.tilings[0].arguments[0]], inputs, 2, scratch);
  EXPECT_EQ(argument.floats, (std::vector<double>{8.0, 10.0}));
}

TEST(Plan, NamesTheEnvelopeColumnsAStreamReads) {
  const plan_ptr p = orders("",
                            "{ User.id: _.message_key, User.country: "
                            "'_.message_headers[\"c\"]' }");
  EXPECT_EQ(p->streams[0].envelope, (std::vector<std::string>{"message_headers.c", "message_key"}));
  EXPECT_EQ(p->streams[0].required.size(), 2u);
}

TEST(Plan, RunsParseWithTheOutputs) {
  const compiled made = compile(R"(features: { User: { fields: { id: str } } }
sources: { a: { file: a } }
streams: { s: { source: a, message: { id: str, kind: str | null }, parse: _.kind,
                output: { User.id: _.id } } }
)");
  ASSERT_TRUE(made.ok()) << all_of(made);
  const stream& s = made.plan->streams[0];
  ASSERT_NE(s.parse_output, none);
  EXPECT_EQ(s.message[s.resolve->passthrough(s.parse_output)].name, "kind");
  EXPECT_TRUE(s.routes.empty());
}

TEST(Plan, NotesWhatIsIdle) {
  const compiled made = compile(running_example);
  std::vector<std::string> notes;
  for (const diagnostic& d : made.diagnostics) notes.push_back(d.format());
  ASSERT_EQ(notes.size(), 2u) << all_of(made);
  EXPECT_NE(notes[0].find(":10:84: note: `max_staleness` on the has_many `transactions` is unused"),
            std::string::npos);
  EXPECT_NE(notes[1].find(":15:18: note: the default of `sum_transaction_amount` is idle"),
            std::string::npos);
}

TEST(Plan, TakesADeclaredRetention) {
  const plan_ptr p = orders(
      "      a: { windowed: [1h], expression: \"_.orders.count()\", "
      "materialization: { bucket_duration: 1m, retention: 7d } }\n",
      all_outputs);
  EXPECT_EQ(p->rules[0].retention, 7 * day);
  EXPECT_EQ(p->tilings[0].retention, 7 * day);
}

TEST(Plan, PutsTheIdOfADeduplicationIntoTheProgram) {
  const auto stream_with = [](const std::string& settings) {
    const compiled made = compile(
        "features: { User: { fields: { id: str } } }\n"
        "sources: { s: { file: x } }\n"
        "streams: { t: { source: s, message: { a: str, n: int }, "
        "output: { User.id: _.a }" +
        settings + " } }\n");
    EXPECT_TRUE(made.ok()) << all_of(made);
    return made.plan->streams[0];
  };
  EXPECT_EQ(stream_with("").deduplication.output, none);
  const stream s = stream_with(", deduplication: { on: _.n + 1, within: 90m }");
  EXPECT_EQ(s.deduplication.within, 90LL * 60 * 1'000'000);
  ASSERT_NE(s.deduplication.output, none);
  EXPECT_EQ(s.resolve->output_type(static_cast<std::size_t>(s.deduplication.output)).kind,
            value_kind::integer);
}

TEST(Plan, MarksTheAllWindow) {
  const plan_ptr p = orders(
      "      a: { windowed: [all, 1h], expression: \"_.orders.count()\", "
      "materialization: { bucket_duration: 1h } }\n",
      all_outputs);
  ASSERT_EQ(p->window_values.size(), 2u);
  EXPECT_EQ(p->window_values[0].fqn, "user.a__3600__");
  EXPECT_EQ(p->window_values[1].fqn, "user.a__all__");
  EXPECT_TRUE(p->window_values[1].all);
}

}  // namespace
}  // namespace windrow::schema
