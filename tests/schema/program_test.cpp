#include "schema/expression/program.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "windrow/time.hpp"

namespace windrow::schema {
namespace {

using int64 = std::int64_t;
constexpr int64 int_min = std::numeric_limits<int64>::min();
constexpr int64 int_max = std::numeric_limits<int64>::max();

value_type list_of(value_kind kind, bool nullable = false) {
  return {value_kind::list, nullable, std::make_shared<const value_type>(plain(kind, true))};
}

/// A table of rows as values, and the same as columns.
class table {
public:
  explicit table(std::vector<program::input> inputs) : inputs_(std::move(inputs)) {}

  void add(std::vector<windrow::value> row) { rows_.push_back(std::move(row)); }
  const std::vector<program::input>& inputs() const { return inputs_; }
  const std::vector<std::vector<windrow::value>>& rows() const { return rows_; }

  /// Views point into the rows; the items of null rows are rubbish on purpose.
  std::vector<column> columns() const {
    std::vector<column> out(inputs_.size());
    for (std::size_t c = 0; c < inputs_.size(); ++c) {
      out[c].type = inputs_[c].type;
      bool nulls = false;
      for (const auto& row : rows_) {
        push(out[c], row[c]);
        out[c].valid.push_back(!row[c].is_null());
        nulls = nulls || row[c].is_null();
      }
      if (!nulls) out[c].valid.clear();
    }
    return out;
  }

private:
  static void push(column& to, const windrow::value& value) {
    const bool null = value.is_null();
    switch (to.type.kind) {
      case value_kind::boolean:
        to.bools.push_back(null ? 1 : std::get<bool>(value));
        break;
      case value_kind::integer:
        to.ints.push_back(null ? 0 : std::get<int64>(value));
        break;
      case value_kind::floating:
        to.floats.push_back(null ? 7.5 : std::get<double>(value));
        break;
      case value_kind::datetime:
        to.ints.push_back(null ? 3 : std::get<timestamp>(value).micros);
        break;
      case value_kind::text:
        to.texts.push_back(null ? std::string_view(reinterpret_cast<const char*>(8), 99)
                                : std::string_view(std::get<std::string>(value)));
        break;
      case value_kind::list:
        to.lists.push_back(null ? value_list{int64{1}} : std::get<value_list>(value));
        break;
      case value_kind::map:
      case value_kind::structure:
        to.values.push_back(value);
        break;
      case value_kind::bytes:
        to.texts.push_back(null ? std::string_view("?") : std::get<byte_string>(value).data);
        break;
    }
  }

