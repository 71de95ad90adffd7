#include "formats/line_ends.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

namespace windrow::formats {

namespace {

constexpr std::size_t block_bytes = 1 << 16;

failure unreadable(const std::string& path) {
  return {errc::io, "Cannot read '" + path + "': " + std::strerror(errno) + "."};
}

result<std::uint64_t> size_of(std::ifstream& file, const std::string& path) {
  if (!file || !file.seekg(0, std::ios::end)) return unreadable(path);
  return static_cast<std::uint64_t>(file.tellg());
}

/// The file's bytes from `at`, as many as fit.
result<std::size_t> read_at(std::ifstream& file, const std::string& path, std::uint64_t at,
                            std::vector<char>& into, std::size_t bytes) {
  file.clear();
  file.seekg(static_cast<std::streamoff>(at));
  file.read(into.data(), static_cast<std::streamsize>(bytes));
  if (file.bad()) return unreadable(path);
  return static_cast<std::size_t>(file.gcount());
}

}  // namespace

result<sequence> line_end_after(const std::string& path, sequence byte) {
  if (byte == 0) return sequence{0};
  std::ifstream file(path, std::ios::binary);
  const auto size = size_of(file, path);
  if (!size) return size.error();
  if (byte > *size) {
    return failure{errc::invalid, path + " has " + std::to_string(*size) +
                                      " bytes; there is no byte " + std::to_string(byte)};
  }
  std::vector<char> block(block_bytes);
  for (std::uint64_t at = byte - 1; at < *size;) {
    const auto got = read_at(file, path, at, block, block.size());
    if (!got) return got.error();
    if (*got == 0) break;
    const auto* found = static_cast<const char*>(std::memchr(block.data(), '\n', *got));
    if (found != nullptr) return at + static_cast<std::uint64_t>(found - block.data()) + 1;
    at += *got;
  }
  return failure{errc::invalid, "byte " + std::to_string(byte) + " of " + path +
                                    " is inside its last line, which has no end yet"};
}

result<sequence> line_end_before(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const auto size = size_of(file, path);
  if (!size) return size.error();
  std::vector<char> block(block_bytes);
  for (std::uint64_t end = *size; end > 0;) {
    const std::uint64_t from = end > block_bytes ? end - block_bytes : 0;
    const auto got = read_at(file, path, from, block, end - from);
    if (!got) return got.error();
    const auto* found = static_cast<const char*>(::memrchr(block.data(), '\n', *got));
    if (found != nullptr) return from + static_cast<std::uint64_t>(found - block.data()) + 1;
    end = from;
  }
  return sequence{0};
}

}  // namespace windrow::formats
