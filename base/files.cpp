#include "base/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace windrow {

file_handle::~file_handle() {
  if (fd_ >= 0) ::close(fd_);
}

failure system_failure(const std::string& path, std::string_view doing, int error_number) {
  return {errc::io, path + ": " + std::string(doing) +
                        " failed: " + std::generic_category().message(error_number) + "."};
}

result<byte_buffer> read_file(const std::string& path, std::size_t max_bytes) {
  const file_handle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.valid()) {
    if (errno == ENOENT) return failure{errc::not_found, path + " does not exist."};
    return system_failure(path, "open", errno);
  }
  byte_buffer content;
  std::uint8_t block[16384];
  for (;;) {
    const ssize_t got = ::read(file.get(), block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_failure(path, "read", errno);
    if (got == 0) return content;
    content.insert(content.end(), block, block + got);
    if (content.size() > max_bytes)
      return failure{errc::corrupt, path + " is longer than such a file can be (" +
                                        std::to_string(max_bytes) + " bytes)."};
  }
}

namespace {

result<void> write_durably(const std::string& path, bytes content) {
  const file_handle file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid()) return system_failure(path, "create", errno);
  while (!content.empty()) {
    const ssize_t put = ::write(file.get(), content.data(), content.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return system_failure(path, "write", errno);
    content = content.subspan(static_cast<std::size_t>(put));
  }
  if (::fsync(file.get()) != 0) return system_failure(path, "fsync", errno);
  return {};
}

}  // namespace

result<void> replace_file(const std::string& path, bytes content) {
  const std::string temporary = path + ".tmp";
  if (auto written = write_durably(temporary, content); !written) {
    ::unlink(temporary.c_str());
    return written;
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return system_failure(path, "rename", errno);
  return sync_directory(std::filesystem::path(path).parent_path().string());
}

result<void> make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return system_failure(path, "make directory", errno);
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return system_failure(path, "stat", errno);
  if (!S_ISDIR(info.st_mode)) return failure{errc::io, path + " exists and is not a directory."};
  return {};
}

result<void> sync_directory(const std::string& path) {
  const std::string where = path.empty() ? "." : path;
  const file_handle directory(::open(where.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return system_failure(where, "open directory", errno);
  if (::fsync(directory.get()) != 0) return system_failure(where, "fsync", errno);
  return {};
}

}  // namespace windrow