  std::vector<program::input> inputs_;
  std::vector<std::vector<windrow::value>> rows_;
};

windrow::value value_at(const column& values, std::size_t row) {
  if (!values.is_valid(row)) return windrow::null{};
  switch (values.type.kind) {
    case value_kind::boolean:
      return values.bools[row] != 0;
    case value_kind::integer:
      return values.ints[row];
    case value_kind::floating:
      return values.floats[row];
    case value_kind::text:
      return std::string(values.texts[row]);
    case value_kind::datetime:
      return timestamp{values.ints[row]};
    case value_kind::list:
      return values.lists[row];
    case value_kind::map:
    case value_kind::structure:
      return values.values[row];
    case value_kind::bytes:
      return byte_string{std::string(values.texts[row])};
  }
  return windrow::null{};
}

std::string show(const windrow::value& value) {
  if (value.is_null()) return "null";
  if (const auto* b = std::get_if<bool>(&value)) return *b ? "true" : "false";
  if (const auto* i = std::get_if<int64>(&value)) return std::to_string(*i);
  if (const auto* d = std::get_if<double>(&value)) return std::to_string(*d) + "f";
  if (const auto* s = std::get_if<std::string>(&value)) return "'" + *s + "'";
  if (const auto* t = std::get_if<timestamp>(&value)) return format_time(*t);
  std::string out = "[";
  for (const auto& item : std::get<value_list>(value)) out += show(item) + " ";
  return out + "]";
}

expression_ptr parsed(std::string_view text) {
  const auto e = parse_expression(text);
  EXPECT_TRUE(static_cast<bool>(e)) << text << ": " << e.error->message;
  return e.value;
}

std::vector<const column*> pointers(const std::vector<column>& columns) {
  std::vector<const column*> out;
  for (const auto& c : columns) out.push_back(&c);
  return out;
}

std::vector<std::string> results(const table& rows, std::string_view text) {
  const expression_ptr outputs[] = {parsed(text)};
  const auto compiled = program::compile(rows.inputs(), outputs);
  program::scratch scratch;
  const auto columns = rows.columns();
  const column& out = compiled.run(0, pointers(columns), rows.rows().size(), scratch);
  EXPECT_EQ(out.size(), rows.rows().size()) << text;
  std::vector<std::string> shown;
  for (std::size_t i = 0; i < out.size(); ++i) shown.push_back(show(value_at(out, i)));
  return shown;
}

using list = std::vector<std::string>;

table numbers() {
  table t({{"a", plain(value_kind::integer, true)},
           {"b", plain(value_kind::integer)},
           {"f", plain(value_kind::floating, true)}});
  t.add({int64{7}, int64{2}, 0.5});
  t.add({windrow::null{}, int64{3}, windrow::null{}});
  t.add({int64{-7}, int64{0}, -2.0});
  t.add({int_min, int64{-1}, 1e308});
  return t;
}

TEST(Program, ComputesWithInts) {
  EXPECT_EQ(results(numbers(), "_.a + _.b"), (list{"9", "null", "-7", "null"}));
  EXPECT_EQ(results(numbers(), "_.a - 1"), (list{"6", "null", "-8", "null"}));
  EXPECT_EQ(results(numbers(), "2 * _.b"), (list{"4", "6", "0", "-2"}));
  EXPECT_EQ(results(numbers(), "_.a * _.b"), (list{"14", "null", "0", "null"}));
  EXPECT_EQ(results(numbers(), "_.a % _.b"), (list{"1", "null", "null", "0"}));
  EXPECT_EQ(results(numbers(), "_.a % 4"), (list{"3", "null", "1", "0"}));
  EXPECT_EQ(results(numbers(), "_.a % -4"), (list{"-1", "null", "-3", "0"}));
  EXPECT_EQ(results(numbers(), "-_.a"), (list{"-7", "null", "7", "null"}));
}

TEST(Program, ComputesWithFloats) {
  EXPECT_EQ(results(numbers(), "_.a / _.b"),
            (list{"3.500000f", "null", "null", "9223372036854775808.000000f"}));
  EXPECT_EQ(results(numbers(), "_.f + _.b"),
            (list{"2.500000f", "null", "-2.000000f", show(1e308)}));
  EXPECT_EQ(results(numbers(), "_.f * 10.0"), (list{"5.000000f", "null", "-20.000000f", "null"}));
  EXPECT_EQ(results(numbers(), "_.f / 0"), (list{"null", "null", "null", "null"}));
  EXPECT_EQ(results(numbers(), "_.f % 0.75"),
            (list{"0.500000f", "null", "0.250000f", show(std::fmod(1e308, 0.75))}));
  EXPECT_EQ(results(numbers(), "-_.f - 1"),
            (list{"-1.500000f", "null", "1.000000f", show(-1e308)}));
}

TEST(Program, ComparesNullAsFalse) {
  EXPECT_EQ(results(numbers(), "_.a == 7"), (list{"true", "false", "false", "false"}));
  EXPECT_EQ(results(numbers(), "_.a != 7"), (list{"false", "false", "true", "true"}));
  EXPECT_EQ(results(numbers(), "_.a < _.b"), (list{"false", "false", "true", "true"}));
  EXPECT_EQ(results(numbers(), "_.a >= _.f"), (list{"true", "false", "false", "false"}));
  EXPECT_EQ(results(numbers(), "_.a == null"), (list{"false", "true", "false", "false"}));
  EXPECT_EQ(results(numbers(), "null != _.a"), (list{"true", "false", "true", "true"}));
  EXPECT_EQ(results(numbers(), "_.a / _.b == null"), (list{"false", "true", "true", "false"}));
  EXPECT_EQ(results(numbers(), "~(_.a == 7) & _.b > 0 | _.b == -1"),
            (list{"false", "true", "false", "true"}));
  EXPECT_EQ(results(numbers(), "_.a in [7, 3]"), (list{"true", "false", "false", "false"}));
  EXPECT_EQ(results(numbers(), "_.a in [-7.0, _.b + 5]"), (list{"true", "false", "true", "false"}));
  EXPECT_EQ(results(numbers(), "_.b in [0,1,2,9,8,7,6,5,4,10]"),
            (list{"true", "false", "true", "false"}));
}

TEST(Program, HandlesTextTimesBoolsAndLists) {
  table t({{"s", plain(value_kind::text, true)},
           {"t", plain(value_kind::datetime, true)},
           {"flag", plain(value_kind::boolean, true)},
           {"tags", list_of(value_kind::text, true)},
           {"message_headers.h", plain(value_kind::text, true)}});
  const timestamp time = *parse_time("2024-01-02T00:00:00Z");
  t.add({"ab", time, true, value_list{"ab", "x"}, "h1"});
  t.add({windrow::null{}, windrow::null{}, windrow::null{}, windrow::null{}, windrow::null{}});
  t.add({"", timestamp{time.micros + 1}, false, value_list{windrow::null{}}, ""});
  EXPECT_EQ(results(t, "_.s + '-' + _.s"), (list{"'ab-ab'", "null", "'-'"}));
  EXPECT_EQ(results(t, "'<' + _.s"), (list{"'<ab'", "null", "'<'"}));
  EXPECT_EQ(results(t, "_.s < 'b' & _.s > ''"), (list{"true", "false", "false"}));
  EXPECT_EQ(results(t, "_.t > '2024-01-02'"), (list{"false", "false", "true"}));
  EXPECT_EQ(results(t, "'2024-01-02T01:00:00+01:00' == _.t"), (list{"true", "false", "false"}));
  EXPECT_EQ(results(t, "_.t in ['1999-01-01', '2024-01-02']"), (list{"true", "false", "false"}));
  EXPECT_EQ(results(t, "'2024-01-02' in [_.t]"), (list{"true", "false", "false"}));
  EXPECT_EQ(results(t, "_.flag == true"), (list{"true", "false", "false"}));
  EXPECT_EQ(results(t, "_.flag != true"), (list{"false", "false", "true"}));
  EXPECT_EQ(results(t, "_.flag in [false]"), (list{"false", "false", "true"}));
  EXPECT_EQ(results(t, "_.s in _.tags"), (list{"true", "false", "false"}));
  EXPECT_EQ(results(t, "'x' in _.tags"), (list{"true", "false", "false"}));
  EXPECT_EQ(results(t, "_.tags == null"), (list{"false", "true", "false"}));
  EXPECT_EQ(results(t, "[_.s, 'z', null]"),
            (list{"['ab' 'z' null ]", "[null 'z' null ]", "['' 'z' null ]"}));
  EXPECT_EQ(results(t, "_.message_headers['h'] == 'h1'"), (list{"true", "false", "false"}));
}

TEST(Program, RepeatsConstants) {
  EXPECT_EQ(results(numbers(), "5"), (list{"5", "5", "5", "5"}));
  EXPECT_EQ(results(numbers(), "'x'"), (list{"'x'", "'x'", "'x'", "'x'"}));
  EXPECT_EQ(results(numbers(), "1 + 1"), (list{"2", "2", "2", "2"}));
  EXPECT_EQ(results(numbers(), "1 / 0"), (list{"null", "null", "null", "null"}));
  EXPECT_EQ(results(numbers(), "1 in [1, 2.0] | false"), (list{"true", "true", "true", "true"}));
  EXPECT_EQ(results(numbers(), "[1, 2.5]"), list(4, "[1.000000f 2.500000f ]"));
}

TEST(Program, HandsAttributesThrough) {
  const table t = numbers();
  const expression_ptr outputs[] = {parsed("_.f"), parsed("_.f + 1"), parsed("_.a")};
  const auto compiled = program::compile(t.inputs(), outputs);
  EXPECT_EQ(compiled.output_count(), 3u);
  EXPECT_EQ(compiled.passthrough(0), 2);
  EXPECT_EQ(compiled.passthrough(1), -1);
  EXPECT_EQ(compiled.passthrough(2), 0);
  EXPECT_TRUE(compiled.output_type(1) == plain(value_kind::floating, true));
  const auto columns = t.columns();
  program::scratch scratch;
  EXPECT_EQ(&compiled.run(0, pointers(columns), 4, scratch), &columns[2]);
}

TEST(Program, KeepsAllOutputsOfARunAndSharesWhatIsEqual) {
  const table t = numbers();
  const expression_ptr outputs[] = {parsed("_.b + 1"), parsed("(_.b + 1) * 2"), parsed("_.b+1"),
                                    parsed("'a' + 'b'")};
  const auto compiled = program::compile(t.inputs(), outputs);
  const auto columns = t.columns();
  program::scratch scratch;
  compiled.begin_run(pointers(columns), 4, scratch);
  const column& product = compiled.output(1, scratch);
  const column& text = compiled.output(3, scratch);
  const column& sum = compiled.output(0, scratch);
  EXPECT_EQ(&sum, &compiled.output(2, scratch));
  EXPECT_EQ(sum.ints, (std::vector<int64>{3, 4, 1, 0}));
  EXPECT_EQ(product.ints, (std::vector<int64>{6, 8, 2, 0}));
  EXPECT_EQ(text.texts[3], "ab");
  EXPECT_TRUE(sum.valid.empty());
}

TEST(Program, TakesBatchesOfAnySizeAndAnyScratch) {
  const expression_ptr one[] = {parsed("_.b * 3")};
  const expression_ptr two[] = {parsed("_.f == null"), parsed("_.b - 1")};
  const table t = numbers();
  const auto first = program::compile(t.inputs(), one);
  const auto second = program::compile(t.inputs(), two);
  const auto columns = t.columns();
  program::scratch scratch;
  for (const std::size_t rows : {4u, 0u, 2u, 3u, 1u}) {
    EXPECT_EQ(first.run(0, pointers(columns), rows, scratch).size(), rows);
    EXPECT_EQ(second.run(1, pointers(columns), rows, scratch).size(), rows);
    EXPECT_EQ(second.run(0, pointers(columns), rows, scratch).size(), rows);
  }
  EXPECT_EQ(first.run(0, pointers(columns), 2, scratch).ints, (std::vector<int64>{6, 9}));
}

TEST(Program, TakesLongLists) {
  std::string text = "_.b in [_.a, 2";
  for (int i = 10; i < 20'000; ++i) text += "," + std::to_string(i) + (i % 5 ? "" : ", _.a");
  EXPECT_EQ(results(numbers(), text + "]"), (list{"true", "false", "false", "false"}));
}

// ---- random expressions against an evaluator that knows rows and values only ----

using row_values = std::vector<windrow::value>;

double to_double(const windrow::value& v) {
  const auto* i = std::get_if<int64>(&v);
  return i ? static_cast<double>(*i) : std::get<double>(v);
}

/// Less than 0, 0 or more, as left is to right; neither is null.
int order(windrow::value left, windrow::value right) {
  const bool times =
      std::holds_alternative<timestamp>(left) || std::holds_alternative<timestamp>(right);
  for (windrow::value* side : {&left, &right})
    if (const auto* s = std::get_if<std::string>(side); s && times) {
      const timestamp time = *parse_time(*s);
      *side = time;
    }
  if (left.index() != right.index()) {
    const double l = to_double(left), r = to_double(right);
    return l < r ? -1 : l > r;
  }
  const auto compare = [](const auto& l, const auto& r) { return l < r ? -1 : r < l; };
  if (const auto* s = std::get_if<std::string>(&left))
    return compare(*s, std::get<std::string>(right));
  if (const auto* t = std::get_if<timestamp>(&left)) return compare(*t, std::get<timestamp>(right));
  if (const auto* i = std::get_if<int64>(&left)) return compare(*i, std::get<int64>(right));
  if (const auto* d = std::get_if<double>(&left)) return compare(*d, std::get<double>(right));
  return compare(std::get<bool>(left), std::get<bool>(right));
}

windrow::value finite(double d) {
  return std::isfinite(d) ? windrow::value(d) : windrow::value(windrow::null{});
}

windrow::value whole(__int128 i) {
  if (i < int_min || i > int_max) return windrow::null{};
  return static_cast<int64>(i);
}

windrow::value arithmetic(expression_op op, const windrow::value& l, const windrow::value& r) {
  if (l.is_null() || r.is_null()) return windrow::null{};
  if (const auto* s = std::get_if<std::string>(&l)) return *s + std::get<std::string>(r);
  const auto* a = std::get_if<int64>(&l);
  const auto* b = std::get_if<int64>(&r);
  if (a && b && op != expression_op::divide) {
    const __int128 x = *a, y = *b;
    if (op == expression_op::add) return whole(x + y);
    if (op == expression_op::subtract) return whole(x - y);
    if (op == expression_op::multiply) return whole(x * y);
    if (y == 0) return windrow::null{};
    __int128 quotient = x / y;  // rounded down, as its remainder has the divisor's sign
    if (x % y != 0 && (x < 0) != (y < 0)) --quotient;
    return whole(x - quotient * y);
  }
  const double x = to_double(l), y = to_double(r);
  if (op == expression_op::add) return finite(x + y);
  if (op == expression_op::subtract) return finite(x - y);
  if (op == expression_op::multiply) return finite(x * y);
  if (y == 0) return windrow::null{};
  if (op == expression_op::divide) return finite(x / y);
  double remainder = std::fmod(x, y);
  if (remainder != 0 && std::signbit(remainder) != std::signbit(y)) remainder += y;
  return finite(remainder);
}

windrow::value evaluate(const expression& e, const table& t, const row_values& row) {
  const auto operand = [&](std::size_t i) { return evaluate(*e.operands[i], t, row); };
  switch (e.op) {
    case expression_op::literal:
      return e.literal;
    case expression_op::attribute:
      for (std::size_t i = 0; i < t.inputs().size(); ++i)
        if (t.inputs()[i].name == e.path[0]) return row[i];
      return windrow::null{};
    case expression_op::negate: {
      const auto v = operand(0);
      if (const auto* i = std::get_if<int64>(&v)) return whole(-static_cast<__int128>(*i));
      if (const auto* d = std::get_if<double>(&v)) return -*d;
      return windrow::null{};
    }
    case expression_op::invert:
      return !std::get<bool>(operand(0));
    case expression_op::logical_and:
      return std::get<bool>(operand(0)) && std::get<bool>(operand(1));
    case expression_op::logical_or:
      return std::get<bool>(operand(0)) || std::get<bool>(operand(1));
    case expression_op::add:
    case expression_op::subtract:
    case expression_op::multiply:
    case expression_op::divide:
    case expression_op::modulo:
      return arithmetic(e.op, operand(0), operand(1));
    case expression_op::list: {
      value_list items;
      for (std::size_t i = 0; i < e.operands.size(); ++i) items.push_back(operand(i));
      return items;
    }
    case expression_op::in: {
      const auto v = operand(0), items = operand(1);
      if (v.is_null() || items.is_null()) return false;
      for (const auto& item : std::get<value_list>(items))
        if (!item.is_null() && order(v, item) == 0) return true;
      return false;
    }
    default:
      break;
  }
  const auto is_null_literal = [&](std::size_t i) {
    return e.operands[i]->op == expression_op::literal && e.operands[i]->literal.is_null();
  };
  const auto l = operand(0), r = operand(1);
  if (is_null_literal(0) || is_null_literal(1))
    return (l.is_null() && r.is_null()) == (e.op == expression_op::equal);
  if (l.is_null() || r.is_null()) return false;
  const int o = order(l, r);
  switch (e.op) {
    case expression_op::equal:
      return o == 0;
    case expression_op::not_equal:
      return o != 0;
    case expression_op::less:
      return o < 0;
    case expression_op::less_equal:
      return o <= 0;
    case expression_op::greater:
      return o > 0;
    default:
      return o >= 0;
  }
}

/// Writes random expressions that have a type, and rows to run them over.
class generator {
public:
  explicit generator(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t n) { return random_() % n; }
  std::string pick(std::initializer_list<const char*> choices) {
    return choices.begin()[below(choices.size())];
  }

  std::string number(int depth) {
    if (depth == 0 || below(3) == 0)
      return pick({"_.i", "_.j", "_.f", "_.g", "0", "1", "-3", "2.5", "-0.0", "1e308",
                   "9223372036854775807", "-9223372036854775808"});
    if (below(6) == 0) return "-(" + number(depth - 1) + ")";
    return "(" + number(depth - 1) + pick({" + ", " - ", " * ", " / ", " % "}) + number(depth - 1) +
           ")";
  }
  std::string text(int depth) {
    if (depth == 0 || below(3) == 0) return pick({"_.s", "_.z", "''", "'a'", "'b\u00e9'"});
    return "(" + text(depth - 1) + " + " + text(depth - 1) + ")";
  }
  std::string time() { return pick({"_.t", "_.u"}); }
  std::string time_or_literal() {
    return pick({"_.t", "_.u", "'1970-01-01'", "'1970-01-01T00:00:00.000002Z'"});
  }
  std::string compare() { return pick({" == ", " != ", " < ", " <= ", " > ", " >= "}); }

  std::string boolean(int depth) {
    if (depth == 0) return pick({"_.b", "true", "false"});
    const int d = depth - 1;
    switch (below(15)) {
      case 0:
        return "(" + number(d) + compare() + number(d) + ")";
      case 1:
        return "(" + text(d) + compare() + text(d) + ")";
      case 2:
        return "(" + time() + compare() + time_or_literal() + ")";
      case 3:
        return "(" + time_or_literal() + compare() + time() + ")";
      case 4:
        return "(_.c" + pick({" == ", " != "}) + boolean(d) + ")";
      case 5:
        return "(" + number(d) + pick({" == ", " != "}) + "null)";
      case 6:
        return "(null" + pick({" == ", " != "}) + pick({"_.s", "_.t", "_.c", "_.l"}) + ")";
      case 7:
        return "(" + number(d) + " in [" + number(0) + ", " + number(d) + ", 1])";
      case 8:
        return "(" + text(d) + " in [" + text(0) + ", 'a', " + text(d) + "])";
      case 9:
        return "(" + time() + " in ['1970-01-01', " + time_or_literal() + "])";
      case 10:
        return "(" + number(d) + " in _.l)";
      case 11:
        return "(~" + boolean(d) + ")";
      case 12:
        return "(" + number(d) + " in [0,1,2,3,-3,5,6,7,8,9,10])";
      default:
        return "(" + boolean(d) + pick({" & ", " | "}) + boolean(d) + ")";
    }
  }
  std::string any(int depth) {
    switch (below(5)) {
      case 0:
        return number(depth);
      case 1:
        return text(depth);
      case 2:
        return "[" + number(depth) + ", null, " + number(0) + "]";
      default:
        return boolean(depth);
    }
  }

  table rows(std::size_t count, bool nulls) {
    table t({{"i", plain(value_kind::integer, true)},
             {"j", plain(value_kind::integer)},
             {"f", plain(value_kind::floating, true)},
             {"g", plain(value_kind::floating)},
             {"s", plain(value_kind::text, true)},
             {"z", plain(value_kind::text)},
             {"t", plain(value_kind::datetime, true)},
             {"u", plain(value_kind::datetime)},
             {"b", plain(value_kind::boolean)},
             {"c", plain(value_kind::boolean, true)},
             {"l", list_of(value_kind::integer, true)}});
    const auto maybe = [&](windrow::value v) {
      return nulls && below(3) == 0 ? windrow::value(windrow::null{}) : v;
    };
    const auto an_int = [&]() -> int64 {
      const int64 ints[] = {0, 1, -1, 2, -3, 7, int_max, int_min, int_max - 1};
      return ints[below(std::size(ints))];
    };
    const auto a_float = [&]() -> double {
      const double floats[] = {0.0, -0.0, 1.0, -1.5, 2.5, 1e308, -1e308, 5e-324, 0.1};
      return floats[below(std::size(floats))];
    };
    for (std::size_t i = 0; i < count; ++i)
      t.add({maybe(an_int()), an_int(), maybe(a_float()), a_float(),
             maybe(pick({"", "a", "b\u00e9", "a string that is longer than a few bytes"})),
             pick({"a", "aa"}), maybe(timestamp{static_cast<int64>(below(3))}),
             timestamp{static_cast<int64>(below(3))}, below(2) == 0, maybe(below(2) == 0),
             maybe(value_list{an_int(), maybe(an_int())})});
    return t;
  }

private:
  std::mt19937_64 random_;
};

/// What a list of ints and floats holds is all floats.
windrow::value as_declared(windrow::value v, const value_type& type) {
  if (auto* items = std::get_if<value_list>(&v)) {
    for (auto& item : *items) item = as_declared(item, *type.element);
  } else if (std::holds_alternative<int64>(v) && type.kind == value_kind::floating) {
    v = to_double(v);
  }
  return v;
}

TEST(Program, AgreesWithARowByRowEvaluator) {
  const std::uint64_t seed = 4242;
  RecordProperty("seed", std::to_string(seed));
  generator random(seed);
  program::scratch scratch;
  for (int round = 0; round < 1'500; ++round) {
    const std::size_t counts[] = {0, 1, 7, 40};
    const table t = random.rows(counts[random.below(4)], random.below(3) != 0);
    std::vector<std::string> texts;
    std::vector<expression_ptr> outputs;
    for (int i = 0; i < 4; ++i) {
      texts.push_back(random.any(1 + static_cast<int>(random.below(5))));
      outputs.push_back(parsed(texts.back()));
    }
    const auto compiled = program::compile(t.inputs(), outputs);
    const attribute_types types =
        [&](const std::vector<std::string>& path) -> std::optional<value_type> {
      for (const auto& input : t.inputs())
        if (input.name == path[0]) return input.type;
      return std::nullopt;
    };
    const auto columns = t.columns();
    compiled.begin_run(pointers(columns), t.rows().size(), scratch);
    std::vector<const column*> out;
    for (std::size_t i = 0; i < outputs.size(); ++i) out.push_back(&compiled.output(i, scratch));
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const auto type = type_of(*outputs[i], types);
      ASSERT_TRUE(static_cast<bool>(type)) << texts[i] << ": " << type.error->message;
      EXPECT_TRUE(compiled.output_type(i) == type.value) << texts[i];
      EXPECT_TRUE(out[i]->type == type.value) << texts[i];
      ASSERT_EQ(out[i]->size(), t.rows().size()) << texts[i];
      for (std::size_t r = 0; r < t.rows().size(); ++r) {
        const auto expected = as_declared(evaluate(*outputs[i], t, t.rows()[r]), type.value);
        const auto actual = value_at(*out[i], r);
        ASSERT_TRUE(actual == expected)
            << "seed " << seed << " round " << round << " row " << r << ": " << texts[i] << " is "
            << show(actual) << ", not " << show(expected);
        if (actual.is_null()) {
          EXPECT_TRUE(type.value.nullable) << texts[i];
        }
      }
    }
  }
}

}  // namespace
}  // namespace windrow::schema
