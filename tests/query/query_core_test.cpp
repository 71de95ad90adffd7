#include "query/query_core.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "schema/catalog/key.hpp"
#include "schema/compile.hpp"

// What is asked of which shard, and what the answers mean together: with shards played by the test.
namespace windrow::query {
namespace {

constexpr const char* declarations = R"yaml(features:
  Order:
    fields: { id: int, user: str, country: str | null, cents: int, at: FeatureTime }
  User:
    max_staleness: 1d
    etl_offline_to_online: true
    fields:
      id: str
      country: str
      orders: { has_many: Order, join: User.id == Order.user }
      near: { has_many: Order, join: User.country == Order.country }
      both: { has_many: Order, join: User.country == Order.country & User.id == Order.user }
      own: { windowed: [1h, 1d], materialization: true, expression: '_.orders[_.cents].sum()' }
      n: { windowed: [1h, 1d], materialization: true, expression: '_.orders.count()' }
      there: { windowed: [1h, 1d], materialization: true, expression: '_.near.count()' }
      mine: { windowed: [1h], materialization: true, expression: '_.both.count()' }
sources:
  a: { file: a.ndjson }
streams:
  s:
    source: a
    message: { id: int, who: str, where: str | null, n: int, t: datetime }
    output: { Order.id: _.id, Order.user: _.who, Order.country: _.where, Order.cents: _.n,
              Order.at: _.t, User.id: _.who, User.country: _.where }
)yaml";

constexpr std::uint64_t seed = 77;
constexpr std::uint32_t shards = 5;

schema::plan_ptr plan() {
  static const schema::plan_ptr made = [] {
    const auto compiled = schema::compile_yaml(declarations, "features.yaml",
                                               [](std::string_view) { return std::nullopt; });
    for (const auto& d : compiled.diagnostics) ADD_FAILURE() << d.format();
    return compiled.plan;
  }();
  return made;
}

query_context context() {
  return {shards, seed, [](storage::partition_id id, storage::sequence at) {
            return std::pair(std::to_string(id), at);
          }};
}

/// Windows answer their own number plus `now`; the country is a scalar of the entity's record.
struct played_shards {
  std::optional<std::string> country = "NL";
  storage::sequence position = 10;

