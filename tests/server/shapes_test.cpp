#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/api/openapi.hpp"
#include "server/body/aggregates_json.hpp"
#include "server/body/inspection_json.hpp"
#include "server/body/push_json.hpp"
#include "server/body/sources_json.hpp"
#include "tests/server/answers.hpp"
#include "tests/server/schema_check.hpp"

// What the API says in JSON, literally, and that it can be read back.
namespace windrow::server {
namespace {

using test::at;
using test::atlanta;
using test::context;
using test::name_is;
using test::one_dead_letter;
using test::two_users;

TEST(QueryJson, IsTheDocumentedShape) {
  EXPECT_EQ(query_json(two_users()),
            R"({"now": "2026-03-01T12:30:00Z", "catalog_version": 1, "rows": [)"
            R"({"entity": "User", "key": "u1", "position": {"transactions": 1103}, )"
            R"("features": {"user.name": {"value": "Ann", "at": "2026-03-01T09:00:00Z"}, )"
            R"("user.sum_transaction_amount__3600__": {"value": 12.5, )"
            R"("from": "2026-03-01T11:30:00Z", "to": "2026-03-01T12:31:00Z", "events": 3}}, )"
            R"("errors": [{"feature": "user.n__2592000__", "code": "expired", )"
            R"("message": "reaches beyond 31 days"}]}, )"
            R"({"entity": "User", "key": "u4", "position": {}, )"
            R"("features": {"user.name": {"value": null, "at": null}, )"
            R"("user.sum_transaction_amount__3600__": {"value": 0.0, )"
            R"("from": "2026-03-01T11:30:00Z", "to": "2026-03-01T12:31:00Z", "events": 0}}, )"
            R"("errors": [{"feature": "user.n__2592000__", "code": "expired", )"
            R"("message": "reaches beyond 31 days"}]}]})"
            "\n");
}

TEST(QueryJson, SaysTheAgeOfAStaleScalar) {
  query_answer answer = two_users();
  answer.rows.resize(1);
  answer.rows[0].features = {name_is(null{}, at("2026-03-01T09:00:00Z"))};
  answer.rows[0].features[0].age = std::chrono::hours(3);
  EXPECT_NE(
      query_json(answer).find(R"({"value": null, "at": "2026-03-01T09:00:00Z", "age": 10800.0})"),
      std::string::npos)
      << query_json(answer);
}

TEST(QueryJson, CanBeReadBack) {
  query_answer answer = two_users();
  answer.rows[1].now = at("2026-02-28T00:00:00Z");
  const auto read = read_query_answer(query_json(answer));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(query_json(read.value()), query_json(answer));
  EXPECT_EQ(read->rows[0].now, std::nullopt);
  EXPECT_EQ(read->rows[1].now, answer.rows[1].now);
}

TEST(QueryRequest, IsReadAsItWasWritten) {
  const query_request asked{{{"User", "u\"1"}, {"Card", "7", at("2026-02-01T00:00:00Z")}},
                            {"name", "sum[\"1h\"]"},
                            at("2026-03-01T12:30:00Z")};
  const auto read = read_query(query_request_json(asked));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(query_request_json(*read), query_request_json(asked));
  EXPECT_EQ(read->entities[1].now, asked.entities[1].now);
}

TEST(QueryRequest, MayGiveATimeToEachEntityAndKeysAsNumbers) {
  const auto read = read_query(
      R"({"entities": [{"class": "User", "key": 12, "now": 1000}, {"class": "User", "key": true}],)"
      R"( "features": ["name"], "now": "1970-01-01T00:00:02Z"})");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->entities[0].key, "12");
  EXPECT_EQ(read->entities[1].key, "true");
  EXPECT_EQ(read->entities[0].now, timestamp{1'000'000});
  EXPECT_EQ(read->entities[1].now, std::nullopt);
  EXPECT_EQ(read->now, timestamp{2'000'000});
}

TEST(QueryRequest, RefusesWhatItDoesNotKnow) {
  const std::string deep(100'000, '[');
  for (const std::string& bad :
       {std::string(""), std::string("[]"), std::string("{"), deep,
        std::string(R"({"entities": [], "feature": []})"), std::string(R"({"entities": 1})"),
        std::string(R"({"entities": [{"class": "User"}]})"),
        std::string(R"({"entities": [{"class": "User", "key": 1e400}]})"),
        std::string(R"({"entities": [{"class": "User", "key": 1.5}]})"),
        std::string(R"({"entities": [{"class": "User", "key": "a", "keys": 1}]})"),
        std::string(R"({"entities": [], "features": [], "features": ["a"]})"),
        std::string(R"({"entities": [{"class": "User", "class": "Card", "key": "a"}]})"),
        std::string(R"({"entities": [{"class": "User", "key": 18446744073709551616}]})"),
        std::string(R"({"entities": [], "features": [3]})"),
        std::string(R"({"entities": [], "features": [], "now": "soon"})"),
        std::string("{\"entities\": [], \"features\": [\"\xff\"]}")}) {
    const auto read = read_query(bad);
    ASSERT_FALSE(read.ok()) << bad.substr(0, 100);
    EXPECT_EQ(read.error().code, errc::invalid);
    EXPECT_FALSE(read.error().message.empty());
  }
}

TEST(ExplainJson, HasEveryBucket) {
  explanation what = atlanta();
  what.buckets.resize(1);
  EXPECT_EQ(explain_json(what, context()),
            R"({"now": "2026-03-01T12:30:00Z", "catalog_version": 3, "entity": "Airport", )"
            R"("key": "ATL", "feature": "airport.delay__7200__", "position": {"flights": 12}, )"
            R"("value": 7.0, )"
            R"("from": "2026-03-01T10:00:00Z", "to": "2026-03-01T13:00:00Z", "events": 4, )"
            R"("aggregation": "mean of _.delay", "bucket_seconds": 3600.0, )"
            R"("buckets": [{"start": "2026-03-01T10:00:00Z", "end": "2026-03-01T11:00:00Z", )"
            R"("events": 1, "value": 12.0}]})"
            "\n");
}

TEST(ExplainJson, CanBeReadBack) {
  const auto read = read_explanation(explain_json(atlanta(), context()));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(explain_json(read->what, read->context), explain_json(atlanta(), context()));
}

TEST(ExplainJson, CanBeReadBackWhereThereIsNoValue) {
  explanation what = atlanta();
  what.row.features[0].value = failure{errc::expired, "reaches beyond what is kept"};
  what.buckets[0].value = failure{errc::overflow, "too large"};
  const auto read = read_explanation(explain_json(what, context()));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(explain_json(read->what, read->context), explain_json(what, context()));
}

std::vector<sources::source_status> two_sources() {
  sources::partition_status one{.partition = "/a.ndjson",
                                .id = 0,
                                .state = {},
                                .reason = {},
                                .position = 30,
                                .end = 40,
                                .lag = 10,
                                .behind = 1'500'000,
                                .max_event_time = at("2026-03-01T12:30:00Z").micros,
                                .rate = 2.5,
                                .read = 3,
                                .applied = 2,
                                .skipped = 1,
                                .duplicates = 4,
                                .late = 5,
                                .dead_letters = 6};
  one.state = sources::source_state::waiting;
  one.reason = "busy";
  sources::partition_status other;
  other.partition = "7";
  return {{"users",
           "file",
           schema::position_unit::bytes,
           sources::source_state::waiting,
           "busy",
           {one}},
          {"payments",
           "kafka",
           schema::position_unit::messages,
           sources::source_state::stopped,
           "",
           {other}}};
}

TEST(SourcesJson, HasEveryPartition) {
  EXPECT_EQ(sources_json(two_sources()),
            R"({"sources": [{"source": "users", "kind": "file", "unit": "bytes", )"
            R"("state": "waiting", "reason": "busy", "partitions": [{"partition": "/a.ndjson", )"
            R"("state": "waiting", "reason": "busy", "position": 30, "end": 40, "lag": 10, )"
            R"("behind_seconds": 1.5, "newest_event": "2026-03-01T12:30:00Z", "rate": 2.5, )"
            R"("read": 3, "applied": 2, "skipped": 1, "duplicates": 4, "late": 5, )"
            R"("dead_letters": 6}]}, {"source": "payments", "kind": "kafka", )"
            R"("unit": "messages", "state": "stopped", "reason": null, "partitions": )"
            R"([{"partition": "7", "state": "stopped", "reason": null, "position": 0, )"
            R"("end": null, "lag": null, "behind_seconds": null, "newest_event": null, )"
            R"("rate": 0.0, "read": 0, "applied": 0, "skipped": 0, "duplicates": 0, )"
            R"("late": 0, "dead_letters": 0}]}]})"
            "\n");
}

TEST(SourcesJson, CanBeReadBack) {
  const auto read = read_sources(sources_json(two_sources()));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(sources_json(*read), sources_json(two_sources()));
}

TEST(SteeringJson, CanBeReadBack) {
  const sources::source_control done{"users",
                                     {{"/a.ndjson", "bytes", 10, 40, 30, "read on at 40"}}};
  const auto read = read_source_control(source_control_json(done));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(source_control_json(*read), source_control_json(done));
  EXPECT_EQ(read->steps[0].skipped, 30u);
}

TEST(SteeringRequest, RefusesAMemberThatIsNotKnown) {
  const auto read = read_source_control_request(R"({"partition": "3", "to": "latest"})");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->partition, "3");
  EXPECT_EQ(read->to, "latest");
  EXPECT_TRUE(read_source_control_request("").ok());
  EXPECT_EQ(read_source_control_request(R"({"partitions": "3"})").error().code, errc::invalid);
  EXPECT_EQ(read_source_control_request(R"({"partition": 3})").error().code, errc::invalid);
}

TEST(SeekTarget, IsAPlaceOrATime) {
  using kind = sources::seek_target::kind;
  EXPECT_EQ(parse_seek_target("earliest")->what, kind::earliest);
  EXPECT_EQ(parse_seek_target("latest")->what, kind::latest);
  EXPECT_EQ(parse_seek_target("1234")->position, 1234u);
  EXPECT_EQ(parse_seek_target("2026-03-01T12:30:00Z")->time, at("2026-03-01T12:30:00Z").micros);
  for (const char* bad : {"", "x", "-1", "12x", "2026-13-01T00:00:00Z", "99999999999999999999"})
    EXPECT_EQ(parse_seek_target(bad).error().code, errc::invalid) << bad;
}

TEST(LetterJson, HasPlaceReasonAndBytes) {
  EXPECT_EQ(dead_letters_json(one_dead_letter(), true),
            R"({"found": 1, "counts": [{"partition": "/in/payments.ndjson", "phase": "parse", )"
            R"("reason": "type", "messages": 1}], "letters": [{"source": "payments", )"
            R"("stream": "payment_stream", "partition": "/in/payments.ndjson", "at": 700, )"
            R"("line": 7, "phase": "parse", "reason": "type", )"
            R"("message": "Key 'amount': expected float.", "arrival": "1970-01-01T00:00:00Z", )"
            R"("total_bytes": 14, "bytes": "{\"id\": \"\u001b[2J\"}"}]})"
            "\n");
}

