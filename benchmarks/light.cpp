#include <absl/container/flat_hash_map.h>
#include <absl/strings/string_view.h>
#include <simdjson.h>

#include <cmath>
#include <string>
#include <vector>

#include "benchmarks/baseline.hpp"

namespace windrow::bench {

namespace {

struct tile {
  std::int64_t bucket;
  std::uint64_t count;
  double sum;
};

using tiles = std::vector<tile>;

void add(tiles& series, std::int64_t bucket, std::uint32_t kept, double amount) {
  auto at = series.end();
  while (at != series.begin() && std::prev(at)->bucket > bucket) --at;
  if (at != series.begin() && std::prev(at)->bucket == bucket) {
    ++std::prev(at)->count;
    std::prev(at)->sum += amount;
    return;
  }
  if (at == series.end()) {
    auto first = series.begin();
    while (first != series.end() && first->bucket <= bucket - kept) ++first;
    series.erase(series.begin(), first);
    at = series.end();
  }
  series.insert(at, {bucket, 1, amount});
}

using user_state = std::array<tiles, baseline_series_all.size()>;

}  // namespace

baseline_outcome run_light(std::string_view padded_text) {
  baseline_outcome outcome;
  absl::flat_hash_map<std::string, user_state> users;
  const stopwatch watch;
  simdjson::ondemand::parser parser;
#ifdef SIMDJSON_THREADS_ENABLED
  parser.threaded = false;
#endif
  simdjson::ondemand::document_stream documents;
  if (parser.iterate_many(padded_text.data(), padded_text.size(), std::size_t{1} << 20)
          .get(documents))
    return outcome;
  for (auto document : documents) {
    simdjson::ondemand::object object;
    std::string_view user;
    double amount = 0;
    std::int64_t time = 0;
    if (document.get_object().get(object) || object["user_id"].get(user) ||
        object["amount"].get(amount) || object["ts"].get(time)) {
      return outcome;
    }
    auto at = users.find(absl::string_view(user.data(), user.size()));
    if (at == users.end()) at = users.emplace(std::string(user), user_state{}).first;
    for (std::size_t i = 0; i < baseline_series_all.size(); ++i) {
      add(at->second[i], time / baseline_series_all[i].bucket_ms,
          baseline_series_all[i].buckets_kept, amount);
    }
  }
  outcome.seconds = watch.seconds();
  outcome.cpu_seconds = watch.cpu_seconds();
  outcome.distinct = static_cast<std::uint32_t>(users.size());
  for (const auto& [name, state] : users) {
    for (const tile& t : state.back()) {
      outcome.total.add({t.count, std::llround(t.sum * 100)});
    }
  }
  return outcome;
}

}  // namespace windrow::bench
