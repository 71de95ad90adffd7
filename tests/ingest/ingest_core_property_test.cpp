// Ingest against an oracle that goes message by message: random messages of two streams, three
// key spaces and two watermark groups, random runs and batch sizes, one to five shards.
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "ingest/ingest_core.hpp"
#include "schema/catalog/key.hpp"
#include "tests/support/plan_builder.hpp"

namespace windrow::ingest {
namespace {

using schema::value_kind;
using test::plan_builder;
using test::type_of;

constexpr std::int64_t minute = 60'000'000;
constexpr std::int64_t base = 1'700'000'000'000'000;
constexpr std::uint64_t seed_of_folder = 4711;

/// A message before it is JSON.
struct message {
  bool bad = false;
  std::optional<std::string> user;
  std::optional<std::string> country;
  std::optional<int> amount;  ///< missing: null
  std::int64_t time = 0;      ///< whole milliseconds

  std::string json() const {
    if (bad) return "{\"user\":oops}";
    std::string text = "{\"ts\":" + std::to_string(time / 1000);
    if (user) text += ",\"user\":\"" + *user + "\"";
    if (country) text += ",\"country\":\"" + *country + "\"";
    if (amount) text += ",\"amount\":" + std::to_string(*amount);
    return text + "}";
  }
};

/// Stream 0: routes by user (0) and by (country, user) (1), watermark groups 0 (positive amounts)
/// and 1. Stream 1: route by country (2), and by user again, watermark group 0 once more.
schema::plan_ptr make_plan() {
  plan_builder builder;
  const int by_user = builder.key_space({type_of(value_kind::text)});
  const int by_both =
      builder.key_space({type_of(value_kind::text), type_of(value_kind::text)}, {1});
  const int by_country = builder.key_space({type_of(value_kind::text)});
  builder.watermark_group(by_user, minute, 11 * minute);
  builder.watermark_group(by_both, 5 * minute, 65 * minute);
  const std::vector<schema::message_field> fields = {{"user", type_of(value_kind::text, true)},
                                                     {"country", type_of(value_kind::text, true)},
                                                     {"amount", type_of(value_kind::integer, true)},
                                                     {"ts", type_of(value_kind::datetime)}};
  builder.stream("a", fields, {"_.user", "_.country", "_.amount", "_.ts", "_.amount > 0"});
  builder.stream("b", fields, {"_.user", "_.country", "_.amount * 2", "_.ts", "_.amount < 5"});
  for (auto& stream : builder.plan().streams) stream.time_output = 3;
  builder.plan().streams[1].required.push_back({2, "B.amount"});
  builder.route(0, by_user, {0}, {2, 4}, {{0, 1}});
  builder.route(0, by_both, {1, 0}, {2}, {{1, schema::none}});
  builder.route(1, by_country, {1}, {0, 2});
  builder.route(1, by_user, {0}, {4}, {{0, 0}});
  return builder.build();
}

/// A row: (route, sequence) -> shard, key, time, first column as text.
struct row {
  std::uint32_t shard = 0;
  std::string key;
  std::int64_t time = 0;
  std::string columns;
  std::vector<std::int64_t> max_event_time_before;
  friend bool operator==(const row&, const row&) = default;
};
using rows_by_origin = std::map<std::pair<int, std::uint64_t>, row>;

std::string show(std::optional<std::int64_t> number) {
  return number ? std::to_string(*number) : "null";
}
std::string show(const std::optional<std::string>& text) { return text ? *text : "null"; }

std::uint32_t shard_of(const std::string& placing, std::uint64_t space, std::uint32_t shards) {
  return static_cast<std::uint32_t>(storage::hash_key(placing, seed_of_folder, space).lo % shards);
}

std::string two_parts(const std::string& a, const std::string& b) {
  const schema::value_type types[] = {type_of(value_kind::text), type_of(value_kind::text)};
  const windrow::value values[] = {a, b};
  return *schema::encode_key(types, values);
}

/// What should come out, one message after the other. `max_event_times` ends at the newest times.
rows_by_origin oracle(const std::vector<message>& messages, std::uint32_t shards,
                      std::vector<std::int64_t>& max_event_times) {
  rows_by_origin rows;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const message& m = messages[i];
    const std::uint64_t at = 10 * (i + 1);
    if (m.bad || m.time > base + 5 * minute) continue;
    const auto before = max_event_times;
    const bool positive = m.amount && *m.amount > 0;
    const bool below = m.amount && *m.amount < 5;
    if (m.user) {
      rows[{0, at}] = {shard_of(*m.user, 1000, shards),
                       *m.user,
                       m.time,
                       show(m.amount) + "," + std::to_string(positive),
                       {before[0]}};
      if (positive) max_event_times[0] = std::max(max_event_times[0], m.time);
      if (m.country) {
        // Without a class that owns the groups the part is hashed in their own space.
        rows[{1, at}] = {shard_of(*m.user, 1001, shards),
                         two_parts(*m.country, *m.user),
                         m.time,
                         show(m.amount),
                         {before[1]}};
        max_event_times[1] = std::max(max_event_times[1], m.time);
      }
    }
    if (!m.amount) continue;  // `B.amount` may not be null
    if (m.country) {
      rows[{2, at}] = {shard_of(*m.country, 1002, shards),
                       *m.country,
                       m.time,
                       show(m.user) + "," + std::to_string(*m.amount * 2),
                       {}};
    }
    if (m.user) {
      rows[{3, at}] = {
          shard_of(*m.user, 1000, shards), *m.user, m.time, std::to_string(below), {before[0]}};
      if (below) max_event_times[0] = std::max(max_event_times[0], m.time);
    }
  }
  return rows;
}

std::string show(const storage::batch_column& column, std::size_t at) {
  if (!column.is_valid(at)) return "null";
  switch (column.kind) {
    case value_kind::text:
      return std::string(column.text_at(at));
    case value_kind::boolean:
      return std::to_string(column.bools[at]);
    default:
      return std::to_string(column.ints[at]);
  }
}

/// What came out. Checks the batches themselves on the way.
class collected {
public:
  collected(const schema::plan& plan, std::uint32_t shards) : plan_(plan), next_(shards, 1) {}

