#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/batch.hpp"
#include "storage/journal/dead_letter.hpp"

namespace windrow::storage {

/// How many of a producer's newest sequences are remembered with their content.
inline constexpr std::size_t remembered_sequences = 16;
inline constexpr std::size_t producer_name_bytes_max = 256;

/// What one sequence of a producer stands for: a whole push, or a line of one.
struct push_unit {
  std::uint64_t content = 0;  ///< `content_hash`
  std::size_t end = 0;        ///< where it ends in the payload
  friend bool operator==(const push_unit&, const push_unit&) = default;
};

/// Whose push it is. A producer numbers what it pushes from 1 without gaps, whatever the stream.
struct push_producer {
  std::string name;              ///< 1 to 256 bytes of UTF-8
  sequence first = 0;            ///< of the first unit, at least 1; the others follow
  std::vector<push_unit> units;  ///< in the order of the payload
  friend bool operator==(const push_producer&, const push_producer&) = default;
};

/// What is pushed together: all of its rows are stored or none.
struct push {
  std::string stream;
  std::int64_t arrival = 0;  ///< microseconds
  std::string payload;       ///< `message_list`; empty: nothing to store but what is below
  std::optional<push_producer> producer{};
  /// Messages that are too long to store and are dead letters already.
  std::vector<dead_letter> dead_letters{};
  std::string media_type = std::string(default_media_type);  ///< of the messages
  friend bool operator==(const push&, const push&) = default;
};

/// What became of a push.
struct push_outcome {
  /// The entry it was stored in; of a repetition the one it was stored in then, as long as that is
  /// remembered. 0 if there is none.
  sequence entry = 0;
  std::size_t duplicates = 0;  ///< units, the first of them, that had been taken before
  friend bool operator==(const push_outcome&, const push_outcome&) = default;
};

/// Tells contents apart: 64 bits over stream and bytes.
std::uint64_t content_hash(std::string_view stream, std::string_view content) noexcept;

}  // namespace windrow::storage