TEST(LetterJson, CanBeReadBackByteForByte) {
  node::dead_letter_listing what = one_dead_letter();
  what.dead_letters[0].line.reset();
  what.dead_letters[0].push = 3;
  what.dead_letters[0].place = 2;
  what.dead_letters[0].letter.bytes = std::string("{\"id\": \"\xff\xfe\0\"}", 12);
  const auto read = read_dead_letters(dead_letters_json(what, true));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(dead_letters_json(read.value(), true), dead_letters_json(what, true));
  EXPECT_EQ(read->dead_letters[0].letter.bytes, what.dead_letters[0].letter.bytes);
  EXPECT_EQ(read->dead_letters[0].push, 3u);
}

aggregate_listing one_series() {
  aggregate_listing what;
  what.catalog_version = 1;
  what.all_series = {{"_.amount of Transaction",
                      "User",
                      {{"sum",
                        60'000'000,
                        0,
                        3'660'000'000,
                        2,
                        {7, 31, 512, 1},
                        {"user.sum__3600__"},
                        "User.sum[1h]"}}}};
  return what;
}

TEST(AggregatesJson, CanBeReadBack) {
  const aggregate_listing what = one_series();
  const auto read = read_aggregates(aggregates_json(what));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(aggregates_json(read.value()), aggregates_json(what));
}

