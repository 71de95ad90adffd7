// The table of aggregations, and what binding one does with what stands in its parentheses, shown
// with an aggregation that no product file knows.
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "schema/aggregation/description.hpp"
#include "schema/check_report.hpp"
#include "schema/yaml/reader.hpp"
#include "tests/schema/declarations.hpp"

namespace windrow::schema::testing {
namespace {

constexpr auto planted_function = static_cast<aggregation>(200);
constexpr auto planted_kind = static_cast<partial_kind>(200);

/// `planted(by, n, q=0.5)`: takes bools and numbers, a second column, a whole constant that its
/// state depends on, and one that it does not.
const aggregation_description& planted() {
  static const aggregation_description d{
      .function = planted_function,
      .name = "planted",
      .aliases = {"seeded"},
      .arguments = {value_kind::boolean, value_kind::integer, value_kind::floating},
      .parameters = {{.name = "by",
                      .what = aggregation_parameter::form::column,
                      .kinds = {value_kind::datetime, value_kind::integer}},
                     {.name = "n",
                      .kinds = {value_kind::integer},
                      .check = [](const windrow::value& v) -> std::string_view {
                        return std::get<std::int64_t>(v) < 1 ? "must be 1 or more" : "";
                      }},
                     {.name = "q",
                      .kinds = {value_kind::floating},
                      .otherwise = windrow::value{0.5}}},
      .result = as_argument,
      .empty = windrow::value{null{}},
      .partials = [](const value_type& argument,
                     std::span<const windrow::value> constants) -> needed_partials {
        return {needed_partial{planted_kind, true, std::get<std::int64_t>(constants[0])},
                argument.nullable};
      },
      .refuse = refuse_all_but_numbers,
      .help = {"", "", ""}};
  return d;
}

struct planned_text {
  planned made;
  std::vector<std::string> errors;
};

planned_text plan_of(const std::string& feature_list) {
  const std::string text = R"(features:
  Order:
    fields: { id: str, user: str, cents: int, price: float | null, paid: bool, note: str, at: FeatureTime }
  User:
    max_staleness: infinity
    etl_offline_to_online: true
    fields:
      id: str
      orders: { has_many: Order, join: User.id == Order.user }
)" + feature_list + R"(sources:
  s: { file: s.ndjson }
streams:
  x:
    source: s
    message: { id: str, user: str, cents: int, price: float | null, paid: bool, note: str, at: datetime }
    output: { Order.id: _.id, Order.user: _.user, Order.cents: _.cents, Order.price: _.price, Order.paid: _.paid, Order.note: _.note, Order.at: _.at }
)";
  std::vector<const aggregation_description*> table(all_aggregations().begin(),
                                                    all_aggregations().end());
  table.push_back(&planted());
  diagnostics out("features.yaml");
  const declaration_file file = read_yaml(
      text, "/features.yaml", [](std::string_view) { return std::nullopt; }, out);
  planned_text answer;
  answer.made = make_plan(file, out, table);
  for (const diagnostic& d : out.sorted()) {
    if (d.severity == diagnostic::level::error) answer.errors.push_back(d.message);
  }
  return answer;
}

std::string feature(const std::string& name, const std::string& call,
                    const std::string& buckets = "true") {
  return "      " + name + ": { windowed: [1h], expression: '_.orders" + call +
         "', materialization: " + buckets + " }\n";
}

std::string error_of(const std::string& call, const std::string& buckets = "true") {
  const planned_text got = plan_of(feature("f", call, buckets));
  EXPECT_EQ(got.errors.size(), 1u) << call;
  return got.errors.empty() ? "no error" : got.errors[0];
}

TEST(Aggregation, BindsASecondColumnAndConstantsByPositionAndByName) {
  const planned_text got =
      plan_of(feature("a", "[_.cents].planted(_.at, 3)") +
              feature("b", "[_.cents].seeded(n=3, by=_.at, q=0.5)") +   // the same
              feature("c", "[_.cents].planted(_.at, 4)") +              // another state
              feature("d", "[_.cents].planted(_.at, 3, 0.9)") +         // the same state
              feature("e", "[_.cents].planted(_.cents * 2, 3)") +       // another series
              feature("f", "[_.price].planted(_.at, 3)") +              // may be null
              feature("g", "[_.paid, _.cents > 2].planted(_.at, 3)"));  // a bare bool
  ASSERT_EQ(got.errors, std::vector<std::string>());
  const plan& p = *got.made.result;
  ASSERT_EQ(p.rules.size(), 6u);
  ASSERT_EQ(p.all_series.size(), 4u);
  std::set<std::uint64_t> rule_ids, series_ids;
  for (const rule& r : p.rules) rule_ids.insert(r.id);
  for (const series& s : p.all_series) series_ids.insert(s.id);
  EXPECT_EQ(rule_ids.size(), 6u);
  EXPECT_EQ(series_ids.size(), 4u);
  EXPECT_EQ(p.rules[0].window_values.size(), 2u);
  EXPECT_EQ(p.rules[0].parameters, (std::vector<windrow::value>{std::int64_t{3}, 0.5}));
  EXPECT_EQ(p.rules[2].parameters, (std::vector<windrow::value>{std::int64_t{3}, 0.9}));
  EXPECT_EQ(p.rules[0].value_partial, p.rules[2].value_partial);
  EXPECT_NE(p.rules[0].value_partial, p.rules[1].value_partial);
  EXPECT_EQ(p.all_series[0].second_argument, "_.at");
  EXPECT_NE(describe_series(p, 0).find("Order.cents with at by "), std::string::npos)
      << describe_series(p, 0);
  EXPECT_NE(describe_function(p.rules[2]).find("(3, 0.9)"), std::string::npos);
  EXPECT_EQ(p.all_series[3].argument, "_.paid");
  EXPECT_EQ(p.windowed_features[6].type.kind, value_kind::boolean);

  const tiling& t = p.tilings[static_cast<std::size_t>(p.rules[0].tiling)];
  EXPECT_EQ(t.arguments, (std::vector<std::string>{"(_.cents * 2)", "_.at", "_.cents", "_.price"}));
  const partial& first = t.partials[static_cast<std::size_t>(p.rules[0].value_partial)];
  EXPECT_EQ(first.kind, planted_kind);
  EXPECT_EQ(first.argument, 2);
  EXPECT_EQ(first.second_argument, 1);
  EXPECT_EQ(first.parameter, 3);
  const partial& by_price = t.partials[static_cast<std::size_t>(p.rules[4].value_partial)];
  EXPECT_EQ(by_price.argument, 3);
  EXPECT_NE(p.rules[4].non_null_partial, none);
  EXPECT_EQ(p.rules[0].non_null_partial, none);
  // Every argument travels with the rows.
  for (const route& r : p.routes) {
    for (const auto& update : r.tilings) {
      EXPECT_EQ(update.arguments.size(),
                p.tilings[static_cast<std::size_t>(update.tiling)].arguments.size());
    }
  }
}

TEST(Aggregation, SaysWhatIsWrongInTheParentheses) {
  const auto says = [](const std::string& call, const std::string& what) {
    EXPECT_NE(error_of(call).find(what), std::string::npos) << error_of(call);
  };
  says("[_.cents].planted(_.at)", "`planted` needs `n`; it takes `by` (an expression over `_`)");
  says("[_.cents].planted(n=3)", "needs `by`");
  says("[_.cents].planted(_.at, 0)", "`n` of `planted` must be 1 or more");
  says("[_.cents].planted(_.at, 3.5)", "`n` of `planted` is of another type");
  says("[_.cents].planted(_.at, _.cents)", "`n` of `planted` is no literal");
  says("[_.cents].planted(_.note, 3)", "`by` of `planted` is `str`");
  says("[_.cents].planted(_.nothing, 3)", "no field `nothing`");
  says("[_.cents].planted(_.at, 3, 0.5, 1)", "takes `by`");
  says("[_.cents].planted(_.at, 3, by=_.cents)", "`by` of `planted` is given twice");
  says("[_.cents].planted(_.at, 3, k=1)", "`planted` has no parameter `k`");
  says("[_.cents].sum(3)", "`sum` takes no arguments");
  says("[_.cents].plante(_.at, 3)", "did you mean `planted`?");
  says(".planted(_.at, 3)", "needs to know of what; write such as `_.orders[_.cents].planted()`");
  says("[_.paid].sum()", "is a bool; to filter by it write");
  says("[_.cents, _.paid].planted(_.at, 3)", "only one field can be aggregated");
  const std::string with_default = error_of("[_.paid].planted(_.at, 3)", "true, default: 1");
  EXPECT_NE(with_default.find("the default of `f` must be `bool"), std::string::npos)
      << with_default;
}

TEST(Aggregation, DescribesItselfCompletely) {
  std::set<std::string_view> names;
  for (const aggregation_description* d : all_aggregations()) {
    SCOPED_TRACE(d->name);
    EXPECT_EQ(d->name, to_string(d->function));
    EXPECT_EQ(&describe(d->function), d);
    EXPECT_TRUE(names.insert(d->name).second);
    for (const std::string_view alias : d->aliases) EXPECT_TRUE(names.insert(alias).second);
    EXPECT_FALSE(d->help.argument.empty() || d->help.result.empty() || d->help.empty.empty());
    EXPECT_EQ(d->needs_argument(), d->refuse != nullptr);
    for (const auto kind : {value_kind::boolean, value_kind::integer, value_kind::floating}) {
      if (!d->arguments.has(kind)) continue;
      EXPECT_EQ(d->result_type({kind, true, nullptr}).nullable, d->empty.is_null());
      EXPECT_TRUE(d->partials({kind, true, nullptr}, {}).value);
    }
  }
}

TEST(Aggregation, IsInTheTableOfTheDocumentation) {
  std::ifstream in(std::string(WINDROW_SOURCE_DIR) + "/docs/declarations.md");
  std::stringstream page;
  page << in.rdbuf();
  std::string table = "| aggregation | argument | result | over no rows |\n|---|---|---|---|\n";
  for (const aggregation_description* d : all_aggregations()) {
    table += "| `" + std::string(d->name) + "()`";
    for (const std::string_view alias : d->aliases) table += ", `" + std::string(alias) + "()`";
    table += " | " + std::string(d->help.argument) + " | " + std::string(d->help.result) + " | " +
             std::string(d->help.empty) + " |\n";
  }
  EXPECT_NE(page.str().find("\n" + table + "\n"), std::string::npos)
      << "docs/declarations.md must contain\n"
      << table;
}

}  // namespace
}  // namespace windrow::schema::testing
