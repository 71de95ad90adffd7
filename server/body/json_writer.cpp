#include "server/body/json_writer.hpp"

#include <array>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <utility>

#include "base/base64.hpp"
#include "base/utf8.hpp"
#include "windrow/time.hpp"

namespace windrow::server {
namespace {

void append_escaped(std::string& out, char32_t character, std::string_view bytes) {
  switch (character) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    default:
      break;
  }
  if (character >= 0x20 && character != 0x7f) {
    out += bytes;
    return;
  }
  std::array<char, 8> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "\\u%04x", static_cast<unsigned>(character));
  out += buffer.data();
}

bool is_plain(char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; }

// Nearly all text is plain; runs of it are taken as they are.
void append_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    std::size_t plain = 0;
    while (plain < text.size() && is_plain(text[plain])) ++plain;
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    const std::string_view before = text;
    char32_t character = 0;
    if (next_character(text, character)) {
      append_escaped(out, character, before.substr(0, before.size() - text.size()));
    } else {
      out += "\uFFFD";
    }
  }
  out += '"';
}

template <class Integer>
void append_integer(std::string& out, Integer number) {
  std::array<char, 24> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  out.append(buffer.data(), end.ptr);
}

struct value_writer {
  json_writer& out;
  void operator()(windrow::null) const { out.null(); }
  void operator()(bool value) const { out.boolean(value); }
  void operator()(std::int64_t value) const { out.integer(value); }
  void operator()(double value) const { out.number(value); }
  void operator()(const std::string& value) const { out.string(value); }
  void operator()(timestamp value) const { out.time(value); }
  void operator()(const value_list& list) const {
    out.begin_array();
    for (const auto& item : list) out.value(item);
    out.end_array();
  }
  void operator()(const value_map& map) const { named(map.entries); }
  void operator()(const value_struct& fields) const { named(fields.fields); }
  void operator()(const byte_string& bytes) const { out.string(base64(bytes.data)); }
  void named(const named_values& values) const {
    out.begin_object();
    for (const auto& [name, value] : values) out.key(name).value(value);
    out.end_object();
  }
};

}  // namespace

std::string json_string(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  append_string(out, text);
  return out;
}

std::string json_number(double number) {
  if (!std::isfinite(number)) return "null";
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  std::string text(buffer.data(), end.ptr);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

json_writer& json_writer::begin_object() { return open('{', true), *this; }
json_writer& json_writer::end_object() { return close('}'), *this; }
json_writer& json_writer::begin_array() { return open('[', false), *this; }
json_writer& json_writer::end_array() { return close(']'), *this; }

json_writer& json_writer::key(std::string_view name) {
  assert(!levels_.empty() && levels_.back().object && !after_key_);
  before_value();
  append_string(out_, name);
  out_ += ": ";
  after_key_ = true;
  return *this;
}

json_writer& json_writer::string(std::string_view text) {
  before_value();
  append_string(out_, text);
  return *this;
}

json_writer& json_writer::integer(std::int64_t number) {
  before_value();
  append_integer(out_, number);
  return *this;
}

json_writer& json_writer::unsigned_integer(std::uint64_t number) {
  before_value();
  append_integer(out_, number);
  return *this;
}

json_writer& json_writer::number(double number) {
  before_value();
  out_ += json_number(number);
  return *this;
}

json_writer& json_writer::boolean(bool truth) {
  before_value();
  out_ += truth ? "true" : "false";
  return *this;
}

json_writer& json_writer::null() {
  before_value();
  out_ += "null";
  return *this;
}

json_writer& json_writer::raw(std::string_view json) {
  before_value();
  out_ += json;
  return *this;
}

json_writer& json_writer::time(timestamp time) { return string(format_time(time)); }

json_writer& json_writer::value(const windrow::value& value) {
  std::visit(value_writer{*this}, static_cast<const windrow::value::variant&>(value));
  return *this;
}

std::string json_writer::take() {
  assert(levels_.empty() && !after_key_);
  return std::exchange(out_, {});
}

void json_writer::before_value() {
  if (std::exchange(after_key_, false) || levels_.empty()) return;
  level& here = levels_.back();
  if (!here.empty) out_ += indent_ == 0 ? ", " : ",";
  here.empty = false;
  line_break();
}

void json_writer::open(char bracket, bool object) {
  before_value();
  out_ += bracket;
  levels_.push_back({.object = object});
}

void json_writer::close(char bracket) {
  assert(!levels_.empty() && levels_.back().object == (bracket == '}') && !after_key_);
  const bool empty = levels_.back().empty;
  levels_.pop_back();
  if (!empty) line_break();
  out_ += bracket;
}

void json_writer::line_break() {
  if (indent_ == 0) return;
  out_ += '\n';
  out_.append(indent_ * levels_.size(), ' ');
}

}  // namespace windrow::server
