#include "sources/file_source.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace windrow::sources {

namespace {

/// A file descriptor that closes itself.
class descriptor {
public:
  explicit descriptor(int fd) : fd_(fd) {}
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }

private:
  int fd_;
};

failure system_failure(const std::string& path, const char* doing) {
  const int error = errno;
  return {error == ENOENT ? errc::not_found : errc::io,
          "Cannot " + std::string(doing) + " '" + path + "': " + std::strerror(error) + "."};
}

int open_for_reading(const std::string& path) {
  int fd = -1;
  do {
    // O_NONBLOCK: opening a named pipe must not hang before it is refused.
    fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

ssize_t read_at(int fd, char* to, std::size_t bytes, std::uint64_t offset) {
  ssize_t got = -1;
  do {
    got = ::pread(fd, to, bytes, static_cast<off_t>(offset));
  } while (got < 0 && errno == EINTR);
  return got;
}

/// The size of an open file that must be a regular one.
result<std::uint64_t> regular_size(int fd, const std::string& path) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return system_failure(path, "look at");
  if (!S_ISREG(info.st_mode)) {
    return failure{errc::invalid, "'" + path +
                                      "' is not a regular file. Pass pipes and devices through "
                                      "standard input: --input SOURCE=-."};
  }
  return static_cast<std::uint64_t>(info.st_size);
}

/// The hash of the first `size` bytes; nothing if the file is shorter.
result<std::optional<std::uint64_t>> head_hash(int fd, const std::string& path, std::size_t size) {
  char head[head_bytes_max];
  std::size_t have = 0;
  while (have < size) {
    const ssize_t got = read_at(fd, head + have, size - have, have);
    if (got < 0) return system_failure(path, "read");
    if (got == 0) return std::optional<std::uint64_t>();
    have += static_cast<std::size_t>(got);
  }
  return std::optional<std::uint64_t>(XXH3_64bits(head, size));
}

/// What is different about an open file, in words that follow its name; empty if nothing is.
result<std::string> difference(int fd, const file_identity& identity, sequence position) {
  const auto size = regular_size(fd, identity.path);
  if (!size) return size.error();
  if (*size < position) {
    return "is shorter than what has been read of it (" + std::to_string(*size) + " bytes, read " +
           std::to_string(position) + ")";
  }
  const auto hash = head_hash(fd, identity.path, identity.head_size);
  if (!hash) return hash.error();
  if (!hash->has_value()) return std::string("is shorter than when it was first seen");
  if (**hash != identity.head_hash) {
    return "does not begin as it did: its first " + std::to_string(identity.head_size) +
           " bytes are different";
  }
  return std::string();
}

failure mismatch_of(const file_source_options& options, const std::string& what) {
  return {errc::mismatch,
          "The file '" + options.identity.path + "' " + what +
              ". It is not the file this folder has read from. Put the former file back, or give "
              "up its position with: " +
              options.reset_command};
}

}  // namespace

result<std::optional<file_identity>> identify(const std::string& path, std::size_t head_bytes) {
  const descriptor fd(open_for_reading(path));
  if (fd.get() < 0) return system_failure(path, "open");
  const auto size = regular_size(fd.get(), path);
  if (!size) return size.error();
  if (*size == 0) return std::optional<file_identity>();
  file_identity identity;
  identity.path = path;
  identity.head_size =
      static_cast<std::uint32_t>(std::min<std::uint64_t>({*size, head_bytes, head_bytes_max}));
  const auto hash = head_hash(fd.get(), path, identity.head_size);
  if (!hash) return hash.error();
  if (!hash->has_value()) return std::optional<file_identity>();  // cut short just now
  identity.head_hash = **hash;
  return std::optional<file_identity>(std::move(identity));
}

result<std::unique_ptr<file_source>> file_source::open(file_source_options options) {
  const std::string& path = options.identity.path;
  descriptor fd(open_for_reading(path));
  if (fd.get() < 0) return system_failure(path, "open");
  const auto size = regular_size(fd.get(), path);
  if (!size) return size.error();
  const auto different = difference(fd.get(), options.identity, options.position);
  if (!different) return different.error();
  if (!different->empty()) return mismatch_of(options, *different);
  ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  return std::unique_ptr<file_source>(new file_source(std::move(options), fd.release(), *size));
}

