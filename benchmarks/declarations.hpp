#pragma once

#include <string>
#include <vector>

#include "schema/compile.hpp"
#include "windrow/result.hpp"

namespace windrow::bench {

/// Features of a user over purchases: what windows, in what buckets, of what.
struct declared {
  std::vector<std::string> windows{"10m", "1h", "30d"};
  std::string materialization = "{ bucket_duration: 1m, bucket_durations: { 1h: [30d] } }";
  std::string amount_type = "float";
  bool mean = true;
  std::string source = "{ file: purchases.ndjson }";
};

/// `User.amount_sum`, `User.amount_mean`, `User.purchases` from the source and stream `purchases`.
std::string declarations_text(const declared& d);
result<schema::compiled> compile(const declared& d);

}  // namespace windrow::bench
