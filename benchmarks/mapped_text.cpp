#include "benchmarks/mapped_text.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace windrow::bench {

// Zero pages first, the file over them: what follows the file stays readable.
result<mapped_text> mapped_text::open(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat about {};
  if (file < 0 || fstat(file, &about) != 0) return failure{errc::io, "cannot read " + path};
  const auto size = static_cast<std::size_t>(about.st_size);
  void* room = mmap(nullptr, size + padding, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  void* text = room == MAP_FAILED
                   ? MAP_FAILED
                   : mmap(room, size, PROT_READ, MAP_SHARED | MAP_FIXED | MAP_POPULATE, file, 0);
  ::close(file);
  if (text == MAP_FAILED) return failure{errc::io, "cannot map " + path};
  return mapped_text(static_cast<const char*>(text), size);
}

mapped_text::mapped_text(mapped_text&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(other.size_) {}

mapped_text::~mapped_text() {
  if (data_) munmap(const_cast<char*>(data_), size_ + padding);
}

}  // namespace windrow::bench
