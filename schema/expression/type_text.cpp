#include "schema/expression/type_text.hpp"

#include <array>
#include <cctype>
#include <optional>
#include <utility>

#include "base/suggest.hpp"

namespace windrow::schema {
namespace {

constexpr std::size_t identifier_length_max = 200;
/// Room for a struct.
constexpr std::size_t type_length_max = 4'000;
constexpr int type_depth_max = 16;  // as deep as values are read back

struct named_kind {
  std::string_view name;
  value_kind kind;
};
constexpr std::array<named_kind, 6> scalar_kinds{{{"str", value_kind::text},
                                                  {"int", value_kind::integer},
                                                  {"float", value_kind::floating},
                                                  {"bool", value_kind::boolean},
                                                  {"datetime", value_kind::datetime},
                                                  {"bytes", value_kind::bytes}}};
/// What people coming from elsewhere write.
constexpr std::array<std::pair<std::string_view, std::string_view>, 17> aliases{
    {{"string", "str"},
     {"text", "str"},
     {"integer", "int"},
     {"long", "int"},
     {"int64", "int"},
     {"bigint", "int"},
     {"double", "float"},
     {"real", "float"},
     {"float64", "float"},
     {"number", "float"},
     {"boolean", "bool"},
     {"timestamp", "datetime"},
     {"date", "datetime"},
     {"time", "datetime"},
     {"binary", "bytes"},
     {"blob", "bytes"},
     {"dict", "map[str, int]"}}};

std::string_view trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) {
    text.remove_prefix(1);
  }
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) {
    text.remove_suffix(1);
  }
  return text;
}

failure unknown_type(std::string_view text) {
  std::string message = "unknown type " + ticked(text) + "; ";
  for (const auto& [alias, name] : aliases) {
    if (text == alias) return {errc::invalid, message + "write " + ticked(name)};
  }
  return {errc::invalid, message + did_you_mean(text, {"str", "int", "float", "bool", "datetime",
                                                       "bytes", "list[str]", "map[str, int]",
                                                       "struct{a: int}", "FeatureTime"})};
}

/// Where `sign` stands outside brackets, from `from` on, or npos.
std::size_t find_outside(std::string_view text, char sign, std::size_t from = 0) {
  int depth = 0;
  for (std::size_t i = from; i < text.size(); ++i) {
    if (text[i] == '[' || text[i] == '{') ++depth;
    if (text[i] == ']' || text[i] == '}') --depth;
    if (text[i] == sign && depth == 0) return i;
  }
  return std::string_view::npos;
}

/// Takes `| null` off either end; nothing if there is none. A bar inside `list[..]` belongs to
/// the element.
std::optional<std::string_view> without_null(std::string_view text) {
  for (std::size_t i = 0; (i = find_outside(text, '|', i)) != std::string_view::npos; ++i) {
    const std::string_view left = trim(text.substr(0, i));
    const std::string_view right = trim(text.substr(i + 1));
    if (right == "null") return left;
    if (left == "null") return right;
  }
  return std::nullopt;
}

result<type_text> parse_nested(std::string_view text, int depth);

/// The type of what a list, map or struct holds; `of` names it, `such_as` says what to write.
result<value_type> parse_inner(std::string_view text, int depth, const std::string& of,
                               std::string_view such_as) {
  result<type_text> inner = parse_nested(text, depth + 1);
  if (!inner) return inner.error();
  if (inner->is_feature_time || !inner->references_class.empty()) {
    return failure{errc::invalid, of + " holds plain values; write such as " + ticked(such_as)};
  }
  return std::move(inner->type);
}

result<type_text> parse_list(std::string_view text, int depth) {
  if (text.back() != ']') {
    return failure{errc::invalid, "the list type " + ticked(text) + " has no closing `]`"};
  }
  result<value_type> element =
      parse_inner(text.substr(5, text.size() - 6), depth, "a list", "list[str]");
  if (!element) return element.error();
  if (element->kind == value_kind::list) {
    return failure{errc::invalid, "a list of lists is not supported; write such as `list[str]`"};
  }
  type_text out;
  out.type.kind = value_kind::list;
  out.type.element = std::make_shared<const value_type>(std::move(*element));
  return out;
}

