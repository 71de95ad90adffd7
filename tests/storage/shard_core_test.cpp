#include "storage/shard/shard_core.hpp"

#include <gtest/gtest.h>

#include "tests/storage/shard_scenario.hpp"

namespace windrow::storage::testing {
namespace {

using schema::aggregation;

value whole(std::int64_t v) { return value{v}; }
errc code_of(const window_answer& a) { return a.value ? errc::closed : a.value.error().code; }

// ---- delivery ----------------------------------------------------------------------------------

TEST(ShardCore, CountsRowsInTheBucketsThatOverlapTheWindow) {
  one_tiling p(minute);
  const int count = p.add(aggregation::count, 0, {10 * minute});
  scenario s(p.maker);
  s.send({s.at(1 * minute), s.at(5 * minute), s.at(12 * minute)});
  const auto answer = s.ask(count, 12 * minute + 30 * second);
  EXPECT_EQ(*answer.value, whole(2));  // the bucket of minute 2 is the first
  EXPECT_EQ(answer.from, 2 * minute);
  EXPECT_EQ(answer.to, 13 * minute);
  EXPECT_EQ(answer.events, 2u);
}

TEST(ShardCore, AppliesARepeatedBatchOnce) {
  one_tiling p(minute);
  const int count = p.add(aggregation::count, 0, {minute});
  scenario s(p.maker);
  const auto b = s.cut({s.at(1), s.at(2)});
  EXPECT_EQ(s.apply(*b).rows, 2u);
  const auto again = s.apply(*b);
  EXPECT_EQ(again.rows, 0u);
  EXPECT_EQ(again.already_applied, 2u);
  EXPECT_EQ(s.value_at(count, 5), whole(2));
}

TEST(ShardCore, SkipsWhatItsStripeHasWhenReplayed) {
  one_tiling p(minute);
  const int count = p.add(aggregation::count, 0, {minute});
  scenario s(p.maker);
  const auto first = s.cut({s.at(1), s.at(2)});
  const auto second_batch = s.cut({s.at(3)});
  s.apply(*first);
  s.checkpoint();
  s.apply(*second_batch);
  s.crash();
  EXPECT_EQ(s.core().progress().resume_positions().at(1), 2u);
  EXPECT_EQ(s.value_at(count, 5), whole(2));
  EXPECT_EQ(s.apply(*first).already_applied, 2u);
  EXPECT_EQ(s.apply(*second_batch).rows, 1u);
  EXPECT_EQ(s.value_at(count, 5), whole(3));
}

TEST(ShardCore, StatesThePositionOfTheStripeItAnswersFrom) {
  one_tiling p(minute);
  const int count = p.add(aggregation::count, 0, {minute});
  scenario s(p.maker);
  s.send({s.at(1), s.at(2), s.at(3)});
  auto answer = s.core().lookup(s.request(count, 5));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->position, (positions{{1, 3}}));
}

TEST(ShardCore, ResumesWhereTheLeastCommittedStripeIs) {
  one_tiling p(minute);
  p.add(aggregation::count, 0, {minute});
  scenario s(p.maker);
  s.send({s.at(1)});
  s.checkpoint();
  s.send({s.at(2)});
  s.core().begin_cycle();
  auto part = s.core().next_write(1);  // one stripe with a record, at most
  ASSERT_NE(part, nullptr);
  part->seal(folder_seed);
  s.records().commit(*part);
  s.crash();
  EXPECT_EQ(s.core().progress().resume_positions(), (positions{{1, 1}}));
}

TEST(ShardCore, RefusesABatchOfAnotherCatalog) {
  one_tiling p(minute);
  p.add(aggregation::count, 0, {minute});
  scenario s(p.maker);
  batch b = *s.cut({s.at(1)});
  b.catalog_version = 9;
  auto applied = s.core().apply(b);
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, errc::mismatch);
}

