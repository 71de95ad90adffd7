#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "formats/message_run.hpp"

namespace windrow::formats {

struct line_limits {
  std::size_t chunk_bytes = std::size_t{1} << 20;  ///< how much is read and handed on at once
  /// A line of this many bytes (without its newline) or more becomes an oversized message.
  std::size_t line_bytes_max = std::size_t{10} << 20;
  std::size_t oversized_head = 1024;  ///< what is kept of such a line
};

/// Cuts a stream of bytes into runs of lines, however the bytes arrive.
///
/// Lines end in `\n` or `\r\n`; blank lines (nothing but spaces and tabs) are skipped; a UTF-8
/// byte order mark at position 0 is skipped. Sequences are byte positions after the line's
/// newline. Never holds more than `line_bytes_max` of one line.
///
/// Operation: `space()`, write into it, `filled()`, then `cut()` until it returns nothing.
/// Belongs to one thread; the runs it returns are shared freely.
class line_cutter {
public:
  line_cutter(partition_id partition, sequence position, line_limits limits = {});

  /// Where the next bytes are to be written; never empty. Requires that the last `cut` returned
  /// nothing, or that all bytes of it were ends of lines.
  std::span<char> space();
  /// The first `bytes` of `space()` now hold the next bytes of the stream.
  void filled(std::size_t bytes);
  /// The lines complete so far, or null where there is none. With `line_ends` what stands after
  /// the last newline is a line too.
  message_run_ptr cut(timestamp arrival, bool line_ends);

  /// The position after the last run.
  sequence position() const noexcept { return position_; }
  /// Whether bytes after the last newline wait for the rest of their line.
  bool pending() const noexcept { return used_ > 0 || discarding_; }
  /// What stands after the last newline, of a line that may be held; after a `cut` that returned
  /// nothing, until the next call.
  std::string_view unfinished() const noexcept;
  /// Bytes waiting in the buffer.
  std::size_t waiting() const noexcept { return used_; }

private:
  void begin_discarding();
  message_run_ptr cut_oversized(timestamp arrival, bool line_ends);
  void add_line(std::size_t begin, std::size_t end, sequence after);
  message_run_ptr release(std::size_t consumed, timestamp arrival);

  const partition_id partition_;
  const line_limits limits_;
  std::shared_ptr<run_pool> pool_;
  sequence position_;
  std::unique_ptr<message_run> current_;
  std::size_t used_ = 0;         ///< bytes in current_'s buffer
  std::size_t scanned_ = 0;      ///< of these, bytes known to hold no newline
  bool discarding_ = false;      ///< inside a line that is too long
  std::string head_;             ///< its beginning
  std::uint64_t discarded_ = 0;  ///< its length so far, without what is in the buffer
};

/// Whether text is a JSON object, or something longer, to its closing brace: what a line that has
/// no end yet must be to be taken as it is. Part of an object never is one.
bool is_closed_object(std::string_view text) noexcept;

/// How many lines of a run that a cutter made end in (after, through], blank ones too. Both are
/// positions of the run: its own, or sequences of its messages.
std::uint64_t count_lines(const message_run& run, sequence after, sequence through);

}  // namespace windrow::formats