node::inspection one_shard() {
  node::inspection what;
  what.path = "/state";
  what.format_version = 3;
  what.id = "abc";
  what.created = at("2026-03-01T12:30:00Z");
  what.shard_count = 1;
  what.declarations = "00ff";
  node::shard_statistics shard;
  shard.file = "/state/shards/0";
  shard.file_bytes = 4096;
  shard.stripe_positions = {{{"journal", 4}}, {}};
  shard.smallest = {{"journal", 4}};
  shard.largest = {{"journal", 5}};
  what.shards = {shard};
  what.journal = {"/state/journal", 8192, 4096, 7, 3, {{"entries", 4}}};
  what.dedup = {"/state/dedup/data.mdb", 8192, 4096, 9, 300};
  what.partitions = {{"00000000000000ff", "journal", "journal"}};
  what.dead_letters = {{"00000000000000ff", 2, 300, 4}};
  what.verified = 12;
  return what;
}

TEST(InspectionJson, CanBeReadBack) {
  const node::inspection what = one_shard();
  const auto read = read_inspection(inspection_json(what));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(inspection_json(read.value()), inspection_json(what));
}

TEST(Shapes, AreThoseOfWhatIsWritten) {
  test::api_description described(openapi_json());
  query_answer stale = two_users();
  stale.rows[0].now = at("2026-03-01T12:00:00Z");
  stale.rows[0].features[0].age = std::chrono::hours(3);
  explanation failed = atlanta();
  failed.row.features[0].value = failure{errc::expired, "reaches beyond what is kept"};
  failed.buckets[0].value = failure{errc::overflow, "too large"};
  node::dead_letter_listing pushed = one_dead_letter();
  pushed.dead_letters[0].line.reset();
  pushed.dead_letters[0].push = 3;
  pushed.dead_letters[0].letter.bytes = "\xff";
  const push_answer push{"s", 2, {7, false}, true, {{2, "parse", "type", "no number"}}};
  const sources::source_control done{"users", {{"/a", "bytes", 10, 40, 30, "read on at 40"}}};
  const std::vector<std::pair<const char*, std::string>> written{
      {"QueryAnswer", query_json(two_users())},
      {"QueryAnswer", query_json(stale)},
      {"EntityAnswer", entity_json(two_users().rows[0], {}, 1)},
      {"Explanation", explain_json(atlanta(), context())},
      {"Explanation", explain_json(failed, context())},
      {"Sources", sources_json(two_sources())},
      {"SourceControl", source_control_json(done)},
      {"DeadLetters", dead_letters_json(one_dead_letter(), true)},
      {"DeadLetters", dead_letters_json(pushed, true)},
      {"Aggregates", aggregates_json(one_series())},
      {"Inspection", inspection_json(one_shard())},
      {"PushAnswer", push_json(push)}};
  for (const auto& [shape, json] : written) {
    EXPECT_THAT(described.faults_of_shape(shape, json), ::testing::IsEmpty()) << json;
  }
}

