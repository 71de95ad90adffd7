#include "schema/expression/program.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>

#include "schema/expression/program_nodes.hpp"
#include "windrow/time.hpp"

namespace windrow::schema {
namespace {

node_op node_op_of(expression_op op) {
  switch (op) {
    case expression_op::negate:
      return node_op::negate;
    case expression_op::invert:
      return node_op::invert;
    case expression_op::add:
      return node_op::add;
    case expression_op::subtract:
      return node_op::subtract;
    case expression_op::multiply:
      return node_op::multiply;
    case expression_op::divide:
      return node_op::divide;
    case expression_op::modulo:
      return node_op::modulo;
    case expression_op::equal:
      return node_op::equal;
    case expression_op::not_equal:
      return node_op::not_equal;
    case expression_op::less:
      return node_op::less;
    case expression_op::less_equal:
      return node_op::less_equal;
    case expression_op::greater:
      return node_op::greater;
    case expression_op::greater_equal:
      return node_op::greater_equal;
    case expression_op::logical_and:
      return node_op::logical_and;
    case expression_op::logical_or:
      return node_op::logical_or;
    default:
      return node_op::constant;
  }
}

std::string joined(const std::vector<std::string>& path) {
  std::string out;
  for (const auto& part : path) out += (out.empty() ? "" : ".") + part;
  return out;
}

/// Turns typed expressions into nodes. Equal nodes are made once: each is found again by a text
/// that says all of what it computes.
template <class Impl>
class compiler {
public:
  explicit compiler(Impl& program) : program_(program) {}

  int compile(const expression& e) {
    switch (e.op) {
      case expression_op::literal:
        return literal(e.literal);
      case expression_op::attribute:
      case expression_op::header:
        return attribute(e);
      case expression_op::negate: {
        const int operand = compile(*e.operands[0]);
        const value_type& type = type_of_node(operand);
        const bool nullable = type.nullable || type.kind == value_kind::integer;
        return add(node_op::negate, plain(type.kind, nullable), {operand});
      }
      case expression_op::invert:
        return add(node_op::invert, plain(value_kind::boolean), {compile(*e.operands[0])});
      case expression_op::logical_and:
      case expression_op::logical_or: {
        const int left = compile(*e.operands[0]);
        return add(node_op_of(e.op), plain(value_kind::boolean), {left, compile(*e.operands[1])});
      }
      case expression_op::add:
      case expression_op::subtract:
      case expression_op::multiply:
      case expression_op::divide:
      case expression_op::modulo:
        return arithmetic(e);
      case expression_op::in:
        return in(*e.operands[0], *e.operands[1]);
      case expression_op::list:
        return list(e);
      case expression_op::aggregate:
        return null_of(plain(value_kind::boolean, true));
      default:
        return comparison(e.op, *e.operands[0], *e.operands[1]);
    }
  }

  int null_of(value_type type) {
    column one;
    one.type = type;
    one.ints.resize(1), one.floats.resize(1), one.bools.resize(1);
    one.texts.resize(1), one.lists.resize(1);
    one.valid = {0};
    return constant(std::move(one), "null");
  }

private:
  const value_type& type_of_node(int node) const {
    return program_.nodes[static_cast<std::size_t>(node)].type;
  }

  int add(program_node node, const std::string& detail) {
    std::string key = std::to_string(static_cast<int>(node.op)) + " " +
                      std::to_string(static_cast<int>(node.type.kind));
    for (const int operand : node.operands) key += " " + std::to_string(operand);
    key += ":" + detail;
    const auto [place, is_new] =
        known_.try_emplace(std::move(key), static_cast<int>(program_.nodes.size()));
    if (is_new) program_.nodes.push_back(std::move(node));
    return place->second;
  }
  int add(node_op op, value_type type, std::vector<int> operands) {
    program_node node;
    node.op = op;
    node.type = std::move(type);
    node.operands = std::move(operands);
    return add(std::move(node), "");
  }
  int constant(column one, const std::string& detail) {
    program_node node;
    node.type = one.type;
    node.constant = std::move(one);
    return add(std::move(node), detail);
  }

