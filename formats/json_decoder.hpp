#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "formats/decoder.hpp"
#include "schema/plan/plan.hpp"

namespace windrow::formats {

/// Why a JSON message could not be decoded, beside `too_long`. The names are stored with dead
/// letters.
enum class json_reason : std::uint8_t {
  json,           ///< not one valid JSON text
  utf8,           ///< not valid UTF-8
  too_deep,       ///< nested deeper than `json_depth_max`
  not_an_object,  ///< valid JSON of another kind
  missing_key,    ///< a declared key that is not there and may not be null
  duplicate_key,  ///< a declared key that appears twice
  type,           ///< a value of another type than declared
  range,          ///< a number that its type cannot hold
};
decode_reason to_string(json_reason reason) noexcept;

inline constexpr int json_depth_max = 256;

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
class json_decoder final : public decoder {
public:
  /// `needed` says which fields are to become columns (the others are checked only); empty: all.
  explicit json_decoder(std::vector<schema::message_field> fields, std::vector<bool> needed = {});
  ~json_decoder() override;
  json_decoder(json_decoder&&) noexcept;
  json_decoder& operator=(json_decoder&&) noexcept;

  void decode(std::span<const message_view> messages, decoded_rows& out) override;

  /// For tests: decode every line with simdjson.
  void disable_fast_path() noexcept;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace windrow::formats
