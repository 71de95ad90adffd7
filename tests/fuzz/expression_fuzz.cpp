// Expressions: parsed, typed, compiled and run. What is parsed has a canonical spelling that is
// parsed to the same, and means the same.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "schema/expression/expression.hpp"
#include "schema/expression/program.hpp"
#include "tests/fuzz/fuzz_target.hpp"
#include "tests/fuzz/same_item.hpp"

namespace windrow::schema {
namespace {

using fuzz::require;
using fuzz::same_item;

constexpr std::size_t rows = 3;

value_type list_of(value_kind kind) {
  return {value_kind::list, true, std::make_shared<const value_type>(value_type{kind, false, {}})};
}

/// A column of every type, some rows null.
struct table {
  std::vector<program::input> inputs;
  std::vector<column> columns;

  table() {
    const auto add = [&](const char* name, value_type type) -> column& {
      inputs.push_back({name, type});
      columns.emplace_back().type = type;
      if (type.nullable) columns.back().valid = {1, 0, 1};
      return columns.back();
    };
    columns.reserve(10);
    add("i", {value_kind::integer, false, {}}).ints = {7, INT64_MIN, -1};
    add("n", {value_kind::integer, true, {}}).ints = {0, 0, INT64_MAX};
    add("f", {value_kind::floating, false, {}}).floats = {0.5, -1e308, 1e-320};
    add("g", {value_kind::floating, true, {}}).floats = {1e308, 0, -0.0};
    add("s", {value_kind::text, false, {}}).texts = {"", "text", "\xC3\xA4"};
    add("t", {value_kind::text, true, {}}).texts = {"text", "", "b"};
    add("b", {value_kind::boolean, false, {}}).bools = {0, 1, 1};
    add("d", {value_kind::datetime, true, {}}).ints = {0, 0, 1'700'000'000'000'000};
    add("l", list_of(value_kind::integer)).lists = {{std::int64_t{7}}, {}, {}};
    add("a.b", {value_kind::text, false, {}}).texts = {"x", "y", "z"};
  }

  std::optional<value_type> type(const std::vector<std::string>& path) const {
    std::string name;
    for (const std::string& part : path) name += (name.empty() ? "" : ".") + part;
    for (const program::input& known : inputs) {
      if (known.name == name) return known.type;
    }
    return std::nullopt;
  }
};

void run(const table& over, const expression_ptr& first, const expression_ptr& second) {
  const attribute_types types = [&](const auto& path) { return over.type(path); };
  const auto type = type_of(*first, types), again = type_of(*second, types);
  require(bool(type) == bool(again), "the canonical spelling has a type exactly where it had one");
  if (!type) return;
  require(type.value == again.value, "the canonical spelling has the same type");
  const std::array both = {first, second};
  const program made = program::compile(over.inputs, both);
  std::vector<const column*> columns;
  for (const column& c : over.columns) columns.push_back(&c);
  program::scratch scratch;
  made.begin_run(columns, rows, scratch);
  const column& one = made.output(0, scratch);
  const column& other = made.output(1, scratch);
  for (std::size_t row = 0; row < rows; ++row) {
    require(same_item(one, other, row), "the canonical spelling gives the same values");
    require(type.value.nullable || one.is_valid(row), "what cannot be null is not");
  }
}

}  // namespace
}  // namespace windrow::schema

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace windrow::schema;
  static const table over;
  const auto parsed = parse_expression(windrow::fuzz::text_of(data, size));
  if (!parsed) return 0;
  attributes_of(*parsed.value);
  const std::string spelled = canonical(*parsed.value);
  const auto again = parse_expression(spelled);
  windrow::fuzz::require(bool(again), "a canonical spelling is an expression");
  windrow::fuzz::require(canonical(*again.value) == spelled, "a canonical spelling stays as it is");
  run(over, parsed.value, again.value);
  return 0;
}
