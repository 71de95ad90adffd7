// Records that were stored under one catalog and are read under another one.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <set>

#include "tests/schema/declarations.hpp"
#include "tests/storage/random_history.hpp"
#include "tests/storage/shard_property.hpp"
#include "tests/storage/shard_scenario.hpp"

namespace windrow::storage::testing {
namespace {

/// Declarations whose things are known by ids; plans are made of them in any order.
struct declared {
  struct watermark_group {
    std::uint64_t id, space;
    int filter, except;
  };
  struct tiling {
    std::uint64_t id, watermark_group;
    std::int64_t duration, origin;
  };
  struct feature {
    std::uint64_t id, tiling;
    schema::aggregation function;
    int column;
    std::vector<std::int64_t> windows;
    std::int64_t more;
  };
  struct scalar {
    std::uint64_t id, space;
    int column;
  };
  std::vector<std::uint64_t> spaces;
  std::vector<watermark_group> watermark_groups;
  std::vector<tiling> tilings;
  std::vector<feature> features;
  std::vector<scalar> scalars;
};

/// Where the things of a declaration are in a plan.
struct planned {
  plan_maker maker;
  std::map<std::uint64_t, int> space, scalar, watermark_group;
  std::map<std::uint64_t, std::vector<int>> windows;  ///< of a feature
  schema::plan_ptr plan;
};

template <class T>
void shuffle(dice& random, std::vector<T>& things) {
  for (std::size_t i = things.size(); i > 1; --i)
    std::swap(
        things[i - 1],
        things[static_cast<std::size_t>(random.between(0, static_cast<std::int64_t>(i) - 1))]);
}

template <class T>
void drop_some(dice& random, std::vector<T>& things) {
  std::erase_if(things, [&](const T&) { return random.chance(0.2); });
}

planned make_plan(dice& random, declared d) {
  shuffle(random, d.spaces), shuffle(random, d.watermark_groups), shuffle(random, d.tilings);
  shuffle(random, d.features), shuffle(random, d.scalars);
  planned out{plan_maker(static_cast<int>(d.spaces.size()), 2), {}, {}, {}, {}, nullptr};
  schema::plan& draft = out.maker.draft();
  for (std::size_t i = 0; i < d.spaces.size(); ++i) {
    draft.key_spaces[i].id = d.spaces[i];
    out.space[d.spaces[i]] = static_cast<int>(i);
  }
  for (const auto& t : d.watermark_groups) {
    out.watermark_group[t.id] =
        out.maker.watermark_group(out.space.at(t.space), t.filter, t.except);
    draft.watermark_groups.back().id = t.id;
  }
  std::map<std::uint64_t, int> tilings;
  for (const auto& t : d.tilings)
    tilings[t.id] =
        out.maker.tiling(out.watermark_group.at(t.watermark_group), t.duration, t.origin);
  for (const auto& f : d.features) {
    int first = out.maker.feature(tilings.at(f.tiling), f.function, f.column, f.windows, f.more);
    draft.rules.back().id = f.id;
    for (std::size_t i = 0; i < f.windows.size(); ++i) out.windows[f.id].push_back(first++);
  }
  for (const auto& s : d.scalars) {
    out.scalar[s.id] = out.maker.scalar(s.column, out.space.at(s.space));
    draft.scalars.back().id = s.id;
  }
  out.plan = plan_maker(out.maker).make();
  return out;
}

/// A message; its key in each key space follows from its number.
struct message {
  event e;
  std::uint64_t salt = 0;
  std::int64_t keys = 1;

