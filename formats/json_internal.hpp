#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "formats/json_decoder.hpp"
#include "schema/plan/plan.hpp"

/// What the two paths of the JSON decoder share. Private to `formats/json_*.cpp`.
namespace windrow::formats::json {

/// A declared field and where its values go.
struct field_slot {
  std::string name;
  schema::value_type type;
  bool needed = true;
};

/// Writes one row at a time into columns that have been sized beforehand.
class row_writer {
public:
  row_writer(const std::vector<field_slot>& slots, decoded_rows& out, std::size_t rows_max);

  std::size_t row = 0;

  void put_text(std::size_t field, std::string_view value) noexcept {
    columns_[field].texts[row] = value;
  }
  void put_int(std::size_t field, std::int64_t value) noexcept {
    columns_[field].ints[row] = value;
  }
  void put_float(std::size_t field, double value) noexcept { columns_[field].floats[row] = value; }
  void put_bool(std::size_t field, bool value) noexcept { columns_[field].bools[row] = value; }
  void put_list(std::size_t field, value_list value) {
    columns_[field].lists[row] = std::move(value);
  }
  void put_value(std::size_t field, windrow::value value) {
    columns_[field].values[row] = std::move(value);
  }
  void put_null(std::size_t field);
  /// Forgets what has been written to the current row.
  void reset_row() noexcept;
  /// Cuts the columns down to the rows that were finished.
  void finish();

  text_arena& arena() noexcept { return out_.arena; }

private:
  decoded_rows& out_;
  schema::column* columns_;
  const std::size_t rows_max_;
};

/// One number as JSON spells it.
struct number_token {
  bool valid = false;     ///< the whole text is one number
  bool integral = false;  ///< without fraction and exponent
};
number_token check_number(std::string_view text) noexcept;

/// Where a number does not fit.
enum class number_fit : std::uint8_t { fits, out_of_range };
/// Requires a valid integral token.
number_fit to_int(std::string_view text, std::int64_t& value) noexcept;
/// Requires a valid token. Too small for a double becomes zero.
number_fit to_float(std::string_view text, double& value) noexcept;
/// Milliseconds to microseconds.
number_fit to_micros(std::int64_t millis, std::int64_t& micros) noexcept;
/// RFC 3339 only: a string of digits is no time.
bool to_time(std::string_view text, std::int64_t& micros) noexcept;

/// Decodes lines that are spelt like those before. Learns keys with their surroundings
/// (`,"user_id":`) as nodes of a graph, each pointing to the one that followed it last time.
class fast_path {
public:
  explicit fast_path(const std::vector<field_slot>& slots);

  /// True if the message is a valid row and has been written; false if this path cannot
  /// tell, with the current row in any state.
  bool decode(std::string_view message, row_writer& out);

private:
  enum class action : std::uint8_t {
    text,
    integer,
    floating,
    datetime,
    boolean,
    ignore,
    end,
    none
  };
  struct node {
    alignas(16) char text[64] = {};
    std::uint32_t size = 0;
    std::uint32_t tail_mask = 0;  ///< bytes that count in the last block of 16
    action what = action::none;
    bool needed = false;
    bool nullable = false;
    std::uint32_t field = 0;
    std::uint64_t bit = 0;  ///< of the field among `seen`
    node* next = nullptr;
  };

  static bool matches(const node& n, const char* at) noexcept;
  node* learn(node& previous, const char* at, const char* end);
  node* find_or_add(const char* literal, std::size_t size, std::string_view key, bool is_end);

  const std::vector<field_slot>& slots_;
  bool usable_;
  std::uint64_t all_ = 0;       ///< bits of all fields
  std::uint64_t required_ = 0;  ///< bits of those that may not be null
  std::vector<std::unique_ptr<node>> nodes_;
  node start_;
};

/// Decodes any line, with simdjson on-demand, and says what is wrong with it.
class general_path {
public:
  explicit general_path(const std::vector<field_slot>& slots);
  ~general_path();

  /// True if the row has been written; else `reason` and `text` of `error` are set.
  bool decode(std::string_view message, row_writer& out, decode_error& error);

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace windrow::formats::json
