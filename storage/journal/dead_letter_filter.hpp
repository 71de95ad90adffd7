#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/journal/dead_letter.hpp"

namespace windrow::storage {

/// Which dead letters are meant, by what is stored of them: for listing, replaying and dropping
/// alike. What is not said does not matter. A source is meant by the streams that read it.
struct dead_letter_filter {
  std::vector<partition_id> partitions{};  ///< none: all
  std::optional<std::string> reason{};     ///< its code, its phase, or both: `time: future`
  std::optional<sequence> at{};
  std::size_t limit = 1000;              ///< the first, by partition and sequence
  std::vector<std::string> streams{};    ///< none: all
  std::optional<sequence> after{};       ///< only those above
  std::optional<sequence> through{};     ///< only those at or below
  std::optional<std::string> phase{};    ///< exactly
  std::optional<std::int64_t> since{};   ///< arrived then or later, microseconds
  std::optional<std::int64_t> before{};  ///< arrived earlier, microseconds

  /// Whether a dead letter is meant; `limit` aside.
  bool passes(const dead_letter& letter) const;
  /// Whether dead letters of that phase and reason may be.
  bool asks_for(std::string_view of_phase, std::string_view of_reason) const;
  /// The lowest and the highest sequence that may pass.
  sequence lowest() const noexcept;
  sequence highest() const noexcept;
};

}  // namespace windrow::storage