file_source::file_source(file_source_options options, int fd, std::uint64_t size)
    : options_(std::move(options)),
      fd_(fd),
      size_(size),
      read_(options_.position),
      framing_(formats::make_framing(options_.partition, options_.position, options_.limits)) {
  noted_.to = read_;
}

file_source::~file_source() { ::close(fd_); }

failure file_source::mismatch(const std::string& what) const { return mismatch_of(options_, what); }

result<source_step> file_source::next() {
  using kind = source_step::kind;
  while (true) {
    // A run never holds lines of two noted ranges: what is in the buffer is cut before more of
    // the next range is read, so a line belongs to the range in which its last byte lies.
    if (auto run = framing_->cut(noted_.arrival, read_ == noted_.to && noted_.line_ends)) {
      return source_step{kind::run, std::move(run), options_.source};
    }
    if (read_ < noted_.to) {
      if (auto done = read_chunk(); !done) return done.error();
      continue;
    }
    const auto more = find_more();
    if (!more) return more.error();
    if (*more) continue;
    if (!options_.once) return source_step{kind::nothing};
    // Half a line is whoever writes it's to finish; the next run reads it from its beginning.
    if (!framing_->pending_is_whole()) return source_step{kind::end};
    if (auto done = options_.notes->end_line(options_.partition, read_); !done) {
      return done.error();
    }
    noted_.line_ends = true;
  }
}

/// Looks whether the file has grown beyond what has been read, and if so notes its arrival.
result<bool> file_source::find_more() {
  if (!options_.once) {
    if (auto done = follow_name(); !done) return done.error();
  }
  const auto size = regular_size(fd_, options_.identity.path);
  if (!size) return size.error();
  size_ = *size;
  if (size_ < read_) {
    return mismatch("is shorter than what has been read of it (" + std::to_string(size_) +
                    " bytes, read " + std::to_string(read_) + ")");
  }
  if (size_ == read_) return false;
  const auto note = options_.notes->note(options_.partition, read_, size_);
  if (!note) return note.error();
  if (note->to <= read_ || note->to > size_) {
    return failure{errc::corrupt, "The arrival noted for '" + options_.identity.path +
                                      "' at byte " + std::to_string(read_) + " is damaged."};
  }
  noted_ = *note;
  return true;
}

/// Where the name now stands for another file that continues this one, reads on in that file.
result<void> file_source::follow_name() {
  struct stat named {};
  struct stat held {};
  const std::string& path = options_.identity.path;
  if (::stat(path.c_str(), &named) != 0) {
    if (errno == ENOENT) return {};  // being replaced, perhaps; what is held stays readable
    return system_failure(path, "look at");
  }
  if (::fstat(fd_, &held) != 0) return system_failure(path, "look at");
  if (named.st_ino == held.st_ino && named.st_dev == held.st_dev) return {};
  descriptor fd(open_for_reading(path));
  if (fd.get() < 0) return system_failure(path, "open");
  const auto different = difference(fd.get(), options_.identity, read_);
  if (!different) return different.error();
  if (!different->empty()) return mismatch(*different);
  ::close(std::exchange(fd_, fd.release()));
  return {};
}

result<void> file_source::read_chunk() {
  const auto space = framing_->space();
  const auto wanted = std::min<std::uint64_t>(space.size(), noted_.to - read_);
  const ssize_t got = read_at(fd_, space.data(), wanted, read_);
  if (got < 0) return system_failure(options_.identity.path, "read");
  if (got == 0) {
    return mismatch("became shorter while it was read (at byte " + std::to_string(read_) + ")");
  }
  framing_->filled(static_cast<std::size_t>(got));
  read_ += static_cast<std::uint64_t>(got);
  return {};
}

}  // namespace windrow::sources