TEST(Shapes, AreNotThoseOfAnythingElse) {
  test::api_description described(openapi_json());
  const std::string good = query_json(two_users());
  const auto faults = [&](std::string_view from, std::string_view to) {
    std::string bad = good;
    const std::size_t at = bad.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    bad.replace(at, from.size(), to);
    return described.faults_of_shape("QueryAnswer", bad);
  };
  EXPECT_THAT(faults("\"rows\"", "\"lines\""), ::testing::SizeIs(2));  // none, and one too many
  EXPECT_THAT(faults("\"events\": 3", "\"events\": -3"), ::testing::SizeIs(1));
  EXPECT_THAT(faults("\"events\": 3", "\"events\": 3.5"), ::testing::SizeIs(1));
  EXPECT_THAT(faults("\"events\": 3", "\"events\": null"), ::testing::SizeIs(1));
  EXPECT_THAT(faults("\"entity\": \"User\"", "\"entity\": 1"), ::testing::SizeIs(1));
  EXPECT_THAT(faults("2026-03-01T12:30:00Z", "noon"), ::testing::SizeIs(1));
}

TEST(Answers, ThatAreNotUnderstoodAreErrors) {
  for (const char* text : {"", "[]", "{}", "{\"rows\": 3}", "<html>"}) {
    EXPECT_FALSE(read_query_answer(text).ok()) << text;
    EXPECT_FALSE(read_explanation(text).ok()) << text;
    EXPECT_FALSE(read_aggregates(text).ok()) << text;
    EXPECT_FALSE(read_inspection(text).ok()) << text;
    EXPECT_FALSE(read_dead_letters(text).ok()) << text;
  }
}

}  // namespace
}  // namespace windrow::server