  storage::lookup_answer answer(const storage::lookup_request& request) {
    storage::lookup_answer out;
    for (const int scalar : request.scalars) {
      EXPECT_EQ(plan()->scalars[static_cast<std::size_t>(scalar)].fqn, "user.country");
      out.scalars.emplace_back();
      if (country) out.scalars.back() = {1'000, value{*country}};
    }
    for (const int w : request.window_values) {
      storage::window_answer window;
      window.value = value{w * 1'000'000 + request.now};
      out.windows.push_back(window);
    }
    out.position = {{1, position++}};
    return out;
  }
};

query_answer drive(query_core& core, played_shards& answering,
                   std::vector<std::vector<shard_request>>& stages) {
  for (auto stage = core.next_stage(); !stage.empty(); stage = core.next_stage()) {
    for (const shard_request& r : stage) {
      query_core::answers answers;
      for (const auto& request : *r.requests) answers.push_back(answering.answer(request));
      core.answered(r, answers);
    }
    stages.push_back(std::move(stage));
  }
  return core.finish();
}

const feature_answer& feature(const answer_row& row, const std::string& name) {
  const auto found = std::find_if(row.features.begin(), row.features.end(),
                                  [&](const auto& f) { return f.feature == name; });
  EXPECT_NE(found, row.features.end()) << name;
  return *found;
}

std::int64_t value_of(const answer_row& row, const std::string& name) {
  const auto& f = feature(row, name);
  EXPECT_TRUE(f.value.ok()) << name;
  return f.value.ok() ? std::get<std::int64_t>(*f.value) : -1;
}

int window_value(const std::string& fqn) {
  for (std::size_t i = 0; i < plan()->window_values.size(); ++i) {
    if (plan()->window_values[i].fqn == fqn) return static_cast<int>(i);
  }
  ADD_FAILURE() << fqn;
  return 0;
}

/// Where a user's record is, worked out from the hash alone.
storage::key_hash hash_of_user(const std::string& key) {
  const auto& c =
      plan()->classes[static_cast<std::size_t>(*schema::resolve_class(*plan(), "User"))];
  return storage::hash_key(key, seed, plan()->key_spaces[static_cast<std::size_t>(c.key_space)].id);
}

result<resolved_query> resolve(const query_request& request) {
  return resolve_query(context(), plan(), request, timestamp{1});
}

TEST(QueryCore, AsksEachEntityItsOwnShardWithItsOwnTime) {
  query_request request{{}, {"own", "country", "n[1h]"}, timestamp{5'000}};
  for (int i = 0; i < 50; ++i) {
    request.entities.push_back({"User", "u" + std::to_string(i)});
    if (i % 2 == 1) request.entities.back().now = timestamp{i};
  }
  auto asked = resolve(request);
  ASSERT_TRUE(asked) << asked.error().message;
  const query_context with = context();
  query_core core(with, std::move(*asked));
  played_shards answering;
  std::vector<std::vector<shard_request>> stages;
  const query_answer answer = drive(core, answering, stages);
  ASSERT_EQ(stages.size(), 1u);
  std::size_t lookups = 0;
  for (const shard_request& r : stages[0]) {
    for (const storage::lookup_request& one : *r.requests) {
      const auto hash = hash_of_user(one.key);
      EXPECT_EQ(one.hash, hash);
      EXPECT_EQ(r.shard, hash.lo % shards);
      ++lookups;
    }
  }
  EXPECT_EQ(lookups, 50u);
  EXPECT_EQ(answer.now, timestamp{5'000});
  ASSERT_EQ(answer.rows.size(), 50u);
  for (int i = 0; i < 50; ++i) {
    const answer_row& row = answer.rows[static_cast<std::size_t>(i)];
    EXPECT_EQ(row.key, value{"u" + std::to_string(i)});
    EXPECT_EQ(row.now, i % 2 ? std::optional(timestamp{i}) : std::nullopt);
    const std::int64_t now = i % 2 ? i : 5'000;
    for (const char* name : {"user.own__3600__", "user.own__86400__", "user.n__3600__"}) {
      EXPECT_EQ(value_of(row, name), window_value(name) * 1'000'000 + now);
    }
    EXPECT_EQ(*feature(row, "user.country").value, value{"NL"});
  }
}

TEST(QueryCore, ReadsWindowsOfOneTilingSideBySide) {
  const auto asked = prepare(plan(), "User", std::vector<std::string>{"own", "n"});
  ASSERT_TRUE(asked) << asked.error().message;
  std::vector<std::pair<int, std::int64_t>> order;
  for (const int v : (*asked)->own.values) {
    const auto& w = plan()->window_values[static_cast<std::size_t>(v)];
    order.emplace_back(plan()->rules[static_cast<std::size_t>(w.rule)].tiling, w.window);
  }
  EXPECT_EQ(order.size(), 4u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(QueryCore, AsksTheGroupsOnceTheirKeysAreKnown) {
  auto asked = resolve({{{"User", "u1"}, {"user", "u2"}}, {"there", "mine", "id"}, timestamp{7}});
  ASSERT_TRUE(asked) << asked.error().message;
  const query_context with = context();
  query_core core(with, std::move(*asked));
  played_shards answering;
  std::vector<std::vector<shard_request>> stages;
  const query_answer answer = drive(core, answering, stages);
  ASSERT_EQ(stages.size(), 2u);
  std::size_t near = 0, both = 0;
  for (const shard_request& r : stages[1]) {
    for (std::size_t i = 0; i < r.requests->size(); ++i) {
      const storage::lookup_request& one = (*r.requests)[i];
      const auto& space = plan()->key_spaces[static_cast<std::size_t>(one.key_space)];
      const auto values = schema::decode_key(space.parts, one.key);
      ASSERT_TRUE(values);
      EXPECT_EQ(one.hash, storage::hash_key(one.key, seed, space.id));
      EXPECT_EQ(values->front(), value{"NL"});
      const std::string user = "u" + std::to_string(r.places[i].row + 1);
      if (values->size() == 1) {
        EXPECT_EQ(r.shard, one.hash.lo % shards);
        EXPECT_EQ(one.window_values.size(), 2u);  // both windows in one lookup
        ++near;
      } else {
        EXPECT_EQ(values->back(), value{user});
        EXPECT_EQ(r.shard, hash_of_user(user).lo % shards);  // sits with its user
        ++both;
      }
    }
  }
  EXPECT_EQ(near, 2u);
  EXPECT_EQ(both, 2u);
  for (const answer_row& row : answer.rows) {
    for (const char* name : {"user.there__3600__", "user.there__86400__", "user.mine__3600__"}) {
      EXPECT_EQ(value_of(row, name), window_value(name) * 1'000'000 + 7);
    }
    EXPECT_EQ(*feature(row, "user.id").value, row.key);
    // As far as the record that is furthest behind: the entity's own was asked first.
    EXPECT_LT(row.position.at("1"), 12u);
  }
}

TEST(QueryCore, SaysWhatIsMissingOfAGroupsKey) {
  auto asked = resolve({{{"User", "u1"}}, {"there[1h]", "own[1h]"}, timestamp{7}});
  ASSERT_TRUE(asked) << asked.error().message;
  const query_context with = context();
  query_core core(with, std::move(*asked));
  played_shards answering;
  answering.country = std::nullopt;
  std::vector<std::vector<shard_request>> stages;
  const query_answer answer = drive(core, answering, stages);
  EXPECT_EQ(stages.size(), 1u);
  const auto& missing = feature(answer.rows[0], "user.there__3600__").value;
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, errc::join_key_missing);
  EXPECT_EQ(missing.error().message,
            "this User has no country yet, which says which group the value is of");
  EXPECT_TRUE(feature(answer.rows[0], "user.own__3600__").value.ok());
}

TEST(QueryCore, GivesTheFailureOfAShardToAllThatHungOnIt) {
  auto asked = resolve({{{"User", "u1"}}, {"own", "country", "mine", "id"}, timestamp{7}});
  ASSERT_TRUE(asked) << asked.error().message;
  const query_context with = context();
  query_core core(with, std::move(*asked));
  const auto stage = core.next_stage();
  ASSERT_EQ(stage.size(), 1u);
  core.unanswered(stage[0], {errc::closed, "shard 3 did not answer in time"});
  EXPECT_TRUE(core.next_stage().empty());
  const query_answer answer = core.finish();
  for (const feature_answer& f : answer.rows[0].features) {
    if (f.feature == "user.id") {
      EXPECT_EQ(*f.value, value{"u1"});
      continue;
    }
    ASSERT_FALSE(f.value.ok()) << f.feature;
    EXPECT_EQ(f.value.error().code, errc::closed) << f.feature;
  }
}

TEST(QueryCore, NullsAScalarThatIsTooOldAtTheTimeOfItsRow) {
  const std::int64_t day = 86'400'000'000;
  auto asked =
      resolve({{{"User", "u1", timestamp{1'000 + day}}, {"User", "u2", timestamp{1'001 + day}}},
               {"country"},
               timestamp{7}});
  ASSERT_TRUE(asked) << asked.error().message;
  const query_context with = context();
  query_core core(with, std::move(*asked));
  played_shards answering;
  std::vector<std::vector<shard_request>> stages;
  const query_answer answer = drive(core, answering, stages);
  EXPECT_EQ(*answer.rows[0].features[0].value, value{"NL"});
  EXPECT_TRUE(answer.rows[1].features[0].value->is_null());
  EXPECT_EQ(answer.rows[1].features[0].age, std::chrono::microseconds(day + 1));
}

TEST(ResolveQuery, TakesTheClockWhereNoTimeIsSaid) {
  const auto asked = resolve({{{"User", "u1"}}, {"own"}, {}});
  ASSERT_TRUE(asked) << asked.error().message;
  EXPECT_EQ(asked->now, timestamp{1});
}

TEST(ResolveQuery, RefusesWhatIsNotThere) {
  EXPECT_EQ(resolve({{}, {"own"}, {}}).error().code, errc::invalid);
  EXPECT_EQ(resolve({{{"User", "u1"}}, {}, {}}).error().code, errc::invalid);
  EXPECT_EQ(resolve({{{"Usre", "u1"}}, {"own"}, {}}).error().code, errc::not_found);
  EXPECT_EQ(resolve({{{"User", "u1"}}, {"owm"}, {}}).error().code, errc::not_found);
  const auto no_key = resolve({{{"User", "u1"}, {"Order", "one"}}, {"id"}, {}});
  ASSERT_FALSE(no_key.ok());
  EXPECT_EQ(no_key.error().message.find("the entity Order=one: "), 0u) << no_key.error().message;
}

TEST(ResolveQuery, GivesClassesWithoutAFeatureAnErrorInTheirRows) {
  auto asked = resolve({{{"User", "u1"}, {"Order", "4"}}, {"own[1h]", "id"}, timestamp{7}});
  ASSERT_TRUE(asked) << asked.error().message;
  const query_context with = context();
  query_core core(with, std::move(*asked));
  played_shards answering;
  std::vector<std::vector<shard_request>> stages;
  const query_answer answer = drive(core, answering, stages);
  EXPECT_TRUE(feature(answer.rows[0], "user.own__3600__").value.ok());
  EXPECT_EQ(*feature(answer.rows[1], "order.id").value, value{std::int64_t{4}});
  const auto& without = feature(answer.rows[1], "own[1h]").value;
  ASSERT_FALSE(without.ok());
  EXPECT_EQ(without.error().code, errc::not_found);
  EXPECT_EQ(without.error().message, "Order has no feature own[1h]");
}

}  // namespace
}  // namespace windrow::query
