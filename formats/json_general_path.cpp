#include <simdjson.h>
#include <algorithm>

#include "base/base64.hpp"
#include "formats/json_internal.hpp"

namespace windrow::formats::json {

namespace {

namespace od = simdjson::ondemand;
using schema::value_kind;
using schema::value_type;

constexpr std::string_view spaces = " \t\r\n";
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
constexpr const char* something_behind = "Something stands behind the end of the object.";

std::string_view trimmed(std::string_view token) {
  const auto last = token.find_last_not_of(spaces);
  return last == token.npos ? std::string_view() : token.substr(0, last + 1);
}

/// A piece of the message for people: one line, valid UTF-8, not long.
std::string quoted(std::string_view token) {
  constexpr std::size_t shown_max = 40;
  std::string shown(token.substr(0, shown_max));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F) c = '?';
  }
  return token.size() > shown_max ? shown + "..." : shown;
}

/// A value of another type than declared, as it is said to people.
std::string described(std::string_view token) {
  switch (token.empty() ? '\0' : token.front()) {
    case '{':
      return "an object";
    case '[':
      return "a list";
    case '"':
      return "the string " + quoted(token);
    case 'n':
      return "null";
    default:
      return quoted(token);
  }
}

/// Whether a message that is no object looks like JSON of another kind.
bool may_be_json(std::string_view text) {
  if (text.empty()) return false;
  if (text.front() == '[' || text.front() == '"') return true;
  return text == "true" || text == "false" || text == "null" || check_number(text).valid;
}

/// Whether the first object or list of `text` is closed. For a text that did not decode.
bool closes(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && --depth <= 0) {
      return true;
    }
  }
  return false;
}

/// Why decoding stopped. The walk below returns false and leaves the reason here.
struct trouble {
  json_reason reason = json_reason::json;
  std::string text;
};

}  // namespace

struct general_path::impl {
  explicit impl(const std::vector<field_slot>& declared) : slots(declared), seen(declared.size()) {}

  bool decode_object(od::object object, row_writer& out);
  bool decode_field(std::size_t field, od::value value, row_writer& out);
  bool decode_value(const std::string& key, const value_type& type, od::value value,
                    windrow::value& found);
  bool decode_list(const std::string& key, const value_type& type, od::value value,
                   windrow::value& found);
  bool decode_map(const std::string& key, const value_type& type, od::value value,
                  windrow::value& found);
  bool decode_struct(const std::string& key, const value_type& type, od::value value,
                     windrow::value& found);
  bool decode_bytes(const std::string& key, od::value value, windrow::value& found);
  bool decode_scalar(const std::string& key, const value_type& type, od::value& value,
                     windrow::value& found);
  bool check(od::value value, int depth);
  bool find_key(od::field& field, int& found);
  bool finish(row_writer& out);

  bool fail(json_reason reason, std::string text) {
    why = {reason, std::move(text)};
    return false;
  }
  bool fail(simdjson::error_code error);
  bool fail_type(const std::string& key, const value_type& type, std::string_view token) {
    return fail(json_reason::type, "Key '" + key + "': expected " + schema::to_string(type) +
                                       ", found " + described(token) + ".");
  }

  const std::vector<field_slot>& slots;
  std::vector<std::uint8_t> seen;
  od::parser parser;
  trouble why;
};

bool general_path::impl::fail(simdjson::error_code error) {
  switch (error) {
    case simdjson::UTF8_ERROR:
      return fail(json_reason::utf8, "The message is not valid UTF-8.");
    case simdjson::UNCLOSED_STRING:
      return fail(json_reason::json, "A string is not closed.");
    case simdjson::UNESCAPED_CHARS:
      return fail(json_reason::json, "A string holds a control character that is not escaped.");
    case simdjson::STRING_ERROR:
      return fail(json_reason::json, "A string holds an escape that is not valid.");
    case simdjson::INCOMPLETE_ARRAY_OR_OBJECT:
      return fail(json_reason::json, "An object or list is not closed.");
    default:
      return fail(json_reason::json, "The message is not valid JSON.");
  }
}