  int literal(const windrow::value& value) {
    if (value.is_null()) return null_of(plain(value_kind::boolean, true));
    column one;
    append(one, value);
    expression spelled;
    spelled.literal = value;
    return constant(std::move(one), canonical(spelled));
  }

  /// Adds a literal to a column of constants and gives the column its kind.
  void append(column& to, const windrow::value& value) {
    if (const auto* b = std::get_if<bool>(&value)) {
      to.type = plain(value_kind::boolean);
      to.bools.push_back(*b);
    } else if (const auto* i = std::get_if<std::int64_t>(&value)) {
      to.type = plain(value_kind::integer);
      to.ints.push_back(*i);
    } else if (const auto* d = std::get_if<double>(&value)) {
      to.type = plain(value_kind::floating);
      to.floats.push_back(*d);
    } else if (const auto* s = std::get_if<std::string>(&value)) {
      to.type = plain(value_kind::text);
      to.texts.push_back(program_.texts.emplace_back(*s));
    } else if (const auto* t = std::get_if<timestamp>(&value)) {
      to.type = plain(value_kind::datetime);
      to.ints.push_back(t->micros);
    }
  }

  int attribute(const expression& e) {
    const std::string name = joined(e.path);
    for (std::size_t i = 0; i < program_.inputs.size(); ++i) {
      if (program_.inputs[i].name != name) continue;
      program_node node;
      node.op = node_op::input;
      node.input = static_cast<int>(i);
      node.type = program_.inputs[i].type;
      return add(std::move(node), std::to_string(i));
    }
    return null_of(plain(value_kind::boolean, true));
  }

  int as_float(int node) {
    const program_node& from = program_.nodes[static_cast<std::size_t>(node)];
    if (from.type.kind == value_kind::floating) return node;
    if (from.op == node_op::constant && from.constant.valid.empty())
      return literal(static_cast<double>(from.constant.ints[0]));
    return add(node_op::to_float, plain(value_kind::floating, from.type.nullable), {node});
  }

  int arithmetic(const expression& e) {
    int left = compile(*e.operands[0]);
    int right = compile(*e.operands[1]);
    const value_type left_type = type_of_node(left), right_type = type_of_node(right);
    if (left_type.kind == value_kind::text)
      return add(node_op::concat,
                 plain(value_kind::text, left_type.nullable || right_type.nullable), {left, right});
    const bool whole = left_type.kind == value_kind::integer &&
                       right_type.kind == value_kind::integer && e.op != expression_op::divide;
    if (!whole) left = as_float(left), right = as_float(right);
    return add(node_op_of(e.op), plain(whole ? value_kind::integer : value_kind::floating, true),
               {left, right});
  }

  /// A string literal beside a datetime is a time.
  std::optional<timestamp> time_literal(const expression& e, value_kind beside) const {
    if (beside != value_kind::datetime || e.op != expression_op::literal) return std::nullopt;
    const auto* text = std::get_if<std::string>(&e.literal);
    timestamp time;
    if (!text || !parse_time_fast(*text, time.micros)) return std::nullopt;
    return time;
  }

  int comparison(expression_op op, const expression& left, const expression& right) {
    if (is_null_literal(left) || is_null_literal(right)) {
      const int operand = compile(is_null_literal(left) ? right : left);
      return add(op == expression_op::equal ? node_op::is_null : node_op::is_valid,
                 plain(value_kind::boolean), {operand});
    }
    int a = compile(left), b = compile(right);
    if (const auto time = time_literal(left, type_of_node(b).kind)) a = literal(*time);
    if (const auto time = time_literal(right, type_of_node(a).kind)) b = literal(*time);
    if (type_of_node(a).kind != type_of_node(b).kind) a = as_float(a), b = as_float(b);
    return add(node_op_of(op), plain(value_kind::boolean), {a, b});
  }

