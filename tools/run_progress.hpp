#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "node/node_progress.hpp"
#include "tools/progress.hpp"

namespace windrow::tools {

/// Shows how a run is getting on, on standard error: a bar that is drawn again on a terminal,
/// otherwise a line every few seconds in which something happened. For one thread.
class run_progress {
public:
  /// `sized`: the sizes of all inputs are known. Times are those of `steady_clock`.
  run_progress(std::int64_t started_at, bool sized);

  void update(std::int64_t now, const node::node_progress& counts);
  /// Says once, for each source that has failed, why.
  void failures(const node::node_progress& counts);
  /// Says, for each source from which nothing comes, why, and when it goes on.
  void waiting(const node::node_progress& counts);
  /// What is being done, in place of the bar. Does nothing if there is no bar.
  void say(std::string_view doing);
  /// Removes the bar; without one, a last line where there were lines before.
  void finish(std::int64_t now, const node::node_progress& counts);

private:
  void print_line(const progress_view& view);

  progress_meter meter_;
  const bool sized_;
  const bool terminal_;
  std::int64_t line_at_;           ///< when the last line was due
  std::uint64_t line_events_ = 0;  ///< what it said
  bool lines_printed_ = false;
  std::map<std::string, std::string> said_;     ///< of failed sources
  std::map<std::string, std::string> waiting_;  ///< of those that wait
};

}  // namespace windrow::tools
