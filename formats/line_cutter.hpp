#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "formats/framing.hpp"

namespace windrow::formats {

/// Messages are lines. They end in `\n` or `\r\n`; blank lines (nothing but spaces and tabs) are
/// skipped; a UTF-8 byte order mark at position 0 is skipped. Sequences are byte positions after
/// the line's newline; a last line that nothing ends can be taken for whole if it is a closed
/// object.
class line_cutter final : public framing {
public:
  line_cutter(partition_id partition, sequence position, framing_limits limits = {});

  std::span<char> space() override;
  void filled(std::size_t bytes) override;
  message_run_ptr cut(timestamp arrival, bool input_ends) override;

  sequence position() const noexcept override { return position_; }
  std::size_t waiting() const noexcept override { return used_; }
  bool pending() const noexcept override { return used_ > 0 || discarding_; }
  bool pending_is_whole() const noexcept override;

private:
  void begin_discarding();
  message_run_ptr cut_oversized(timestamp arrival, bool input_ends);
  void add_line(std::size_t begin, std::size_t end, sequence after);
  message_run_ptr release(std::size_t consumed, timestamp arrival);

  const partition_id partition_;
  const framing_limits limits_;
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
