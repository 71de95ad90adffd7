#include "benchmarks/node_run.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "cluster/local_service.hpp"
#include "schema/plan/plan.hpp"
#include "windrow/time.hpp"

namespace windrow::bench {

namespace {

double number(const feature_answer& answer) {
  if (!answer.value) return NAN;
  if (const auto* i = std::get_if<std::int64_t>(&*answer.value)) return static_cast<double>(*i);
  if (const auto* d = std::get_if<double>(&*answer.value)) return *d;
  return answer.value->is_null() ? 0 : NAN;
}

bool close_to(double value, double wanted) {
  return std::fabs(value - wanted) <= 1e-9 * std::max(1.0, std::fabs(wanted));
}

/// [from, to) in milliseconds.
struct interval {
  std::int64_t from = 0, to = 0;
};

// The buckets a window covers: its answer states them; here they are worked out again.
interval covered(const query::class_query& query, std::size_t slot, timestamp now) {
  const auto at = std::find(query.own.slots.begin(), query.own.slots.end(), slot);
  const int value = query.own.values[static_cast<std::size_t>(at - query.own.slots.begin())];
  const auto& window = query.plan->window_values[static_cast<std::size_t>(value)];
  const auto& rule = query.plan->rules[static_cast<std::size_t>(window.rule)];
  const auto& tiling = query.plan->tilings[static_cast<std::size_t>(rule.tiling)];
  const std::int64_t d = tiling.duration / 1000, end = now.micros / 1000;
  return {(end - window.window / 1000) / d * d, end / d * d + d};
}

void check_all_users(cluster::service& service, const node_run& run, const event_file& file,
                     timestamp now, report& out) {
  const std::string longest = "[" + run.features.windows.back() + "]";
  const std::vector<std::string> names{"purchases" + longest, "amount_sum" + longest};
  auto query = service.prepare("User", names);
  if (!query) return out.failed(query.error());
  const auto [from, to] = covered(**query, 0, now);
  const tally wanted = file.everyone.between(from, to);
  double count = 0, sum = 0;
  std::uint32_t distinct = 0;
  for (std::uint32_t user = 0; user < file.users; ++user) {
    auto row = service.lookup(*query, user_name(user), now);
    if (!row) return out.failed(row.error());
    const double mine = number(row->features[0]);
    distinct += mine > 0;
    count += mine;
    sum += number(row->features[1]);
  }
  // Each sum is rounded once or twice; their sum over a million users is a little less exact.
  out.check(count == static_cast<double>(wanted.count),
            "events of all users: " + std::to_string(count));
  out.check(wanted.count != file.total.count || distinct == file.distinct,
            "users: " + std::to_string(distinct));
  out.check(std::fabs(sum - static_cast<double>(wanted.cents) / 100) < 0.01,
            "amounts of all users: " + std::to_string(sum));
}

void check_witness(cluster::service& service, const query::class_query_ptr& query, const witness& w,
                   timestamp now, report& out) {
  auto row = service.lookup(query, user_name(w.user), now);
  if (!row) return out.failed(row.error());
  for (std::size_t i = 0; i < row->features.size(); ++i) {
    const feature_answer& answer = row->features[i];
    const auto [from, to] = covered(*query, i, now);
    const tally wanted = w.between(from, to);
    const double amounts = static_cast<double>(wanted.cents) / 100;
    const bool mean = answer.feature.find("mean") != std::string::npos;
    const bool count = answer.feature.find("purchases") != std::string::npos;
    const double value = count          ? static_cast<double>(wanted.count)
                         : !mean        ? amounts
                         : wanted.count ? amounts / static_cast<double>(wanted.count)
                                        : 0;
    const bool right = answer.from && answer.from->micros == from * 1000 && answer.to &&
                       answer.to->micros == to * 1000 && answer.events == wanted.count &&
                       close_to(number(answer), value);
    out.check(right, answer.feature + " of " + user_name(w.user) + ": " +
                         std::to_string(number(answer)) + " of " + std::to_string(answer.events) +
                         " events, not " + std::to_string(value) + " of " +
                         std::to_string(wanted.count));
    if (!right) return;
  }
}

}  // namespace

scratch_folder::scratch_folder(const settings& s, const std::string& name)
    : path_(std::filesystem::absolute(s.data).string() + "/" + name) {
  std::error_code ignored;
  std::filesystem::create_directories(s.data, ignored);
  std::filesystem::remove_all(path_, ignored);
}

scratch_folder::~scratch_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

result<std::unique_ptr<cluster::service>> open_node(const node_run& run) {
  auto compiled = compile(run.features);
  if (!compiled) return compiled.error();
  node::node_options o;
  o.data = run.folder;
  o.declarations = compiled->declarations;
  o.memory = run.memory;
  o.checkpoint_interval = run.checkpoint;
  o.once = run.once;
  const bool topic = !compiled->plan->sources.front().kind->is_file;
  if (!run.input.empty() || topic) o.inputs.push_back({"purchases", run.input});
  return cluster::open_local_service(o);
}

result<void> wait_for_end(cluster::service& service) {
  for (;;) {
    service.wait(std::chrono::seconds(1));
    const auto progress = service.progress();
    if (progress.failed) return *progress.failed;
    if (progress.finished) return {};
  }
}

result<finished_run> run_to_end(const node_run& run) {
  const stopwatch watch;
  auto node = open_node(run);
  if (!node) return node.error();
  if (auto ended = wait_for_end(**node); !ended) return ended.error();
  if (auto stopped = (*node)->stop(); !stopped) return stopped.error();
  return finished_run{watch.seconds(), watch.cpu_seconds(), std::move(*node)};
}

void check_answers(cluster::service& service, const node_run& run, const event_file& file,
                   report& out, bool all) {
  const auto progress = service.progress();
  out.check(!all || progress.applied == file.events,
            "messages applied: " + std::to_string(progress.applied));
  out.check(progress.dead_lettered == 0, "dead letters: " + std::to_string(progress.dead_lettered));
  const timestamp now{file.max_event_time * 1000};
  check_all_users(service, run, file, now, out);
  std::vector<std::string> names{"purchases", "amount_sum"};
  if (run.features.mean) names.push_back("amount_mean");
  auto query = service.prepare("User", names);
  if (!query) return out.failed(query.error());
  for (const witness& w : file.witnesses) check_witness(service, *query, w, now, out);
}

}  // namespace windrow::bench