  int in(const expression& value, const expression& list) {
    if (list.op != expression_op::list) {
      const int lists = compile(list);
      int operand = compile(value);
      const value_type type = type_of_node(lists);
      const value_kind element = type.element ? type.element->kind : value_kind::boolean;
      if (const auto time = time_literal(value, element)) operand = literal(*time);
      if (is_number(type_of_node(operand).kind) && type_of_node(operand).kind != element)
        operand = as_float(operand);
      return add(node_op::in_list, plain(value_kind::boolean), {operand, lists});
    }
    int found = in_constants(value, list);
    for (const auto& item : list.operands) {
      if (item->op == expression_op::literal) continue;
      const int equal = comparison(expression_op::equal, value, *item);
      found =
          found < 0 ? equal : add(node_op::logical_or, plain(value_kind::boolean), {found, equal});
    }
    return found;
  }

  /// A lookup among the constants of a list, or -1 where it has none.
  int in_constants(const expression& value, const expression& list) {
    int operand = compile(value);
    const value_kind kind = type_of_node(operand).kind;
    bool floats = kind == value_kind::floating;
    for (const auto& item : list.operands)
      floats = floats || std::holds_alternative<double>(item->literal);
    if (floats) operand = as_float(operand);

    program_node node;
    node.op = node_op::in_set;
    node.type = plain(value_kind::boolean);
    node.operands = {operand};
    column& members = node.constant;
    std::string detail;
    for (const auto& item : list.operands) {
      if (item->op != expression_op::literal) continue;
      const auto* whole = std::get_if<std::int64_t>(&item->literal);
      if (const auto time = time_literal(*item, kind))
        append(members, *time);
      else if (whole && floats)
        append(members, static_cast<double>(*whole));
      else
        append(members, item->literal);
      detail += canonical(*item) + ",";
    }
    if (members.size() == 0) return -1;
    std::sort(members.ints.begin(), members.ints.end());
    std::sort(members.floats.begin(), members.floats.end());
    std::sort(members.texts.begin(), members.texts.end());
    std::sort(members.bools.begin(), members.bools.end());
    return add(std::move(node), detail);
  }

  int list(const expression& e) {
    std::vector<int> items;
    bool floats = false, nullable = false;
    value_kind kind = value_kind::boolean;
    for (const auto& item : e.operands) {
      items.push_back(compile(*item));
      const value_type& type = type_of_node(items.back());
      nullable = nullable || type.nullable;
      if (is_null_literal(*item)) continue;
      kind = type.kind;
      floats = floats || kind == value_kind::floating;
    }
    if (floats) {
      kind = value_kind::floating;
      for (int& item : items)
        if (type_of_node(item).kind == value_kind::integer) item = as_float(item);
    }
    return add(node_op::make_list,
               {value_kind::list, false, std::make_shared<const value_type>(plain(kind, nullable))},
               std::move(items));
  }