  std::optional<std::string> key_in(std::uint64_t space) const {
    const std::uint64_t mixed = (salt ^ space) * 0x9e3779b97f4a7c15 >> 20;
    if (mixed % 16 == 0) return std::nullopt;
    return "key " + std::to_string(mixed % static_cast<std::uint64_t>(keys));
  }
};

class changing_history {
public:
  explicit changing_history(std::uint64_t seed) : random_(seed) {
    scale_ = random_.of<std::int64_t>({100'000, second, minute});
    for (auto n = random_.between(1, 3); n > 0; --n) declared_.spaces.push_back(fresh_id());
    add_things(random_.chance(0.2) ? 20 : 3);  // some with lanes enough for anchors
    keys_ = random_.of<std::int64_t>({3, 40, 400});
    options_.folder_seed = folder_seed;
    options_.memory_budget =
        static_cast<std::size_t>(random_.of<std::int64_t>({40'000, 300'000, 1 << 30}));
    for (const auto& f : declared_.features) kept_.insert(f.id);
    for (const auto& s : declared_.scalars) kept_.insert(s.id);
    open();
  }

  std::optional<std::string> run() {
    for (int change = 0; change < 4 && !problem_; ++change) {
      if (change > 0) another_catalog();
      send(static_cast<std::size_t>(random_.between(100, 900)));
      if (!problem_) check_all();
      write(random_.chance(0.7));
      if (!problem_ && random_.chance(0.5)) open(), send(0), check_all();
    }
    return problem_;
  }

private:
  std::uint64_t fresh_id() { return ++last_id_ * 0x9e3779b97f4a7c15; }
  void fail(const std::string& what) {
    if (!problem_) problem_ = what;
  }

  // ---- catalogs ----

  void add_things(std::int64_t most) {
    using schema::aggregation;
    for (auto n = random_.between(1, most); n > 0; --n)
      declared_.watermark_groups.push_back({fresh_id(), random_.of(declared_.spaces),
                                            random_.of({int{schema::none}, int{column_f}}),
                                            random_.of({int{schema::none}, int{schema::none}, 1})});
    for (auto n = random_.between(1, most); n > 0; --n) {
      const std::uint64_t watermark_group = random_.of(declared_.watermark_groups).id;
      const std::int64_t duration = scale_ * random_.of<std::int64_t>({1, 2, 7, 60});
      const bool there =
          std::any_of(declared_.tilings.begin(), declared_.tilings.end(), [&](const auto& t) {
            return t.watermark_group == watermark_group && t.duration == duration;
          });
      if (!there) declared_.tilings.push_back({fresh_id(), watermark_group, duration, 0});
    }
    for (auto n = random_.between(1, 3 * most); n > 0; --n) {
      static const std::vector<std::pair<aggregation, int>> shapes = {
          {aggregation::count, column_a}, {aggregation::sum, column_a},
          {aggregation::sum, column_b},   {aggregation::sum, column_c},
          {aggregation::min, column_a},   {aggregation::max, column_c},
          {aggregation::mean, column_c},  {aggregation::var, column_c},
          {aggregation::std, column_a},   {aggregation::approx_count_distinct, column_t},
          {aggregation::any, column_h},   {aggregation::all, column_h}};
      const auto& [function, column] = random_.of(shapes);
      const auto& tiling = random_.of(declared_.tilings);
      std::vector<std::int64_t> windows;
      for (auto w = random_.between(1, 2); w > 0; --w)
        windows.push_back(tiling.duration * random_.of<std::int64_t>({1, 10, 60, 400, 40'000}));
      declared_.features.push_back({fresh_id(), tiling.id, function, column, windows, 0});
    }
    for (auto n = random_.between(0, most); n > 0; --n)
      declared_.scalars.push_back({fresh_id(), random_.of(declared_.spaces),
                                   random_.of({int{column_a}, int{column_b}, int{column_t}})});
  }

  // Drops some things and adds others, before and between what stays.
  void another_catalog() {
    drop_some(random_, declared_.features);
    drop_some(random_, declared_.scalars);
    if (random_.chance(0.3) && declared_.spaces.size() > 1) declared_.spaces.pop_back();
    const auto gone = [](const auto& things, std::uint64_t id, auto id_of) {
      return std::none_of(things.begin(), things.end(),
                          [&](const auto& t) { return id_of(t) == id; });
    };
    const auto itself = [](std::uint64_t id) { return id; };
    const auto id_of = [](const auto& t) { return t.id; };
    std::erase_if(declared_.watermark_groups,
                  [&](const auto& t) { return gone(declared_.spaces, t.space, itself); });
    std::erase_if(declared_.tilings, [&](const auto& t) {
      return gone(declared_.watermark_groups, t.watermark_group, id_of);
    });
    std::erase_if(declared_.features,
                  [&](const auto& f) { return gone(declared_.tilings, f.tiling, id_of); });
    std::erase_if(declared_.scalars,
                  [&](const auto& s) { return gone(declared_.spaces, s.space, itself); });
    if (random_.chance(0.5)) declared_.spaces.push_back(fresh_id());
    add_things(2);
    open();
    send(0);
    if (!problem_) check_all();
  }

  void open() {
    core_.reset();
    now_.emplace(make_plan(random_, declared_));
    auto opened = shard_core::open(now_->plan, options_, records_, records_.besides());
    if (!opened) return fail("open: " + opened.error().message);
    core_ = std::move(*opened);
    sender_.emplace(now_->plan);
    sender_->start_at(core_->progress().resume_clocks(1));
    const positions resume = core_->progress().resume_positions();
    const auto at = resume.find(1);
    sent_ = at == resume.end() ? 0 : at->second;
  }

  // ---- messages ----

  message random_message() {
    message m;
    clock_ += random_.between(0, random_.of({scale_ / 2, 4 * scale_, 40 * scale_}));
    m.e.time = clock_ - (random_.chance(0.1) ? random_.between(0, 300 * scale_) : 0);
    m.salt = static_cast<std::uint64_t>(random_.between(1, INT64_MAX - 1));
    m.keys = keys_;
    m.e.at = messages_.size() + 1;
    m.e.stream = random_.chance(0.8) ? 0 : 1;
    if (random_.chance(0.8)) m.e.a = random_.between(-400, 400);
    m.e.b = random_.chance(0.05) ? INT64_MAX / 2 : random_.between(-9, 9);
    if (random_.chance(0.8))
      m.e.c = static_cast<double>(random_.between(-1'000'000, 1'000'000)) / 64;
    m.e.t = "text " + std::to_string(random_.between(1, 40));
    m.e.f = random_.chance(0.7);
    if (random_.chance(0.8)) m.e.h = random_.chance(0.9);
    return m;
  }

  // Whatever the plan has not seen yet, and `more`.
  void send(std::size_t more) {
    for (; more > 0; --more) messages_.push_back(random_message());
    while (sent_ < messages_.size() && !problem_) {
      const std::size_t end = std::min<std::size_t>(
          messages_.size(), sent_ + static_cast<std::size_t>(random_.between(1, 60)));
      std::vector<event> run;
      for (std::size_t i = sent_; i < end; ++i) {
        run.push_back(messages_[i].e);
        run.back().keys.resize(now_->space.size());
        for (const auto& [id, space] : now_->space)
          run.back().keys[static_cast<std::size_t>(space)] = messages_[i].key_in(id);
      }
      auto applied = core_->apply(*sender_->cut(run, 1, sent_ + 1, end));
      if (!applied) return fail("apply: " + applied.error().message);
      sent_ = end;
      if (random_.chance(0.05)) write(false);
      if (random_.chance(0.1)) core_->evict();
      if (random_.chance(0.1) && !core_->sweep()) return fail("sweep");
    }
  }

  // A checkpoint cycle, or the beginning of one.
  void write(bool whole) {
    core_->begin_cycle();
    for (auto n = whole ? stripe_count : random_.between(1, 20); n > 0; --n) {
      auto w = core_->next_write(random_.chance(0.5) ? 1 : 100'000);
      if (!w) break;
      w->seal(folder_seed);
      records_.commit(*w);
      core_->committed(*w);
    }
  }

  // ---- what must hold ----

  void check_all() {
    for (const auto& [id, space] : now_->space) {
      std::map<std::string, std::vector<const message*>> rows;
      for (const message& m : messages_)
        if (const auto key = m.key_in(id)) rows[*key].push_back(&m);
      for (const auto& [key, of_key] : rows) {
        if (problem_) return;
        if (rows.size() < 50 || random_.chance(0.2)) check_key(id, space, key, of_key);
      }
    }
  }

  void check_key(std::uint64_t space_id, int space, const std::string& key,
                 const std::vector<const message*>& rows) {
    lookup_request request{space, key, hash_of(*now_->plan, space, key), {}, {}, 0};
    std::vector<declared::feature> features;
    for (const auto& f : declared_.features) {
      const schema::tiling& t = tiling_of(f);
      if (!kept_.count(f.id) || t.key_space != space) continue;
      features.push_back(f);
      for (const int w : now_->windows.at(f.id)) request.window_values.push_back(w);
    }
    std::vector<declared::scalar> scalars;
    for (const auto& s : declared_.scalars) {
      if (!kept_.count(s.id) || s.space != space_id) continue;
      scalars.push_back(s);
      request.scalars.push_back(now_->scalar.at(s.id));
    }
    request.now = clock_ + random_.between(-100 * scale_, 3 * scale_);
    auto answer = core_->lookup(request);
    if (!answer) return fail("lookup: " + answer.error().message);
    std::size_t at = 0;
    for (const auto& f : features) {
      for (std::size_t i = 0; i < f.windows.size() && !problem_; ++i)
        check_window(f, f.windows[i], key, rows, request.now, answer->windows[at++]);
    }
    for (std::size_t i = 0; i < scalars.size() && !problem_; ++i)
      check_scalar(scalars[i], rows, answer->scalars[i]);
  }

  const schema::tiling& tiling_of(const declared::feature& f) const {
    const auto& w =
        now_->plan->window_values[static_cast<std::size_t>(now_->windows.at(f.id).front())];
    return now_->plan->tilings[static_cast<std::size_t>(
        now_->plan->rules[static_cast<std::size_t>(w.rule)].tiling)];
  }

  void check_window(const declared::feature& f, std::int64_t window, const std::string& key,
                    const std::vector<const message*>& rows, std::int64_t now,
                    const window_answer& got) {
    const auto& w =
        now_->plan->window_values[static_cast<std::size_t>(now_->windows.at(f.id).front())];
    const auto& rule = now_->plan->rules[static_cast<std::size_t>(w.rule)];
    const schema::tiling& t = tiling_of(f);
    windrow::testing::window_oracle oracle;
    for (const message* m : rows) {
      const bool passed = now_->maker.feeds(m->e.stream, t.watermark_group) &&
                          column_true(m->e, now_->maker.filter(t.watermark_group));
      oracle.add({key, m->e.time, {{passed, argument_of(m->e, f.column)}}});
    }
    const std::int64_t max_event_time =
        core_->max_event_times()[static_cast<std::size_t>(t.watermark_group)];
    if (max_event_time != no_time) oracle.add({"another key", max_event_time, {{true, {}}}});
    const auto wanted = oracle.ask(
        key, {0, function_of(*now_->plan, rule), window, t.duration, t.origin, rule.retention},
        now);
    if (wanted.error) {
      if (got.value || got.value.error().code != *wanted.error) fail(key + ": no error");
    } else if (!got.value) {
      fail(key + ": " + got.value.error().message);
    } else if (!wanted.agrees(*got.value) || got.events != wanted.events) {
      fail(key + " " + std::string(to_string(rule.function)) + " over " + std::to_string(window) +
           ", bucket " + std::to_string(t.duration) + ": wanted " + show(wanted.value) + " of " +
           std::to_string(wanted.events) + " events, got " + show(*got.value) + " of " +
           std::to_string(got.events));
    }
  }

  void check_scalar(const declared::scalar& s, const std::vector<const message*>& rows,
                    const std::optional<record_pool::scalar_value>& got) {
    const message* last = nullptr;
    for (const message* m : rows)
      if (m->e.stream == 0 && (!last || m->e.time >= last->e.time)) last = m;
    if (!last != !got) return fail("a scalar is missing, or there is one too many");
    if (got && (got->time != last->e.time || got->value != argument_of(last->e, s.column)))
      fail("the scalar is " + show(got->value));
  }

  dice random_;
  std::uint64_t last_id_ = 0;
  std::int64_t scale_ = 1, keys_ = 1, clock_ = 1'700'000'000'000'000;
  declared declared_;
  std::set<std::uint64_t> kept_;  ///< features and scalars that were there from the beginning
  std::optional<planned> now_;
  std::optional<sender> sender_;
  shard_options options_;
  memory_records records_;
  std::unique_ptr<shard_core> core_;
  std::vector<message> messages_;
  std::size_t sent_ = 0;
  std::optional<std::string> problem_;
};

// SEEDS=1000 runs more of them, SEED=17 one again.
TEST(LayoutChange, WhatStaysInTheCatalogKeepsItsValues) {
  const std::uint64_t one = from_environment("SEED", 0);
  const std::uint64_t seeds = one ? one : from_environment("SEEDS", 100);
  std::cout << "seeds " << (one ? one : 1) << " to " << seeds << '\n';
  for (std::uint64_t seed = one ? one : 1; seed <= seeds; ++seed) {
    const auto problem = changing_history(seed).run();
    ASSERT_FALSE(problem) << "SEED=" << seed << ": " << *problem;
  }
}

// ---- one at a time -----------------------------------------------------------------------------

std::map<std::uint64_t, std::uint64_t> layout_ids(const std::string& declarations) {
  const auto made = schema::testing::compile(declarations);
  EXPECT_NE(made.plan, nullptr) << schema::testing::all_of(made);
  std::map<std::uint64_t, std::uint64_t> ids;
  if (!made.plan) return ids;
  const record_layouts layouts(made.plan);
  for (std::size_t k = 0; k < layouts.size(); ++k) {
    const std::string encoded = encode_layout(definition_of(layouts, static_cast<int>(k)));
    ids[made.plan->key_spaces[k].id] = layout_id(memory_records::bytes_of(encoded));
  }
  return ids;
}

TEST(LayoutChange, AClassOrWindowElsewhereLeavesALayoutAsItIs) {
  using schema::testing::replaced;
  const std::string& before = schema::testing::running_example;
  const auto was = layout_ids(before);
  ASSERT_EQ(was.size(), 2);  // Transaction and User
  // Sorts before all others, so that every index moves.
  const auto is = layout_ids(replaced(before, "features:\n", R"yaml(features:
  Account:
    max_staleness: infinity
    etl_offline_to_online: true
    fields:
      id: str
      name: str
      transactions: { has_many: Transaction, join: Account.id == Transaction.user_id }
      a_count: { windowed: [1d], expression: "_.transactions.count()", materialization: true }
)yaml"));
  ASSERT_EQ(is.size(), 3);
  for (const auto& [space, id] : was) EXPECT_EQ(is.at(space), id);
  // A window over buckets that are there already.
  const std::string expression = "\n        expression: _.transactions[_.amount, _";
  EXPECT_EQ(layout_ids(replaced(before, "windowed: [10m, 1h, 30d]" + expression,
                                "windowed: [10m, 20m, 1h, 30d]" + expression)),
            was);
  EXPECT_NE(layout_ids(replaced(before, ".sum()", ".max()")), was);
}

TEST(LayoutChange, DefinitionsAreReadAsTheyWereWritten) {
  const auto made = schema::testing::compile(schema::testing::running_example);
  ASSERT_NE(made.plan, nullptr);
  const record_layouts layouts(made.plan);
  for (std::size_t k = 0; k < layouts.size(); ++k) {
    const std::string encoded = encode_layout(definition_of(layouts, static_cast<int>(k)));
    const auto read = decode_layout(memory_records::bytes_of(encoded));
    ASSERT_TRUE(read);
    EXPECT_EQ(encode_layout(*read), encoded);
    EXPECT_EQ(read->key_space, made.plan->key_spaces[k].id);
    for (std::size_t cut = 0; cut < encoded.size(); ++cut)
      EXPECT_FALSE(decode_layout(memory_records::bytes_of(encoded).first(cut))) << cut;
  }
}

TEST(LayoutChange, LayoutsAreStoredOnceWithTheFirstRecords) {
  one_tiling p(second);
  p.add(schema::aggregation::count, 0, {minute});
  scenario s(p.maker);
  EXPECT_TRUE(s.records().besides().layouts.empty());
  s.send({s.at(1)});
  s.checkpoint();
  const auto stored = s.records().besides().layouts;
  EXPECT_EQ(stored.size(), 1);
  s.crash();
  s.send({s.at(2)});
  s.checkpoint();
  EXPECT_EQ(s.records().besides().layouts, stored);
  EXPECT_TRUE(s.core().layouts().unstored().empty());
}

/// Opens what `s` has stored for `plan`, which is not the plan that wrote it.
std::unique_ptr<shard_core> reopened(scenario& s, schema::plan_ptr plan) {
  auto opened =
      shard_core::open(plan, {0, folder_seed, 1 << 30}, s.records(), s.records().besides());
  EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
  return opened ? std::move(*opened) : nullptr;
}

std::uint32_t layout_number_of(scenario& s, const std::string& key) {
  const std::string& stored =
      s.records().records().at(make_record_key(hash_of(s.plan(), 0, key), 0));
  return static_cast<std::uint8_t>(stored[10]);  // behind checksum, form and kind
}

TEST(LayoutChange, ATranslatedRecordIsWrittenAgainWithTheNextCheckpoint) {
  one_tiling p(second);
  p.add(schema::aggregation::count, 0, {minute});
  scenario s(p.maker);
  s.send({s.at(1, "a"), s.at(1, "b")});
  s.checkpoint();
  one_tiling wider(second);
  wider.add(schema::aggregation::sum, column_b, {minute});
  const int count = wider.add(schema::aggregation::count, 0, {minute});
  const auto plan = wider.maker.make();
  auto core = reopened(s, plan);
  ASSERT_NE(core, nullptr);
  EXPECT_EQ(layout_number_of(s, "a"), 1);
  // A row for a key of a's stripe brings the stripe in.
  sender sender(plan);
  event e = s.at(2, "a");
  ASSERT_TRUE(core->apply(*sender.cut({&e, 1}, 1, e.at, e.at)));
  checkpoint(*core, s.records(), folder_seed);
  EXPECT_EQ(layout_number_of(s, "a"), 2);
  EXPECT_EQ(s.records().besides().layouts.size(), 2);
  lookup_request request{0, "a", hash_of(*plan, 0, "a"), {}, {count}, 10};
  auto answer = core->lookup(request);
  ASSERT_TRUE(answer);
  EXPECT_EQ(*answer->windows[0].value, value{std::int64_t{2}});
  request.key = "b", request.hash = hash_of(*plan, 0, "b");
  answer = core->lookup(request);
  ASSERT_TRUE(answer);
  EXPECT_EQ(*answer->windows[0].value, value{std::int64_t{1}});
}

TEST(LayoutChange, RecordsOfAClassThatIsGoneAreLeftAlone) {
  one_tiling p(second);
  p.add(schema::aggregation::count, 0, {minute});
  scenario s(p.maker);
  s.send({s.at(1, "a")});
  s.checkpoint();
  const auto before = s.records().records();
  one_tiling other(second);
  other.maker.draft().key_spaces[0].id = 77;
  const int count = other.add(schema::aggregation::count, 0, {minute});
  const auto plan = other.maker.make();
  auto core = reopened(s, plan);
  ASSERT_NE(core, nullptr);
  auto answer = core->lookup({0, "a", hash_of(*plan, 0, "a"), {}, {count}, 10});
  ASSERT_TRUE(answer);
  EXPECT_EQ(*answer->windows[0].value, value{std::int64_t{0}});
  std::size_t visited = 0;
  EXPECT_TRUE(core->for_each_record([&](const record_pool&, record&) { ++visited; }));
  EXPECT_EQ(visited, 0);
  checkpoint(*core, s.records(), folder_seed);
  EXPECT_EQ(s.records().records(), before);
}

TEST(LayoutChange, NoticesATableOfLayoutsThatIsNotTheOneThatWasWritten) {
  one_tiling p(second);
  const int count = p.add(schema::aggregation::count, 0, {minute});
  one_tiling q(second);
  q.add(schema::aggregation::sum, column_a, {minute});
  const auto plan = plan_maker(p.maker).make();
  scenario s(p.maker);
  s.send({s.at(1)});
  s.checkpoint();
  const lookup_request request = s.request(count, 10);
  const record_layouts other(q.maker.make());
  auto& layouts = s.records().besides().layouts;
  const std::string mine = layouts.at(1), another = encode_layout(definition_of(other, 0));

  layouts = {{1, another}, {2, mine}};  // number 1 has come to mean something else
  auto answer = reopened(s, plan)->lookup(request);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, errc::corrupt);
  layouts = {{2, mine}};
  auto opened =
      shard_core::open(plan, {0, folder_seed, 1 << 30}, s.records(), s.records().besides());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::corrupt);
  layouts = {{1, mine.substr(1)}};
  EXPECT_FALSE(
      shard_core::open(plan, {0, folder_seed, 1 << 30}, s.records(), s.records().besides()));
  layouts = {};  // lost whole, and number 1 given to the same layout again: nothing is wrong
  EXPECT_TRUE(reopened(s, plan)->lookup(request));
}

}  // namespace
}  // namespace windrow::storage::testing
