#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "benchmarks/benchmarks.hpp"
#include "benchmarks/node_run.hpp"
#include "benchmarks/random.hpp"

namespace windrow::bench {

namespace {

constexpr std::int64_t minutes = 30 * 24 * 60;

struct full_minutes {
  std::string path;
  std::uint32_t users = 0;
  std::vector<std::int64_t> cents, last_ten;  ///< by user: over everything, and over ten minutes
};

// One event a user and minute, for thirty days.
result<full_minutes> write_full_minutes(const settings& s) {
  full_minutes made;
  made.users = s.quick ? 16 : 64;
  made.cents.resize(made.users), made.last_ten.resize(made.users);
  made.path = std::filesystem::absolute(s.data).string() + "/full-minutes.ndjson";
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(std::fopen(made.path.c_str(), "wb"),
                                                      std::fclose);
  if (!out) return failure{errc::io, "cannot write " + made.path};
  random_numbers random(5);
  for (std::int64_t minute = 0; minute < minutes; ++minute) {
    for (std::uint32_t user = 0; user < made.users; ++user) {
      const std::uint32_t cents = 1 + random.below(50'000);
      const std::int64_t time = first_event_ms + minute * 60'000 + random.below(60'000);
      made.cents[user] += cents;
      if (minute >= minutes - 10) made.last_ten[user] += cents;
      std::fprintf(out.get(),
                   R"({"id":"m%lld","user_id":"%s","amount":%u.%02u,"ts":%lld})"
                   "\n",
                   static_cast<long long>(minute), user_name(user).c_str(), cents / 100,
                   cents % 100, static_cast<long long>(time));
    }
  }
  if (std::fclose(out.release()) != 0) return failure{errc::io, "cannot write " + made.path};
  return made;
}

}  // namespace

void measure_long_window(const settings& s, report& out) {
  out.begin("long window");
  const scratch_folder folder(s, "long-window");
  auto made = write_full_minutes(s);
  if (!made) return out.failed(made.error());
  node_run run{.features = {}, .folder = folder.path(), .input = made->path};
  run.features.windows = {"9m", "30d"};
  run.features.materialization = "{ bucket_duration: 1m }";
  auto node = open_node(run);
  if (!node) return out.failed(node.error());
  if (auto ended = wait_for_end(**node); !ended) return out.failed(ended.error());
  const std::vector<std::string> of_ten{"amount_sum[9m]"}, of_all{"amount_sum[30d]"};
  auto ten = (*node)->prepare("User", of_ten);
  auto all = (*node)->prepare("User", of_all);
  if (!ten || !all) return out.failed(ten ? all.error() : ten.error());
  const timestamp now{(first_event_ms + minutes * 60'000 - 1) * 1000};
  // Both lookups of one user in turn, so that a busy machine troubles both alike.
  const auto ask = [&](const query::class_query_ptr& query, std::uint32_t user, std::int64_t cents,
                       std::uint64_t buckets, std::vector<double>& micros) {
    const std::string key = user_name(user);
    const auto start = clock::now();
    auto row = (*node)->lookup(query, key, now);
    micros.push_back(seconds_since(start) * 1e6);
    const bool right = row && row->features[0].value && row->features[0].events == buckets &&
                       std::fabs(std::get<double>(*row->features[0].value) -
                                 static_cast<double>(cents) / 100) < 1e-6;
    out.check(right, "a sum over " + std::to_string(buckets) + " buckets");
    return right;
  };
  std::vector<double> few, full, ratios;
  for (int run_number = 0; run_number < s.runs; ++run_number) {
    std::vector<double> few_micros, full_micros;
    random_numbers random(6);
    for (int i = 0; i < (s.quick ? 20'000 : 100'000); ++i) {
      const std::uint32_t user = random.below(made->users);
      if (!ask(*ten, user, made->last_ten[user], 10, few_micros) ||
          !ask(*all, user, made->cents[user], static_cast<std::uint64_t>(minutes), full_micros)) {
        return;
      }
    }
    few.push_back(quantile(few_micros, 0.5)), full.push_back(quantile(full_micros, 0.5));
    ratios.push_back(full.back() / few.back());
  }
  out.add({"10 buckets, p50", "µs", few, {}, {}, true});
  out.add({"43,200 full buckets, p50", "µs", full, {}, {}, true});
  out.add({"43,200 / 10 buckets", "x", ratios, 3, {}, true});
  if (auto stopped = (*node)->stop(); !stopped) out.failed(stopped.error());
}

}  // namespace windrow::bench
