#include "tests/storage/dedup_property.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <tuple>
#include <vector>

#include "storage/dedup/dedup_index.hpp"

namespace windrow::storage::testing {

namespace {

constexpr std::size_t stripe_count = 3;

/// A message of a partition's log; its sequence is ten times its place from 1.
struct message {
  std::uint64_t id = 0;
  std::int64_t time = 0;
};

/// What the oracle keeps of one accepted message, for ever.
struct accepted {
  int stream = 0;
  std::uint64_t id = 0;
  std::int64_t time = 0;
  partition_id partition = 0;
  std::size_t index = 0;
};

/// Everything decided so far, by the rule as it is written down.
struct oracle {
  std::map<std::pair<int, std::uint64_t>, std::vector<accepted>> by_id;
  std::map<std::pair<int, partition_id>, std::int64_t> max_event_times;
  std::map<int, std::int64_t> max_event_time_of_stream;
  std::map<std::pair<int, partition_id>, std::size_t> decided;          ///< messages
  std::map<std::tuple<int, partition_id, std::size_t>, bool> verdicts;  ///< duplicate

  bool decide(int stream, partition_id p, std::size_t index, const message& m,
              std::int64_t within) {
    const auto key = std::tuple(stream, p, index);
    std::size_t& done = decided[{stream, p}];
    if (index < done) return verdicts.at(key);
    done = index + 1;
    bool duplicate = false;
    for (const accepted& e : by_id[{stream, m.id}]) {
      const bool near = std::abs(e.time - m.time) <= within;
      const bool kept = e.time >= max_event_times.at({stream, e.partition}) - within &&
                        e.time >= max_event_time_of_stream.at(stream) - within - partition_lag_max;
      duplicate = duplicate || (near && kept);
    }
    verdicts[key] = duplicate;
    if (duplicate) return true;
    by_id[{stream, m.id}].push_back({stream, m.id, m.time, p, index});
    max_event_times[{stream, p}] =
        std::max(max_event_times.try_emplace({stream, p}, m.time).first->second, m.time);
    max_event_time_of_stream[stream] =
        std::max(max_event_time_of_stream.try_emplace(stream, m.time).first->second, m.time);
    return false;
  }
};

class history {
public:
  explicit history(std::uint64_t seed) : random_(seed) {
    const char* const fast = "/dev/shm";
    const auto where = std::filesystem::exists(fast) ? std::filesystem::path(fast)
                                                     : std::filesystem::temp_directory_path();
    folder_ = where / ("windrow-seen-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    options_.directory = folder_.string();
    options_.thread = false;
    options_.map_bytes = std::uint64_t{1} << 30;
    options_.table_ids = 5 + pick(pick(2) == 0 ? 30 : 400);
    // Little memory: runs without a filter, or with a poor one.
    options_.memory = pick(3) == 0 ? pick(4000) : std::size_t{1} << 20;
    const std::size_t streams = 1 + pick(2);
    for (std::size_t s = 0; s < streams; ++s)
      options_.streams.push_back(
          {"s" + std::to_string(s), static_cast<std::int64_t>(1 + pick(200))});
    make_logs();
  }
  ~history() {
    seen_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::optional<std::string> run() {
    if (auto made = dedup_index::create(options_); !made) return made.error().message;
    if (auto problem = open()) return problem;
    int crashes = static_cast<int>(pick(8));
    for (;;) {
      const std::size_t what = pick(100);
      std::optional<std::string> problem;
      if (what < 65)
        problem = decide_some();
      else if (what < 75)
        problem = commit(pick(stripe_count));
      else if (what < 82)
        forget();
      else if (what < 90)
        problem = tidy();
      else if (what < 92 && crashes > 0)
        --crashes, problem = crash();
      else if (what < 95 && crashes > 0)
        --crashes, problem = tidy_and_crash();
      else if (what < 97)
        problem = commit_all();
      if (problem) return problem;
      if (!all_read()) continue;
      if (crashes == 0) break;
      --crashes;
      if (auto lost = crash()) return lost;
    }
    if (auto verified = seen_->verify(); !verified) return verified.error().message;
    return std::nullopt;
  }

private:
  std::size_t pick(std::size_t below) { return random_() % below; }

  void make_logs() {
    const std::size_t partitions = 1 + pick(3);
    const std::size_t ids = 1 + pick(pick(2) == 0 ? 30 : 3000);
    const std::size_t jitter = 1 + pick(100);
    for (std::size_t p = 0; p < partitions; ++p) {
      std::vector<message> log(200 + pick(1500));
      std::int64_t time = static_cast<std::int64_t>(pick(300));
      for (message& m : log) {
        time += static_cast<std::int64_t>(pick(4));
        m.id = pick(ids);
        m.time = time - static_cast<std::int64_t>(pick(jitter));
        if (pick(30) == 0) m.time -= static_cast<std::int64_t>(pick(1000));
        if (pick(100) == 0) time += static_cast<std::int64_t>(pick(500));
        // Far beyond what a partition may lie behind the others.
        if (pick(20000) == 0) time += 2 * partition_lag_max;
      }
      logs_.push_back(std::move(log));
      at_.push_back(0);
      for (auto& stripe : stripes_) stripe.push_back(0);
    }
  }

  std::optional<std::string> open() {
    auto opened = dedup_index::open(options_);
    if (!opened) return opened.error().message;
    seen_ = std::move(*opened);
    flushes_ = 0;
    return std::nullopt;
  }

  /// What was flushed is what a crash leaves; `now` is what had been decided by then.
  void note_flush(const oracle& now) {
    const std::uint64_t flushes = seen_->stats().flushes;
    if (flushes != flushes_) durable_ = now;
    flushes_ = flushes;
  }

  std::optional<std::string> decide_some() {
    const std::size_t p = pick(logs_.size());
    const std::size_t end = std::min(logs_[p].size(), at_[p] + 1 + pick(40));
    for (std::size_t s = 0; s < options_.streams.size(); ++s) {
      std::vector<dedup_index::message> block;
      std::vector<std::size_t> indexes;
      for (std::size_t i = at_[p]; i < end; ++i) {
        if ((logs_[p][i].id + s) % 7 == 6) continue;  // dead-lettered, or without an id
        const std::string key = std::to_string(logs_[p][i].id);
        block.push_back({dedup_index::hash_id(key, 4711, options_.streams[s].name),
                         logs_[p][i].time, 10 * (i + 1)});
        indexes.push_back(i);
      }
      const oracle before = oracle_;
      std::vector<std::uint8_t> duplicate;
      auto decided = seen_->decide(static_cast<int>(s), partition(p), block, duplicate);
      if (!decided) return decided.error().message;
      note_flush(before);
      for (std::size_t k = 0; k < block.size(); ++k) {
        const bool wanted = oracle_.decide(static_cast<int>(s), partition(p), indexes[k],
                                           logs_[p][indexes[k]], options_.streams[s].within);
        if (wanted == (duplicate[k] != 0)) continue;
        return "stream " + std::to_string(s) + ", partition " + std::to_string(p) + ", message " +
               std::to_string(indexes[k]) + (wanted ? " is a duplicate" : " is none") +
               ", but the other was said";
      }
    }
    at_[p] = end;
    return std::nullopt;
  }

  /// A stripe's transaction: ids first, then its positions.
  std::optional<std::string> commit(std::size_t stripe) {
    if (auto flushed = seen_->flush(); !flushed) return flushed.error().message;
    note_flush(oracle_);
    stripes_[stripe] = at_;
    return std::nullopt;
  }

  std::vector<std::size_t> smallest() const {
    std::vector<std::size_t> all = stripes_[0];
    for (const auto& stripe : stripes_)
      for (std::size_t p = 0; p < all.size(); ++p) all[p] = std::min(all[p], stripe[p]);
    return all;
  }

  void forget() {
    positions passed;
    const auto all = smallest();
    for (std::size_t p = 0; p < all.size(); ++p) passed[partition(p)] = 10 * all[p];
    seen_->forget(passed);
  }

  std::optional<std::string> tidy() {
    auto done = seen_->tidy();
    if (!done) return done.error().message;
    note_flush(oracle_);
    return std::nullopt;
  }

  std::optional<std::string> crash() {
    seen_.reset();
    oracle_ = durable_;
    at_ = smallest();
    return open();
  }

  std::optional<std::string> commit_all() {
    for (std::size_t stripe = 0; stripe < stripe_count; ++stripe)
      if (auto problem = commit(stripe)) return problem;
    forget();
    return std::nullopt;
  }

  /// With everything before one block on disk, and nothing of it.
  std::optional<std::string> tidy_and_crash() {
    if (auto problem = commit_all()) return problem;
    if (auto problem = decide_some()) return problem;
    if (auto problem = tidy()) return problem;
    return crash();
  }

  bool all_read() const {
    for (std::size_t p = 0; p < logs_.size(); ++p)
      if (at_[p] < logs_[p].size()) return false;
    return true;
  }

  static partition_id partition(std::size_t p) { return static_cast<partition_id>(p + 5); }

  std::mt19937_64 random_;
  std::filesystem::path folder_;
  dedup_index::options options_;
  std::unique_ptr<dedup_index> seen_;
  std::vector<std::vector<message>> logs_;
  std::vector<std::size_t> at_;                                 ///< by partition: read
  std::array<std::vector<std::size_t>, stripe_count> stripes_;  ///< the same, committed
  oracle oracle_;
  oracle durable_;
  std::uint64_t flushes_ = 0;
};

}  // namespace

std::optional<std::string> run_seen_history(std::uint64_t seed) { return history(seed).run(); }

}  // namespace windrow::storage::testing
