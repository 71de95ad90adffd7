#include "formats/decoded_rows.hpp"

#include <algorithm>
#include <cstring>

namespace windrow::formats {

std::string_view text_arena::add(std::string_view text) {
  constexpr std::size_t block_bytes = 64 * 1024;
  if (blocks_.empty() || blocks_.back().size - used_ < text.size()) {
    const std::size_t size = std::max(block_bytes, text.size());
    blocks_.push_back({std::make_unique_for_overwrite<char[]>(size), size});
    used_ = 0;
  }
  char* to = blocks_.back().data.get() + used_;
  if (!text.empty()) std::memcpy(to, text.data(), text.size());
  used_ += text.size();
  return {to, text.size()};
}

void text_arena::clear() noexcept {
  if (blocks_.size() > 1) blocks_.resize(1);
  used_ = 0;
}

}  // namespace windrow::formats
