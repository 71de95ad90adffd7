#include <gtest/gtest.h>

#include "schema/catalog/kafka_settings.hpp"
#include "tools/run_inputs.hpp"
#include "tools/run_summary.hpp"
#include "windrow/time.hpp"

namespace windrow::tools {
namespace {

using given_inputs = std::vector<std::pair<std::string, std::string>>;

/// Sources `users` (a file), `payments` (Kafka) and `unread` (a file without a stream).
schema::plan declared() {
  schema::plan plan;
  const auto add_source = [&](const char* name, const schema::source_kind& kind, const char* path) {
    schema::source source;
    source.name = name;
    source.kind = &kind;
    source.path = path;
    plan.sources.push_back(source);
  };
  add_source("payments", schema::kafka_kind, "");
  add_source("unread", schema::file_kind, "/in/unread.ndjson");
  add_source("users", schema::file_kind, "/in/users.ndjson");
  for (const int source : {0, 2}) {
    schema::stream stream;
    stream.source = source;
    plan.streams.push_back(stream);
  }
  return plan;
}

std::string read_by(const run_inputs& inputs) {
  std::string text;
  for (const auto& in : inputs.read) text += in.source + "=" + in.path + " ";
  return text;
}

void expect_refused(const given_inputs& given, const char* word) {
  const auto inputs = choose_inputs(declared(), given, "/home");
  ASSERT_FALSE(inputs.ok());
  EXPECT_NE(inputs.error().message.find(word), std::string::npos) << inputs.error().message;
}

TEST(ChooseInputs, ReadsDeclaredFilesAndWhatIsGivenInTheirPlace) {
  const auto inputs = choose_inputs(declared(), {{"payments", "p.ndjson"}}, "/home");
  ASSERT_TRUE(inputs.ok()) << inputs.error().message;
  EXPECT_EQ(read_by(inputs.value()), "payments=/home/p.ndjson users=/in/users.ndjson ");
  EXPECT_EQ(inputs->unread, std::vector<std::string>{"unread"});
}

TEST(ChooseInputs, KeepsStandardInputAndAbsolutePaths) {
  const auto inputs =
      choose_inputs(declared(), {{"payments", "-"}, {"users", "/tmp/../u.ndjson"}}, "/home");
  ASSERT_TRUE(inputs.ok()) << inputs.error().message;
  EXPECT_EQ(read_by(inputs.value()), "payments=- users=/u.ndjson ");
}

TEST(ChooseInputs, ReadsATopicUnlessAFileIsGivenInItsPlace) {
  const auto inputs = choose_inputs(declared(), {}, "/home");
  ASSERT_TRUE(inputs.ok()) << inputs.error().message;
  EXPECT_EQ(read_by(inputs.value()), "payments= users=/in/users.ndjson ");
}

TEST(ChooseInputs, NamesTheSourcesThereAre) {
  expect_refused({{"people", "x"}}, "`payments`, `unread`, `users`");
}
TEST(ChooseInputs, RefusesASourceGivenTwice) {
  expect_refused({{"users", "a"}, {"users", "b"}}, "twice");
}
TEST(ChooseInputs, RefusesTwoSourcesOnStandardInput) {
  expect_refused({{"users", "-"}, {"payments", "-"}}, "standard input");
}

TEST(ChooseInputs, RefusesToReadNothing) {
  EXPECT_FALSE(choose_inputs(schema::plan(), {}, "/home").ok());
}

run_outcome ended() {
  run_outcome outcome;
  outcome.counts.read = 1'234;
  outcome.counts.applied = 1'200;
  outcome.counts.skipped = 30;
  outcome.counts.dead_lettered = 4;
  outcome.counts.dead_letters = {{"parse: type", 3}, {"time: future", 1}};
  outcome.counts.late = 7;
  outcome.elapsed = 2'000'000;
  outcome.data = "my data";
  return outcome;
}

TEST(SummaryText, HasAFigureALine) {
  EXPECT_EQ(summary_text(ended()),
            " read            1,234 messages\n"
            " applied         1,200\n"
            " skipped         30\n"
            " dead-lettered   4\n"
            "   parse: type                     3\n"
            "   time: future                    1\n"
            " late            7\n"
            " rate            617 messages/s, 2.00 s in all\n"
            " state           my data\n");
}

TEST(SummaryText, CountsDuplicatesWhereTheyAreLookedFor) {
  run_outcome outcome = ended();
  outcome.deduplicates = true;
  outcome.counts.duplicate = 12'345;
  EXPECT_NE(summary_text(outcome).find("\n skipped         30\n duplicate       12,345\n"),
            std::string::npos);
}

TEST(LeftForNextRun, NamesFilesThatEndWithinALine) {
  const auto file = [](const char* name, std::uint64_t lag) {
    sources::partition_status p;
    p.partition = name;
    p.state = sources::source_state::ended;
    p.lag = lag;
    return p;
  };
  sources::source_status files, topics;
  files.kind = "file";
  files.partitions = {file("/in/whole", 0), file("/in/a", 1), file("/in/b", 1234),
                      file("/in/c", 5)};
  files.partitions.back().state = sources::source_state::paused;
  topics.kind = "kafka";
  topics.partitions = {file("0", 7)};
  EXPECT_EQ(left_for_next_run({files, topics}),
            (std::vector<std::string>{
                "/in/a ends within a line: its last 1 byte is left for the next run",
                "/in/b ends within a line: its last 1,234 bytes are left for the next run"}));
}

TEST(NextCommands, AskAtTheTimeOfTheEvents) {
  schema::plan plan;
  plan.windowed_features.emplace_back().name = "sum_amount";
  schema::entity_class user;
  user.name = "User";
  user.windowed_features = {0};
  plan.classes.push_back(user);
  run_outcome outcome = ended();
  outcome.counts.max_event_time = parse_time("2026-03-01T12:00:00Z")->micros;
  EXPECT_EQ(next_commands(plan, outcome, parse_time("2026-03-02").value()),
            " ask it          windrow query --data 'my data' --entity User=KEY --feature sum_amount"
            " --now 2026-03-01T12:00:00Z\n"
            " see what failed windrow deadletters list --data 'my data'\n");
  outcome.counts.dead_lettered = 0;
  EXPECT_EQ(next_commands(plan, outcome, parse_time("2026-03-01T12:00:30Z").value()),
            " ask it          windrow query --data 'my data' --entity User=KEY --feature"
            " sum_amount\n");
}

}  // namespace
}  // namespace windrow::tools