/// Whether a value is valid JSON of any kind. Consumes it.
bool general_path::impl::check(od::value value, int depth) {
  std::string_view token = value.raw_json_token();
  token = trimmed(token);
  switch (token.empty() ? '\0' : token.front()) {
    case '"': {
      std::string_view text;
      const auto error = value.get_string().get(text);
      return error ? fail(error) : true;
    }
    case '{': {
      if (depth >= json_depth_max) break;
      od::object object;
      if (const auto error = value.get_object().get(object)) return fail(error);
      for (auto item : object) {
        od::field field;
        if (const auto error = std::move(item).get(field)) return fail(error);
        std::string_view key;
        if (const auto error = field.unescaped_key().get(key)) return fail(error);
        if (!check(field.value(), depth + 1)) return false;
      }
      return true;
    }
    case '[': {
      if (depth >= json_depth_max) break;
      od::array array;
      if (const auto error = value.get_array().get(array)) return fail(error);
      for (auto item : array) {
        od::value element;
        if (const auto error = std::move(item).get(element)) return fail(error);
        if (!check(element, depth + 1)) return false;
      }
      return true;
    }
    default:
      if (token == "true" || token == "false" || token == "null") return true;
      if (check_number(token).valid) return true;
      return fail(json_reason::json, "'" + quoted(token) + "' is not a JSON value.");
  }
  return fail(json_reason::too_deep,
              "The message is nested deeper than " + std::to_string(json_depth_max) + " levels.");
}

/// Reads one value of a plain type. Null is for the caller.
bool general_path::impl::decode_scalar(const std::string& key, const value_type& type,
                                       od::value& value, windrow::value& found) {
  std::string_view token = value.raw_json_token();
  token = trimmed(token);
  const char first = token.empty() ? '\0' : token.front();
  const auto range = [&] {
    return fail(json_reason::range, "Key '" + key + "': " + quoted(token) +
                                        " is out of the range of " + schema::to_string(type) + ".");
  };
  if (first == '"') {
    std::string_view text;
    if (const auto error = value.get_string().get(text)) return fail(error);
    if (type.kind == value_kind::text) {
      found.emplace<std::string>(text);
      return true;
    }
    std::int64_t micros = 0;
    if (type.kind != value_kind::datetime) return fail_type(key, type, token);
    if (!to_time(text, micros)) {
      return fail(json_reason::type, "Key '" + key + "': " + quoted(token) +
                                         " is not a time; write RFC 3339 "
                                         "(2024-01-02T03:04:05Z) or milliseconds since 1970.");
    }
    found = timestamp{micros};
    return true;
  }
  if (first == '{' || first == '[') {  // the rest must be JSON before its type can be wrong
    return check(value, 1) && fail_type(key, type, token);
  }
  if (token == "true" || token == "false") {
    if (type.kind != value_kind::boolean) return fail_type(key, type, token);
    found = first == 't';
    return true;
  }
  if (token == "null") return fail_type(key, type, token);
  const number_token number = check_number(token);
  if (!number.valid) {
    return fail(json_reason::json, "'" + quoted(token) + "' is not a JSON value.");
  }
  std::int64_t integer = 0;
  double floating = 0;
  switch (type.kind) {
    case value_kind::floating:
      if (to_float(token, floating) != number_fit::fits) return range();
      found = floating;
      return true;
    case value_kind::integer:
      if (!number.integral) return fail_type(key, type, token);
      if (to_int(token, integer) != number_fit::fits) return range();
      found = integer;
      return true;
    case value_kind::datetime:
      if (!number.integral) return fail_type(key, type, token);
      if (to_int(token, integer) != number_fit::fits) return range();
      if (to_micros(integer, integer) != number_fit::fits) return range();
      found = timestamp{integer};
      return true;
    default:
      return fail_type(key, type, token);
  }
}

/// Reads one value of any type. Where it is wrong inside a list, map or struct, the walk has
/// stopped half-way.
bool general_path::impl::decode_value(const std::string& key, const value_type& type,
                                      od::value value, windrow::value& found) {
  std::string_view token = value.raw_json_token();
  const char first = token.empty() ? '\0' : token.front();
  if (type.nullable && trimmed(token) == "null") {
    found = windrow::null{};
    return true;
  }
  if (type.kind == value_kind::list && first == '[') return decode_list(key, type, value, found);
  if (type.kind == value_kind::map && first == '{') return decode_map(key, type, value, found);
  if (type.kind == value_kind::structure && first == '{')
    return decode_struct(key, type, value, found);
  if (type.kind == value_kind::bytes && first == '"') return decode_bytes(key, value, found);
  return decode_scalar(key, type, value, found);
}

