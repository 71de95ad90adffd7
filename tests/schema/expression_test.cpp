#include "schema/expression/expression.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace windrow::schema {
namespace {

std::string canonical_of(std::string_view text) {
  const auto parsed = parse_expression(text);
  if (parsed.error) return "error: " + parsed.error->message;
  return canonical(*parsed.value);
}

expression_error error_of(std::string_view text) {
  const auto parsed = parse_expression(text);
  EXPECT_FALSE(parsed) << text;
  EXPECT_TRUE(parsed || parsed.value == nullptr);
  return parsed.error.value_or(expression_error{});
}

value_type list_of(value_kind kind) {
  return {value_kind::list, false, std::make_shared<const value_type>(plain(kind))};
}

std::optional<value_type> row_types(const std::vector<std::string>& path) {
  const std::pair<const char*, value_type> attributes[] = {
      {"i", plain(value_kind::integer)},     {"f", plain(value_kind::floating)},
      {"s", plain(value_kind::text)},        {"b", plain(value_kind::boolean)},
      {"t", plain(value_kind::datetime)},    {"ni", plain(value_kind::integer, true)},
      {"ns", plain(value_kind::text, true)}, {"nb", plain(value_kind::boolean, true)},
      {"li", list_of(value_kind::integer)},  {"ls", list_of(value_kind::text)},
      {"lt", list_of(value_kind::datetime)}, {"nf", plain(value_kind::floating, true)}};
  if (path.size() == 2 && path[0] == "message_headers") return plain(value_kind::text, true);
  if (path.size() != 1) return std::nullopt;
  for (const auto& [name, type] : attributes)
    if (path[0] == name) return type;
  return std::nullopt;
}

expression_result<value_type> type_of_text(std::string_view text) {
  const auto parsed = parse_expression(text);
  EXPECT_TRUE(static_cast<bool>(parsed)) << text << ": " << parsed.error->message;
  if (!parsed) return {};
  return type_of(*parsed.value, row_types);
}

TEST(Expression, BindsAsInTheGrammar) {
  const std::pair<const char*, const char*> cases[] = {
      {"_", "_"},
      {"_.amount", "_.amount"},
      {" _ . a . b ", "_.a.b"},
      {"_.a+_.b*2", "(_.a + (_.b * 2))"},
      {"_.a - _.b - _.c", "((_.a - _.b) - _.c)"},
      {"_.a / _.b % 3", "((_.a / _.b) % 3)"},
      {"(_.a + _.b) * 2", "((_.a + _.b) * 2)"},
      {"_.a > 1 & _.b == 2 | _.c != 3", "(((_.a > 1) & (_.b == 2)) | (_.c != 3))"},
      {"_.a > 1 | _.b == 2 & _.c != 3", "((_.a > 1) | ((_.b == 2) & (_.c != 3)))"},
      {"_.a + 1 >= _.b - 1", "((_.a + 1) >= (_.b - 1))"},
      {"_.a<-1", "(_.a < -1)"},
      {"_.x in [1,2]", "(_.x in [1, 2])"},
      {"_.x in _.list & true", "((_.x in _.list) & true)"},
      {"~(_.a <= 1)", "(~(_.a <= 1))"},
      {"~~_.a", "(~(~_.a))"},
      {"-_.a * -2", "((-_.a) * -2)"},
      {"2 - -1", "(2 - -1)"},
      {"2-1", "(2 - 1)"},
      {"_.a == null", "(_.a == null)"},
      {"[]", "[]"},
      {"[1, 'a', [null]]", "[1, \"a\", [null]]"},
      {"_.in == _.not", "(_.in == _.not)"},
      {"_.message_headers['h']", "_.message_headers[\"h\"]"},
      {"_.message_headers[\"x-y.z\"] == 'a'", "(_.message_headers[\"x-y.z\"] == \"a\")"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(canonical_of(text), expected) << text;
}

TEST(Expression, ReadsLiterals) {
  const std::pair<const char*, const char*> cases[] = {
      {"1", "1"},
      {"007", "7"},
      {"1.50", "1.5"},
      {"1.0", "1.0"},
      {"1e3", "1000.0"},
      {"1E-3", "0.001"},
      {"1e300", "1e+300"},
      {"-0.0", "-0.0"},
      {"-1", "-1"},
      {"-(1)", "-1"},
      {"--1", "1"},
      {"9223372036854775807", "9223372036854775807"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"--9223372036854775808", "(--9223372036854775808)"},
      {"true", "true"},
      {"false", "false"},
      {"null", "null"},
      {"'it is \"so\"'", "\"it is \\\"so\\\"\""},
      {"\"it's\"", "\"it's\""},
      {"'it\\'s'", "\"it's\""},
      {"'a\\n\\t\\\\b'", "\"a\\n\\u0009\\\\b\""},
      {"'\\u00e9\\u20ac\\ud83d\\ude00'", "\"\u00e9\u20ac\U0001f600\""},
      {"'\u00e9'", "\"\u00e9\""},
      {"''", "\"\""}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(canonical_of(text), expected) << text;
}

TEST(Expression, ReadsAggregations) {
  const std::pair<const char*, const char*> cases[] = {
      {"_.rel.count()", "_.rel.count()"},
      {"_.rel[].count()", "_.rel.count()"},
      {"_.rel[_.amount].sum()", "_.rel[_.amount].sum()"},
      {"_.rel[_.amount, _.ts > _.chalk_window].sum()",
       "_.rel[_.amount, (_.ts > _.chalk_window)].sum()"},
      {"_.rel[_.a].top(3, by=_.b, k=1+1)", "_.rel[_.a].top(3, by=_.b, k=(1 + 1))"},
      {"_.rel.agg(x=1)", "_.rel.agg(x=1)"},
      {"_.rel[_.x == 1].count() + 1", "(_.rel[(_.x == 1)].count() + 1)"}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(canonical_of(text), expected) << text;

  const auto parsed = parse_expression("_.rel[_.a, _.b > 1].agg(2, q=0.5)");
  ASSERT_TRUE(static_cast<bool>(parsed));
  ASSERT_EQ(parsed.value->op, expression_op::aggregate);
  EXPECT_EQ(parsed.value->call->relation, "rel");
  EXPECT_EQ(parsed.value->call->function, "agg");
  EXPECT_EQ(parsed.value->call->keys.size(), 2u);
  EXPECT_EQ(parsed.value->call->arguments.size(), 1u);
  ASSERT_EQ(parsed.value->call->named_arguments.size(), 1u);
  EXPECT_EQ(parsed.value->call->named_arguments[0].first, "q");
}

TEST(Expression, SaysWhereAndWhatIsWrong) {
  struct {
    const char* text;
    int line, column;
    const char* part;
  } const cases[] = {{"", 1, 1, "empty"},
                     {"  ", 1, 3, "empty"},
                     {"amount", 1, 1, "`_.amount`"},
                     {"_amount > 1", 1, 1, "`_.amount`"},
                     {"_.", 1, 3, "name is missing after `_.`"},
                     {"_.a.", 1, 5, "name is missing after `_.a.`"},
                     {"_.a > 1 and _.b > 2", 1, 9, "use `&`"},
                     {"_.a > 1 or _.b > 2", 1, 9, "use `|`"},
                     {"_.a > 1 && _.b > 2", 1, 9, "use `&`"},
                     {"_.a > 1 || _.b > 2", 1, 9, "use `|`"},
                     {"not _.a", 1, 1, "use `~`"},
                     {"!_.a", 1, 1, "use `~`"},
                     {"_.a not in [1]", 1, 5, "use `~`"},
                     {"_.a is null", 1, 5, "`==`"},
                     {"_.a = 1", 1, 5, "use `==`"},
                     {"_.a === 1", 1, 5, "use `==`"},
                     {"_.a <> 1", 1, 5, "use `!=`"},
                     {"_.a // 2", 1, 5, "use `/`"},
                     {"_.a == None", 1, 8, "`null`"},
                     {"_.a == True", 1, 8, "`true`"},
                     {"_.a +", 1, 6, "ends after `+`"},
                     {"_.a + * 2", 1, 7, "`*` stands where"},
                     {"_.a == == 2", 1, 8, "stands where"},
                     {"_.a _.b", 1, 5, "operator is missing before `_`"},
                     {"_.a 5", 1, 5, "operator is missing before `5`"},
                     {"(_.a", 1, 1, "`(` is never closed"},
                     {"(_.a + (1 * 2)", 1, 1, "`(` is never closed"},
                     {"_.x in [1, 2", 1, 8, "`[` is never closed"},
                     {"_.x in [1, ", 1, 8, "`[` is never closed"},
                     {"_.rel[_.a", 1, 6, "`[` is never closed"},
                     {"_.rel[_.a].sum(", 1, 15, "`(` is never closed"},
                     {"(_.a]", 1, 5, "`]` cannot close `(`"},
                     {"_.a)", 1, 4, "`)` closes nothing"},
                     {"_.a, _.b", 1, 4, "`,`"},
                     {"()", 1, 2, "nothing inside"},
                     {"[1,]", 1, 4, "stands where a value"},
                     {"1 < _.a < 3", 1, 9, "chained"},
                     {"_.a == 1 == true", 1, 10, "chained"},
                     {"_.rel[_.a]", 1, 11, "aggregation is missing"},
                     {"_.rel[_.a].sum", 1, 12, "`.sum()`"},
                     {"_.rel[_.a].", 1, 12, "name is missing"},
                     {"_.sum()", 1, 3, "relation"},
                     {"_.a.b.sum()", 1, 7, "relation"},
                     {"_.a.b[1].sum()", 1, 6, "one relation"},
                     {"_[1]", 1, 2, "`_.name`"},
                     {"_(1)", 1, 2, "called"},
                     {"_.rel.sum().x", 1, 12, "nothing can hang"},
                     {"_.rel.agg(a=1, a=2)", 1, 16, "twice"},
                     {"_.rel.agg(a=1, 2)", 1, 16, "before those"},
                     {"_.rel.agg(1 2)", 1, 13, "operator is missing"},
                     {"_.message_headers[h]", 1, 19, "`_.message_headers[\"name\"]`"},
                     {"_.message_headers['h'", 1, 18, "never closed"},
                     {"f(1)", 1, 1, "no function `f`"},
                     {"in [1]", 1, 1, "`in`"},
                     {"'abc", 1, 1, "never closed"},
                     {"'a\\x'", 1, 1, "escape"},
                     {"'\\u12'", 1, 1, "four hex"},
                     {"'\\ud800'", 1, 1, "not a character"},
                     {"'\xff'", 1, 1, "UTF-8"},
                     {"_.a \xff", 1, 5, "UTF-8"},
                     {"_.a $ 2", 1, 5, "`$` has no meaning"},
                     {"_.a > \u20ac", 1, 7, "`\u20ac` has no meaning"},
                     {"'\u00e9' $", 1, 5, "`$`"},
                     {"10m", 1, 1, "`10m`"},
                     {"1. + 2", 1, 1, "`1.0`"},
                     {".5", 1, 1, "0.5"},
                     {"9223372036854775808", 1, 1, "64 bits"},
                     {"-9223372036854775809", 1, 2, "64 bits"},
                     {"1e999", 1, 1, "float"},
                     {"_.a >\n  1 and\n _.b", 2, 5, "use `&`"},
                     {"~", 1, 2, "ends after `~`"},
                     {"_.a ~ _.b", 1, 5, "`~`"},
                     {"_.a['x']", 1, 9, "aggregation is missing"},
                     {"5[1]", 1, 2, "brackets"},
                     {"_.a * *", 1, 7, "`*`"}};
  for (const auto& c : cases) {
    const auto error = error_of(c.text);
    EXPECT_EQ(error.at.line, c.line) << c.text << ": " << error.message;
    EXPECT_EQ(error.at.column, c.column) << c.text << ": " << error.message;
    EXPECT_NE(error.message.find(c.part), std::string::npos) << c.text << ": " << error.message;
  }
}

TEST(Expression, AddsTheOriginToPositions) {
  const auto parsed = parse_expression("_.a >\n 1", {12, 20});
  ASSERT_TRUE(static_cast<bool>(parsed));
  EXPECT_EQ(parsed.value->at.line, 12);
  EXPECT_EQ(parsed.value->at.column, 24);
  EXPECT_EQ(parsed.value->operands[1]->at.line, 13);
  EXPECT_EQ(parsed.value->operands[1]->at.column, 2);
  EXPECT_EQ(parse_expression("_.a >", {12, 20}).error->at.column, 25);
}

TEST(Expression, LimitsItsDepth) {
  const auto repeat = [](std::string_view text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += text;
    return out;
  };
  for (const int times : {101, 1'000, 200'000}) {
    EXPECT_FALSE(parse_expression(repeat("(", times) + "1" + repeat(")", times)));
    EXPECT_FALSE(parse_expression(repeat("[", times) + "1" + repeat("]", times)));
    EXPECT_FALSE(parse_expression(repeat("~", times) + "_.a"));
    EXPECT_FALSE(parse_expression(repeat("-", times) + "_.a"));
    EXPECT_FALSE(parse_expression("_.a" + repeat(" + _.a", times)));
    EXPECT_FALSE(parse_expression(repeat("_.r[", times)));
    EXPECT_FALSE(parse_expression(repeat("(", times)));
  }
  for (const std::string& deep :
       {repeat("(", 100) + "1" + repeat(")", 100), repeat("~", 99) + "_.a",
        "_.a" + repeat(" + _.a", 99), repeat("[", 99) + "1" + repeat("]", 99)}) {
    const std::string once = canonical_of(deep);
    EXPECT_EQ(canonical_of(once), once);
    EXPECT_NE(once.substr(0, 5), "error") << once;
  }
}

TEST(Expression, TakesLongLists) {
  std::string text = "_.a in [0";
  for (int i = 1; i < 10'000; ++i) text += "," + std::to_string(i);
  EXPECT_TRUE(static_cast<bool>(parse_expression(text + "]")));
}

TEST(Expression, NamesTheAttributesItReads) {
  const auto names = [](std::string_view text) {
    return attributes_of(*parse_expression(text).value);
  };
  using list = std::vector<std::string>;
  EXPECT_EQ(names("1 + 2"), list{});
  EXPECT_EQ(names("_.b + _.a * _.b"), (list{"a", "b"}));
  EXPECT_EQ(names("_.x.y in [_.a, 1] & ~(_.message_headers['h'] == null)"),
            (list{"a", "message_headers.h", "x.y"}));
  EXPECT_EQ(names("_.rel[_.a].sum()"), (list{"rel"}));
}

TEST(ExpressionTypes, FollowTheRules) {
  const auto nullable = [](value_kind kind) { return plain(kind, true); };
  const std::pair<const char*, value_type> cases[] = {
      {"_.i", plain(value_kind::integer)},
      {"_.ni", nullable(value_kind::integer)},
      {"'a'", plain(value_kind::text)},
      {"1.5", plain(value_kind::floating)},
      {"_.i + 1", nullable(value_kind::integer)},
      {"_.i % 2", nullable(value_kind::integer)},
      {"_.i / 2", nullable(value_kind::floating)},
      {"_.i * 1.5", nullable(value_kind::floating)},
      {"_.f - _.f", nullable(value_kind::floating)},
      {"-_.f", plain(value_kind::floating)},
      {"-_.i", nullable(value_kind::integer)},
      {"_.s + 'x'", plain(value_kind::text)},
      {"_.ns + 'x'", nullable(value_kind::text)},
      {"_.ni > 1", plain(value_kind::boolean)},
      {"_.i == 1.5", plain(value_kind::boolean)},
      {"_.s < 'b'", plain(value_kind::boolean)},
      {"_.b == true", plain(value_kind::boolean)},
      {"_.nb == true & _.b", plain(value_kind::boolean)},
      {"~_.b", plain(value_kind::boolean)},
      {"_.t > '2024-01-01'", plain(value_kind::boolean)},
      {"'2024-01-01T00:00:00Z' <= _.t", plain(value_kind::boolean)},
      {"_.t == _.t", plain(value_kind::boolean)},
      {"_.ni == null", plain(value_kind::boolean)},
      {"null != _.li", plain(value_kind::boolean)},
      {"_.i in [1, 2.5]", plain(value_kind::boolean)},
      {"_.t in ['2024-01-01']", plain(value_kind::boolean)},
      {"'2024-01-01' in _.lt", plain(value_kind::boolean)},
      {"_.s in _.ls", plain(value_kind::boolean)},
      {"_.i in [_.ni, 3]", plain(value_kind::boolean)},
      {"[1, 2]", list_of(value_kind::integer)},
      {"[1, 2.0]", list_of(value_kind::floating)},
      {"_.message_headers['h']", nullable(value_kind::text)}};
  for (const auto& [text, expected] : cases) {
    const auto type = type_of_text(text);
    ASSERT_TRUE(static_cast<bool>(type)) << text << ": " << type.error->message;
    EXPECT_TRUE(type.value == expected) << text;
  }
  const auto with_null = type_of_text("[1, null]");
  ASSERT_TRUE(static_cast<bool>(with_null));
  EXPECT_TRUE(with_null.value.element->nullable);
}

TEST(ExpressionTypes, SayWhatDoesNotFit) {
  struct {
    const char* text;
    int column;
    const char* part;
  } const cases[] = {{"_.missing > 1", 1, "no attribute `_.missing`"},
                     {"_", 1, "whole row"},
                     {"null", 1, "null"},
                     {"_.s > 1", 5, "quotes"},
                     {"_.s == 1.5", 5, "a str cannot be compared with a float"},
                     {"_.b == 1", 5, "`true`"},
                     {"_.b < true", 5, "no order"},
                     {"_.t > 5", 5, "as a string"},
                     {"_.t > _.s", 5, "as a string"},
                     {"_.t > 'soon'", 5, "\"soon\" is not a time"},
                     {"_.i < null", 5, "== null"},
                     {"null == null", 6, "null"},
                     {"_.i & _.b", 5, "not an int: write a comparison, such as `_.i > 0`"},
                     {"_.b | 1", 5, "not an int"},
                     {"~_.i == 1", 1, "`~` needs"},
                     {"_.nb & _.b", 6, "(_.nb == true)"},
                     {"~_.nb", 1, "(_.nb == true)"},
                     {"_.s * 2", 5, "two numbers"},
                     {"_.s + 1", 5, "two numbers or two strings"},
                     {"_.t - _.t", 5, "two numbers"},
                     {"_.b + 1", 5, "a bool and an int"},
                     {"-_.s", 1, "a number"},
                     {"_.i in 5", 5, "list"},
                     {"_.i in []", 8, "empty"},
                     {"_.i in [1, 'a']", 12, "quotes"},
                     {"_.i in [1, null]", 12, "null"},
                     {"null in [1]", 1, "null"},
                     {"_.li in [1]", 6, "one value"},
                     {"_.s in _.li", 5, "quotes"},
                     {"_.li == [1]", 6, "list"},
                     {"[1, 'a']", 5, "one type"},
                     {"[]", 1, "at least one"},
                     {"[[1]]", 2, "hold lists"},
                     {"_.rel.count()", 1, "aggregation"}};
  for (const auto& c : cases) {
    const auto type = type_of_text(c.text);
    ASSERT_FALSE(static_cast<bool>(type)) << c.text;
    EXPECT_EQ(type.error->at.column, c.column) << c.text << ": " << type.error->message;
    EXPECT_NE(type.error->message.find(c.part), std::string::npos)
        << c.text << ": " << type.error->message;
  }
}

/// Writes random expressions of the grammar, sensible or not.
class writer {
public:
  explicit writer(std::uint64_t seed) : random_(seed) {}

  std::string write(int depth) {
    static const char* const leaves[] = {"_",
                                         "_.a",
                                         "_.b.c",
                                         "1",
                                         "-2",
                                         "2.5",
                                         "1e-7",
                                         "'x\\'y'",
                                         "\"\\u0001\"",
                                         "true",
                                         "null",
                                         "-0.0",
                                         "_.message_headers[ 'h' ]",
                                         "\"\u00e9\""};
    static const char* const operators[] = {"+", "-", "*", "/", "%", "&", "|"};
    static const char* const comparisons[] = {"==", "!=", "<", "<=", ">", ">=", " in "};
    if (depth == 0 || below(4) == 0) return leaves[below(std::size(leaves))];
    switch (below(7)) {
      case 0:
        return write(depth - 1) + operators[below(7)] + "(" + write(depth - 1) + ")";
      case 1:
        return "(" + write(depth - 1) + ")" + operators[below(7)] + " " + write(depth - 1);
      case 2:
        return "((" + write(depth - 1) + ")" + comparisons[below(7)] + "(" + write(depth - 1) +
               "))";
      case 3:
        return "[" + write(depth - 1) + " , " + write(depth - 1) + "]";
      case 4:
        return "-" + write(depth - 1);
      case 5:
        return "~(" + write(depth - 1) + ")";
      default:
        return "_.r[" + write(depth - 1) + "].f(" + write(depth - 1) + ", n = " + write(depth - 1) +
               ")";
    }
  }

private:
  std::size_t below(std::size_t n) { return random_() % n; }
  std::mt19937_64 random_;
};

TEST(Expression, CanonicalTextParsesToItself) {
  const std::uint64_t seed = 20240102;
  RecordProperty("seed", std::to_string(seed));
  writer random(seed);
  int parsed_count = 0;
  for (int i = 0; i < 5'000; ++i) {
    const std::string text = random.write(5);
    const auto parsed = parse_expression(text);
    if (!parsed) continue;  // two comparisons in a row, without brackets
    ++parsed_count;
    const std::string once = canonical(*parsed.value);
    ASSERT_EQ(canonical_of(once), once) << "seed " << seed << ": " << text;
  }
  EXPECT_GT(parsed_count, 2'500);
}

TEST(Expression, EveryPrefixAndMutationIsAnAnswer) {
  const std::uint64_t seed = 77;
  RecordProperty("seed", std::to_string(seed));
  std::mt19937_64 random(seed);
  for (const std::string text :
       {"_.rel[_.amount, (_.ts > _.chalk_window) & ~(_.kind in ['a', \"b\\u00e9\"])].sum(q=-0.5)",
        "_.message_headers[\"h\"] == 'x' | -_.a % 3 <= 1e-3 & _.b != null",
        "((_.a + 1) * [1, 2.5, 'x\\'', true, null])"}) {
    ASSERT_TRUE(static_cast<bool>(parse_expression(text))) << text;
    for (std::size_t length = 0; length < text.size(); ++length) {
      const std::string prefix = text.substr(0, length);
      const auto parsed = parse_expression(prefix);
      if (parsed)
        EXPECT_EQ(canonical_of(canonical(*parsed.value)), canonical(*parsed.value)) << prefix;
      else
        EXPECT_FALSE(parsed.error->message.empty()) << prefix;
    }
    for (int i = 0; i < 5'000; ++i) {
      std::string mutated = text;
      mutated[random() % mutated.size()] = static_cast<char>(random());
      if (random() % 2) mutated.erase(random() % mutated.size(), random() % 5);
      const auto parsed = parse_expression(mutated);
      if (!parsed) {
        EXPECT_FALSE(parsed.error->message.empty()) << "seed " << seed << ": " << mutated;
      } else {
        type_of(*parsed.value, row_types);
      }
    }
  }
}

TEST(Expression, EveryPrefixOfABracketedTextIsAnError) {
  const std::string text = "(_.rel[_.amount, _.a in ['x', -1.5]].sum(q=[0.5]) == 3)";
  for (std::size_t length = 0; length < text.size(); ++length)
    EXPECT_FALSE(parse_expression(text.substr(0, length))) << text.substr(0, length);
}

}  // namespace
}  // namespace windrow::schema
