#include "formats/line_cutter.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <string_view>

namespace windrow::formats {

namespace {

bool is_blank(const char* text, std::size_t size) noexcept {
  return std::all_of(text, text + size, [](char c) { return c == ' ' || c == '\t' || c == '\r'; });
}

}  // namespace

line_cutter::line_cutter(partition_id partition, sequence position, framing_limits limits)
    : partition_(partition),
      limits_(limits),
      pool_(run_pool::make(std::min(limits.chunk_bytes, limits.message_bytes_max))),
      position_(position),
      current_(pool_->take(0)) {}

std::span<char> line_cutter::space() {
  if (used_ == current_->buffer.capacity) {
    if (discarding_ || used_ >= limits_.message_bytes_max) {
      begin_discarding();
    } else {
      auto larger = pool_->take(std::min(used_ * 2, limits_.message_bytes_max));
      std::memcpy(larger->buffer.data.get(), current_->buffer.data.get(), used_);
      current_ = std::move(larger);
    }
  }
  return {current_->buffer.data.get() + used_, current_->buffer.capacity - used_};
}

void line_cutter::filled(std::size_t bytes) {
  used_ += bytes;
  assert(used_ <= current_->buffer.capacity);
}

message_run_ptr line_cutter::cut(timestamp arrival, bool input_ends) {
  if (discarding_) return cut_oversized(arrival, input_ends);
  const char* const base = current_->buffer.data.get();
  std::size_t begin = 0;
  std::size_t from = scanned_;
  while (from < used_) {
    const void* found = std::memchr(base + from, '\n', used_ - from);
    if (found == nullptr) break;
    const auto newline = static_cast<std::size_t>(static_cast<const char*>(found) - base);
    add_line(begin, newline, position_ + newline + 1);
    begin = from = newline + 1;
  }
  if (input_ends && begin < used_) {
    if (used_ - begin >= limits_.message_bytes_max) {  // only where it fills the buffer alone
      begin_discarding();
      return cut_oversized(arrival, true);
    }
    add_line(begin, used_, position_ + used_);
    begin = used_;
  }
  if (begin == 0) {
    scanned_ = used_;
    return nullptr;
  }
  return release(begin, arrival);
}

bool line_cutter::pending_is_whole() const noexcept {
  return !discarding_ && is_closed_object({current_->buffer.data.get(), used_});
}

void line_cutter::add_line(std::size_t begin, std::size_t end, sequence after) {
  const char* text = current_->buffer.data.get() + begin;
  std::size_t size = end - begin;
  if (size > 0 && text[size - 1] == '\r') --size;
  if (position_ == 0 && begin == 0 && size >= 3 && std::memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
    text += 3;
    size -= 3;
  }
  if (size == 0 || (static_cast<unsigned char>(*text) <= ' ' && is_blank(text, size))) return;
  current_->messages.push_back({text, static_cast<std::uint32_t>(size), false, after});
}

message_run_ptr line_cutter::release(std::size_t consumed, timestamp arrival) {
  const std::size_t tail = used_ - consumed;
  auto next = pool_->take(std::min(tail * 2, limits_.message_bytes_max));
  std::memcpy(next->buffer.data.get(), current_->buffer.data.get() + consumed, tail);
  std::memset(current_->buffer.data.get() + used_, 0, buffer_padding);
  current_->partition = partition_;
  current_->after = position_;
  current_->last = position_ + consumed;
  current_->arrival = arrival;
  position_ = current_->last;
  auto done = pool_->share(std::move(current_));
  current_ = std::move(next);
  used_ = tail;
  scanned_ = tail;
  return done;
}

/// Gives up holding the line: keeps its beginning, counts and drops the rest.
void line_cutter::begin_discarding() {
  if (!discarding_) {
    head_.assign(current_->buffer.data.get(), std::min(used_, limits_.oversized_head));
    discarding_ = true;
    discarded_ = 0;
    // The large buffer has served; what follows is dropped chunk by chunk.
    current_ = pool_->take(0);
    discarded_ = used_;
  } else {
    discarded_ += used_;
  }
  used_ = 0;
  scanned_ = 0;
}

message_run_ptr line_cutter::cut_oversized(timestamp arrival, bool input_ends) {
  const char* const base = current_->buffer.data.get();
  const void* found = used_ == 0 ? nullptr : std::memchr(base, '\n', used_);
  if (found == nullptr && !input_ends) {
    begin_discarding();
    return nullptr;
  }
  const std::size_t rest =
      found == nullptr ? used_ : static_cast<std::size_t>(static_cast<const char*>(found) - base);
  const std::size_t consumed = found == nullptr ? used_ : rest + 1;

  auto run = std::make_shared<message_run>();
  run->partition = partition_;
  run->after = position_;
  run->last = position_ + discarded_ + consumed;
  run->arrival = arrival;
  run->true_size = discarded_ + rest;
  run->buffer = padded_buffer::of(head_.size());
  std::memcpy(run->buffer.data.get(), head_.data(), head_.size());
  std::memset(run->buffer.data.get() + head_.size(), 0, buffer_padding);
  run->messages.push_back(
      {run->buffer.data.get(), static_cast<std::uint32_t>(head_.size()), true, run->last});
  position_ = run->last;
  discarding_ = false;
  used_ -= consumed;
  std::memmove(current_->buffer.data.get(), base + consumed, used_);
  scanned_ = 0;
  return run;
}

bool is_closed_object(std::string_view text) noexcept {
  int depth = 0;
  bool quoted = false;
  bool closed = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
      continue;
    }
    if (c == '"') quoted = true;
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') closed = --depth <= 0;
  }
  return closed && depth <= 0 && !quoted;
}

std::uint64_t count_lines(const message_run& run, sequence after, sequence through) {
  if (after >= through) return 0;
  if (run.true_size > 0) return 1;  // too long to hold, and alone
  const char* const base = run.buffer.data.get();
  const char* const end = base + (through - run.after);
  const auto newlines = std::count(base + (after - run.after), end, '\n');
  // The last line of all may lack its newline.
  return static_cast<std::uint64_t>(newlines) + (end[-1] == '\n' ? 0 : 1);
}

}  // namespace windrow::formats
