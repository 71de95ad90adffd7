#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/journal/dead_letter.hpp"

/// Dead letters that had an envelope, as the journal's entries carry them once they are replayed:
/// with it. Such an entry's stream name begins with `replayed_prefix`.
namespace windrow::storage {

inline constexpr std::string_view replayed_prefix = "replayed ";

/// One of them. Views point into the payload it was read from.
struct replayed_message {
  std::string_view bytes;
  std::int64_t time = 0;  ///< microseconds
  std::optional<std::string_view> key;
  std::vector<std::pair<std::string_view, std::string_view>> headers;
};

/// Appends the message of a letter that is `timed` to an entry's payload.
void append_replayed(const dead_letter& letter, std::string& payload);

/// The messages of a payload; nothing where it is not one.
std::optional<std::vector<replayed_message>> read_replayed(std::string_view payload);

}  // namespace windrow::storage
