#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>

#include "storage/journal/journal_file.hpp"

namespace windrow::storage {

/// Small named numbers: what is paused, which lines have ended. Durable when a call returns. Any
/// thread. Names have 1 to 480 bytes.
class counter_table {
public:
  explicit counter_table(journal_file& file) : file_(file) {}

  result<void> set(std::span<const std::pair<std::string, std::uint64_t>> values);
  result<std::map<std::string, std::uint64_t>> all();

private:
  journal_file& file_;
};

}  // namespace windrow::storage