  void add(const std::vector<ingest::shard_batch>& batches, const std::vector<message>& messages) {
    for (const auto& [shard, batch] : batches) {
      EXPECT_EQ(batch->first, next_[shard]);
      EXPECT_GE(batch->last, batch->first);
      next_[shard] = batch->last + 1;
      std::vector<std::int64_t> max_event_times(2, storage::no_time);
      oracle({messages.begin(), messages.begin() + static_cast<std::ptrdiff_t>(batch->last / 10)},
             1, max_event_times);
      EXPECT_EQ(batch->max_event_times, max_event_times);
      std::size_t rows = 0;
      for (const auto& section : batch->sections) {
        add_section(shard, *batch, section);
        rows += section.rows();
      }
      EXPECT_EQ(batch->rows, rows);
    }
  }

  void add_section(std::uint32_t shard, const storage::batch& batch,
                   const storage::section& section) {
    const auto& route = plan_.routes[static_cast<std::size_t>(section.route)];
    const auto& space = plan_.key_spaces[static_cast<std::size_t>(route.key_space)];
    const std::size_t watermark_groups = route.watermark_groups.size();
    for (std::size_t i = 0; i < section.rows(); ++i) {
      row made{shard, std::string(section.key_at(i)), section.times[i], "", {}};
      for (const auto& column : section.columns) {
        made.columns += (made.columns.empty() ? "" : ",") + show(column, i);
      }
      EXPECT_EQ(section.hashes[i], storage::hash_key(made.key, seed_of_folder, space.id));
      for (std::size_t t = 0; t < watermark_groups && !section.max_event_time_before.empty(); ++t) {
        made.max_event_time_before.push_back(
            section.max_event_time_before[i * watermark_groups + t]);
      }
      const std::uint64_t at = batch.first + section.sequences[i];
      EXPECT_LE(at, batch.last);
      EXPECT_TRUE(rows.emplace(std::pair(section.route, at), std::move(made)).second);
    }
  }

