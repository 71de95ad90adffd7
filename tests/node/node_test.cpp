#include "node/node.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "node/dead_letter_service.hpp"
#include "node/push_service.hpp"
#include "node/query_service.hpp"
#include "schema/compile.hpp"
#include "storage/journal/journal.hpp"
#include "tests/support/card_declarations.hpp"
#include "windrow/time.hpp"

namespace windrow::node {
namespace {

using test::card_declarations;
using test::payment;
using test::temporary_folder;

class Node : public ::testing::Test {
protected:
  Node() { folder_.write("payments.ndjson", ""); }

  result<std::unique_ptr<node>> open(bool read_only = false) {
    auto compiled = schema::compile_yaml(card_declarations, folder_ / "features.yaml",
                                         [](std::string_view) { return std::nullopt; });
    if (!compiled.ok()) return failure{errc::invalid, compiled.diagnostics.front().format()};
    node_options o;
    o.data = folder_ / "data";
    o.declarations = *compiled.declarations;
    o.shards = 2;
    o.once = true;
    o.read_only = read_only;
    if (!read_only) o.inputs = {{"payments", folder_ / "payments.ndjson"}};
    return node::open(o);
  }
  /// Reads the file to its end and checkpoints.
  node_progress run() {
    auto n = open();
    if (!n) {
      ADD_FAILURE() << n.error().message;
      return {};
    }
    while (!(*n)->progress().finished && !(*n)->progress().failed)
      (*n)->wait(std::chrono::seconds(1));
    auto stopped = (*n)->stop();
    EXPECT_TRUE(stopped) << stopped.error().message;
    return (*n)->progress();
  }
  std::int64_t spent(const std::string& card) {
    auto n = open(true);
    if (!n) {
      ADD_FAILURE() << n.error().message;
      return -1;
    }
    auto answer = (*n)->queries().query({.entities = {{"Card", card}},
                                         .features = {"spent[1h]"},
                                         .now = *parse_time("2026-01-01T11:00:00Z")});
    return std::get<std::int64_t>(*answer->rows[0].features[0].value);
  }

