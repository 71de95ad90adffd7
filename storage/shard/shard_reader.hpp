#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "schema/plan/plan.hpp"
#include "storage/batch.hpp"
#include "storage/record/record.hpp"
#include "storage/shard/cold_records.hpp"
#include "storage/shard/record_loader.hpp"
#include "storage/shard/record_reader.hpp"
#include "storage/shard/record_table.hpp"
#include "storage/shard/retention_horizon.hpp"
#include "storage/shard/shard_progress.hpp"
#include "windrow/result.hpp"

namespace windrow::storage {

/// What a query asks of one record.
struct lookup_request {
  int key_space = schema::none;
  std::string key;
  key_hash hash;
  std::vector<int> scalars;        ///< plan.scalars
  std::vector<int> window_values;  ///< plan.window_values
  std::int64_t now = 0;            ///< microseconds
};

struct window_answer {
  result<windrow::value> value = windrow::value{};
  std::int64_t from = 0;     ///< start of the first bucket
  std::int64_t to = 0;       ///< end of the bucket that contains now
  std::uint64_t events = 0;  ///< rows that passed the filter
};

struct lookup_answer {
  std::vector<std::optional<record_pool::scalar_value>> scalars;
  std::vector<window_answer> windows;
  positions position;  ///< of the record's stripe
};

/// One bucket of an explained value.
struct explained_bucket {
  std::int64_t start = 0;
  std::int64_t end = 0;
  std::uint64_t events = 0;
  result<windrow::value> value = windrow::value{};
};

/// Answers from the records of one shard, in memory or stored; changes nothing but how recently a
/// record was used, and which of its segments are in memory.
///
/// Concurrency: none; refers to all it is made with.
class shard_reader {
public:
  struct parts {
    record_reader& source;
    cold_records& cold;
    record_pool& pool;
    const record_table& table;
    const record_loader& loader;
    const retention_horizon& retained;
    const shard_progress& progress;
  };
  explicit shard_reader(const parts& p) : parts_(p), plan_(p.pool.layouts().plan()) {}

  result<lookup_answer> lookup(const lookup_request& request);
  /// The buckets behind one window value, oldest first.
  result<std::vector<explained_bucket>> explain(const lookup_request& request);
  /// Visits every record, in no order; the record is valid in the call.
  result<void> for_each_record(const std::function<void(const record_pool&, record&)>& visit);

private:
  using owned_record = std::unique_ptr<record, std::function<void(record*)>>;
  struct window_buckets;
  struct window_total;

  /// The record of a request: in memory, or read for the occasion (then `owner` frees it).
  result<record*> record_for(const lookup_request& request, owned_record& owner);
  window_buckets buckets_of(int window_value, std::int64_t now) const;
  window_answer answer_window(record* r, int window_value, std::int64_t now, window_total& last);

  const parts parts_;
  const schema::plan& plan_;
};

}  // namespace windrow::storage
