#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace windrow::storage {

/// A source partition: the hash of its durable name (`sources/partition_name.hpp`), so that it
/// means the same in every folder and in every file of one. 0 is none.
///
/// Two names with one hash are found when the second is registered (`partition_table`).
using partition_id = std::uint64_t;

/// XXH3-64 of the name with a seed that never changes; 1 where that is 0.
partition_id partition_id_of(std::string_view durable_name) noexcept;

/// 16 hexadecimal digits: how an id stands in texts and in names.
std::string hex_of(partition_id id);

/// The last sequence read or applied: for files the byte offset after the line.
using sequence = std::uint64_t;

/// The last sequence applied, per source partition.
using positions = std::map<partition_id, sequence>;

}  // namespace windrow::storage