  rows_by_origin rows;
  const std::vector<storage::sequence>& next() const { return next_; }

private:
  const schema::plan& plan_;
  std::vector<storage::sequence> next_;
};

std::vector<message> random_messages(std::mt19937& random, std::size_t count) {
  std::vector<message> messages(count);
  std::int64_t time = base - 300 * minute;
  for (message& m : messages) {
    time = std::min(base, time + static_cast<std::int64_t>(random() % 60) * 1'000'000);
    m.bad = random() % 20 == 0;
    if (random() % 10 != 0) m.user = "u" + std::to_string(random() % 20);
    if (random() % 10 != 0) m.country = random() % 5 == 0 ? "" : "c" + std::to_string(random() % 4);
    if (random() % 8 != 0) m.amount = static_cast<int>(random() % 20) - 8;
    m.time = time - (random() % 12 == 0 ? static_cast<std::int64_t>(random() % 100) * minute : 0);
    if (random() % 40 == 0) m.time = base + 6 * minute;
  }
  return messages;
}

/// A row that may be late for a rule must have its newest time; where it is there it must be right.
void expect_equal(const rows_by_origin& made, const rows_by_origin& wanted) {
  ASSERT_EQ(made.size(), wanted.size());
  constexpr std::int64_t shortest[] = {11 * minute, 65 * minute, 0, 11 * minute};
  constexpr std::int64_t bucket[] = {minute, 5 * minute, 1, minute};
  for (const auto& [origin, want] : wanted) {
    const auto found = made.find(origin);
    ASSERT_NE(found, made.end()) << origin.first << " " << origin.second;
    row copy = want;
    if (found->second.max_event_time_before.empty() && !want.max_event_time_before.empty()) {
      const std::int64_t start = want.time - (want.time % bucket[origin.first]);
      const bool late = want.max_event_time_before[0] != storage::no_time &&
                        start + shortest[origin.first] <= want.max_event_time_before[0];
      EXPECT_FALSE(late) << origin.first << " " << origin.second;
      copy.max_event_time_before.clear();
    }
    EXPECT_EQ(found->second, copy) << origin.first << " " << origin.second;
  }
}

TEST(IngestCoreProperty, GivesTheRowsOfAnOracle) {
  const auto plan = make_plan();
  std::size_t late_rows = 0;
  for (unsigned seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto shards = 1 + random() % 5;
    const auto messages = random_messages(random, 1 + random() % 400);
    ingest::ingest_options options;
    options.plan = plan;
    options.source = 0;
    options.shard_count = static_cast<std::uint32_t>(shards);
    options.folder_seed = seed_of_folder;
    options.batch_rows = 2 + random() % 100;
    ingest::ingest_core core(options);
    collected got(*plan, options.shard_count);
    for (std::size_t begin = 0; begin < messages.size();) {
      const std::size_t end = std::min(messages.size(), begin + 1 + random() % 150);
      std::vector<std::string> texts;
      for (std::size_t i = begin; i < end; ++i) texts.push_back(messages[i].json());
      std::vector<std::pair<storage::sequence, std::string_view>> items;
      for (std::size_t i = begin; i < end; ++i) items.emplace_back(10 * (i + 1), texts[i - begin]);
      ingest::ingest_output out;
      core.take(*formats::make_run(0, 10 * begin, 10 * end, timestamp{base}, items), out);
      got.add(out.batches, messages);
      for (const auto next : got.next()) EXPECT_EQ(next, 10 * end + 1);
      begin = end;
    }
    std::vector<std::int64_t> max_event_times(2, storage::no_time);
    const auto want = oracle(messages, options.shard_count, max_event_times);
    expect_equal(got.rows, want);
    EXPECT_EQ(core.max_event_times(), max_event_times);
    EXPECT_EQ(core.counters().read, messages.size());
    for (const auto& [origin, made] : got.rows) late_rows += !made.max_event_time_before.empty();
    if (HasFailure()) return;
  }
  EXPECT_GT(late_rows, 1000u);
}

}  // namespace
}  // namespace windrow::ingest
