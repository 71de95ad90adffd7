#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/batch.hpp"
#include "windrow/value.hpp"

/// What a source hands to ingest: runs of consecutive messages.
namespace windrow::formats {

using storage::partition_id;
using storage::sequence;

/// Readable bytes that stand after a run's buffer, so that decoders may read in blocks.
inline constexpr std::size_t buffer_padding = 64;

/// One message, as bytes. Points into the buffer of its run and dies with it.
struct message_view {
  const char* data = nullptr;
  std::uint32_t size = 0;
  /// The message was too long to hold: `data` is only its beginning, `message_run::true_size` is
  /// how long it was. It can be dead-lettered and nothing else.
  bool oversized = false;
  /// What a position becomes once the message is applied. For files and streams: the byte offset
  /// after the line and its newline.
  storage::sequence sequence = 0;

  std::string_view text() const noexcept { return {data, size}; }
};

/// A message's headers, in order; names may repeat.
using message_headers = std::vector<std::pair<std::string_view, std::string_view>>;

/// What a log keeps beside the messages of a run. Each list is empty if no message has such a
/// thing, else one a message. Views point into the run's buffer.
struct run_envelopes {
  std::vector<timestamp> times;
  std::vector<std::optional<std::string_view>> keys;
  std::vector<message_headers> headers;

  std::optional<timestamp> time_of(std::size_t message) const {
    return times.empty() ? std::nullopt : std::optional(times[message]);
  }
  std::optional<std::string_view> key_of(std::size_t message) const {
    return keys.empty() ? std::nullopt : keys[message];
  }
  void clear() noexcept { times.clear(), keys.clear(), headers.clear(); }
};

/// Memory for a run's bytes: `capacity` usable ones and `buffer_padding` more.
struct padded_buffer {
  std::unique_ptr<char[]> data;
  std::size_t capacity = 0;

  static padded_buffer of(std::size_t capacity);
};

/// Consecutive messages of one source partition with one arrival time. Immutable and shared once
/// a source has returned it; any thread may read it.
///
/// Every message whose sequence lies in (after, last] is here, except blank lines, which are no
/// messages: `last` may therefore lie beyond the last message, also where there is none at all.
/// The bytes of one run stay below 1 GiB.
struct message_run {
  partition_id partition = 0;
  sequence after = 0;  ///< the position before the run
  sequence last = 0;   ///< the position after the run
  timestamp arrival;
  std::vector<message_view> messages;
  run_envelopes envelopes;
  /// Dead letters once more: `arrival` is when, and says how far ahead their events may lie. All
  /// else goes by the times of their envelopes.
  bool replayed = false;
  /// How long an oversized message was; such a message is always alone in its run.
  std::uint64_t true_size = 0;
  padded_buffer buffer;
};
using message_run_ptr = std::shared_ptr<const message_run>;

/// Recycles runs with their memory, because a megabyte fresh from the kernel costs more than
/// splitting it into lines. Thread-safe: runs come back on whatever thread drops them last, also
/// after the pool's owner has gone.
class run_pool : public std::enable_shared_from_this<run_pool> {
public:
  /// Keeps at most `kept_max` runs whose buffers are of `buffer_bytes`.
  static std::shared_ptr<run_pool> make(std::size_t buffer_bytes, std::size_t kept_max = 16);

  /// An empty run whose buffer holds at least `capacity` bytes.
  std::unique_ptr<message_run> take(std::size_t capacity);
  /// Shares a finished run; its memory returns here when the last reader lets go.
  message_run_ptr share(std::unique_ptr<message_run> run);

private:
  run_pool(std::size_t buffer_bytes, std::size_t kept_max);
  void give_back(std::unique_ptr<message_run> run) noexcept;

  const std::size_t buffer_bytes_;
  const std::size_t kept_max_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<message_run>> kept_;
};

/// A run built from messages that are somewhere else in memory (a journal record, a push, a
/// test): copies their bytes. `messages` are (sequence, bytes) in rising order of sequence, all in
/// (after, last]. With envelopes, whose bytes are copied too, they are replayed dead letters.
message_run_ptr make_run(partition_id partition, sequence after, sequence last, timestamp arrival,
                         std::span<const std::pair<sequence, std::string_view>> messages,
                         std::optional<run_envelopes> envelopes = {});

}  // namespace windrow::formats
