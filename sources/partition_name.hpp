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

/// A partition of a topic as one source reads it. A source that was reset reads the same partition
/// as another one: the next incarnation.
struct kafka_identity {
  std::string source;
  std::string topic;
  int number = 0;
  std::uint32_t incarnation = 0;

  friend bool operator==(const kafka_identity&, const kafka_identity&) = default;
};

/// `kafka:SOURCE/TOPIC/NUMBER#INCARNATION`.
std::string partition_name(const kafka_identity& identity);
/// Reads such a name back; `corrupt` where it is none.
result<kafka_identity> parse_kafka_partition_name(std::string_view name);

/// The durable name of one run's standard input, `stdin:<run>`. `run` must be new for each run of
/// the program, because nothing of an earlier one can be read again.
std::string stream_partition_name(std::string_view run);

/// The durable name of a folder's journal, `journal:<folder>`: the pushes of another folder are
/// other messages. `folder` is the folder's id as text.
std::string journal_partition_name(std::string_view folder);

}  // namespace windrow::sources
