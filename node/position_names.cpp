#include "node/position_names.hpp"

#include "node/journal_input.hpp"

namespace windrow::node {

std::pair<std::string, std::uint64_t> position_names::readable(storage::partition_id id,
                                                               storage::sequence at) {
  const std::lock_guard lock(mutex_);
  if (!names_.count(id)) {
    for (const storage::partition& p : journal_.partitions().all())
      names_[p.id] = storage::label_of(p);
  }
  return {names_[id], id == pushes_ ? entry_applied(at) : at};
}

}  // namespace windrow::node
