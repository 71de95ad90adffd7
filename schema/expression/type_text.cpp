#include "schema/expression/type_text.hpp"

#include <array>
#include <cctype>
#include <optional>
#include <utility>

#include "base/suggest.hpp"

namespace windrow::schema {
namespace {

constexpr std::size_t identifier_length_max = 200;
/// Room for a foreign key; keeps the reader's recursion short.
constexpr std::size_t type_length_max = 2 * identifier_length_max + 100;

struct named_kind {
  std::string_view name;
  value_kind kind;
};
constexpr std::array<named_kind, 5> scalar_kinds{{{"str", value_kind::text},
                                                  {"int", value_kind::integer},
                                                  {"float", value_kind::floating},
                                                  {"bool", value_kind::boolean},
                                                  {"datetime", value_kind::datetime}}};
/// What people coming from elsewhere write.
constexpr std::array<std::pair<std::string_view, std::string_view>, 14> aliases{
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
     {"time", "datetime"}}};

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
                                                       "list[str]", "FeatureTime"})};
}

/// Takes `| null` off either end; nothing where there is none. A bar inside `list[..]` belongs to
/// the element.
std::optional<std::string_view> without_null(std::string_view text) {
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '[') ++depth;
    if (text[i] == ']') --depth;
    if (text[i] != '|' || depth != 0) continue;
    const std::string_view left = trim(text.substr(0, i));
    const std::string_view right = trim(text.substr(i + 1));
    if (right == "null") return left;
    if (left == "null") return right;
  }
  return std::nullopt;
}

result<type_text> parse_list(std::string_view text) {
  if (text.back() != ']') {
    return failure{errc::invalid, "the list type " + ticked(text) + " has no closing `]`"};
  }
  result<type_text> element = parse_type(text.substr(5, text.size() - 6));
  if (!element) return element.error();
  if (element->is_feature_time || !element->references_class.empty()) {
    return failure{errc::invalid, "a list holds plain values; write such as `list[str]`"};
  }
  if (element->type.kind == value_kind::list) {
    return failure{errc::invalid, "a list of lists is not supported; write such as `list[str]`"};
  }
  type_text out;
  out.type.kind = value_kind::list;
  out.type.element = std::make_shared<const value_type>(element->type);
  return out;
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

result<type_text> parse_type(std::string_view text) {
  text = trim(text);
  if (text.empty()) return failure{errc::invalid, "the type is empty; write such as `str`"};
  if (text.size() > type_length_max) {
    return failure{errc::invalid, "the type is too long; write such as `str`"};
  }
  if (const auto inner = without_null(text)) {
    result<type_text> out = parse_type(*inner);
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
  if (text.starts_with("list[")) return parse_list(text);
  const std::size_t dot = text.find('.');
  if (dot != std::string_view::npos && is_identifier(text.substr(0, dot)) &&
      is_identifier(text.substr(dot + 1))) {
    out.references_class = std::string(text.substr(0, dot));
    out.references_field = std::string(text.substr(dot + 1));
    return out;
  }
  return unknown_type(text);
}

}  // namespace windrow::schema
