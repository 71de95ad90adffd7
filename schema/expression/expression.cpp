#include "schema/expression/expression.hpp"

#include <charconv>
#include <set>

#include "schema/expression/lexer.hpp"
#include "windrow/time.hpp"

namespace windrow::schema {

std::string_view sign_of(expression_op op) {
  switch (op) {
    case expression_op::negate:
      return "-";
    case expression_op::invert:
      return "~";
    case expression_op::add:
      return "+";
    case expression_op::subtract:
      return "-";
    case expression_op::multiply:
      return "*";
    case expression_op::divide:
      return "/";
    case expression_op::modulo:
      return "%";
    case expression_op::equal:
      return "==";
    case expression_op::not_equal:
      return "!=";
    case expression_op::less:
      return "<";
    case expression_op::less_equal:
      return "<=";
    case expression_op::greater:
      return ">";
    case expression_op::greater_equal:
      return ">=";
    case expression_op::in:
      return "in";
    case expression_op::logical_and:
      return "&";
    case expression_op::logical_or:
      return "|";
    default:
      return "";
  }
}

namespace {

/// The shortest digits that read back as the same float, with a point or an exponent.
std::string spell(double number) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
  std::string out(buffer, end);
  if (out.find_first_of(".e") == std::string::npos) out += ".0";
  return out;
}

void print_literal(const windrow::value& literal, std::string& out) {
  if (literal.is_null())
    out += "null";
  else if (const auto* b = std::get_if<bool>(&literal))
    out += *b ? "true" : "false";
  else if (const auto* i = std::get_if<std::int64_t>(&literal))
    out += std::to_string(*i);
  else if (const auto* d = std::get_if<double>(&literal))
    out += spell(*d);
  else if (const auto* s = std::get_if<std::string>(&literal))
    out += quote(*s);
  else if (const auto* t = std::get_if<timestamp>(&literal))
    out += quote(format_time(*t));
  else if (const auto* items = std::get_if<value_list>(&literal)) {
    out += '[';
    for (const auto& item : *items) {
      if (&item != &items->front()) out += ", ";
      print_literal(item, out);
    }
    out += ']';
  }
  // There are no literals of maps, structs and bytes.
}

void print(const expression& e, std::string& out);

void print_items(const std::vector<expression_ptr>& items, std::string& out) {
  for (const auto& item : items) {
    if (&item != &items.front()) out += ", ";
    print(*item, out);
  }
}

void print_call(const aggregate_call& call, std::string& out) {
  out += "_." + call.relation;
  if (!call.keys.empty()) {
    out += '[';
    print_items(call.keys, out);
    out += ']';
  }
  out += "." + call.function + "(";
  print_items(call.arguments, out);
  for (const auto& argument : call.named_arguments) {
    if (!call.arguments.empty() || &argument != &call.named_arguments.front()) out += ", ";
    out += argument.first + "=";
    print(*argument.second, out);
  }
  out += ')';
}

void print(const expression& e, std::string& out) {
  switch (e.op) {
    case expression_op::literal:
      return print_literal(e.literal, out);
    case expression_op::attribute:
      out += '_';
      for (const auto& part : e.path) out += "." + part;
      return;
    case expression_op::header:
      out += "_." + e.path.front() + "[" + quote(e.path.back()) + "]";
      return;
    case expression_op::aggregate:
      return print_call(*e.call, out);
    case expression_op::list:
      out += '[';
      print_items(e.operands, out);
      out += ']';
      return;
    case expression_op::negate:
    case expression_op::invert:
      out += "(" + std::string(sign_of(e.op));
      print(*e.operands.front(), out);
      out += ')';
      return;
    default:
      break;
  }
  out += '(';
  print(*e.operands[0], out);
  out += " " + std::string(sign_of(e.op)) + " ";
  print(*e.operands[1], out);
  out += ')';
}

void collect(const expression& e, std::set<std::string>& names) {
  if (e.op == expression_op::attribute || e.op == expression_op::header) {
    std::string name;
    for (const auto& part : e.path) name += (name.empty() ? "" : ".") + part;
    names.insert(std::move(name));
  } else if (e.op == expression_op::aggregate) {
    names.insert(e.call->relation);
  }
  for (const auto& operand : e.operands) collect(*operand, names);
}

}  // namespace

std::string canonical(const expression& e) {
  std::string out;
  print(e, out);
  return out;
}

std::vector<std::string> attributes_of(const expression& e) {
  std::set<std::string> names;
  collect(e, names);
  return {names.begin(), names.end()};
}

}  // namespace windrow::schema
