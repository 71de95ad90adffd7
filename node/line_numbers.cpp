#include "node/line_numbers.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>

namespace windrow::node {

std::map<std::uint64_t, std::uint64_t> line_numbers(const std::string& path,
                                                    std::vector<std::uint64_t> ends,
                                                    std::uint64_t bytes_max) {
  std::map<std::uint64_t, std::uint64_t> numbers;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (!file) return numbers;
  std::sort(ends.begin(), ends.end());
  std::vector<char> block(std::size_t{1} << 20);
  std::uint64_t offset = 0, lines = 0;  // both before `from`
  char last = '\n';
  auto next = std::find_if(ends.begin(), ends.end(), [](std::uint64_t end) { return end > 0; });
  while (next != ends.end() && offset < bytes_max) {
    const std::size_t got = std::fread(block.data(), 1, block.size(), file.get());
    if (got == 0) break;
    const char* from = block.data();
    const char* const stop = from + got;
    for (; next != ends.end() && *next <= offset + got; ++next) {
      const char* const end = block.data() + (*next - offset);
      lines += static_cast<std::uint64_t>(std::count(from, end, '\n'));
      if (end[-1] == '\n') numbers[*next] = lines;
      from = end;
    }
    lines += static_cast<std::uint64_t>(std::count(from, stop, '\n'));
    last = stop[-1];
    offset += got;
  }
  // The last line may have no newline.
  const bool unended = std::feof(file.get()) != 0 && last != '\n';
  if (unended && std::binary_search(ends.begin(), ends.end(), offset)) numbers[offset] = lines + 1;
  return numbers;
}

}  // namespace windrow::node
