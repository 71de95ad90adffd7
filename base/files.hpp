#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.hpp"
#include "windrow/result.hpp"

/// Files and directories, as the storage layer needs them: durable, private, errors as values.
namespace windrow {

/// Owns a file descriptor.
class file_handle {
public:
  explicit file_handle(int fd = -1) noexcept : fd_(fd) {}
  ~file_handle();
  file_handle(file_handle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  file_handle& operator=(file_handle&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const noexcept { return fd_; }
  bool valid() const noexcept { return fd_ >= 0; }

private:
  int fd_;
};

/// `io` with the path, what was tried and what the system said (`errno`).
failure system_failure(const std::string& path, std::string_view doing, int error_number);

/// `not_found` where there is no such file; `corrupt` beyond `max_bytes`.
result<byte_buffer> read_file(const std::string& path, std::size_t max_bytes);

/// Replaces a file in one step (temporary file, fsync, rename, fsync of the directory), mode 0600.
result<void> replace_file(const std::string& path, bytes content);

/// Makes a directory with mode 0700; one that exists is fine.
result<void> make_directory(const std::string& path);

/// Makes what was created or removed in a directory durable.
result<void> sync_directory(const std::string& path);

}  // namespace windrow
