#pragma once

#include <cstdint>
#include <string>

#include "schema/expression/expression.hpp"

namespace windrow::schema {

/// One thing that is wrong with a declaration file, or (a note) worth saying about it.
struct diagnostic {
  enum class level : std::uint8_t { error, note } severity = level::error;
  std::string file;
  source_position at;
  std::string message;  ///< what is wrong and what to write instead

  /// `features.yaml:12:7: error: ...`
  std::string format() const;
};

}  // namespace windrow::schema