  Impl& program_;
  std::map<std::string, int> known_;
};

/// The nodes `last` needs, itself included, in the order to compute them.
std::vector<int> steps_to(int last, const std::vector<program_node>& nodes) {
  std::vector<bool> needed(static_cast<std::size_t>(last) + 1);
  needed[static_cast<std::size_t>(last)] = true;
  std::vector<int> steps;
  for (int id = last; id >= 0; --id) {
    if (!needed[static_cast<std::size_t>(id)]) continue;
    const program_node& node = nodes[static_cast<std::size_t>(id)];
    for (const int operand : node.operands) needed[static_cast<std::size_t>(operand)] = true;
    if (node.op != node_op::input && node.op != node_op::constant) steps.push_back(id);
  }
  std::reverse(steps.begin(), steps.end());
  return steps;
}

/// All rows of a constant, for a caller that asked for it as an output.
void repeat(const column& one, std::size_t rows, column& result) {
  result.type = one.type;
  if (!one.valid.empty()) result.valid.assign(rows, one.valid[0]);
  switch (one.type.kind) {
    case value_kind::boolean:
      result.bools.assign(rows, one.bools[0]);
      break;
    case value_kind::integer:
    case value_kind::datetime:
      result.ints.assign(rows, one.ints[0]);
      break;
    case value_kind::floating:
      result.floats.assign(rows, one.floats[0]);
      break;
    case value_kind::text:
    case value_kind::bytes:
      result.texts.assign(rows, one.texts[0]);
      break;
    case value_kind::list:
      result.lists.assign(rows, one.lists[0]);
      break;
    case value_kind::map:
    case value_kind::structure:
      result.values.assign(rows, one.values[0]);
      break;
  }
}

}  // namespace

program::scratch::scratch() : impl_(std::make_unique<impl>()) {}
program::scratch::~scratch() = default;
program::scratch::scratch(scratch&&) noexcept = default;
program::scratch& program::scratch::operator=(scratch&&) noexcept = default;

program::program() : impl_(std::make_unique<const impl>()) {}
program::~program() = default;
program::program(program&&) noexcept = default;
program& program::operator=(program&&) noexcept = default;

program program::compile(std::vector<input> inputs, std::span<const expression_ptr> outputs) {
  static std::atomic<std::uint64_t> programs = 0;
  auto built = std::make_unique<impl>();
  built->id = ++programs;
  built->inputs = std::move(inputs);
  const attribute_types types =
      [&](const std::vector<std::string>& path) -> std::optional<value_type> {
    for (const auto& input : built->inputs)
      if (input.name == joined(path)) return input.type;
    return std::nullopt;
  };
  compiler<impl> compiling(*built);
  for (const expression_ptr& e : outputs) {
    const auto type = type_of(*e, types);
    program_output output;
    output.node =
        type ? compiling.compile(*e) : compiling.null_of({value_kind::boolean, true, nullptr});
    output.type = built->nodes[static_cast<std::size_t>(output.node)].type;
    output.steps = steps_to(output.node, built->nodes);
    built->outputs.push_back(std::move(output));
  }
  program compiled;
  compiled.impl_ = std::move(built);
  return compiled;
}

std::size_t program::output_count() const noexcept { return impl_->outputs.size(); }

const value_type& program::output_type(std::size_t output) const noexcept {
  return impl_->outputs[output].type;
}

int program::passthrough(std::size_t output) const noexcept {
  const int node = impl_->outputs[output].node;
  return impl_->nodes[static_cast<std::size_t>(node)].input;
}

void program::begin_run(std::span<const column* const> columns, std::size_t rows,
                        scratch& scratch) const {
  auto& state = *scratch.impl_;
  if (state.program_id != impl_->id) {
    state.program_id = impl_->id;
    state.results.assign(impl_->nodes.size(), column{});
    state.arenas.assign(impl_->nodes.size(), std::string());
    state.computed_in.assign(impl_->nodes.size(), 0);
    state.run = 0;
  }
  state.columns.assign(columns.begin(), columns.end());
  state.rows = rows;
  ++state.run;
}

const column& program::output(std::size_t output, scratch& scratch) const {
  auto& state = *scratch.impl_;
  const program_output& wanted = impl_->outputs[output];
  const auto at = [](int node) { return static_cast<std::size_t>(node); };
  for (const int step : wanted.steps) {
    if (state.computed_in[at(step)] == state.run) continue;
    const program_node& node = impl_->nodes[at(step)];
    state.operands.clear();
    for (const int operand : node.operands) {
      const program_node& from = impl_->nodes[at(operand)];
      if (from.op == node_op::input)
        state.operands.push_back({state.columns[at(from.input)], false});
      else if (from.op == node_op::constant)
        state.operands.push_back({&from.constant, true});
      else
        state.operands.push_back({&state.results[at(operand)], false});
    }
    compute_node(node, state.operands, state.rows, state.results[at(step)], state.arenas[at(step)]);
    state.computed_in[at(step)] = state.run;
  }
  const program_node& last = impl_->nodes[at(wanted.node)];
  if (last.op == node_op::input) return *state.columns[at(last.input)];
  column& result = state.results[at(wanted.node)];
  if (last.op == node_op::constant && state.computed_in[at(wanted.node)] != state.run) {
    repeat(last.constant, state.rows, result);
    state.computed_in[at(wanted.node)] = state.run;
  }
  return result;
}

const column& program::run(std::size_t output, std::span<const column* const> columns,
                           std::size_t rows, scratch& scratch) const {
  begin_run(columns, rows, scratch);
  return this->output(output, scratch);
}

}  // namespace windrow::schema
