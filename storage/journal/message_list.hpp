#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/varint.hpp"
#include "storage/journal/dead_letter.hpp"

/// Messages as a journal entry holds them: any bytes, each with its length in front and, where it
/// is a dead letter once more, with what its log kept beside it. `storage/README.md` has the bytes.
namespace windrow::storage {

/// One of them. Views point into the payload that it was read from.
struct listed_message {
  std::string_view bytes;
  std::optional<std::int64_t> time;  ///< microseconds: when its log says that it came
  std::optional<std::string_view> key;
  std::vector<std::pair<std::string_view, std::string_view>> headers;
};

void append_message(std::string& payload, std::string_view bytes);
/// The message of a dead letter: with time, key and headers where it is `timed`, else its bytes
/// alone.
void append_message(std::string& payload, const dead_letter& letter);

/// Reads the messages of a payload, one after the other.
class message_list_reader {
public:
  explicit message_list_reader(std::string_view payload);
  /// False at the end, and where the payload is none.
  bool next(listed_message& into);
  bool ok() const noexcept { return in_.ok(); }

private:
  std::string_view text() noexcept;

  varint_reader in_;
};

/// All of them; nothing if the payload is none.
std::optional<std::vector<listed_message>> read_messages(std::string_view payload);

}  // namespace windrow::storage
