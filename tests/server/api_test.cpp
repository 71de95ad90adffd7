#include "server/api/api.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "cluster/local_service.hpp"
#include "schema/compile.hpp"
#include "server/api/openapi.hpp"
#include "server/api/tokens.hpp"
#include "server/body/problem.hpp"
#include "server/body/query_json.hpp"
#include "tests/server/schema_check.hpp"
#include "tests/support/temporary_folder.hpp"

// Every route of the table, asked by everyone; and the documents that are made of the table.
namespace windrow::server {
namespace {

using ::testing::IsEmpty;

constexpr const char* declarations = R"(
features:
  Payment:
    fields: { id: str, card_id: str, amount: int, ts: FeatureTime }
  Card:
    fields:
      id: str
      payments: { has_many: Payment, join: Card.id == Payment.card_id }
      spent:
        windowed: [1h]
        expression: _.payments[_.amount].sum()
        materialization: { bucket_duration: 1m }
sources:
  payments: { file: payments.ndjson }
streams:
  payments:
    source: payments
    message: { id: str, card: str, amount: int, at: datetime }
    output: { Payment.id: _.id, Payment.card_id: _.card, Payment.amount: _.amount, Payment.ts: _.at }
)";

struct example {
  std::string target;
  std::string body;
  std::string type;
  /// The status for: nobody, reader, writer, admin, a reader of Card, a reader of Payment.
  std::array<int, 6> expected;
};

/// One request a route. (The node of this test reads no sources: there is none to steer, 400.)
const std::map<std::string, example> examples{
    {"health", {"/healthz", "", "", {200, 200, 200, 200, 200, 200}}},
    {"readiness", {"/readyz", "", "", {200, 200, 200, 200, 200, 200}}},
    {"openapi", {"/v1/openapi.json", "", "", {200, 200, 200, 200, 200, 200}}},
    {"schema", {"/v1/api.capnp", "", "", {200, 200, 200, 200, 200, 200}}},
    {"metrics", {"/metrics", "", "", {401, 200, 200, 200, 403, 403}}},
    {"push",
     {"/v1/streams/payments",
      R"({"id": "p", "card": "c1", "amount": 5, "at": "2026-01-01T10:00:00Z"})",
      "application/json",
      {401, 403, 200, 200, 403, 403}}},
    {"query",
     {"/v1/query",
      R"({"entities": [{"class": "Card", "key": "c1"}], "features": ["spent"], "now": 1})",
      "application/json",
      {401, 200, 403, 200, 200, 403}}},
    {"entity", {"/v1/entities/Card/c1", "", "", {401, 200, 403, 200, 200, 403}}},
    {"explain",
     {"/v1/explain?class=card&key=c1&feature=spent", "", "", {401, 200, 403, 200, 200, 403}}},
    {"catalog", {"/v1/catalog", "", "", {401, 200, 403, 200, 403, 403}}},
    {"aggregates", {"/v1/aggregates", "", "", {401, 200, 403, 200, 403, 403}}},
    {"inspect", {"/v1/inspect", "", "", {401, 403, 403, 200, 403, 403}}},
    {"dead_letters", {"/v1/dead-letters", "", "", {401, 403, 403, 200, 403, 403}}},
    {"sources", {"/v1/sources", "", "", {401, 403, 403, 200, 403, 403}}},
    {"pause_source",
     {"/v1/sources/payments/pause", "{}", "application/json", {401, 403, 403, 400, 403, 403}}},
    {"resume_source",
     {"/v1/sources/payments/resume", "{}", "application/json", {401, 403, 403, 400, 403, 403}}},
    {"seek_source",
     {"/v1/sources/payments/seek",
      R"({"to": "latest"})",
      "application/json",
      {401, 403, 403, 400, 403, 403}}},
    {"reset_source",
     {"/v1/sources/payments/reset", "{}", "application/json", {401, 403, 403, 400, 403, 403}}},
    {"replay_dead_letters", {"/v1/dead-letters/replay", "", "", {401, 403, 403, 200, 403, 403}}},
    {"drop_dead_letters", {"/v1/dead-letters/drop", "", "", {401, 403, 403, 200, 403, 403}}},
    {"checkpoint", {"/v1/checkpoint", "", "", {401, 403, 403, 200, 403, 403}}},
};

const std::array<principal, 6> everyone{
    principal::nobody(),
    principal{"r", role::reader, {}},
    principal{"w", role::writer, {}},
    principal{"a", role::admin, {}},
    principal{"rc", role::reader, {"Card"}},
    principal{"rp", role::reader, {"Payment"}},
};

class Api : public ::testing::Test {
protected:
  void SetUp() override {
    auto compiled = schema::compile_yaml(declarations, folder_ / "features.yaml",
                                         [](std::string_view) { return std::nullopt; });
    ASSERT_TRUE(compiled.ok()) << compiled.diagnostics.front().format();
    node::node_options o;
    o.data = folder_ / "data";
    o.declarations = *compiled.declarations;
    o.shards = 1;
    auto opened = cluster::open_local_service(o);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    service_ = std::move(*opened);
    api_ =
        std::make_unique<api>(*service_, api_options{.clock = [] { return 1'767'268'800'000'000; },
                                                     .bounds = {.rows = 3, .push_rows = 3}});
  }
  void TearDown() override {
    api_.reset();
    if (service_) {
      EXPECT_TRUE(service_->stop().ok());
    }
  }

  response ask(std::string method, std::string target, std::string body = {}, std::string type = {},
               principal who = principal::owner()) {
    request asked;
    asked.method = std::move(method);
    asked.target = std::move(target);
    asked.body = std::move(body);
    if (type.empty()) type = "application/json";
    asked.headers = {{"content-type", std::move(type)}};
    asked.who = std::move(who);
    return handle(asked);
  }
  /// Answers, and holds the answer against what the description states of it.
  response handle(const request& asked) {
    response out = api_->handle(asked);
    if (out.type == problem_type) {
      EXPECT_THAT(described_.faults_of_shape("Problem", out.body), IsEmpty()) << out.body;
    } else if (out.type == "application/json") {
      const auto address = read_target(asked.target);
      const matched found = match(asked.method, *address);
      EXPECT_THAT(described_.faults_of(found.to->operation, out.body), IsEmpty()) << out.body;
    }
    return out;
  }

  test::temporary_folder folder_;
  std::unique_ptr<cluster::service> service_;
  std::unique_ptr<api> api_;
  test::api_description described_{openapi_json()};
};

TEST_F(Api, OpensEveryRouteToThoseWhoMayAndNobodyElse) {
  for (const route& r : routes()) {
    const auto found = examples.find(std::string(r.operation));
    ASSERT_NE(found, examples.end()) << "say who may use " << r.operation;
    const example& e = found->second;
    for (std::size_t i = 0; i < everyone.size(); ++i) {
      const response got = ask(std::string(r.method), e.target, e.body, e.type, everyone[i]);
      EXPECT_EQ(got.status, e.expected[i])
          << r.operation << " by " << everyone[i].name << ": " << got.body;
    }
  }
  EXPECT_EQ(examples.size(), routes().size());
}

TEST_F(Api, StatesTheShapeOfEveryJsonThatARouteTakesOrAnswers) {
  for (const route& r : routes()) {
    const auto is_json = [](std::string_view type) { return type == "application/json"; };
    const bool answers = std::any_of(r.answers.begin(), r.answers.end(), is_json);
    const bool takes = std::any_of(r.bodies.begin(), r.bodies.end(), is_json);
    EXPECT_EQ(r.answer != nullptr, answers) << r.operation;
    EXPECT_EQ(r.body != nullptr, takes) << r.operation;
  }
  EXPECT_THAT(described_.own_faults(), IsEmpty());
}

TEST_F(Api, DescribesEveryRoute) {
  const std::string text = openapi_json();
  for (const route& r : routes()) {
    EXPECT_NE(text.find("\"" + std::string(r.pattern) + "\": {"), std::string::npos) << r.pattern;
    EXPECT_NE(text.find("\"operationId\": \"" + std::string(r.operation) + "\""),
              std::string::npos);
    for (const query_parameter& p : r.parameters) {
      EXPECT_NE(text.find("\"name\": \"" + std::string(p.name) + "\""), std::string::npos);
    }
  }
}

TEST_F(Api, DescribesTheMediaTypesOfEveryRoute) {
  const std::string text = openapi_json();
  for (const route& r : routes()) {
    const std::size_t begin = text.find("\"operationId\": \"" + std::string(r.operation) + "\"");
    ASSERT_NE(begin, std::string::npos) << r.operation;
    const std::string_view operation =
        std::string_view(text).substr(begin, text.find("\"operationId\"", begin + 1) - begin);
    const std::size_t answers = operation.find("\"responses\"");
    const auto has = [](std::string_view part, std::string_view type) {
      return part.find("\"" + std::string(type) + "\": {\"schema\"") != std::string_view::npos;
    };
    for (const std::string_view type : r.bodies) {
      EXPECT_TRUE(has(operation.substr(0, answers), type)) << r.operation << " takes " << type;
    }
    for (const std::string_view type : r.answers) {
      EXPECT_TRUE(has(operation.substr(answers), type)) << r.operation << " answers " << type;
    }
  }
}

TEST_F(Api, AnswersInATypeThatIsWantedOrSaysWhichThereAre) {
  request asked;
  asked.method = "GET";
  asked.target = "/v1/entities/Card/c1";
  asked.who = principal::owner();
  EXPECT_EQ(handle(asked).type, "application/json");
  asked.headers = {{"accept", "application/x-capnp"}};
  EXPECT_EQ(handle(asked).type, "application/x-capnp");
  asked.headers = {{"accept", "text/html"}};
  const response refused = handle(asked);
  EXPECT_EQ(refused.status, 406);
  EXPECT_EQ(refused.type, problem_type);
  EXPECT_NE(refused.body.find("application/x-capnp"), std::string::npos) << refused.body;
  // A problem is JSON whatever is wanted.
  asked.target = "/v1/entities/Nobody/c1";
  asked.headers = {{"accept", "application/x-capnp"}};
  EXPECT_EQ(handle(asked).type, problem_type);
  asked.target = "/v1/catalog";
  EXPECT_EQ(handle(asked).status, 406);
}

TEST_F(Api, PushesWhatCanBeReadAtOnceAndSaysWhatCouldNotBeUsed) {
  const std::string lines =
      R"({"id": "p1", "card": "c1", "amount": 5, "at": "2026-01-01T10:00:00Z"})"
      "\n\n"
      R"({"id": "p2", "card": "c1", "amount": "five", "at": "2026-01-01T10:00:00Z"})"
      "\n"
      R"({"id": "p3", "card": "c1", "amount": 7, "at": "2026-01-01T10:00:01Z"})";
  const response pushed = ask("POST", "/v1/streams/payments", lines, "application/x-ndjson");
  EXPECT_EQ(pushed.body,
            R"({"stream": "payments", "messages": 3, "position": {"journal": 1}, )"
            R"("duplicate": false, "applied": true, "errors": [{"message": 2, "phase": "parse", )"
            R"("reason": "type", "detail": )" +
                pushed.body.substr(pushed.body.find("\"detail\": ") + 10))
      << pushed.body;
  const response read = ask("GET", "/v1/entities/Card/c1?now=2026-01-01T10:00:30Z");
  EXPECT_NE(read.body.find("\"value\": 12,"), std::string::npos) << read.body;
}

TEST_F(Api, CountsAPushOfAProducerOnce) {
  request asked;
  asked.method = "POST";
  asked.target = "/v1/streams/payments";
  asked.body = R"([{"id": "p", "card": "c2", "amount": 5, "at": "2026-01-01T10:00:00Z"}])";
  asked.headers = {{"content-type", "application/json"},
                   {"windrow-producer", "till 7"},
                   {"windrow-sequence", "1"}};
  asked.who = principal::owner();
  EXPECT_NE(handle(asked).body.find("\"duplicate\": false"), std::string::npos);
  EXPECT_NE(handle(asked).body.find("\"duplicate\": true"), std::string::npos);
  const response read = ask("GET", "/v1/entities/Card/c2?now=2026-01-01T10:00:30Z");
  EXPECT_NE(read.body.find("\"value\": 5,"), std::string::npos) << read.body;
  asked.headers.back().second = "3";
  EXPECT_EQ(handle(asked).status, 409);  // 2 is missing
  asked.headers.pop_back();
  EXPECT_EQ(handle(asked).status, 400);
}

TEST_F(Api, RefusesPushesThatAreNone) {
  const auto push = [&](const std::string& body, const std::string& query = "") {
    return ask("POST", "/v1/streams/payments" + query, body, "application/json").status;
  };
  EXPECT_EQ(push("[]"), 400);
  EXPECT_EQ(push("[{}, "), 400);
  EXPECT_EQ(push("[{}] x"), 400);
  EXPECT_EQ(push("7"), 400);
  EXPECT_EQ(push("[{}, {}, {}, {}]"), 413);
  EXPECT_EQ(push("{}", "?wait=long"), 400);
  EXPECT_EQ(ask("POST", "/v1/streams/none", "{}", "application/json").status, 404);
}

// The first that holds decides, whoever asks and whatever the body says.
TEST_F(Api, RefusesInOneOrder) {
  const principal nobody = principal::nobody(), reader{"r", role::reader, {}};
  const auto status = [&](const char* target, const principal& who, const char* type) {
    return ask("POST", target, "{}", type, who).status;
  };
  EXPECT_EQ(status("/v1/nothing", nobody, "text/plain"), 404);
  EXPECT_EQ(ask("DELETE", "/v1/query", "{}", "text/plain", nobody).status, 405);
  EXPECT_EQ(status("/v1/query?no=1", nobody, "text/plain"), 401);
  EXPECT_EQ(status("/v1/checkpoint?no=1", reader, "text/plain"), 403);
  EXPECT_EQ(status("/v1/query?no=1", reader, "text/plain"), 400);
  EXPECT_EQ(status("/v1/query", reader, "text/plain"), 415);
  EXPECT_EQ(status("/v1/checkpoint", principal::owner(), "application/json"), 415);
}

TEST_F(Api, LimitsTheRowsOfAQuery) {
  std::string body = R"({"features": ["spent"], "entities": [)";
  for (int i = 0; i < 4; ++i)
    body += R"({"class": "Card", "key": "c"})" + std::string(i < 3 ? "," : "");
  EXPECT_EQ(ask("POST", "/v1/query", body + "]}", "application/json").status, 413);
}

TEST_F(Api, AnswersRowsOfDifferentTimesAsIfEachWereAskedForAlone) {
  const std::string lines =
      R"({"id": "p1", "card": "c1", "amount": 5, "at": "2026-01-01T10:00:00Z"})"
      "\n"
      R"({"id": "p2", "card": "c1", "amount": 7, "at": "2026-01-01T10:30:00Z"})";
  ASSERT_EQ(ask("POST", "/v1/streams/payments", lines, "application/x-ndjson").status, 200);
  const std::vector<std::string> times{"2026-01-01T10:10:00Z", "2026-01-01T10:40:00Z",
                                       "2026-01-01T11:15:00Z"};
  const auto query = [&](const std::string& entities, const std::string& rest) {
    return ask("POST", "/v1/query",
               R"({"features": ["spent"], "entities": [)" + entities + "]" + rest + "}",
               "application/json");
  };
  std::string entities;
  for (const std::string& now : times) {
    entities += (entities.empty() ? "" : ", ") +
                (R"({"class": "Card", "key": "c1", "now": ")" + now + "\"}");
  }
  const response together = query(entities, R"(, "now": "2026-01-01T10:45:00Z")");
  const auto all = read_query_answer(together.body);
  ASSERT_TRUE(all.ok()) << together.body;
  ASSERT_EQ(all->rows.size(), times.size());
  std::set<std::string> values;
  for (std::size_t i = 0; i < times.size(); ++i) {
    const response alone =
        query(R"({"class": "Card", "key": "c1"})", R"(, "now": ")" + times[i] + "\"");
    const auto one = read_query_answer(alone.body);
    ASSERT_TRUE(one.ok()) << alone.body;
    EXPECT_EQ(all->rows[i].now, one->now);
    EXPECT_EQ(one->rows[0].now, std::nullopt);
    EXPECT_EQ(entity_json(all->rows[i], one->now, 1), entity_json(one->rows[0], one->now, 1));
    values.insert(entity_json(one->rows[0], {}, 1));
  }
  EXPECT_EQ(values.size(), times.size()) << together.body;
}

TEST_F(Api, IsNotReadyOnceItDrains) {
  api_->drain();
  EXPECT_EQ(ask("GET", "/readyz").status, 503);
  EXPECT_EQ(ask("GET", "/healthz").status, 200);
  EXPECT_EQ(ask("GET", "/v1/entities/Card/c1").status, 200);
}

}  // namespace
}  // namespace windrow::server