bool general_path::impl::decode_list(const std::string& key, const value_type& type,
                                     od::value value, windrow::value& found) {
  od::array array;
  if (const auto error = value.get_array().get(array)) return fail(error);
  value_list values;
  for (auto item : array) {
    od::value element;
    if (const auto error = std::move(item).get(element)) return fail(error);
    windrow::value one;
    if (!decode_value(key, *type.element, element, one)) return false;
    values.push_back(std::move(one));
  }
  found = std::move(values);
  return true;
}

bool general_path::impl::decode_map(const std::string& key, const value_type& type, od::value value,
                                    windrow::value& found) {
  od::object object;
  if (const auto error = value.get_object().get(object)) return fail(error);
  named_values entries;
  for (auto item : object) {
    od::field field;
    if (const auto error = std::move(item).get(field)) return fail(error);
    std::string_view name;
    if (const auto error = field.unescaped_key().get(name)) return fail(error);
    std::string inner(name);
    windrow::value one;
    if (!decode_value(key, *type.element, field.value(), one)) return false;
    entries.emplace_back(std::move(inner), std::move(one));
  }
  const std::size_t count = entries.size();
  value_map map = make_map(std::move(entries));
  if (map.entries.size() != count)
    return fail(json_reason::duplicate_key, "Key '" + key + "': the map has a key twice.");
  found = std::move(map);
  return true;
}

bool general_path::impl::decode_struct(const std::string& key, const value_type& type,
                                       od::value value, windrow::value& found) {
  od::object object;
  if (const auto error = value.get_object().get(object)) return fail(error);
  const std::vector<schema::struct_field>& declared = *type.fields;
  value_struct fields;
  std::vector<bool> given(declared.size());
  for (const auto& f : declared) fields.fields.emplace_back(f.name, windrow::null{});
  for (auto item : object) {
    od::field field;
    if (const auto error = std::move(item).get(field)) return fail(error);
    std::string_view name;
    if (const auto error = field.unescaped_key().get(name)) return fail(error);
    std::size_t at = 0;
    while (at < declared.size() && declared[at].name != name) ++at;
    if (at == declared.size()) {  // not declared: ignored, as keys of messages are
      if (!check(field.value(), 2)) return false;
      continue;
    }
    const std::string inner = key + "." + declared[at].name;
    if (given[at]) return fail(json_reason::duplicate_key, "Key '" + inner + "' appears twice.");
    given[at] = true;
    if (!decode_value(inner, declared[at].type, field.value(), fields.fields[at].second))
      return false;
  }
  for (std::size_t i = 0; i < declared.size(); ++i) {
    if (given[i] || declared[i].type.nullable) continue;
    return fail(json_reason::missing_key,
                "Key '" + key + "." + declared[i].name + "' is missing; it may not be null.");
  }
  found = std::move(fields);
  return true;
}

bool general_path::impl::decode_bytes(const std::string& key, od::value value,
                                      windrow::value& found) {
  std::string_view text;
  if (const auto error = value.get_string().get(text)) return fail(error);
  auto data = from_base64(text);
  if (!data) {
    return fail(json_reason::type, "Key '" + key + "': the string " + quoted(text) +
                                       " is not base64 (RFC 4648, with padding), as bytes are "
                                       "written in JSON.");
  }
  found = byte_string{std::move(*data)};
  return true;
}

bool general_path::impl::decode_field(std::size_t field, od::value value, row_writer& out) {
  const field_slot& slot = slots[field];
  std::string_view token = value.raw_json_token();
  if (trimmed(token) == "null" && slot.type.nullable) {
    if (slot.needed) out.put_null(field);
    return true;
  }
  if (slot.type.kind == value_kind::text && !token.empty() && token.front() == '"') {
    std::string_view text;
    if (const auto error = value.get_string().get(text)) return fail(error);
    if (!slot.needed) return true;
    // Text without escapes needs no copy: it stands in the message as it is.
    const bool plain = token.substr(1, text.size()) == text && token[text.size() + 1] == '"';
    out.put_text(field, plain ? token.substr(1, text.size()) : out.arena().add(text));
    return true;
  }
  windrow::value found;
  if (!decode_value(slot.name, slot.type, value, found)) return false;
  if (!slot.needed) return true;
  switch (slot.type.kind) {
    case value_kind::integer:
      out.put_int(field, std::get<std::int64_t>(found));
      break;
    case value_kind::datetime:
      out.put_int(field, std::get<timestamp>(found).micros);
      break;
    case value_kind::floating:
      out.put_float(field, std::get<double>(found));
      break;
    case value_kind::boolean:
      out.put_bool(field, std::get<bool>(found));
      break;
    case value_kind::list:
      out.put_list(field, std::move(std::get<value_list>(found)));
      break;
    case value_kind::map:
    case value_kind::structure:
      out.put_value(field, std::move(found));
      break;
    case value_kind::bytes:
      out.put_text(field, out.arena().add(std::get<byte_string>(found).data));
      break;
    case value_kind::text:
      break;
  }
  return true;
}

