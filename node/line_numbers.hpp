#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace windrow::node {

/// The numbers, from 1, of the lines of a file that end at the given byte offsets (after their
/// newline, or at the end of the file). Offsets at which no line ends now, and all of them where
/// the file cannot be read, have no number. Reads at most `bytes_max` of the file.
std::map<std::uint64_t, std::uint64_t> line_numbers(const std::string& path,
                                                    std::vector<std::uint64_t> ends,
                                                    std::uint64_t bytes_max);

}  // namespace windrow::node
