#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "windrow/result.hpp"

namespace windrow::bench {

/// A file as text in memory, all of it there before a measurement begins, with readable bytes
/// after its end (parsers look ahead).
class mapped_text {
public:
  static result<mapped_text> open(const std::string& path);
  ~mapped_text();
  mapped_text(mapped_text&& other) noexcept;
  mapped_text& operator=(mapped_text&&) = delete;

  std::string_view text() const noexcept { return {data_, size_}; }
  static constexpr std::size_t padding = 4096;

private:
  mapped_text(const char* data, std::size_t size) : data_(data), size_(size) {}
  const char* data_;
  std::size_t size_;
};

}  // namespace windrow::bench