TEST(ShardCore, WritesAStripeAgainOnlyAfterItsWriteIsCommitted) {
  one_tiling p(minute);
  p.add(aggregation::count, 0, {minute});
  scenario s(p.maker);
  s.send({s.at(1)});
  s.core().begin_cycle();
  auto all = s.core().next_write(1 << 20);
  ASSERT_NE(all, nullptr);
  s.core().begin_cycle();
  EXPECT_EQ(s.core().next_write(1 << 20), nullptr);
  EXPECT_TRUE(s.core().cycle_active());
  s.core().committed(*all);
  EXPECT_NE(s.core().next_write(1 << 20), nullptr);
}

// ---- lateness and expiry -----------------------------------------------------------------------

TEST(ShardCore, CountsALateRowForEachRuleThatIsTooShort) {
  one_tiling p(minute);
  const int narrow = p.add(aggregation::count, 0, {minute});
  const int wide = p.add(aggregation::sum, column_a, {hour});
  scenario s(p.maker);
  s.send({s.at(2 * hour)});
  const auto outcome = s.send({s.at(2 * hour - 10 * minute)});
  EXPECT_EQ(outcome.rows, 1u);
  EXPECT_EQ(outcome.late, 1u);
  EXPECT_EQ(s.core().progress().late_by_rule(), (std::vector<std::uint64_t>{1, 0}));
  EXPECT_EQ(s.value_at(wide, 2 * hour), whole(2));
  EXPECT_EQ(s.value_at(narrow, 2 * hour), whole(1));
}

TEST(ShardCore, LeavesOutARowTooLateForEveryRule) {
  one_tiling p(minute);
  const int count = p.add(aggregation::count, 0, {minute});
  scenario s(p.maker);
  s.send({s.at(2 * hour)});
  EXPECT_EQ(s.send({s.at(hour)}).late, 1u);
  EXPECT_EQ(code_of(s.ask(count, hour)), errc::expired);
}

// Two partitions, one a day behind. What it sends next is judged after a restart as it was before,
// by what it has sent itself.
TEST(ShardCore, JudgesAPartitionThatLagsByItsOwnClock) {
  one_tiling p(minute);
  p.add(aggregation::count, 0, {hour});
  scenario s(p.maker);
  const schema::plan_ptr plan = p.maker.make();
  std::map<partition_id, sequence> last;
  const auto send = [&](sender& from, partition_id partition, std::int64_t time) {
    event e = s.at(time);
    e.partition = partition;
    e.at = ++last[partition];
    return s.core().apply(*from.cut({&e, 1}, partition, e.at, e.at))->late;
  };
  sender ahead(plan), behind(plan);
  EXPECT_EQ(send(ahead, 8, 48 * hour), 0u);
  EXPECT_EQ(send(behind, 9, 24 * hour), 0u);
  s.checkpoint();
  s.crash();
  EXPECT_EQ(s.core().max_event_times()[0], 48 * hour);
  ahead.start_at(s.core().progress().resume_clocks(8));
  behind.start_at(s.core().progress().resume_clocks(9));
  EXPECT_EQ(send(behind, 9, 24 * hour - minute), 0u);
  EXPECT_EQ(send(behind, 9, 22 * hour), 1u);
  EXPECT_EQ(send(ahead, 8, 24 * hour), 1u);
  EXPECT_EQ(s.core().progress().resume_clocks(7), (std::vector<std::int64_t>{no_time}));
}

TEST(ShardCore, KeepsLateCountsThroughACrash) {
  one_tiling p(minute);
  p.add(aggregation::count, 0, {minute});
  scenario s(p.maker);
  s.send({s.at(2 * hour), s.at(hour)});
  s.checkpoint();
  s.crash();
  EXPECT_EQ(s.core().progress().late_by_rule(), (std::vector<std::uint64_t>{1}));
}

TEST(ShardCore, SaysExpiredExactlyWhereRetentionEnds) {
  one_tiling p(minute);
  const int count = p.add(aggregation::count, 0, {2 * minute});  // kept: 3 minutes
  scenario s(p.maker);
  s.send({s.at(5 * minute), s.at(10 * minute)});
  EXPECT_EQ(code_of(s.ask(count, 8 * minute)), errc::expired);  // bucket 6 ends at 7 = 10 - 3
  EXPECT_EQ(s.value_at(count, 9 * minute), whole(0));
}

