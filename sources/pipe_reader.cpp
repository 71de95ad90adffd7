#include "sources/pipe_reader.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

namespace windrow::sources {

namespace {

failure read_failure() {
  return {errc::io, std::string("Cannot read standard input: ") + std::strerror(errno) + "."};
}

}  // namespace

pipe_reader::pipe_reader(int fd, partition_id partition, formats::framing_limits limits,
                         last_line last)
    : fd_(fd),
      read_max_(std::min(limits.chunk_bytes, limits.message_bytes_max)),
      enough_(read_max_ / 2),
      last_(last),
      framing_(formats::make_framing(partition, 0, limits)) {}

result<bool> pipe_reader::wait(int timeout_ms) {
  if (ended_) return true;
  pollfd events{fd_, POLLIN, 0};
  const int ready = ::poll(&events, 1, timeout_ms);
  if (ready < 0 && errno != EINTR) return read_failure();
  return ready > 0;
}

result<source_step> pipe_reader::next(timestamp arrival) {
  using kind = source_step::kind;
  while (true) {
    const bool readable = [&] {
      const auto ready = wait(0);
      return ready && *ready;
    }();
    // A pipe gives 64 KiB at a time: gather, as long as more is there.
    const bool full = framing_->waiting() >= enough_;
    if (!readable || ended_ || full) {
      if (auto run = framing_->cut(arrival, false)) return source_step{kind::run, std::move(run)};
      const bool takes_rest = ended_ && (last_ == last_line::taken || framing_->pending_is_whole());
      if (takes_rest) {
        if (auto run = framing_->cut(arrival, true)) return source_step{kind::run, std::move(run)};
      }
      if (ended_) return source_step{kind::end};
      if (!readable) return source_step{kind::nothing};
    }
    if (const auto read = read_some(); !read) return read.error();
    // The middle of a line that is too long gives nothing, for as long as it goes on.
    if (full) return source_step{kind::nothing};
  }
}

result<bool> pipe_reader::read_some() {
  // After a long line there is room for millions of short ones.
  auto space = framing_->space();
  const ssize_t got = ::read(fd_, space.data(), std::min(space.size(), read_max_));
  if (got < 0) {
    if (errno == EINTR || errno == EAGAIN) return false;
    return read_failure();
  }
  if (got == 0) ended_ = true;
  framing_->filled(static_cast<std::size_t>(got));
  return true;
}

}  // namespace windrow::sources
