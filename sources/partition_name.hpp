#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "windrow/result.hpp"

namespace windrow::sources {

/// How many bytes at the beginning of a file tell it from another one.
inline constexpr std::size_t head_bytes_max = 4096;

/// What makes a file a source partition: its name and how it begins. The length of the beginning
/// is that of the file when it was first seen, at most 4 KiB, so that a file that has grown since
/// is still the same.
struct file_identity {
  std::string path;             ///< absolute
  std::uint64_t head_hash = 0;  ///< XXH3-64 of the first `head_size` bytes
  std::uint32_t head_size = 0;  ///< 1 to 4096

  friend bool operator==(const file_identity&, const file_identity&) = default;
};

/// The durable name of a file's partition: `file:/abs/path#<16 hex digits>.<head size>`.
std::string partition_name(const file_identity& identity);

/// Reads such a name back; `corrupt` where it is none.
result<file_identity> parse_file_partition_name(std::string_view name);

/// The durable name of one run's standard input, `stdin:<run>`. `run` must be new for each run of
/// the program, because nothing of an earlier one can be read again.
std::string stream_partition_name(std::string_view run);

}  // namespace windrow::sources
