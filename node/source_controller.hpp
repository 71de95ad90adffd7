#pragma once

#include <optional>
#include <string>
#include <vector>

#include "node/source_context.hpp"
#include "sources/source_control.hpp"

namespace windrow::node {

struct opened_input;

/// What people do to sources: also of a folder that is only looked at, and then for its next run.
/// Each answers when what it did is durable. `not_found` for a name that is not there, with those
/// that are; `closed` once the node is stopped. Any thread; one at a time does something.
class source_controller {
public:
  explicit source_controller(source_context context) : context_(context) {}

  /// Reads no more of it, also after a restart, until it is resumed. It holds no credit.
  result<sources::source_control> pause(const sources::source_selection& what);
  /// Reads on: what was paused, and also what has failed.
  result<sources::source_control> resume(const sources::source_selection& what);
  /// Reads on elsewhere: ahead, passing over what lies between, exactly, whatever happens to the
  /// process. Back, nothing changes but what earlier seeks have yet to pass over.
  result<sources::source_control> seek(const sources::source_selection& what,
                                       const sources::seek_target& target);
  /// Gives up the position: it is read again from its start, as new input.
  result<sources::source_control> reset(const sources::source_selection& what);

private:
  struct chosen {
    sources::source_driver* driver = nullptr;
    sources::driver_partition partition;
    std::optional<std::uint32_t> number;  // if it is an input
  };
  result<std::vector<chosen>> choose(const sources::source_selection& what) const;
  result<std::vector<chosen>> choose_to_move(const sources::source_selection& what, bool one) const;
  result<void> resume_whole(const std::string& source);
  result<sources::source_control_step> resume_partition(const chosen& c, bool whole);
  result<sources::source_control_step> pause_partition(const chosen& c);
  result<sources::source_control_step> seek_partition(const chosen& c,
                                                      const sources::seek_target& target);
  result<sources::source_control_step> reset_partition(const chosen& c,
                                                       std::vector<opened_input>& starting);
  void look_whether_done();

  const source_context context_;
};

}  // namespace windrow::node
