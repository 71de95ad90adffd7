#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/batch.hpp"

namespace windrow::storage {

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
  bool timed = false;  ///< `arrival` is its envelope's time

  friend bool operator==(const dead_letter&, const dead_letter&) = default;
};

}  // namespace windrow::storage
