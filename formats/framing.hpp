#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "formats/message_run.hpp"

namespace windrow::formats {

struct framing_limits {
  std::size_t chunk_bytes = std::size_t{1} << 20;  ///< how much is read and handed on at once
  /// A message of this many bytes or more (without what ends it) becomes an oversized one.
  std::size_t message_bytes_max = std::size_t{10} << 20;
  std::size_t oversized_head = 1024;  ///< bytes that are kept of such a message
};

/// Cuts a stream of bytes into runs of messages, however the bytes arrive: one implementation per
/// way of cutting. A body that is in memory as a whole is cut by `body_framing.hpp` instead.
///
/// Sequences of messages are byte positions after whatever ends the message. The same bytes give
/// the same messages with the same sequences, however they are split among calls. Never holds more
/// than `message_bytes_max` of one message.
///
/// Operation: `space()`, write into it, `filled()`, then `cut()` until it returns nothing.
/// Belongs to one thread; the runs it returns are shared freely.
class framing {
public:
  virtual ~framing() = default;

  /// Where the next bytes are to be written; never empty. Requires that the last `cut` returned
  /// nothing, or that all bytes of it belonged to whole messages.
  virtual std::span<char> space() = 0;
  /// The first `bytes` of `space()` now hold the next bytes of the stream.
  virtual void filled(std::size_t bytes) = 0;
  /// The messages complete so far, or null if there is none. With `input_ends`, what stands after
  /// the last of them is a message too.
  virtual message_run_ptr cut(timestamp arrival, bool input_ends) = 0;

  /// The position after the last run, in bytes.
  virtual sequence position() const noexcept = 0;
  /// Bytes waiting in the buffer.
  virtual std::size_t waiting() const noexcept = 0;
  /// Whether bytes after the last message wait for the rest of theirs.
  virtual bool pending() const noexcept = 0;
  /// Whether what is pending can be taken for a whole message though nothing has ended it: part of
  /// a message never can. Valid after a `cut` that returned nothing.
  virtual bool pending_is_whole() const noexcept = 0;
};

/// The framing of files and pipes, which is lines for all of them. `position` is where the stream
/// is read on, in bytes.
std::unique_ptr<framing> make_framing(partition_id partition, sequence position,
                                      framing_limits limits = {});

}  // namespace windrow::formats
