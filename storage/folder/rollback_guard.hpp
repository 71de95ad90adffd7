#pragma once

#include <string>

#include "windrow/result.hpp"

/// The files of a data folder belong together: shards skip what they have applied, the journal
/// forgets what every shard has. An older copy of one of them, put back alone, would pass every
/// checksum and answer wrongly. So `DIR/versions` notes the least transaction number that each
/// LMDB file of the folder can have; numbers only grow.
///
/// A node moves every file on by one transaction and notes the numbers when it opens them for
/// writing, and notes them when it closes: no copy made before it opened, and after it has closed
/// no copy but of the last state, can be taken for the file. The whole folder, put back together,
/// is consistent. Not detected: a file copied while a node was writing and put back, alone, after
/// that node was killed.
namespace windrow::storage {

/// Notes the numbers of every LMDB file below `folder`, made durable first. Requires the folder's
/// lock, and that nobody writes meanwhile.
result<void> note_versions(const std::string& folder);

/// `corrupt` where a file is older than was noted, or is missing; fine where nothing was noted.
result<void> check_versions(const std::string& folder);

}  // namespace windrow::storage
