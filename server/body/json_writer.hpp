#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "windrow/value.hpp"

namespace windrow::server {

/// Writes one JSON document, front to back, into a string.
///
/// One line with `, ` and `: ` between things, or indented. Keys keep the order of the calls. The
/// caller balances `begin_` and `end_` and puts a `key` before each member of an object (asserted).
///
/// * Floats are the shortest text that reads back as the same double, and always look like floats
///   (`12.0`); NaN and infinities, which JSON lacks, are null.
/// * Text that is not UTF-8 is written with U+FFFD in place of each bad byte.
class json_writer {
public:
  /// `indent` spaces a level; 0 for one line.
  explicit json_writer(std::size_t indent = 0) : indent_(indent) {}

  json_writer& begin_object();
  json_writer& end_object();
  json_writer& begin_array();
  json_writer& end_array();
  json_writer& key(std::string_view name);

  json_writer& string(std::string_view text);
  json_writer& integer(std::int64_t number);
  json_writer& unsigned_integer(std::uint64_t number);
  json_writer& number(double number);
  json_writer& boolean(bool truth);
  json_writer& null();
  /// RFC 3339 in a string.
  json_writer& time(timestamp time);
  /// Times are RFC 3339, bytes base64, maps and structs objects.
  json_writer& value(const windrow::value& value);
  /// A value that is JSON already.
  json_writer& raw(std::string_view json);

  /// The document; requires that everything begun has ended.
  std::string take();

private:
  struct level {
    bool object = false;
    bool empty = true;
  };

  void before_value();
  void open(char bracket, bool object);
  void close(char bracket);
  void line_break();

  std::string out_;
  std::vector<level> levels_;
  std::size_t indent_;
  bool after_key_ = false;
};

/// `text` between quotes, escaped.
std::string json_string(std::string_view text);

/// The text `json_writer::number` writes.
std::string json_number(double number);

}  // namespace windrow::server
