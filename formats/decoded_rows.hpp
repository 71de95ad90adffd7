#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "schema/expression/column.hpp"

/// What decoding gives, whatever the format of the messages.
namespace windrow::formats {

/// Why a message could not be decoded, as a name in static text. Dead letters are stored, counted
/// and selected by it, so a name keeps its meaning for good. JSON's names stand alone, because
/// folders hold them so (`json_reason`); another format's begin with the format's name and a point
/// (`avro.schema`). `too_long` belongs to all of them.
using decode_reason = std::string_view;

/// The message is longer than its source holds, so only its beginning is there.
inline constexpr decode_reason too_long = "too_long";

/// A message that could not be decoded.
struct decode_error {
  std::uint32_t message = 0;  ///< its index among the messages given
  decode_reason reason;
  std::string text;  ///< for people: the key, what was expected and what was found
};

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
  /// One per declared field. A field that is not needed has an empty column.
  std::vector<schema::column> columns;
  /// The message each row came from; messages that failed have no row.
  std::vector<std::uint32_t> messages;
  std::vector<decode_error> errors;
  text_arena arena;

  std::size_t rows() const noexcept { return messages.size(); }
};

}  // namespace windrow::formats
