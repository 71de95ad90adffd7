#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>

#include "schema/catalog/kafka_settings.hpp"
#include "tests/schema/declarations.hpp"
#include "windrow/time.hpp"

namespace windrow::schema {
namespace {

using testing::all_of;
using testing::compile;
using testing::replaced;
using testing::running_example;

/// Line 2 declares the child, lines 3 to 6 the parent, line 7 the feature under test.
std::string with_feature(const std::string& settings) {
  return "features:\n"
         "  Tx: { fields: { id: str, user: str, amount: float, qty: int | null, ok: bool, "
         "note: str, ts: FeatureTime } }\n"
         "  User:\n"
         "    fields:\n"
         "      id: str\n"
         "      txs: { has_many: Tx, join: User.id == Tx.user }\n"
         "      f: " +
         settings + "\n";
}

std::string with_expression(const std::string& expression) {
  return with_feature("{ windowed: [1h], materialization: true, expression: \"" + expression +
                      "\" }");
}

std::string with_buckets(const std::string& windows, const std::string& materialization) {
  return with_feature("{ windowed: " + windows + ", expression: \"_.txs[_.amount].sum()\", " +
                      "materialization: " + materialization + " }");
}

std::string with_kafka(const std::string& settings) {
  return "features: { User: { fields: { id: str } } }\nsources:\n"
         "  a: { kafka: { bootstrap_server: h, topic: t, " +
         settings + " } }";
}

std::string with_stream(const std::string& stream) {
  return "features:\n"
         "  User: { fields: { id: str, age: int, score: float } }\n"
         "sources:\n"
         "  a: { file: a.ndjson }\n"
         "streams:\n"
         "  s: " +
         stream + "\n";
}

/// The error is expected where `@` stands, which is taken out of the text first.
struct bad_file {
  const char* name;
  std::string marked;
  const char* part;
};
void PrintTo(const bad_file& f, std::ostream* out) { *out << f.name << ":\n" << f.marked; }

class BadFile : public ::testing::TestWithParam<bad_file> {};

TEST_P(BadFile, IsRefusedAtItsPlace) {
  const bad_file& f = GetParam();
  const std::size_t mark = f.marked.find('@');
  ASSERT_NE(mark, std::string::npos);
  const std::string before = f.marked.substr(0, mark);
  const int line = 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
  const int column = static_cast<int>(mark - (before.rfind('\n') + 1)) + 1;
  const compiled made = compile(before + f.marked.substr(mark + 1));
  EXPECT_FALSE(made.ok());
  bool found = false;
  for (const diagnostic& d : made.diagnostics) {
    found |= d.severity == diagnostic::level::error && d.at.line == line && d.at.column == column &&
             d.message.find(f.part) != std::string::npos;
  }
  EXPECT_TRUE(found) << "no " << line << ":" << column << " `" << f.part << "` in\n"
                     << all_of(made);
}

const bad_file bad_files[] = {
    {"Empty", "@", "declares nothing"},
    {"NotYaml", "features: [1,\n@b: 2", "not valid YAML"},
    {"NoMapping", "@just text", "must be a mapping"},
    {"BadUtf8", "features:\n  @\xff: 1", "UTF-8"},
    {"TwoDocuments", "@features: {}\n---\nfeatures: {}", "several YAML documents"},
    {"UnknownTopKey", "@feature: {}\nfeatures: {}", "did you mean `features`?"},
    {"DuplicateKey", "features:\n  User: { fields: { id: str, @id: int } }", "given twice"},
    {"ClassWithoutFields", "features:\n  @User: { max_staleness: 1d }", "has no `fields`"},
    {"ClassWithoutKey", "features:\n  @User: { fields: { name: str } }", "no primary key"},
    {"FloatKey", "features:\n  User: { fields: { id: @float } }", "primary key"},
    {"ClassKey", "features:\n  User: { fields: { id: str }, @staleness: 1d }",
     "unknown key `staleness`"},
    {"SameNamespace",
     "features:\n  UserA: { fields: { id: str } }\n  @User_a: { fields: { id: str } }",
     "rename one"},
    {"UnknownType", "features:\n  User: { fields: { id: @string } }", "write `str`"},
    {"TwoEventTimes", "features:\n  T: { fields: { id: str, a: FeatureTime, b: @FeatureTime } }",
     "two event times"},
    {"UnknownForeignClass",
     "features:\n  T: { fields: { id: str, u: @Usr.id } }\n"
     "  User: { fields: { id: str } }",
     "did you mean `User`?"},
    {"ForeignKeyOfOther",
     "features:\n  T: { fields: { id: str, u: @User.name } }\n"
     "  User: { fields: { id: str, name: str } }",
     "write `User.id`"},
    {"ForeignKeyLoop", "features:\n  A: { fields: { id: @B.id } }\n  B: { fields: { id: A.id } }",
     "leads back to itself"},
    {"MissingJoin",
     "features:\n  T: { fields: { id: str } }\n"
     "  U: { fields: { id: str, @ts: { has_many: T } } }",
     "has no join"},
    {"AmbiguousJoin",
     "features:\n  T: { fields: { id: str, a: U.id, b: U.id } }\n"
     "  U: { fields: { id: str, @ts: { has_many: T } } }",
     "`T.a` and `T.b`"},
    {"JoinOfOtherType",
     "features:\n  T: { fields: { id: str, u: int } }\n"
     "  U: { fields: { id: str, ts: { has_many: T, on: @U.id == T.u } } }",
     "a join needs one type"},
    {"JoinOnUnknown",
     "features:\n  T: { fields: { id: str, user: str } }\n"
     "  U: { fields: { id: str, ts: { has_many: T, on: @U.id == T.usr } } }",
     "did you mean `user`?"},
    {"JoinNoEquality",
     "features:\n  T: { fields: { id: str, user: str } }\n"
     "  U: { fields: { id: str, ts: { has_many: T, on: U.id @< T.user } } }",
     "equality"},
    {"JoinKeyNotStored",
     "features:\n  T: { fields: { id: str, c: str } }\n"
     "  U: { fields: { id: str, c: str, ts: { has_many: T, on: @U.c == T.c },\n"
     "       f: { windowed: 1h, expression: _.ts.count(), materialization: true } } }",
     "`U.c`, which is not stored"},
    {"UnknownRelation", with_expression("@_.tx[_.amount].sum()"), "did you mean `txs`?"},
    {"UnknownField", with_expression("_.txs[@_.amont].sum()"), "did you mean `amount`?"},
    {"UnknownAggregation", with_expression("@_.txs[_.amount].summ()"), "did you mean `sum`?"},
    {"TwoProjections", with_expression("_.txs[_.amount, @_.qty].sum()"), "only one field"},
    {"NoProjection", with_expression("@_.txs.mean()"), "needs to know of what"},
    {"BareBool", with_expression("_.txs[@_.ok].count()"), "`_.ok == true`"},
    {"SumOfText", with_expression("_.txs[@_.note].sum()"), "needs `int` or `float`"},
    {"WindowWithOther", with_expression("_.txs[@_.amount > _.chalk_window].count()"),
     "something else than the FeatureTime"},
    {"WindowOutside", with_expression("_.txs[_.ts @<= _.chalk_window].count()"),
     "outside the window"},
    {"WindowInside", with_expression("_.txs[(_.ts > _.chalk_window) @| (_.qty > 1)].count()"),
     "can only be compared with the FeatureTime"},
    {"Arguments", with_expression("_.txs[_.amount].sum(@3)"), "takes no arguments"},
    {"NotAnAggregate", with_expression("@_.id"), "one aggregation over a has_many"},
    {"BadDuration", with_buckets("[@10x]", "true"), "10x"},
    {"WindowTwice", with_buckets("[1h, @60m]", "true"), "given twice"},
    {"NoMaterialization",
     replaced(with_feature("{ windowed: 1h, expression: \"_.txs.count()\" }"),
              "      f:", "      @f:"),
     "has no `materialization`"},
    {"NoBucket", with_buckets("[1h, 2h]", "@{ bucket_durations: { 1m: [1h] } }"),
     "the window 2h of `f` has no bucket length"},
    {"TwoBuckets", with_buckets("[1h]", "{ bucket_durations: { 1m: [1h], 2m: [@1h] } }"),
     "two bucket lengths, 1m and 2m"},
    {"LongBucket", with_buckets("[1h]", "{ bucket_duration: @2h }"), "longer than its window"},
    {"BucketOfNoWindow", with_buckets("[1h]", "{ bucket_durations: { 1m: [@2h] } }"),
     "not one of the windows"},
    {"ShortRetention", with_buckets("[1h]", "{ bucket_duration: 1m, retention: @59m }"),
     "write 1h or more"},
    {"TooManyBuckets", with_buckets("[all]", "{ bucket_duration: @500ms }"), "too many buckets"},
    {"UnknownBucketKey", with_buckets("[1h]", "{ @bucket_length: 1m }"),
     "unknown key `bucket_length`"},
    {"TextDefault",
     with_feature("{ windowed: 1h, expression: \"_.txs.count()\", materialization: "
                  "true, default: @none }"),
     "is a number"},
    {"FractionDefault",
     with_feature("{ windowed: 1h, expression: \"_.txs[_.qty].max()\", "
                  "materialization: true, default: @0.5 }"),
     "must be `int | null`"},
    {"UnknownSource",
     with_stream("{ source: @b, message: { id: str }, output: { User.id: _.id } }"),
     "unknown source `b`"},
    {"UnknownOutput",
     with_stream("{ source: a, message: { id: str }, output: { @User.di: _.id } }"),
     "has no field `di`"},
    {"UnknownMessageKey",
     with_stream("{ source: a, message: { id: str }, output: { User.id: @_.di } }"),
     "did you mean `id`?"},
    {"OutputType", with_stream("{ source: a, message: { id: int }, output: { User.id: @_.id } }"),
     "`User.id` is `str`, but this is `int`"},
    {"OutputFraction",
     with_stream("{ source: a, message: { a: float }, output: { User.age: @_.a } }"),
     "`User.age` is `int`, but this is `float`"},
    {"NullOutput",
     with_stream("{ source: a, message: { a: float }, output: { User.age: \"@null\" } }"),
     "no type of its own"},
    {"EnvelopeInMessage",
     with_stream(
         "{ source: a, message: { @message_key: str }, output: { User.id: _.message_key } }"),
     "envelope"},
    {"ExpressionSyntax",
     with_stream("{ source: a, message: { id: str }, output: { User.id: \"_.id +@\" } }"), ""},
    {"UnknownStreamKey",
     with_stream("{ source: a, message: { id: str }, @outputs: { User.id: _.id } }"),
     "did you mean `output`?"},
    {"DeduplicationWithoutOn",
     with_stream("{ source: a, message: { id: str, x: float }, output: { User.id: _.id }, "
                 "@deduplication: { within: 1h } }"),
     "has no `on`"},
    {"DeduplicationWithoutWithin",
     with_stream("{ source: a, message: { id: str, x: float }, output: { User.id: _.id }, "
                 "@deduplication: { on: _.id } }"),
     "has no `within`; write such as"},
    {"DeduplicationOfNoTime",
     with_stream("{ source: a, message: { id: str, x: float }, output: { User.id: _.id }, "
                 "deduplication: { on: _.id, within: @0s } }"),
     "too short"},
    {"DeduplicationForEver",
     with_stream("{ source: a, message: { id: str, x: float }, output: { User.id: _.id }, "
                 "deduplication: { on: _.id, within: @all } }"),
     "is for a limited time"},
    {"DeduplicationKey",
     with_stream("{ source: a, message: { id: str, x: float }, output: { User.id: _.id }, "
                 "deduplication: { on: _.id, within: 1h, @period: 1h } }"),
     "unknown key"},
    {"DeduplicationOfAFloat",
     with_stream("{ source: a, message: { id: str, x: float }, output: { User.id: _.id }, "
                 "deduplication: { on: @_.x, within: 1h } }"),
     "an id is `str`, `int`, `bool` or `datetime`"},
    {"DeduplicationOfAnotherKey",
     with_stream("{ source: a, message: { id: str, x: float }, output: { User.id: _.id }, "
                 "deduplication: { on: @_.event, within: 1h } }"),
     "event"},
    {"DeduplicationIsNoMapping",
     with_stream("{ source: a, message: { id: str, x: float }, output: { User.id: _.id }, "
                 "deduplication: @_.id }"),
     "must be a mapping"},
    {"UnsetVariable",
     "features: { User: { fields: { id: str } } }\nsources:\n"
     "  a: { file: \"x/@${NOT_SET}\" }",
     "`NOT_SET` is not set"},
    {"PushFalse", "features: { User: { fields: { id: str } } }\nsources:\n  a: { push: @false }",
     "write such as `push: true`"},
    {"PushWithSettings",
     "features: { User: { fields: { id: str } } }\nsources:\n  a: { push: @{ port: 1 } }",
     "expected `true` or `false`"},
    {"PushAndFile",
     "features: { User: { fields: { id: str } } }\nsources:\n  @a: { push: true, file: a }",
     "has both `file` and `push`"},
    {"NoKindOfSource",
     "features: { User: { fields: { id: str } } }\nsources:\n  @a: { max_future_skew: 1m }",
     "has neither `file` nor `kafka` nor `push`; write such as `file: events.ndjson`"},
    {"KafkaWithoutTopic",
     "features: { User: { fields: { id: str } } }\nsources:\n"
     "  a: { @kafka: { bootstrap_server: h } }",
     "has no `topic`"},
    {"UnknownKafkaKey", with_kafka("@security_protocl: ssl"), "did you mean `security_protocol`?"},
    {"KafkaNameOfLibrary", with_kafka("@sasl.username: u"), "is written `sasl_username`"},
    {"KafkaNameWithDots", with_kafka("@client.id: u"), "under `kafka_args`"},
    {"KafkaProtocol", with_kafka("security_protocol: @sasl"), "unknown `security_protocol`"},
    {"KafkaMechanism", with_kafka("security_protocol: ssl, sasl_mechanism: @PLAN"),
     "did you mean `PLAIN`?"},
    {"KafkaPasswordUnused", with_kafka("@sasl_password: p"), "needs `security_protocol: sasl_ssl`"},
    {"KafkaCaUnused", with_kafka("@ssl_ca_file: ca.pem"), "needs `security_protocol: ssl`"},
    {"KafkaWithoutMechanism", with_kafka("@security_protocol: sasl_ssl"), "no `sasl_mechanism`"},
    {"KafkaWithoutPassword",
     with_kafka("security_protocol: sasl_ssl, @sasl_mechanism: PLAIN, sasl_username: u"),
     "needs `sasl_password`"},
    {"KafkaStart", with_kafka("start: @yesterday"), "`start` is `earliest`"},
    {"KafkaTopicName", with_kafka("dead_letter_queue_topic: \"@a b\""), "name of a topic"},
    {"KafkaLimitTwice",
     "features: { User: { fields: { id: str } } }\nsources:\n"
     "  a: { @max_future_skew: 1m, kafka: { bootstrap_server: h, topic: t, max_future_skew: 1m } }",
     "keep one"},
    {"KafkaArgumentOfGroups", with_kafka("kafka_args: { @group.instance.id: g }"),
     "no consumer group"},
    {"KafkaArgumentOfOffsets", with_kafka("kafka_args: { @auto.offset.reset: latest }"),
     "`start` says where to begin"},
    {"KafkaArgumentWithAKeyOfItsOwn", with_kafka("kafka_args: { @ssl.ca.location: ca.pem }"),
     "write `ssl_ca_file`"},
    {"TwoTimes",
     "features:\n  A: { fields: { id: str, t: FeatureTime } }\n"
     "  B: { fields: { id: str, t: FeatureTime } }\nsources: { a: { file: a } }\n"
     "streams: { s: { source: a, message: { x: datetime, y: datetime },\n"
     "  output: { A.t: _.x, @B.t: _.y } } }",
     "two event times"},
};

INSTANTIATE_TEST_SUITE_P(YamlReader, BadFile, ::testing::ValuesIn(bad_files),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(YamlReader, ReportsEveryErrorNotOnlyTheFirst) {
  std::string text = replaced(running_example, "max_staleness: infinity", "max_stalenes: infinity");
  text = replaced(text, "].mean()", "].meen()");
  text = replaced(text, "source: users,", "source: usres,");
  const compiled made = compile(text);
  std::vector<int> lines;
  for (const diagnostic& d : made.diagnostics) {
    if (d.severity == diagnostic::level::error) lines.push_back(d.at.line);
  }
  EXPECT_EQ(lines, (std::vector<int>{5, 18, 24})) << all_of(made);
}

TEST(YamlReader, ReportsTheExpressionBesideBrokenWindowsAndJoins) {
  const std::string text =
      replaced(with_feature("{ windowed: [1h, 1h], materialization: true, "
                            "expression: \"_.txs[_.amount].summ()\" }\n"
                            "      g: { windowed: [2q], materialization: true, "
                            "expression: \"_.txs[_.amont].sum()\" }\n"
                            "      h: { windowed: [1h], materialization: { bucket_duration: 9z }, "
                            "expression: \"_.txs[_.note].sum()\" }"),
               "Tx.user", "Tx.usr");
  std::vector<std::string> errors;
  for (const diagnostic& d : compile(text).diagnostics) errors.push_back(d.message);
  const auto said = [&](const char* part) {
    return std::count_if(errors.begin(), errors.end(),
                         [&](const auto& e) { return e.find(part) != std::string::npos; });
  };
  for (const char* part : {"no field `usr`", "`1h` is given twice", "aggregation `summ`", "\"2q\"",
                           "no field `amont`", "\"9z\"", "`_.note` is `str`"}) {
    EXPECT_EQ(said(part), 1) << part << '\n' << ::testing::PrintToString(errors);
  }
  EXPECT_EQ(errors.size(), 7u) << ::testing::PrintToString(errors);
}

TEST(YamlReader, SuggestsNoOtherNameOfOneLetter) {
  const compiled made = compile("features:\n  A: { fields: { id: str, c: C.id } }");
  EXPECT_EQ(all_of(made).find("did you mean"), std::string::npos) << all_of(made);
}

TEST(YamlReader, SaysNothingOfWhatDependsOnAnError) {
  // The broken type of `amount` is one error, not one more for each of its uses.
  const compiled made = compile(replaced(running_example, "amount: float", "amount: flaot"));
  ASSERT_EQ(made.diagnostics.size(), 2u) << all_of(made);
  EXPECT_NE(made.diagnostics[0].message.find("did you mean `float`?"), std::string::npos);
  EXPECT_EQ(made.diagnostics[1].severity, diagnostic::level::note);
}

TEST(YamlReader, FormatsADiagnosticForEditors) {
  const compiled made = compile("features:\n  User: { fields: { id: string } }");
  ASSERT_FALSE(made.diagnostics.empty());
  EXPECT_EQ(made.diagnostics[0].format(),
            "/somewhere/features.yaml:2:25: error: unknown type `string`; write `str`");
}

TEST(YamlReader, MakesPathsAbsoluteAndReadsTheEnvironment) {
  const compiled made = compile(R"(features: { User: { fields: { id: str } } }
sources:
  a: { file: events/../a.ndjson, max_future_skew: 1m, late_arrival_deadline: 2h }
  b: { file: "${FOLDER}/b.ndjson" }
  c: { file: "-" }
  d: { kafka: { bootstrap_server: "h:1", topic: t, start: 2026-03-01,
      ssl_ca_file: certs/ca.pem, security_protocol: SSL, max_future_skew: 2m,
      kafka_args: { client.id: "${FOLDER}" } } }
)");
  ASSERT_TRUE(made.ok()) << all_of(made);
  const auto& sources = made.plan->sources;
  EXPECT_EQ(sources[0].path, "/somewhere/a.ndjson");
  EXPECT_EQ(sources[0].max_future_skew, 60'000'000);
  EXPECT_EQ(sources[0].late_arrival_deadline, 7'200'000'000);
  EXPECT_EQ(sources[1].path, "/data/b.ndjson");
  EXPECT_EQ(sources[1].max_future_skew, 300'000'000);
  EXPECT_EQ(sources[1].late_arrival_deadline, -1);
  EXPECT_EQ(sources[2].path, "-");
  EXPECT_EQ(sources[3].kind, &kafka_kind);
  using settings = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(made.declarations->sources[3].settings,
            (settings{{"bootstrap_server", "h:1"},
                      {"kafka_args.client.id", "/data"},
                      {"max_future_skew", "120000000"},
                      {"security_protocol", "ssl"},
                      {"ssl_ca_file", "/somewhere/certs/ca.pem"},
                      {"start", "2026-03-01"},
                      {"topic", "t"}}));
  EXPECT_EQ(sources[3].settings, made.declarations->sources[3].settings);
  EXPECT_EQ(sources[3].max_future_skew, 120'000'000);
}

TEST(YamlReader, ReadsJoinsInEitherOrderAndImpliedOnes) {
  const compiled made = compile(R"(features:
  T: { fields: { id: str, u: U.id, c: str | null } }
  U:
    max_staleness: 1d
    etl_offline_to_online: true
    fields:
      id: int
      c: str
      implied: { has_many: T }
      reversed: { has_many: T, on: T.u == U.id }
      both: { has_many: T, join: (T.c == U.c) & U.id == T.u }
)");
  ASSERT_TRUE(made.ok()) << all_of(made);
  const auto& u = made.declarations->classes[1];
  ASSERT_EQ(u.relations.size(), 3u);
  for (int i : {0, 1}) {
    EXPECT_EQ(u.relations[i].join[0].local_field, "id");
    EXPECT_EQ(u.relations[i].join[0].child_field, "u");
  }
  EXPECT_EQ(u.relations[2].join[0].local_field, "c");
  EXPECT_EQ(u.relations[2].join[1].child_field, "u");
  // A foreign key has the type of what it refers to.
  EXPECT_EQ(to_string(made.declarations->classes[0].fields[1].type), "int");
  EXPECT_EQ(made.declarations->classes[0].fields[1].references, "U");
}

TEST(YamlReader, ReadsTypes) {
  const compiled made = compile(R"(features:
  A:
    fields:
      id: str
      a: int | null
      b: list[str]
      c: list[float | null] | null
      d: null | datetime
      e: { type: bool, max_staleness: 1h, etl_offline_to_online: true }
)");
  ASSERT_TRUE(made.ok()) << all_of(made);
  std::string types;
  for (const auto& f : made.declarations->classes[0].fields) types += to_string(f.type) + "; ";
  EXPECT_EQ(types,
            "str; int | null; list[str]; list[float | null] | null; datetime | null; bool; ");
  EXPECT_EQ(made.plan->scalars.size(), 1u);
}

TEST(YamlReader, GivesEachWindowItsBucketAndOrigin) {
  const compiled made =
      compile(with_buckets("[10m, 1h, 1d]",
                           "{ bucket_duration: 1m, bucket_durations: { 1h: 1d }, "
                           "bucket_start: \"1970-01-01T00:00:30Z\", "
                           "bucket_starts: { \"1970-01-01T00:00:00+05:30\": [1d] } }"));
  ASSERT_TRUE(made.ok()) << all_of(made);
  const auto& w = made.declarations->classes[1].windowed[0].windows;
  EXPECT_EQ(w[0].bucket_duration, 60'000'000);
  EXPECT_EQ(w[0].bucket_origin, 30'000'000);
  EXPECT_EQ(w[2].bucket_duration, 3'600'000'000);
  EXPECT_EQ(w[2].bucket_origin, 1'800'000'000);  // half past, in UTC
}

TEST(YamlReader, SurvivesEveryCutAndChangedBytes) {
  for (std::size_t i = 0; i < running_example.size(); ++i) {
    (void)compile(running_example.substr(0, i));
    if (i % 4 != 0) continue;
    std::string changed = running_example;
    for (const char c : {'[', '&', ':', '\0'}) {
      changed[i] = c;
      (void)compile(changed);
    }
  }
}

}  // namespace
}  // namespace windrow::schema
