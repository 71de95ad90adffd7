#pragma once

#include <string>
#include <vector>

#include "node/source_context.hpp"
#include "sources/source_status.hpp"

namespace windrow::node {

/// How a node's sources are getting on, as people see it. Waits for no network. Any thread.
class source_overview {
public:
  source_overview(source_context context, storage::partition_id pushes)
      : context_(context), pushes_(pushes) {}

  /// Every source that the node reads (of a folder that is only looked at: every declared one), and
  /// last `journal`, what is pushed.
  result<std::vector<sources::source_status>> all() const;

private:
  result<sources::source_status> of_source(const std::string& source) const;
  result<void> add_partitions(const sources::source_driver& driver,
                              sources::source_status& into) const;
  result<void> describe_stopped(const std::string& source, const sources::driver_partition& p,
                                sources::partition_status& into) const;
  void describe_empty(sources::source_status& into) const;
  sources::source_status of_journal() const;

  const source_context context_;
  const storage::partition_id pushes_;
};

}  // namespace windrow::node