TEST(ShardCore, JudgesExpiryByTheTimelineNotByTheShard) {
  plan_maker maker(1, 2);
  const int slow = maker.watermark_group(0, schema::none, /*except=*/1),
            fast = maker.watermark_group(0, schema::none, 0);
  const int slow_count = maker.feature(maker.tiling(slow, ms), aggregation::count, 0, {second});
  const int fast_count = maker.feature(maker.tiling(fast, ms), aggregation::count, 0, {second});
  scenario s(maker);
  const auto send = [&](int stream, std::int64_t time) {
    event e = s.at(time);
    e.stream = stream;
    s.send({e});
  };
  // Half a century apart in millisecond buckets, in one record.
  send(1, 20'000 * day);
  send(0, 5 * second);
  send(1, 20'000 * day + 1);
  send(0, 5 * second + 1);
  send(1, 20'100 * day);
  EXPECT_EQ(s.value_at(slow_count, 5 * second + 10), whole(2));
  EXPECT_EQ(s.value_at(fast_count, 20'100 * day), whole(1));
  s.checkpoint();
  s.crash();
  EXPECT_EQ(s.value_at(slow_count, 5 * second + 10), whole(2));
}

TEST(ShardCore, DeletesAnExpiredRecordFromStorage) {
  one_tiling p(minute);
  p.add(aggregation::count, 0, {minute});
  scenario s(p.maker);
  s.send({s.at(minute, "old")});
  s.checkpoint();
  ASSERT_TRUE(s.stored("old"));
  for (int i = 0; i < 256; ++i) ASSERT_TRUE(s.core().sweep());  // notes the time
  s.send({s.at(day, "new")});
  for (int i = 0; i < 256; ++i) ASSERT_TRUE(s.core().sweep());
  EXPECT_TRUE(s.stored("old"));  // until the deletion is committed
  s.checkpoint();
  EXPECT_FALSE(s.stored("old"));
  EXPECT_TRUE(s.stored("new"));
}

TEST(ShardCore, SweepsRecordsThatAreOnlyStored) {
  one_tiling p(ms);
  p.add(aggregation::count, 0, {second});
  scenario s(p.maker);
  s.send({s.at(minute, "old")});
  for (int i = 0; i < 256; ++i) ASSERT_TRUE(s.core().sweep());
  s.checkpoint();
  s.crash();
  s.send({s.at(365 * day, "new")});  // further than a record of millisecond buckets reaches
  for (int i = 0; i < 256; ++i) ASSERT_TRUE(s.core().sweep());
  s.checkpoint();
  EXPECT_FALSE(s.stored("old"));
}

/// Terminals that are seen once and forgotten after ten minutes, beside shops that are kept for
/// ever: the most records stored at any time of so many hours. In memory, only what is written pays
/// for expiry; else the shard is opened anew each time, and has an allowance.
std::size_t most_stored(int hours, bool in_memory) {
  constexpr std::int64_t all = 36'500 * day;
  plan_maker maker(2);
  maker.feature(maker.tiling(maker.watermark_group(0), minute), aggregation::count, 0,
                {10 * minute});
  const int tiling = maker.tiling(maker.watermark_group(1), day);
  const int sales = maker.feature(tiling, aggregation::count, 0, {all});
  scenario s(std::move(maker));
  std::size_t most = 0;
  int sold = 0;
  for (int now = 0; now < hours; ++now) {
    std::vector<event> events;
    for (int i = 0; i < 40; ++i, ++sold) {
      events.push_back(s.at(now * hour + i * minute, "terminal " + std::to_string(sold)));
      events.back().keys[1] = "shop " + std::to_string(i % 10);
    }
    s.send(events);
    if (now % 6 != 0) continue;
    s.checkpoint();
    if (!in_memory) s.crash();
    bool more = true;
    for (std::size_t allowance = in_memory ? 0 : 2048; more; allowance = 0) {
      auto swept = s.core().sweep(allowance);
      EXPECT_TRUE(swept);
      more = swept && *swept;
    }
    most = std::max(most, s.records().records().size());
  }
  std::int64_t counted = 0;
  for (int i = 0; i < 10; ++i)
    counted += std::get<std::int64_t>(s.value_at(sales, hours * hour, "shop " + std::to_string(i)));
  EXPECT_EQ(counted, sold);
  return most;
}

TEST(ShardCore, StaysSmallOverMonthsBesideAFeatureThatForgetsNothing) {
  for (const bool in_memory : {true, false}) {
    SCOPED_TRACE(in_memory ? "in memory" : "only stored");
    // 240 terminals come between two checkpoints, and 86,400 in all.
    EXPECT_LT(most_stored(90 * 24, in_memory), 1'000u);
  }
}

// ---- values ------------------------------------------------------------------------------------

TEST(ShardCore, NewestScalarWinsWhateverItsArrival) {
  one_tiling p(minute);
  p.add(aggregation::count, 0, {minute});
  const int scalar = p.maker.scalar(column_t);
  scenario s(p.maker);
  event newer = s.at(10), older = s.at(5), same = s.at(10);
  newer.t = "newer", older.t = "older", same.t = "same time, later message";
  s.send({newer, older});
  EXPECT_EQ(s.scalar(scalar)->value, value{"newer"});
  s.send({same});
  EXPECT_EQ(s.scalar(scalar)->value, value{"same time, later message"});
  EXPECT_EQ(s.scalar(scalar)->time, 10);
  EXPECT_FALSE(s.scalar(scalar, "unknown"));
}

TEST(ShardCore, CountsOnlyRowsThatPassTheFilter) {
  one_tiling p(minute, column_f);
  const int count = p.add(aggregation::count, 0, {minute});
  scenario s(p.maker);
  event out = s.at(1), in = s.at(2);
  out.f = false;
  s.send({out, in});
  EXPECT_EQ(s.value_at(count, 5), whole(1));
}

TEST(ShardCore, SkipsNullsAndDividesByTheValuesThereAre) {
  one_tiling p(minute);
  const int mean = p.add(aggregation::mean, column_a, {minute});
  const int sum = p.add(aggregation::sum, column_a, {minute});
  scenario s(p.maker);
  event none = s.at(1), two = s.at(2), five = s.at(3);
  none.a = std::nullopt, two.a = 2, five.a = 5;
  s.send({none, two, five});
  EXPECT_EQ(s.value_at(mean, 5), value{3.5});
  EXPECT_EQ(s.value_at(sum, 5), whole(7));
  EXPECT_EQ(s.ask(mean, 5).events, 3u);
}

TEST(ShardCore, AnswersEmptyWindowsByTheRuleAndTheDefault) {
  one_tiling p(minute);
  const int sum = p.add(aggregation::sum, column_b, {minute});
  const int mean = p.add(aggregation::mean, column_b, {minute});
  const int with_default = p.add(aggregation::max, column_b, {minute}, 0, value{std::int64_t{-1}});
  const int spread = p.add(aggregation::std, column_b, {minute});
  scenario s(p.maker);
  EXPECT_EQ(s.value_at(sum, 5), whole(0));
  EXPECT_EQ(s.value_at(mean, 5), value{null{}});
  EXPECT_EQ(s.value_at(with_default, 5), whole(-1));
  s.send({s.at(1)});
  EXPECT_EQ(s.value_at(spread, 5), value{null{}});  // of one value
  EXPECT_EQ(s.value_at(with_default, 5), whole(0));
}

TEST(ShardCore, SaysOverflowOnlyWhereTheAnswerDoesNotFit) {
  one_tiling p(minute);
  const int sum = p.add(aggregation::sum, column_b, {minute});
  scenario s(p.maker);
  event big = s.at(1), more = s.at(2), less = s.at(3);
  big.b = INT64_MAX, more.b = 1, less.b = -1;
  s.send({big, more});
  EXPECT_EQ(code_of(s.ask(sum, 5)), errc::overflow);
  s.checkpoint();
  s.crash();
  EXPECT_EQ(code_of(s.ask(sum, 5)), errc::overflow);
  s.send({less});
  EXPECT_EQ(s.value_at(sum, 5), whole(INT64_MAX));
}

// ---- time --------------------------------------------------------------------------------------

TEST(ShardCore, FloorsBucketsBeforeTheEpoch) {
  one_tiling p(minute, schema::none, 20 * second);
  const int count = p.add(aggregation::count, 0, {minute});
  scenario s(p.maker);
  s.send({s.at(-minute), s.at(-30 * second), s.at(-1)});
  const auto answer = s.ask(count, -1);
  EXPECT_EQ(answer.from, -minute - 40 * second);
  EXPECT_EQ(answer.to, 20 * second);
  EXPECT_EQ(*answer.value, whole(3));
  s.checkpoint();
  s.crash();
  EXPECT_EQ(s.value_at(count, -1), whole(3));
}

TEST(ShardCore, HoldsMillisecondBucketsOverMonths) {
  one_tiling p(ms);
  const int count = p.add(aggregation::count, 0, {30 * day});
  scenario s(p.maker);
  std::int64_t expected = 0;
  const std::int64_t start = 19'700 * day;
  for (int d = 0; d < 200; ++d) {
    s.send({s.at(start + d * day), s.at(start + d * day + 5 * ms)});
    expected =
        std::min(d + 1, 30) * 2 + (d >= 30 ? 1 : 0);  // (now - 30 d, now] and the first bucket
    ASSERT_EQ(s.value_at(count, start + d * day + 5 * ms), whole(expected)) << "day " << d;
  }
  s.checkpoint();
  s.crash();
  EXPECT_EQ(s.value_at(count, start + 199 * day + 5 * ms), whole(expected));
}

TEST(ShardCore, SurvivesAGapWiderThanItsOffsets) {
  one_tiling p(ms);
  const int count = p.add(aggregation::count, 0, {second});
  scenario s(p.maker);
  // In one batch, so that the first row is far behind the newest the batch knows.
  s.send({s.at(-20'000 * day), s.at(20'000 * day), s.at(20'000 * day + 1)});
  EXPECT_EQ(s.value_at(count, 20'000 * day + 5), whole(2));
  s.checkpoint();
  s.crash();
  EXPECT_EQ(s.value_at(count, 20'000 * day + 5), whole(2));
}

// ---- eviction ----------------------------------------------------------------------------------

TEST(ShardCore, ReadsAColdRecordBack) {
  one_tiling p(minute);
  const int count = p.add(aggregation::count, 0, {minute});
  scenario s(p.maker, 1'000);
  std::vector<event> events;
  for (int i = 0; i < 1'000; ++i) events.push_back(s.at(1, "k" + std::to_string(i)));
  s.send(events);
  s.evict_all();
  EXPECT_LE(s.core().memory().in_memory, 256u);
  for (int i = 0; i < 1'000; ++i)
    ASSERT_EQ(s.value_at(count, 5, "k" + std::to_string(i)), whole(1));
  EXPECT_GT(s.records().reads(), 700u);
  for (int i = 0; i < 1'000; ++i)
    events[static_cast<std::size_t>(i)] = s.at(2, "k" + std::to_string(i));
  s.send(events);
  for (int i = 0; i < 1'000; ++i)
    ASSERT_EQ(s.value_at(count, 5, "k" + std::to_string(i)), whole(2));
}

TEST(ShardCore, StopsReadingWholeStripesWhenStateHasOutgrownMemory) {
  one_tiling p(minute);
  const int count = p.add(aggregation::count, 0, {minute});
  scenario s(p.maker, 1'200'000);  // 2,000 records or so, and what any shard has
  const auto keys = [&](int from, int to) {
    std::vector<event> events;
    for (int i = from; i < to; ++i) events.push_back(s.at(1, "k" + std::to_string(i)));
    return events;
  };
  for (int i = 0; i < 25'000; i += 2'500) {
    s.send(keys(i, i + 2'500));
    s.evict_all();
  }
  const std::uint64_t before = s.core().memory().in_memory;
  ASSERT_LT(before, 5'000u);
  s.send(keys(0, 250));
  EXPECT_LE(s.core().memory().in_memory, before + 250);
  EXPECT_EQ(s.value_at(count, 5, "k7"), whole(2));
}

TEST(ShardCore, KeepsWhatIsEncodedButNotCommitted) {
  one_tiling p(minute);
  const int count = p.add(aggregation::count, 0, {minute});
  scenario s(p.maker, 1'000);
  std::vector<event> events;
  for (int i = 0; i < 1'000; ++i) events.push_back(s.at(1, "k" + std::to_string(i)));
  s.send(events);
  s.core().begin_cycle();
  auto write = s.core().next_write(1 << 20);
  ASSERT_NE(write, nullptr);
  for (int i = 0; i < 400; ++i) s.core().evict();
  EXPECT_EQ(s.core().memory().in_memory, 1'000u);
  EXPECT_TRUE(s.core().over_budget());
  EXPECT_EQ(s.value_at(count, 5, "k17"), whole(1));
}

TEST(ShardCore, KeepsRecordsApartWhoseHashesBeginAlike) {
  one_tiling p(minute);
  const int count = p.add(aggregation::count, 0, {minute});
  scenario s(p.maker);
  batch b = *s.cut({s.at(1, "x"), s.at(2, "y"), s.at(3, "y")});
  for (std::size_t i = 0; i < 3; ++i) b.sections[0].hashes[i] = {77, i == 0 ? 1u : 2u};
  s.apply(b);
  const auto ask = [&](const std::string& key, std::uint64_t lo) {
    lookup_request request = s.request(count, 5, key);
    request.hash = {77, lo};
    auto answer = s.core().lookup(request);
    return answer ? *answer->windows[0].value : value{"an error"};
  };
  EXPECT_EQ(ask("x", 1), whole(1));
  EXPECT_EQ(ask("y", 2), whole(2));
  s.checkpoint();
  s.crash();
  EXPECT_EQ(ask("x", 1), whole(1));
  EXPECT_EQ(ask("y", 2), whole(2));
}

// ---- segments and rollups ----------------------------------------------------------------------

TEST(ShardCore, SealsOldBucketsAndReadsThemBack) {
  one_tiling p(second);
  const int count = p.add(aggregation::count, 0, {200 * second}, 200 * second);
  scenario s(p.maker);
  for (int i = 0; i < 200; ++i) s.send({s.at(i * second)});
  s.checkpoint();
  EXPECT_GT(s.stored_segments(), 0);
  s.crash();
  EXPECT_EQ(s.value_at(count, 199 * second), whole(200));
  EXPECT_EQ(s.value_at(count, 100 * second), whole(101));
}

TEST(ShardCore, PutsALateEventIntoItsSealedBucket) {
  one_tiling p(second);
  const int count = p.add(aggregation::count, 0, {200 * second, second});
  scenario s(p.maker);
  for (int i = 0; i < 100; ++i) s.send({s.at(2 * i * second)});
  s.checkpoint();
  s.crash();
  s.send({s.at(10 * second), s.at(11 * second), s.at(-second)});  // there, between, before all
  s.checkpoint();
  s.crash();
  EXPECT_EQ(s.value_at(count + 1, 10 * second), whole(2));
  EXPECT_EQ(s.value_at(count + 1, 11 * second), whole(3));
  EXPECT_EQ(s.value_at(count + 1, -second), whole(1));
  EXPECT_EQ(s.value_at(count, 198 * second), whole(103));
}

TEST(ShardCore, SplitsASegmentThatLateEventsFill) {
  one_tiling p(second);
  const int count = p.add(aggregation::count, 0, {2'000 * second});
  scenario s(p.maker);
  for (int i = 0; i < 70; ++i) s.send({s.at(20 * i * second)});
  s.checkpoint();
  const int before = s.stored_segments();
  for (int i = 0; i < 400; ++i) s.send({s.at((2 * i + 1) * second)});
  s.checkpoint();
  EXPECT_GT(s.stored_segments(), before + 1);
  s.crash();
  EXPECT_EQ(s.value_at(count, 1'380 * second), whole(470));
}

TEST(ShardCore, ErasesSegmentsThatHaveExpired) {
  one_tiling p(second);
  p.add(aggregation::count, 0, {100 * second});
  scenario s(p.maker);
  for (int i = 0; i < 2'000; ++i) s.send({s.at(i * second)});
  s.checkpoint();
  for (int i = 2'000; i < 4'000; ++i) s.send({s.at(i * second)});
  s.checkpoint();
  EXPECT_LE(s.stored_segments(), 4);
}

// The same rows under a window long enough for rollups and, bucket by bucket, without them.
TEST(ShardCore, GivesTheSameThroughRollupsAsBucketByBucket) {
  one_tiling p(second);
  const int count = p.add(aggregation::count, 0, {40'000 * second, 5'000 * second});
  const int sum = p.add(aggregation::sum, column_b, {40'000 * second});
  const int largest = p.add(aggregation::max, column_b, {40'000 * second});
  scenario s(p.maker);
  // Sparse first, then thick between: the rollups are built from many buckets at once, in levels.
  int rows = 0;
  std::int64_t total = 0;
  const auto send = [&](std::int64_t time) {
    event e = s.at(time);
    e.b = time / second % 1'000;
    total += e.b;
    ++rows;
    s.send({e});
  };
  for (int i = 0; i < 64; ++i) send(500 * i * second);
  send(32'100 * second);  // seals the oldest 48
  for (int i = 0; i < 700; ++i) send((33 * i + 7) * second);
  for (int i = 0; i < 300; ++i) send((32'200 + 3 * i) * second);
  const std::int64_t now = 33'200 * second;
  EXPECT_EQ(s.value_at(count, now), whole(rows));
  EXPECT_EQ(s.value_at(sum, now), whole(total));
  EXPECT_EQ(s.value_at(largest, now), whole(999));
  auto buckets = s.core().explain(s.request(count + 1, now));
  ASSERT_TRUE(buckets);
  std::uint64_t events = 0;
  for (const explained_bucket& b : *buckets) events += b.events;
  EXPECT_EQ(s.value_at(count + 1, now), whole(static_cast<std::int64_t>(events)));
  s.checkpoint();
  s.crash();
  EXPECT_EQ(s.value_at(sum, now), whole(total));
}

// ---- damage ------------------------------------------------------------------------------------

TEST(ShardCore, ReportsADamagedRecordAndAMissingSegment) {
  one_tiling p(second);
  const int count = p.add(aggregation::count, 0, {200 * second});
  scenario s(p.maker);
  for (int i = 0; i < 100; ++i) s.send({s.at(i * second)});
  s.checkpoint();
  s.crash();
  const key_hash hash = hash_of(s.plan(), 0, "k");
  const auto segment = s.records().records().extract(make_record_key(hash, 1));
  ASSERT_FALSE(segment.empty());
  EXPECT_EQ(code_of(s.ask(count, 99 * second)), errc::corrupt);
  s.records().records()[make_record_key(hash, 0)][20] ^= 1;
  auto answer = s.core().lookup(s.request(count, 99 * second));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, errc::corrupt);
}

TEST(ShardCore, RefusesADamagedStripe) {
  one_tiling p(second);
  p.add(aggregation::count, 0, {second});
  scenario s(p.maker);
  s.send({s.at(1)});
  s.checkpoint();
  stored_shard stored = s.records().besides();
  stored.stripes.at(3)[12] ^= 1;
  plan_maker same = p.maker;
  auto opened = shard_core::open(same.make(), {0, folder_seed, 1 << 20}, s.records(), stored);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::corrupt);
}

}  // namespace
}  // namespace windrow::storage::testing
