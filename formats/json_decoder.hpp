#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/message_run.hpp"
#include "schema/expression/column.hpp"
#include "schema/plan/plan.hpp"

namespace windrow::formats {

/// Why a message could not be decoded. The names (`to_string`) are stored with dead letters.
enum class decode_reason : std::uint8_t {
  json,           ///< not one valid JSON text
  utf8,           ///< not valid UTF-8
  too_deep,       ///< nested deeper than `json_depth_max`
  too_long,       ///< longer than a source holds
  not_an_object,  ///< valid JSON of another kind
  missing_key,    ///< a declared key that is not there and may not be null
  duplicate_key,  ///< a declared key that appears twice
  type,           ///< a value of another type than declared
  range,          ///< a number that its type cannot hold
};
std::string_view to_string(decode_reason reason) noexcept;

/// A message that could not be decoded.
struct decode_error {
  std::uint32_t message = 0;  ///< its index among the messages given
  decode_reason reason = decode_reason::json;
  std::string text;  ///< for people: the key, what was expected and what was found
};

inline constexpr int json_depth_max = 256;

/// Text that had to be rewritten while decoding. Views into it stay valid until `clear`.
class text_arena {
public:
  std::string_view add(std::string_view text);
  /// Forgets the texts and keeps some of the memory.
  void clear() noexcept;

private:
  struct block {
    std::unique_ptr<char[]> data;
    std::size_t size = 0;
  };
  std::vector<block> blocks_;
  std::size_t used_ = 0;  ///< bytes of the last block
};

/// The rows of some messages. Reused from call to call so that decoding allocates nothing.
struct decoded_rows {
  /// One a declared field. A field that is not needed has an empty column.
  std::vector<schema::column> columns;
  /// The message each row came from; messages that failed have no row.
  std::vector<std::uint32_t> messages;
  std::vector<decode_error> errors;
  text_arena arena;

  std::size_t rows() const noexcept { return messages.size(); }
};

/// Turns JSON messages into columns of declared fields.
///
/// * A message is one JSON object, checked as a whole: also keys that are not declared, and
///   whatever stands behind the object. A message that fails leaves an error and no row; the
///   others are not touched by it.
/// * str: a string. int: an integer within 64 bits, written without fraction or exponent. float: a
///   finite number, also written as an integer. bool. datetime: an RFC 3339 string, or an integer
///   of milliseconds since the epoch. `list[T]`: an array of such. `T | null`: also `null` or no
///   key at all. A declared key that appears twice is an error; others may.
/// * Text without escapes is a view into the message; other text is in `arena`.
///
/// Lines that look like the ones before (same keys in the same order, same spacing) take a path
/// that compares whole keys at once and touches each byte once; every other line, and every
/// line with an error, is decoded by simdjson. Both give the same rows.
///
/// Belongs to one thread. Requires `buffer_padding` readable bytes behind the messages' buffer.
class json_decoder {
public:
  /// `needed` says which fields are to become columns (the others are checked only); empty: all.
  explicit json_decoder(std::vector<schema::message_field> fields, std::vector<bool> needed = {});
  ~json_decoder();
  json_decoder(json_decoder&&) noexcept;
  json_decoder& operator=(json_decoder&&) noexcept;

  /// Replaces the contents of `out` by the rows of `messages`.
  void decode(std::span<const message_view> messages, decoded_rows& out);

  /// For tests: decode every line with simdjson.
  void disable_fast_path() noexcept;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace windrow::formats
