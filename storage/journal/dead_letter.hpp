#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/batch.hpp"

namespace windrow::storage {

/// What messages are where nothing else is said: JSON objects.
inline constexpr std::string_view default_media_type = "application/x-ndjson";

/// One message that could not be applied, with what a person needs to find out why.
struct dead_letter {
  partition_id partition = 0;
  sequence at = 0;
  std::string stream;
  std::string phase;                    ///< `parse`, `resolve`, `time`
  std::string reason;                   ///< a short code: counts are kept by it
  std::string message;                  ///< a sentence for a person
  std::int64_t arrival = 0;             ///< microseconds
  std::string bytes;                    ///< the original message, or its beginning
  std::uint64_t total_bytes = 0;        ///< length of the whole original message
  std::optional<std::string> key = {};  ///< of its envelope, where it has one
  /// Of its envelope, where a stream of its source reads headers.
  std::vector<std::pair<std::string, std::string>> headers = {};
  bool timed = false;                                        ///< `arrival` is its envelope's time
  std::string media_type = std::string(default_media_type);  ///< of the bytes

  friend bool operator==(const dead_letter&, const dead_letter&) = default;
};

}  // namespace windrow::storage