result<type_text> parse_map(std::string_view text, int depth) {
  if (text.back() != ']') {
    return failure{errc::invalid, "the map type " + ticked(text) + " has no closing `]`"};
  }
  const std::string_view inside = text.substr(4, text.size() - 5);
  const std::size_t comma = find_outside(inside, ',');
  if (comma == std::string_view::npos || trim(inside.substr(0, comma)) != "str") {
    return failure{errc::invalid, "the map type " + ticked(text) +
                                      " names the type of its keys, which is `str`, and of its "
                                      "values; write such as `map[str, int]`"};
  }
  result<value_type> element =
      parse_inner(inside.substr(comma + 1), depth, "a map", "map[str, int]");
  if (!element) return element.error();
  type_text out;
  out.type.kind = value_kind::map;
  out.type.element = std::make_shared<const value_type>(std::move(*element));
  return out;
}

result<type_text> parse_struct(std::string_view text, int depth) {
  if (text.back() != '}') {
    return failure{errc::invalid, "the struct type " + ticked(text) + " has no closing `}`"};
  }
  std::string_view rest = text.substr(7, text.size() - 8);
  std::vector<struct_field> fields;
  for (bool more = true; more;) {
    const std::size_t comma = find_outside(rest, ',');
    const std::string_view one = rest.substr(0, comma);
    more = comma != std::string_view::npos;
    rest = more ? rest.substr(comma + 1) : std::string_view();
    const std::size_t colon = one.find(':');
    const std::string name(trim(one.substr(0, colon)));
    if (colon == std::string_view::npos || !is_identifier(name)) {
      return failure{errc::invalid, "a field of a struct has a name and a type, not " +
                                        ticked(trim(one)) +
                                        "; write such as `struct{street: str, zip: int | null}`"};
    }
    for (const struct_field& other : fields) {
      if (other.name == name)
        return failure{errc::invalid, "the struct has two fields " + ticked(name)};
    }
    result<value_type> type =
        parse_inner(one.substr(colon + 1), depth, "a struct", "struct{street: str, zip: int}");
    if (!type) return type.error();
    fields.push_back({name, std::move(*type)});
  }
  type_text out;
  out.type.kind = value_kind::structure;
  out.type.fields = std::make_shared<const std::vector<struct_field>>(std::move(fields));
  return out;
}

result<type_text> parse_nested(std::string_view text, int depth) {
  text = trim(text);
  if (text.empty()) return failure{errc::invalid, "the type is empty; write such as `str`"};
  if (text.size() > type_length_max) {
    return failure{errc::invalid, "the type is too long; write such as `str`"};
  }
  if (depth > type_depth_max) {
    return failure{errc::invalid, "types nest at most " + std::to_string(type_depth_max) +
                                      " deep; write a flatter one"};
  }
  if (const auto inner = without_null(text)) {
    result<type_text> out = parse_nested(*inner, depth + 1);
    if (!out) return out;
    if (out->is_feature_time) {
      return failure{errc::invalid, "an event time is never null; write `FeatureTime`"};
    }
    out->type.nullable = true;
    return out;
  }
  type_text out;
  for (const named_kind& known : scalar_kinds) {
    if (text == known.name) {
      out.type.kind = known.kind;
      return out;
    }
  }
  if (text == "FeatureTime") {
    out.type.kind = value_kind::datetime;
    out.is_feature_time = true;
    return out;
  }
  if (text.starts_with("list[")) return parse_list(text, depth);
  if (text.starts_with("map[")) return parse_map(text, depth);
  if (text.starts_with("struct{")) return parse_struct(text, depth);
  const std::size_t dot = text.find('.');
  if (dot != std::string_view::npos && is_identifier(text.substr(0, dot)) &&
      is_identifier(text.substr(dot + 1))) {
    out.references_class = std::string(text.substr(0, dot));
    out.references_field = std::string(text.substr(dot + 1));
    return out;
  }
  return unknown_type(text);
}

}  // namespace

bool is_identifier(std::string_view text) noexcept {
  if (text.empty() || text.size() > identifier_length_max) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    const bool digit = c >= '0' && c <= '9';
    if (!letter && !(digit && i > 0)) return false;
  }
  return true;
}

std::string snake_case(std::string_view class_name) {
  const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  std::string out;
  for (std::size_t i = 0; i < class_name.size(); ++i) {
    const char c = class_name[i];
    if (is_upper(c) && i > 0 && class_name[i - 1] != '_') {
      const bool after_lower = !is_upper(class_name[i - 1]);
      const bool ends_acronym =
          i + 1 < class_name.size() && !is_upper(class_name[i + 1]) && class_name[i + 1] != '_';
      if (after_lower || ends_acronym) out.push_back('_');
    }
    out.push_back(is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c);
  }
  return out;
}

result<type_text> parse_type(std::string_view text) { return parse_nested(text, 0); }

}  // namespace windrow::schema
