#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "schema/compile.hpp"

namespace windrow::schema {

/// What compiling a file tells a person: everything `check` shows, as plain data.
struct check_report {
  struct rule_line {
    std::string aggregation;
    std::int64_t bucket = 0;  ///< microseconds, as all of these
    std::int64_t origin = 0;
    std::int64_t retention = 0;
    /// `User.sum_transaction_amount["10m"]`: the windows that share the rule.
    std::vector<std::string> windows;
  };
  struct series_line {
    std::uint64_t id = 0;
    /// `Transaction.amount by User.id == Transaction.user_id where amount > 10`
    std::string text;
    std::vector<rule_line> rules;
  };
  struct stored_line {
    std::string feature;  ///< `User.name`
    std::string type;
    std::int64_t max_staleness = 0;
    std::vector<std::string> streams;  ///< that write it
  };
  struct inference_line {
    std::string stream;
    std::string series;
    bool updates = false;
    std::string reason;  ///< `does not, because ...`; empty if it updates
  };
  struct deduplication_line {
    std::string stream;
    std::string on;  ///< `_.event_id`
    std::int64_t within = 0;
  };

  std::string file;
  bool ok = false;
  std::vector<diagnostic> diagnostics;
  // The rest is empty if the file does not compile.
  std::uint64_t digest = 0;
  std::vector<series_line> all_series;
  std::vector<stored_line> stored;
  std::vector<idle_output> not_stored;
  std::vector<inference_line> inferences;
  std::vector<deduplication_line> deduplications;
};

check_report make_check_report(const compiled& from, const std::string& file_name);

/// How a person reads a series: what is aggregated, by which join, where.
std::string describe_series(const plan& p, int series);
/// How a person reads what a rule asks for: `sum`, or with its constants `name(3, 0.5)`.
std::string describe_function(const rule& r);

/// Aligned text, ending in a line feed.
std::string to_text(const check_report& report);
/// The same as one JSON object: durations in seconds as numbers, ids as hexadecimal text.
std::string to_json(const check_report& report);

}  // namespace windrow::schema
