#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "formats/framing.hpp"
#include "formats/message_run.hpp"
#include "sources/input.hpp"
#include "sources/partition_name.hpp"
#include "windrow/result.hpp"

namespace windrow::sources {

/// A range of a file and when it arrived.
struct arrival_note {
  timestamp arrival;
  /// Where the noted range ends: after the position asked for, at most the end asked for.
  sequence to = 0;
  /// A line ends at `to` even without a newline there.
  bool line_ends = false;
};

/// When the bytes of a file arrived, noted durably before they are used: read again after a
/// crash, the same bytes must have the same arrival, or lateness would be decided differently.
/// Implemented on the journal.
class arrival_notes {
public:
  virtual ~arrival_notes() = default;

  /// The note of the range that contains byte `from`, cut off at `to` where it is longer. Where
  /// there is none, notes the present for the bytes from `from` to `to` or to the next noted range,
  /// whichever comes first, durably, and returns that. Requires from < to.
  virtual result<arrival_note> note(partition_id partition, sequence from, sequence to) = 0;

  /// Notes durably that a line ends at `at`, which is the end of a noted range: the input was
  /// taken to be complete. Without this, bytes appended later would change what the line was.
  virtual result<void> end_line(partition_id partition, sequence at) = 0;
};

/// What tells the file from others, as it is now; nothing while the file is empty, because an
/// empty file is no partition yet. `not_found` where there is no such file, `invalid` where it is
/// no regular file, `io` where it cannot be read. `head_bytes` (at least 1) may make it known by
/// less of its beginning than usual: another identity of the same file.
result<std::optional<file_identity>> identify(const std::string& path,
                                              std::size_t head_bytes = head_bytes_max);

struct file_source_options {
  file_identity identity;     ///< as first seen; from `identify` or the partition's name
  int source = schema::none;  ///< plan.sources whose streams read it
  partition_id partition = 0;
  sequence position = 0;  ///< continue after this byte
  /// End at the end of the file, where an unterminated last line counts if it is a closed object,
  /// and else is left. Otherwise the file is followed as it grows and such a line waits for its
  /// newline.
  bool once = false;
  arrival_notes* notes = nullptr;  ///< outlives the source
  /// What a user runs to start the source over, for messages:
  /// `windrow source reset flights --data ./state`.
  std::string reset_command;
  formats::framing_limits limits;
};

/// Reads an NDJSON file from a position, as runs of lines. Positions are byte offsets after a
/// line's newline. Has no clock and no thread of its own; blocks only in reading the disk.
///
/// A file that is shorter than the position or begins differently is another file: `mismatch`,
/// with what to do. Checked on opening, when the file shrinks while it is read, and when its name
/// is given to another file (one that begins the same and is at least as long is read on).
class file_source final : public input {
public:
  static result<std::unique_ptr<file_source>> open(file_source_options options);
  ~file_source() override;
  file_source(const file_source&) = delete;
  file_source& operator=(const file_source&) = delete;

  /// The next run; or `nothing` (followed files) or `end` (once) where there is none now. After a
  /// failure the source is useless.
  result<source_step> next() override;

  /// The position after the last run returned.
  sequence position() const noexcept { return framing_->position(); }
  /// The size of the file as last seen: what remains is `size() - position()`.
  std::uint64_t size() const noexcept { return size_; }

private:
  file_source(file_source_options options, int fd, std::uint64_t size);
  result<bool> find_more();
  result<void> follow_name();
  result<void> read_chunk();
  failure mismatch(const std::string& what) const;

  const file_source_options options_;
  int fd_;
  std::uint64_t size_;
  sequence read_;       ///< bytes before it have been given to the framing
  arrival_note noted_;  ///< of the range that is being read; ends at or after read_
  std::unique_ptr<formats::framing> framing_;
};

}  // namespace windrow::sources