/// The declared field a key names, or -1.
bool general_path::impl::find_key(od::field& field, int& found) {
  std::string_view key;
  if (const auto error = field.unescaped_key().get(key)) return fail(error);
  found = -1;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (slots[i].name == key) found = static_cast<int>(i);
  }
  return true;
}

bool general_path::impl::decode_object(od::object object, row_writer& out) {
  std::fill(seen.begin(), seen.end(), 0);
  // What is wrong with one value is said only once the rest has proved to be JSON: a message is
  // `json` or `utf8` before it is `type`. The first such trouble is kept.
  trouble first;
  bool good = true;
  for (auto item : object) {
    od::field field;
    if (const auto error = std::move(item).get(field)) return fail(error);
    int index = -1;
    if (!find_key(field, index)) return false;
    if (index < 0 || !good) {
      if (!check(field.value(), 1)) return false;
      continue;
    }
    const auto at = static_cast<std::size_t>(index);
    if (seen[at] != 0) {
      if (!check(field.value(), 1)) return false;
      first = {json_reason::duplicate_key, "Key '" + slots[at].name + "' appears twice."};
      good = false;
      continue;
    }
    seen[at] = 1;
    if (decode_field(at, field.value(), out)) continue;
    if (why.reason != json_reason::type && why.reason != json_reason::range) return false;
    // Inside a list, map or struct the walk has stopped half-way: the rest cannot be visited.
    if (slots[at].type.element || slots[at].type.fields) return false;
    first = std::move(why);
    good = false;
  }
  if (!good) {
    why = std::move(first);
    return false;
  }
  return finish(out);
}

/// Fields without a key are null, where they may be.
bool general_path::impl::finish(row_writer& out) {
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (seen[i] != 0) continue;
    if (!slots[i].type.nullable) {
      return fail(json_reason::missing_key,
                  "Key '" + slots[i].name + "' is missing; it may not be null.");
    }
    if (slots[i].needed) out.put_null(i);
  }
  return true;
}

general_path::general_path(const std::vector<field_slot>& slots)
    : impl_(std::make_unique<impl>(slots)) {}
general_path::~general_path() = default;

bool general_path::decode(std::string_view message, row_writer& out, decode_error& error) {
  impl& self = *impl_;
  const auto run = [&]() -> bool {
    od::document document;
    if (const auto code = self.parser
                              .iterate(message.data(), message.size(),
                                       message.size() + simdjson::SIMDJSON_PADDING)
                              .get(document)) {
      return self.fail(code);
    }
    const auto begin = message.find_first_not_of(spaces);
    const char first = begin == message.npos ? '\0' : message[begin];
    if (first != '{') {
      if (message.starts_with(byte_order_mark)) {
        return self.fail(
            json_reason::json,
            "The message begins with a byte order mark; save it as UTF-8 without one.");
      }
      if (!may_be_json(trimmed(message.substr(std::min(begin, message.size()))))) {
        return self.fail(simdjson::TAPE_ERROR);
      }
      return self.fail(json_reason::not_an_object, "The message is not an object but " +
                                                       described(message.substr(begin)) + ".");
    }
    od::object object;
    if (const auto code = document.get_object().get(object)) {
      // simdjson looks at the last byte alone, which is no `}` where something follows.
      if (code == simdjson::INCOMPLETE_ARRAY_OR_OBJECT && closes(message)) {
        return self.fail(json_reason::json, something_behind);
      }
      return self.fail(code);
    }
    if (!self.decode_object(object, out)) return false;
    if (document.current_location().error() == simdjson::OUT_OF_BOUNDS) return true;
    return self.fail(json_reason::json, something_behind);
  };
  if (run()) return true;
  error.reason = to_string(self.why.reason);
  error.text = std::move(self.why.text);
  return false;
}

}  // namespace windrow::formats::json
