#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/table.hpp"
#include "windrow/result.hpp"
#include "windrow/value.hpp"

/// The answer of `windrow query`, as a table or as its documented JSON.
namespace windrow::tools {

/// One value that was asked for, or why there is none.
struct feature_answer {
  std::string feature;                          ///< `user.sum_transaction_amount__3600__`
  windrow::value value = {};
  /// Scalars: the event time of the value; nothing where there never was one.
  std::optional<timestamp> at = std::nullopt;
  /// Windowed values: the interval covered and the rows in it that passed the filter.
  struct coverage {
    timestamp from;
    timestamp to;
    std::uint64_t events = 0;
  };
  std::optional<coverage> window = std::nullopt;
  std::optional<failure> error = std::nullopt;  ///< set: there is no value
};

struct entity_answer {
  std::string entity;                           ///< `User`
  windrow::value key = {};
  /// Source partition and the last sequence of it that is in the values.
  std::vector<std::pair<std::string, std::uint64_t>> position = {};
  std::vector<feature_answer> features = {};
};

struct query_answer {
  timestamp now = {};
  std::uint32_t catalog_version = 1;
  std::vector<entity_answer> rows = {};
};

/// `{"now": …, "catalog_version": …, "rows": […]}` on one line, with its end.
std::string query_json(const query_answer& answer);

/// A table of entities by features, or, where that is wider than the terminal, with a line a value
/// and its events. Below it the intervals covered and the errors.
std::string query_table(const query_answer& answer, const table_options& options);

/// The name a person would use: `sum_transaction_amount` and `1h` of
/// `user.sum_transaction_amount__3600__`; no window for a scalar.
std::pair<std::string, std::string> feature_label(std::string_view feature);

}  // namespace windrow::tools
