#pragma once

#include <memory>

#include "formats/framing.hpp"
#include "formats/message_run.hpp"
#include "sources/input.hpp"
#include "windrow/result.hpp"

namespace windrow::sources {

/// Reads NDJSON from a descriptor that cannot be read twice: standard input, a pipe. Positions
/// count bytes from where reading began, so each run of the program is a partition of its own.
/// Belongs to one thread; has no clock.
class pipe_reader {
public:
  /// What becomes of a last line that has no end.
  enum class last_line { taken, taken_if_closed_object };

  /// `fd` is borrowed and stays open.
  pipe_reader(int fd, partition_id partition, formats::framing_limits limits = {},
              last_line last = last_line::taken);

  /// Waits until there is something to read or the input has ended, at most `timeout_ms`. False
  /// where nothing came in time (or a signal did).
  result<bool> wait(int timeout_ms);

  /// What can be read without waiting, as a run that arrived at `arrival`.
  result<source_step> next(timestamp arrival);

  sequence position() const noexcept { return framing_->position(); }
  /// After the end: whether a last line was left.
  bool left_a_line() const noexcept { return framing_->pending(); }

private:
  result<bool> read_some();

  const int fd_;
  const std::size_t read_max_;  ///< bytes that are read at once
  const std::size_t enough_;    ///< waiting bytes at which they are handed on
  const last_line last_;
  std::unique_ptr<formats::framing> framing_;
  bool ended_ = false;
};

}  // namespace windrow::sources