  temporary_folder folder_;
};

TEST_F(Node, ReadsAFileToItsEnd) {
  folder_.append("payments.ndjson",
                 payment("c1", 5, "10:30:00") + "\n" + payment("c1", 6, "10:40:00") + "\n");
  EXPECT_EQ(run().applied, 2u);
  EXPECT_EQ(spent("c1"), 11);
}

TEST_F(Node, ContinuesWhereItStopped) {
  folder_.append("payments.ndjson", payment("c1", 5, "10:30:00") + "\n");
  run();
  folder_.append("payments.ndjson", payment("c1", 6, "10:40:00") + "\n");
  EXPECT_EQ(run().read, 1u);
  EXPECT_EQ(spent("c1"), 11);
}

TEST_F(Node, AppliesWhatIsPushedAfterItsInputsHaveEnded) {
  auto n = open();
  ASSERT_TRUE(n) << n.error().message;
  while (!(*n)->progress().finished) (*n)->wait(std::chrono::seconds(1));
  const std::string late = payment("c1", 7, "10:30:00");
  const auto pushed = (*n)->pushes().push("payments", std::array<std::string_view, 1>{late}, {});
  ASSERT_TRUE(pushed) << pushed.error().message;
  const auto applied = (*n)->pushes().wait_applied(pushed->sequence, std::chrono::seconds(60));
  ASSERT_TRUE(applied) << applied.error().message;
  EXPECT_TRUE(*applied);
  EXPECT_TRUE((*n)->stop());
}

TEST_F(Node, IsCaughtUpOnceWhatWasPushedBeforeItsStartIsApplied) {
  const std::string one = payment("c1", 1, "10:30:00");
  const std::vector<std::string_view> many(50'000, one);
  {
    auto n = open();
    ASSERT_TRUE(n) << n.error().message;
    for (int i = 0; i < 4; ++i) ASSERT_TRUE((*n)->pushes().push("payments", many, {}));
  }
  auto n = open();
  ASSERT_TRUE(n) << n.error().message;
  while (!(*n)->pushes().caught_up()) (*n)->wait(std::chrono::milliseconds(1));
  const auto answer = (*n)->queries().query({.entities = {{"Card", "c1"}},
                                             .features = {"spent[1h]"},
                                             .now = *parse_time("2026-01-01T11:00:00Z")});
  EXPECT_EQ(std::get<std::int64_t>(*answer->rows[0].features[0].value), 200'000);
}

// Indexes of one plan mean something else in another.
TEST_F(Node, RefusesALookupThatWasPreparedForOtherDeclarations) {
  auto n = open();
  ASSERT_TRUE(n) << n.error().message;
  const std::vector<std::string> features{"spent"};
  auto query = (*n)->queries().prepare("Card", features);
  ASSERT_TRUE(query) << query.error().message;
  EXPECT_EQ((*query)->plan, (*n)->plan());
  const timestamp now = *parse_time("2026-01-01T11:00:00Z");
  EXPECT_TRUE((*n)->queries().lookup(*query, "c1", now));
  auto foreign = std::make_shared<query::class_query>(**query);
  foreign->plan = std::make_shared<schema::plan>(*foreign->plan);
  const auto other = (*n)->queries().lookup(foreign, "c1", now);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, errc::mismatch);
}

TEST_F(Node, ReadsNothingTwice) {
  folder_.append("payments.ndjson", payment("c1", 5, "10:30:00") + "\n");
  run();
  EXPECT_EQ(run().read, 0u);
  EXPECT_EQ(spent("c1"), 5);
}

TEST_F(Node, ForgetsNothingWithoutAStop) {
  folder_.append("payments.ndjson", payment("c1", 5, "10:30:00") + "\n");
  {
    auto n = open();
    ASSERT_TRUE(n) << n.error().message;
    while (!(*n)->progress().finished) (*n)->wait(std::chrono::seconds(1));
  }  // gone without a checkpoint, as in a crash
  EXPECT_EQ(run().read, 1u);
  EXPECT_EQ(spent("c1"), 5);
}

// What others have brought meanwhile does not make its events late, after a restart neither.
TEST_F(Node, JudgesAFileThatLagsByItsOwnEvents) {
  folder_.append("payments.ndjson", payment("c1", 5, "08:00:00") + "\n");
  {
    auto n = open();
    ASSERT_TRUE(n) << n.error().message;
    const std::string ahead = payment("c1", 6, "14:00:00");
    ASSERT_TRUE((*n)->pushes().push("payments", std::array<std::string_view, 1>{ahead}, {}));
    while (!(*n)->progress().finished) (*n)->wait(std::chrono::seconds(1));
    ASSERT_TRUE((*n)->stop());
    EXPECT_EQ((*n)->progress().late, 0u);
  }
  folder_.append("payments.ndjson", payment("c1", 7, "08:05:00") + "\n");
  EXPECT_EQ(run().late, 0u);
  folder_.append("payments.ndjson", payment("c1", 8, "02:00:00") + "\n");
  EXPECT_EQ(run().late, 1u);
}

TEST_F(Node, KeepsTheBytesOfWhatIsPushed) {
  const std::string good = payment("c1", 5, "10:30:00");
  const std::string broken = "{\n" + good.substr(1), bad = "{\n\noops\n";
  auto n = open();
  ASSERT_TRUE(n) << n.error().message;
  const auto pushed =
      (*n)->pushes().push("payments", std::array<std::string_view, 3>{bad, broken, good}, {});
  ASSERT_TRUE(pushed) << pushed.error().message;
  ASSERT_TRUE((*n)->pushes().wait_applied());
  const auto dead_letters = (*n)->pushes().dead_letters_of(pushed->sequence);
  ASSERT_TRUE(dead_letters) << dead_letters.error().message;
  ASSERT_EQ(dead_letters->size(), 1u);
  EXPECT_EQ(dead_letters->front().bytes, bad);
  ASSERT_TRUE((*n)->stop());
  n->reset();
  EXPECT_EQ(spent("c1"), 10);
}

TEST_F(Node, RefusesAFileThatBecameShorter) {
  folder_.append("payments.ndjson",
                 payment("c1", 5, "10:30:00") + "\n" + payment("c1", 6, "10:40:00") + "\n");
  run();
  folder_.write("payments.ndjson", payment("c1", 5, "10:30:00") + "\n");
  const auto failed = run().failed_sources;
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].first, "payments");
  EXPECT_EQ(failed[0].second.code, errc::mismatch);
  EXPECT_NE(failed[0].second.message.find("windrow source reset payments"), std::string::npos);
}

// One source fails, for a reason of its own; what the other reads is applied all the same.
TEST_F(Node, RefusesAFileThatTwoSourcesRead) {
  folder_.append("payments.ndjson", payment("c1", 5, "10:30:00") + "\n");
  std::string text = card_declarations + std::string(R"(
  again:
    source: again
    message: { id: str, card: str, amount: int, at: datetime }
    output: { Payment.id: _.id, Payment.card: _.card, Payment.amount: _.amount, Payment.at: _.at }
)");
  text.replace(text.find("streams:"), 0, "  again: { file: again.ndjson }\n");
  auto compiled = schema::compile_yaml(text, folder_ / "features.yaml",
                                       [](std::string_view) { return std::nullopt; });
  ASSERT_TRUE(compiled.ok()) << compiled.diagnostics.front().format();
  node_options o;
  o.data = folder_ / "data";
  o.declarations = *compiled.declarations;
  o.once = true;
  o.inputs = {{"payments", folder_ / "payments.ndjson"}, {"again", folder_ / "payments.ndjson"}};
  auto n = node::open(o);
  ASSERT_TRUE(n) << n.error().message;
  while (!(*n)->progress().finished) (*n)->wait(std::chrono::seconds(1));
  EXPECT_TRUE((*n)->stop());
  const node_progress p = (*n)->progress();
  EXPECT_EQ(p.applied, 1u);
  ASSERT_EQ(p.failed_sources.size(), 1u);
  EXPECT_EQ(p.failed_sources[0].first, "again");
  EXPECT_EQ(p.failed_sources[0].second.code, errc::invalid);
  EXPECT_NE(p.failed_sources[0].second.message.find("for the source `payments`"),
            std::string::npos);
}

TEST_F(Node, EndsWhereASourceCannotBeReadAtAll) {
  std::filesystem::remove(folder_ / "payments.ndjson");
  const node_progress p = run();
  EXPECT_TRUE(p.finished);
  ASSERT_EQ(p.failed_sources.size(), 1u);
  EXPECT_EQ(p.failed_sources[0].second.code, errc::not_found);
}

TEST_F(Node, KeepsABadLineAsADeadLetter) {
  folder_.append("payments.ndjson", "{\"id\": 1\n" + payment("c1", 6, "10:40:00") + "\n");
  const node_progress p = run();
  EXPECT_EQ(p.dead_lettered, 1u);
  EXPECT_EQ(spent("c1"), 6);
  auto n = open(true);
  ASSERT_TRUE(n);
  auto dead_letters = (*n)->journal().dead_letters().list({});
  ASSERT_TRUE(dead_letters);
  ASSERT_EQ(dead_letters->size(), 1u);
  EXPECT_EQ(dead_letters->front().bytes, "{\"id\": 1");
}

TEST_F(Node, VerifiesWhatItWrote) {
  folder_.append("payments.ndjson", payment("c1", 5, "10:30:00") + "\n");
  run();
  auto n = open(true);
  ASSERT_TRUE(n);
  auto checked = (*n)->inspect(true);
  ASSERT_TRUE(checked) << checked.error().message;
  EXPECT_GT(checked->verified, 0u);
}

/// Opens the folder without inputs: what is in the journal is applied, and pushes are taken.
class NodeDeadLetters : public Node {
protected:
  std::unique_ptr<node> serve() {
    node_options o;
    o.data = folder_ / "data";
    auto n = node::open(o);
    if (!n) ADD_FAILURE() << n.error().message;
    return std::move(*n);
  }
};

TEST_F(NodeDeadLetters, AreReplayedOnceThroughTheNormalPath) {
  folder_.append("payments.ndjson", "{oops\n" + payment("c1", 5, "10:30:00") + "\n");
  run();
  {
    auto n = serve();
    // As if a declaration that was wrong had refused it.
    const std::string good = payment("c1", 7, "10:31:00");
    const storage::partition_id file = n->journal().partitions().all().back().id;
    ASSERT_TRUE(n->journal().dead_letters().stage(
        {file, 1, "payments", "parse", "type", "", 1, good, good.size()}));
    const auto replayed = n->dead_letters().replay({});
    ASSERT_TRUE(replayed) << replayed.error().message;
    EXPECT_EQ(*replayed, (storage::replay_outcome{2, 0, 0}));
    // The one that fails again may be a letter again by now; the other has left for good.
    EXPECT_LE(n->dead_letters().replay({})->replayed, 1u);
    ASSERT_TRUE(n->pushes().wait_applied());
    ASSERT_TRUE(n->stop());
  }
  EXPECT_EQ(spent("c1"), 12);
  auto n = serve();
  const auto again = n->journal().dead_letters().list({});
  ASSERT_EQ(again->size(), 1u) << "the one that fails again is a new letter";
  EXPECT_EQ(again->front().bytes, "{oops");
  EXPECT_EQ(n->journal().partitions().find(again->front().partition)->kind,
            storage::partition_kind::journal);
  EXPECT_EQ(*n->dead_letters().drop({}), 1u);
  EXPECT_EQ(n->journal().dead_letters().list({})->size(), 0u);
}

TEST_F(NodeDeadLetters, DoNotComeBackWhenTheFileIsReadAgain) {
  folder_.append("payments.ndjson", "{oops\n" + payment("c1", 5, "10:30:00") + "\n");
  {
    auto n = open();
    ASSERT_TRUE(n);
    while (!(*n)->progress().finished) (*n)->wait(std::chrono::seconds(1));
    EXPECT_EQ(*(*n)->dead_letters().drop({}), 1u);
    // Ends without a checkpoint, as a crash does: the file is read again from its beginning.
  }
  run();
  auto n = serve();
  EXPECT_EQ(n->journal().dead_letters().list({})->size(), 0u);
  EXPECT_EQ(n->journal().dead_letters().counts().front().count, 1u);
}

}  // namespace
}  // namespace windrow::node
