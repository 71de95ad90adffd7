#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schema/catalog/source_kinds.hpp"
#include "storage/batch.hpp"

namespace windrow::sources {

enum class source_state : std::uint8_t {
  running,  ///< being read, or at its end and watched
  waiting,  ///< there is more than the node can take now, or nothing can come at present
  paused,   ///< until it is resumed, also over restarts
  failed,   ///< stopped with a reason; the other sources go on
  ended,    ///< read to its end (`once`)
  stopped,  ///< no node runs in the folder
};
inline const char* to_string(source_state state) noexcept {
  switch (state) {
    case source_state::running:
      return "running";
    case source_state::waiting:
      return "waiting";
    case source_state::paused:
      return "paused";
    case source_state::failed:
      return "failed";
    case source_state::ended:
      return "ended";
    case source_state::stopped:
      return "stopped";
  }
  return "";
}

/// One partition of a source as people see it. Counts are since the node started and do not
/// include what was read again after a crash and had been applied already, except dead letters,
/// which are counted once for good.
struct partition_status {
  std::string partition;  ///< its name: a file's path, the number of a topic's partition
  storage::partition_id id = 0;
  source_state state = source_state::stopped;
  std::string reason;                    ///< of a failure or of waiting
  storage::sequence position = 0;        ///< where it is read on
  std::optional<storage::sequence> end;  ///< where nothing is left
  std::optional<std::uint64_t> lag;      ///< what is left
  /// How long ago what was taken last had arrived, where more is waiting; microseconds.
  std::optional<std::int64_t> behind;
  std::optional<std::int64_t> max_event_time;  ///< microseconds
  double rate = 0;                             ///< messages a second, over the last seconds
  std::uint64_t read = 0;                      ///< messages
  std::uint64_t applied = 0;  ///< of those, once for each stream that accepted them
  std::uint64_t skipped = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t late = 0;  ///< rows too old for at least one rule
  std::uint64_t dead_letters = 0;
};

struct source_status {
  std::string source;  ///< declared name, or `journal` for what is pushed
  std::string kind;    ///< the name of a `schema::source_kind`, `standard input` or `journal`
  schema::position_unit unit = schema::position_unit::messages;
  source_state state = source_state::stopped;
  std::string reason;
  std::vector<partition_status> partitions;
};

}  // namespace windrow::sources
