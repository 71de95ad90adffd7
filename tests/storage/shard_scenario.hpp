#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/storage/memory_records.hpp"
#include "tests/storage/test_batch.hpp"

namespace windrow::storage::testing {

inline constexpr std::int64_t ms = 1'000, second = 1'000'000, minute = 60 * second,
                              hour = 60 * minute, day = 24 * hour;

/// One shard, its storage and one source, told in short sentences.
class scenario {
public:
  explicit scenario(plan_maker maker, std::size_t memory_budget = 1 << 30)
      : plan_(maker.make()), sender_(plan_) {
    options_.folder_seed = folder_seed;
    options_.memory_budget = memory_budget;
    open();
  }

  shard_core& core() { return *core_; }
  memory_records& records() { return records_; }
  const schema::plan& plan() const { return *plan_; }

  /// A message of `key` in every key space; sequences are consecutive.
  event at(std::int64_t time, const std::string& key = "k") {
    event e;
    e.at = ++last_;
    e.time = time;
    e.keys.assign(plan_->key_spaces.size(), key);
    e.a = 1;
    e.c = 1.0;
    e.t = "t";
    return e;
  }
  batch_ptr cut(const std::vector<event>& events) {
    const sequence last = events.empty() ? sent_ : events.back().at;
    auto b = sender_.cut(events, 1, events.empty() ? sent_ + 1 : events.front().at, last);
    sent_ = last;
    return b;
  }
  apply_outcome apply(const batch& b) {
    auto applied = core_->apply(b);
    EXPECT_TRUE(applied) << (applied ? "" : applied.error().message);
    return applied ? *applied : apply_outcome{};
  }
  apply_outcome send(const std::vector<event>& events) { return apply(*cut(events)); }

  void checkpoint() { testing::checkpoint(*core_, records_, folder_seed); }
  /// Forgets the shard and opens it from what was committed.
  void crash() {
    core_.reset();
    open();
  }
  /// A checkpoint, after which everything above the budget may leave memory, and does.
  void evict_all() {
    checkpoint();
    for (int i = 0; i < 400; ++i) core_->evict();
  }

  window_answer ask(int window_value, std::int64_t now, const std::string& key = "k") {
    auto answer = core_->lookup(request(window_value, now, key));
    EXPECT_TRUE(answer) << (answer ? "" : answer.error().message);
    return answer ? std::move(answer->windows.front()) : window_answer{};
  }
  value value_at(int window_value, std::int64_t now, const std::string& key = "k") {
    const auto answer = ask(window_value, now, key);
    EXPECT_TRUE(answer.value) << (answer.value ? "" : answer.value.error().message);
    return answer.value ? *answer.value : value{"an error"};
  }
  lookup_request request(int window_value, std::int64_t now, const std::string& key = "k") const {
    const auto& r = plan_->rules[static_cast<std::size_t>(
        plan_->window_values[static_cast<std::size_t>(window_value)].rule)];
    const int space = plan_->tilings[static_cast<std::size_t>(r.tiling)].key_space;
    return {space, key, hash_of(*plan_, space, key), {}, {window_value}, now};
  }
  std::optional<record_pool::scalar_value> scalar(int index, const std::string& key = "k") {
    auto answer = core_->lookup({0, key, hash_of(*plan_, 0, key), {index}, {}, 0});
    EXPECT_TRUE(answer);
    return answer ? answer->scalars.front() : std::nullopt;
  }
  /// Segments of a key that are stored.
  int stored_segments(const std::string& key = "k") {
    int n = 0;
    for (const auto& [at, bytes] : records_.records()) {
      const record_name name = read_record_key(at);
      n += name.hash == hash_of(*plan_, 0, key) && name.segment != 0;
    }
    return n;
  }
  bool stored(const std::string& key = "k") {
    return records_.records().count(make_record_key(hash_of(*plan_, 0, key), 0)) > 0;
  }

private:
  void open() {
    auto opened = shard_core::open(plan_, options_, records_, records_.besides());
    ASSERT_TRUE(opened) << opened.error().message;
    core_ = std::move(*opened);
    sender_.start_at(core_->progress().resume_clocks(1));
  }

  schema::plan_ptr plan_;
  sender sender_;
  shard_options options_;
  memory_records records_;
  std::unique_ptr<shard_core> core_;
  sequence last_ = 0, sent_ = 0;
};

/// A plan with one tiling and features made by the test.
struct one_tiling {
  plan_maker maker;
  int tiling;

  explicit one_tiling(std::int64_t duration, int filter = schema::none, std::int64_t origin = 0)
      : tiling(maker.tiling(maker.watermark_group(0, filter), duration, origin)) {}
  int add(schema::aggregation function, int column, std::vector<std::int64_t> windows,
          std::int64_t more = 0, std::optional<value> default_value = std::nullopt) {
    return maker.feature(tiling, function, column, std::move(windows), more,
                         std::move(default_value));
  }
};

}  // namespace windrow::storage::testing
