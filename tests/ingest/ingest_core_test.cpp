#include "ingest/ingest_core.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/plan_builder.hpp"
#include "windrow/time.hpp"

namespace windrow::ingest {
namespace {

using schema::none;
using schema::value_kind;
using test::plan_builder;
using test::type_of;

constexpr std::int64_t minute = 60'000'000;
constexpr std::int64_t now = 1'700'000'000'000'000;

std::string event(const std::string& user, const std::string& amount, std::int64_t micros = now) {
  return R"({"user":)" + user + R"(,"amount":)" + amount + R"(,"ts":)" +
         std::to_string(micros / 1000) + "}";
}

std::vector<schema::message_field> event_fields() {
  return {{"user", type_of(value_kind::text, true)},
          {"amount", type_of(value_kind::floating, true)},
          {"ts", type_of(value_kind::datetime)}};
}

/// Events keyed by user with an amount, counted where the amount is positive; buckets of a minute
/// kept for eleven.
struct event_plan {
  event_plan() {
    builder.key_space({type_of(value_kind::text)});
    builder.watermark_group(0, minute, 11 * minute);
    builder.stream("events", event_fields(),
                   {"_.user", "_.amount", "_.ts", "_.amount > 0", "_.amount"});
    builder.plan().streams[0].time_output = 2;
    builder.route(0, 0, {0}, {1, 3}, {{0, 1}});
  }
  plan_builder builder;
};

formats::message_run_ptr run_of(const std::vector<std::string>& texts, storage::sequence after = 0,
                                std::int64_t arrival = now) {
  std::vector<std::pair<storage::sequence, std::string_view>> messages;
  for (const auto& text : texts) messages.emplace_back(after + messages.size() + 1, text);
  return formats::make_run(5, after, after + texts.size(), timestamp{arrival}, messages);
}

ingest::ingest_core core_for(schema::plan_ptr plan, std::uint32_t shards = 1) {
  ingest::ingest_options options;
  options.plan = std::move(plan);
  options.source = 0;
  options.partition = 5;
  options.shard_count = shards;
  options.folder_seed = 99;
  return ingest::ingest_core(options);
}

std::string reasons(const ingest::ingest_output& out) {
  std::string text;
  for (const auto& letter : out.dead_letters) {
    text += (text.empty() ? "" : " ") + std::to_string(letter.at) + ":" + letter.phase + "/" +
            letter.reason;
  }
  return text;
}

std::string sequences_of(const ingest::ingest_output& out) {
  std::string text;
  for (const auto& made : out.batches) {
    for (const auto& section : made.batch->sections) {
      for (const auto s : section.sequences) text += std::to_string(made.batch->first + s) + " ";
    }
  }
  return text;
}

TEST(IngestCore, PassesOverRangesOfASeek) {
  event_plan made;
  auto core = core_for(made.builder.build());
  core.set_skips({{1, 3}, {5, 6}});
  ingest::ingest_output out;
  core.take(*run_of(std::vector<std::string>(8, event("\"u1\"", "2.5"))), out);
  EXPECT_EQ(sequences_of(out), "1 4 5 7 8 ");
  EXPECT_EQ(core.counters().read, 5u);
  EXPECT_EQ(core.position(), 8u);
}

TEST(IngestCore, ASkippedBadMessageIsNoDeadLetter) {
  event_plan made;
  auto core = core_for(made.builder.build());
  core.set_skips({{0, 2}});
  ingest::ingest_output out;
  core.take(*run_of({"{", "{", "{"}), out);
  EXPECT_EQ(reasons(out), "3:parse/json");
}

TEST(IngestCore, SkippingAheadMovesEveryShard) {
  event_plan made;
  auto core = core_for(made.builder.build(), 3);
  ingest::ingest_output out;
  core.skip_to(0, out);
  EXPECT_TRUE(out.batches.empty());
  core.skip_to(1'000'000'000'000, out);
  ASSERT_EQ(out.batches.size(), 3u);
  for (const auto& b : out.batches) {
    EXPECT_EQ(b.batch->first, 1u);
    EXPECT_EQ(b.batch->last, 1'000'000'000'000u);
    EXPECT_EQ(b.batch->rows, 0u);
  }
  out.clear();
  core.take(*run_of({event("\"u1\"", "2.5")}, 1'000'000'000'000), out);
  EXPECT_EQ(sequences_of(out), "1000000000001 ");
}

TEST(IngestCore, PutsARowWithItsKeyTimeAndColumnsIntoABatch) {
  event_plan made;
  auto core = core_for(made.builder.build());
  ingest::ingest_output out;
  core.take(*run_of({event("\"u1\"", "2.5"), event("\"\"", "-1", now - minute)}), out);
  ASSERT_EQ(out.batches.size(), 1u);
  const storage::batch& batch = *out.batches[0].batch;
  EXPECT_EQ(batch.partition, 5u);
  EXPECT_EQ(batch.first, 1u);
  EXPECT_EQ(batch.last, 2u);
  EXPECT_EQ(batch.rows, 2u);
  EXPECT_EQ(batch.max_event_times, (std::vector<std::int64_t>{now}));
  const storage::section& section = batch.sections[0];
  EXPECT_EQ(section.route, 0);
  EXPECT_EQ(section.key_at(0), "u1");
  EXPECT_EQ(section.key_at(1), "");
  EXPECT_EQ(section.hashes[0], storage::hash_key("u1", 99, 1000));
  EXPECT_EQ(section.times, (std::vector<std::int64_t>{now, now - minute}));
  EXPECT_EQ(section.sequences, (std::vector<std::uint32_t>{0, 1}));
  EXPECT_EQ(section.columns[0].floats, (std::vector<double>{2.5, -1}));
  EXPECT_EQ(section.columns[1].bools, (std::vector<std::uint8_t>{1, 0}));
  EXPECT_TRUE(section.max_event_time_before.empty());
  EXPECT_TRUE(out.dead_letters.empty());
  EXPECT_EQ(core.counters().read, 2u);
  EXPECT_EQ(core.counters().streams[0].applied, 2u);
}

TEST(IngestCore, ANullKeyGivesNoRowAndDoesNotMoveTheNewestTime) {
  event_plan made;
  auto core = core_for(made.builder.build());
  ingest::ingest_output out;
  core.take(
      *run_of({event("null", "1"), event("\"u\"", "0", now - 5), event("\"u\"", "1", now - 9)}),
      out);
  EXPECT_EQ(out.batches[0].batch->rows, 2u);
  // Only the last passes the filter.
  EXPECT_EQ(out.batches[0].batch->max_event_times[0], (now - 9) / 1000 * 1000);
  EXPECT_EQ(core.counters().streams[0].applied, 3u);
}

TEST(IngestCore, EveryShardGetsAMarkAtTheEndOfEachRun) {
  event_plan made;
  auto core = core_for(made.builder.build(), 3);
  ingest::ingest_output out;
  core.take(*run_of({"bad"}), out);
  core.take(*run_of({}, 1), out);  // a run that moves nowhere gives nothing
  ASSERT_EQ(out.batches.size(), 3u);
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(out.batches[i].shard, i);
    EXPECT_EQ(out.batches[i].batch->rows, 0u);
    EXPECT_EQ(out.batches[i].batch->first, 1u);
    EXPECT_EQ(out.batches[i].batch->last, 1u);
  }
}

TEST(IngestCore, DeadLettersSayPhaseReasonAndOrigin) {
  event_plan made;
  made.builder.plan().sources[0].late_arrival_deadline = 60 * minute;
  made.builder.plan().streams[0].required.push_back({4, "Event.amount"});
  auto core = core_for(made.builder.build());
  ingest::ingest_output out;
  const std::string long_key(storage::key_bytes_max + 1, 'k');
  const std::string just_fits(storage::key_bytes_max, 'k');
  core.take(*run_of({
                "{",                                     // 1
                event("\"u\"", "true"),                  // 2
                event("\"u\"", "null"),                  // 3
                event("\"u\"", "1", now + 6 * minute),   // 4
                event("\"u\"", "1", now + 5 * minute),   // 5: at the limit
                event("\"u\"", "1", now - 61 * minute),  // 6
                event("\"u\"", "1", now - 60 * minute),  // 7: at the limit
                event("\"u\"", "1", time_max + 1),       // 8
                event("\"u\"", "1", time_min - 1000),    // 9
                event("\"" + long_key + "\"", "1"),      // 10
                event("\"" + just_fits + "\"", "1"),     // 11
            }),
            out);
  EXPECT_EQ(reasons(out),
            "1:parse/json 2:parse/type 3:resolve/null 4:time/future 6:time/late_arrival "
            "8:time/range 9:time/range 10:resolve/key_too_long");
  EXPECT_EQ(out.batches[0].batch->rows, 3u);
  const storage::dead_letter& letter = out.dead_letters[3];
  EXPECT_EQ(letter.partition, 5u);
  EXPECT_EQ(letter.stream, "events");
  EXPECT_EQ(letter.message,
            "The event time 2023-11-14T22:19:20Z is more than 5m after the arrival, "
            "2023-11-14T22:13:20Z.");
  EXPECT_EQ(letter.arrival, now);
  EXPECT_EQ(letter.bytes, event("\"u\"", "1", now + 6 * minute));
  EXPECT_EQ(letter.total_bytes, letter.bytes.size());
  EXPECT_EQ(out.dead_letters[2].message,
            "'Event.amount' may not be null, but its expression gives null.");
  EXPECT_EQ(core.counters().streams[0].dead_lettered, 8u);
  EXPECT_EQ(core.counters().streams[0].applied, 3u);
  ASSERT_EQ(core.counters().reasons.size(), 7u);
  EXPECT_EQ(core.counters().reasons[5].reason, "range");
  EXPECT_EQ(core.counters().reasons[5].count, 2u);
}

TEST(IngestCore, ADeadLetterKeepsTheBeginningOfALongMessage) {
  event_plan made;
  auto core = core_for(made.builder.build());
  ingest::ingest_output out;
  const std::string text(100'000, 'x');
  core.take(*run_of({text}), out);
  EXPECT_EQ(out.dead_letters[0].bytes.size(), ingest::dead_letter_bytes_max);
  EXPECT_EQ(out.dead_letters[0].total_bytes, text.size());
}

TEST(IngestCore, AMessageWhoseParseGivesNullIsSkipped) {
  event_plan made;
  made.builder.plan().streams[0].parse_output = 4;
  auto core = core_for(made.builder.build());
  ingest::ingest_output out;
  core.take(*run_of({event("\"u\"", "null", now + 60 * minute), event("\"u\"", "1")}), out);
  EXPECT_EQ(out.batches[0].batch->rows, 1u);
  EXPECT_TRUE(out.dead_letters.empty());
  EXPECT_EQ(core.counters().streams[0].skipped, 1u);
  EXPECT_EQ(core.counters().streams[0].applied, 1u);
}

TEST(IngestCore, TwoStreamsOfOneSourceReadEachMessageOnce) {
  event_plan made;
  made.builder.stream("strict", {{"amount", type_of(value_kind::integer)}}, {"_.amount"});
  auto core = core_for(made.builder.build());
  ingest::ingest_output out;
  core.take(*run_of({event("\"u\"", "1"), event("\"u\"", "1.5"), "bad"}), out);
  EXPECT_EQ(core.counters().read, 3u);
  EXPECT_EQ(core.counters().streams[0].applied, 2u);
  EXPECT_EQ(core.counters().streams[1].applied, 1u);
  EXPECT_EQ(reasons(out), "3:parse/json 2:parse/type 3:parse/json");
  EXPECT_EQ(out.dead_letters[1].stream, "strict");
}

TEST(IngestCore, WithoutAnEventTimeTheArrivalCounts) {
  event_plan made;
  made.builder.plan().streams[0].time_output = none;
  auto core = core_for(made.builder.build());
  ingest::ingest_output out;
  core.take(*run_of({event("\"u\"", "1", 0)}, 0, now + 7), out);
  EXPECT_EQ(out.batches[0].batch->sections[0].times[0], now + 7);
}

TEST(IngestCore, TheEnvelopeGivesKeysHeadersAndTimes) {
  plan_builder builder;
  builder.key_space({type_of(value_kind::text)});
  builder.stream("events", {{"n", type_of(value_kind::integer)}},
                 {"_.message_key", "_.message_headers[\"h\"]", "_.message_time", "_.n"},
                 {"message_headers.h", "message_key", "message_time"});
  builder.route(0, 0, {0}, {1, 2, 3});
  auto core = core_for(builder.build());
  formats::message_run run;
  run.last = 2;
  run.arrival = timestamp{now};
  const std::string text = "{\"n\":4}" + std::string(formats::buffer_padding, ' ');
  run.messages = {{text.data(), 7, false, 1}, {text.data(), 7, false, 2}};
  run.envelopes.keys = {"k", "l"};
  run.envelopes.headers = {{{"g", "no"}, {"h", "yes"}}, {}};
  run.envelopes.times = {timestamp{now - 5}, timestamp{now}};
  ingest::ingest_output out;
  core.take(run, out);
  const storage::section& section = out.batches[0].batch->sections[0];
  ASSERT_EQ(section.rows(), 2u);
  EXPECT_EQ(section.key_at(0), "k");
  EXPECT_EQ(section.columns[0].text_at(0), "yes");
  EXPECT_EQ(section.columns[0].valid, (std::vector<std::uint8_t>{1, 0}));
  EXPECT_EQ(section.columns[1].ints[0], now - 5);
  EXPECT_EQ(section.times, (std::vector<std::int64_t>{now - 5, now}));
}

TEST(IngestCore, AReplayedMessageHasItsOwnTimeAndMayBeAheadOfIt) {
  plan_builder builder;
  builder.key_space({type_of(value_kind::text)});
  builder.stream("events", {{"n", type_of(value_kind::integer)}}, {"_.message_key", "_.n"},
                 {"message_key", "message_time"});
  builder.route(0, 0, {0}, {1});
  auto core = core_for(builder.build());
  const std::vector<std::pair<storage::sequence, std::string_view>> messages{{1, "{\"n\":4}"},
                                                                             {2, "{\"n\":true}"}};
  formats::run_envelopes envelopes;
  envelopes.times = {timestamp{now - 400 * minute}, timestamp{now - 300 * minute}};
  envelopes.keys = {"k", "l"};
  envelopes.headers = {{}, {{"h", "yes"}}};
  ingest::ingest_output out;
  core.take(*formats::make_run(0, 0, 2, timestamp{now}, messages, envelopes), out);
  const storage::section& section = out.batches[0].batch->sections[0];
  ASSERT_EQ(section.rows(), 1u);
  EXPECT_EQ(section.key_at(0), "k");
  EXPECT_EQ(section.times[0], now - 400 * minute);
  ASSERT_EQ(out.dead_letters.size(), 1u);
  const storage::dead_letter& again = out.dead_letters[0];
  EXPECT_EQ(again.arrival, now - 300 * minute);
  EXPECT_TRUE(again.timed);
  EXPECT_EQ(again.key, "l");
  EXPECT_EQ(again.headers, (std::vector<std::pair<std::string, std::string>>{{"h", "yes"}}));
}

TEST(IngestCore, AReplayedEventIsInTheFutureOfItsReplayAndLateForItsOwnTime) {
  event_plan made;
  made.builder.plan().sources[0].late_arrival_deadline = 10 * minute;
  auto core = core_for(made.builder.build());
  const std::string ahead = event("\"a\"", "1", now), late = event("\"b\"", "1", now - 60 * minute),
                    beyond = event("\"c\"", "1", now + 60 * minute);
  const std::vector<std::pair<storage::sequence, std::string_view>> messages{
      {1, ahead}, {2, late}, {3, beyond}};
  formats::run_envelopes envelopes;
  envelopes.times.assign(3, timestamp{now - 30 * minute});
  ingest::ingest_output out;
  core.take(*formats::make_run(0, 0, 3, timestamp{now}, messages, envelopes), out);
  EXPECT_EQ(out.batches[0].batch->sections[0].rows(), 1u);
  ASSERT_EQ(out.dead_letters.size(), 2u);
  EXPECT_EQ(out.dead_letters[0].reason, "late_arrival");
  EXPECT_EQ(out.dead_letters[1].reason, "future");
}

TEST(IngestCore, LateRowsComeWithTheNewestTimeBeforeThem) {
  event_plan made;
  auto core = core_for(made.builder.build());
  ingest::ingest_output out;
  core.take(*run_of({event("\"a\"", "1", now - 30 * minute), event("\"a\"", "1", now),
                     event("\"a\"", "1", now - 20 * minute)}),
            out);
  EXPECT_EQ(out.batches[0].batch->sections[0].max_event_time_before,
            (std::vector<std::int64_t>{storage::no_time, now - 30 * minute, now}));
  out.clear();
  core.take(*run_of({event("\"a\"", "1", now - 9 * minute)}, 3), out);
  EXPECT_TRUE(out.batches[0].batch->sections[0].max_event_time_before.empty());
}

TEST(IngestCore, TheNewestTimesGoOnWhereTheyWereResumed) {
  event_plan made;
  auto core = core_for(made.builder.build());
  core.resume(std::vector<std::int64_t>{now});
  ingest::ingest_output out;
  core.take(*run_of({event("\"a\"", "1", now - 30 * minute)}), out);
  EXPECT_EQ(out.batches[0].batch->sections[0].max_event_time_before,
            (std::vector<std::int64_t>{now}));
  EXPECT_EQ(core.max_event_times(), (std::vector<std::int64_t>{now}));
}

TEST(IngestCore, MessagesAtOrBeforeThePositionAreIgnored) {
  event_plan made;
  auto core = core_for(made.builder.build());
  ingest::ingest_output out;
  core.take(*run_of({event("\"a\"", "1"), event("\"b\"", "1")}), out);
  core.take(*run_of({event("\"b\"", "1"), event("\"c\"", "1")}, 1), out);
  core.take(*run_of({event("\"a\"", "1")}), out);
  ASSERT_EQ(out.batches.size(), 2u);
  EXPECT_EQ(out.batches[1].batch->first, 3u);
  EXPECT_EQ(out.batches[1].batch->rows, 1u);
  EXPECT_EQ(out.batches[1].batch->sections[0].key_at(0), "c");
  EXPECT_EQ(core.counters().read, 3u);
}

TEST(IngestCore, ASequenceThatJumpsFarStartsABatchOfItsOwn) {
  event_plan made;
  auto core = core_for(made.builder.build(), 2);
  const std::string text = event("\"a\"", "1");
  const storage::sequence far = 20'000'000'000;
  const std::pair<storage::sequence, std::string_view> messages[] = {{10, text}, {far, text}};
  ingest::ingest_output out;
  core.take(*formats::make_run(5, 0, far, timestamp{now}, messages), out);
  ASSERT_EQ(out.batches.size(), 4u);
  for (int shard = 0; shard < 2; ++shard) {
    EXPECT_EQ(out.batches[shard].batch->last, far - 1);
    EXPECT_EQ(out.batches[2 + shard].batch->first, far);
    EXPECT_EQ(out.batches[2 + shard].batch->last, far);
  }
}

TEST(IngestCore, AnOversizedMessageIsDeadLetteredWithItsTrueSize) {
  event_plan made;
  auto core = core_for(made.builder.build());
  formats::message_run run;
  run.last = 50;
  run.true_size = 49;
  const std::string text = "{\"head" + std::string(formats::buffer_padding, ' ');
  run.messages.push_back({text.data(), 6, true, 50});
  ingest::ingest_output out;
  core.take(run, out);
  EXPECT_EQ(reasons(out), "50:parse/too_long");
  EXPECT_EQ(out.dead_letters[0].bytes, "{\"head");
  EXPECT_EQ(out.dead_letters[0].total_bytes, 49u);
  EXPECT_EQ(out.batches[0].batch->last, 50u);
}

TEST(IngestCore, BatchesAreReusedOnlyWhenNobodyHoldsThem) {
  event_plan made;
  auto core = core_for(made.builder.build());
  ingest::ingest_output out;
  for (storage::sequence i = 0; i < 50; ++i) {
    core.take(*run_of({event("\"user" + std::to_string(i) + "\"", "1")}, i), out);
    if (i % 7 == 6) out.batches.erase(out.batches.begin());
  }
  for (const auto& [shard, batch] : out.batches) {
    EXPECT_EQ(batch->sections[0].key_at(0), "user" + std::to_string(batch->first - 1));
    EXPECT_EQ(batch->sections[0].rows(), 1u);
  }
}

}  // namespace
}  // namespace windrow::ingest
