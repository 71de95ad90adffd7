#pragma once

#include <optional>
#include <string>

#include "storage/journal/journal.hpp"
#include "windrow/result.hpp"

/// What is paused stays paused over restarts: a counter of the journal for each source
/// (`paused NAME`) and each partition (`paused`, a line break, the id in hexadecimal), 1 while it
/// is.
namespace windrow::node {

/// Whether a partition is not to be read, by itself or with its whole source.
result<bool> is_paused(storage::journal& journal, const std::string& source,
                       storage::partition_id partition);
/// Whether the source is paused as a whole.
result<bool> is_paused(storage::journal& journal, const std::string& source);

/// Durable when it returns; of one partition, or of the whole source.
result<void> set_paused(storage::journal& journal, const std::string& source,
                        std::optional<storage::partition_id> partition, bool paused);

}  // namespace windrow::node
