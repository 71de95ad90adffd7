#include "actors/ingester.hpp"

#include <gtest/gtest.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <condition_variable>
#include <mutex>

#include "actors/source.hpp"
#include "tests/support/plan_builder.hpp"

namespace windrow::actors {
namespace {

using schema::value_kind;
using test::plan_builder;
using test::type_of;

constexpr std::uint64_t messages_a_run = 10;

/// What the test and the actors tell each other.
struct conversation {
  std::mutex mutex;
  std::condition_variable changed;
  // Of the shard: batches that wait for the test to let them be applied.
  std::vector<caf::typed_response_promise<batch_applied>> held;
  std::vector<batch_applied> answers;
  storage::sequence shard_position = 0;
  std::uint64_t rows = 0;
  bool hold = false;
  // Of ingest.
  std::map<std::uint32_t, ingest::input_progress> progress;
  std::map<std::uint32_t, std::string> failures;
  std::uint64_t settled = 0;

  template <class F>
  void change(F&& f) {
    std::lock_guard lock(mutex);
    f();
    changed.notify_all();
  }
  /// Waits for what must come; a test that waits in vain fails.
  template <class F>
  testing::AssertionResult becomes(F&& f) {
    std::unique_lock lock(mutex);
    if (changed.wait_for(lock, std::chrono::seconds(30), f)) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "did not come in 30 s";
  }
};

/// A shard that applies when it is told to.
struct stub_shard {
  static inline constexpr const char* name = "stub_shard";
  stub_shard(shard_actor::pointer self, conversation* with) : self_(self), with_(with) {}
  shard_actor::behavior_type make_behavior() {
    return {
        [this](const apply_batch& message) -> caf::result<batch_applied> {
          const batch_applied answer{0, message.batch->bytes, 0, {}};
          std::lock_guard lock(with_->mutex);
          with_->rows += message.batch->rows;
          with_->shard_position = message.batch->last;
          with_->changed.notify_all();
          if (!with_->hold) return answer;
          auto promise = self_->make_response_promise<batch_applied>();
          with_->held.push_back(promise);
          with_->answers.push_back(answer);
          return promise;
        },
        [](const shard_lookup&) { return shard_rows{}; },
        [](const stage_catalog&) { return catalog_ready{}; },
        [](const activate_catalog&) { return catalog_ready{}; },
        [](checkpoint_now) { return checkpoint_done{}; },
        [this](maintenance_tick) {  // the test: let everything be applied
          std::lock_guard lock(with_->mutex);
          for (std::size_t i = 0; i < with_->held.size(); ++i)
            with_->held[i].deliver(with_->answers[i]);
          with_->held.clear();
          with_->answers.clear();
          with_->hold = false;
        },
    };
  }
  shard_actor::pointer self_;
  conversation* with_;
};

/// Messages without end, or to a number of them, or to a failure.
class stub_input final : public sources::input {
public:
  explicit stub_input(storage::sequence from, storage::sequence end, std::string fails = "")
      : at_(from), end_(end), fails_(std::move(fails)) {}
  result<sources::source_step> next() override {
    if (at_ >= end_ && !fails_.empty()) return failure{errc::io, fails_};
    if (at_ >= end_) return sources::source_step{sources::source_step::kind::end};
    std::vector<std::pair<storage::sequence, std::string_view>> messages;
    for (std::uint64_t i = 1; i <= messages_a_run; ++i)
      messages.emplace_back(at_ + i, R"({"user":"u","amount":1.5})");
    auto run =
        formats::make_run(1, at_, at_ + messages_a_run, timestamp{1'700'000'000'000'000}, messages);
    at_ += messages_a_run;
    return sources::source_step{sources::source_step::kind::run, std::move(run)};
  }

private:
  storage::sequence at_;
  storage::sequence end_;
  std::string fails_;
};

constexpr storage::sequence endless = ~storage::sequence{0} - 100;

class Ingest : public ::testing::Test {
protected:
  Ingest() {
    builder_.key_space({type_of(value_kind::text)});
    builder_.stream("events",
                    {{"user", type_of(value_kind::text, true)},
                     {"amount", type_of(value_kind::floating, true)}},
                    {"_.user", "_.amount"});
    builder_.route(0, 0, {0}, {1});
    plan_ = builder_.build();
    system_.emplace(config_);
    shard_ = system_->spawn([this](shard_actor::stateful_pointer<actor_slot<stub_shard>> self) {
      return self->state.impl.emplace(self, &with_).make_behavior();
    });
    ingest_settings settings;
    settings.shards = {shard_};
    settings.limits = {4, 1 << 20};
    settings.events.progressed = [this](const ingest::input_progress& p) {
      with_.change([&] {
        with_.progress[p.input] = p;
        with_.progress[p.input].counters = nullptr;
      });
    };
    settings.events.input_failed = [this](std::uint32_t number, const failure& why) {
      with_.change([&] { with_.failures[number] = why.message; });
    };
    settings.events.idle = [this] { with_.change([&] { ++with_.settled; }); };
    settings.events.failed = [](const failure& why) { FAIL() << why.message; };
    ingest_ = system_->spawn(make_ingest, settings);
    caf::scoped_actor self{*system_};
    self->request(ingest_, caf::infinite, stage_catalog{plan_})
        .receive([](const catalog_ready&) {}, [](const caf::error&) { FAIL(); });
    self->request(ingest_, caf::infinite, activate_catalog{plan_->catalog_version})
        .receive([](const catalog_ready& ready) { EXPECT_FALSE(ready.failed); },
                 [](const caf::error&) { FAIL(); });
  }
  ~Ingest() override {
    for (auto& r : readers_) caf::anon_send_exit(r, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(ingest_, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(shard_, caf::exit_reason::user_shutdown);
    readers_.clear();
    ingest_ = nullptr, shard_ = nullptr;
    system_.reset();
  }

  source_actor reader(std::shared_ptr<sources::input> in) {
    source_settings settings;
    settings.in = std::move(in);
    readers_.push_back(system_->spawn<caf::detached>(make_source, settings));
    return readers_.back();
  }
  void start(std::uint32_t number, std::shared_ptr<sources::input> in,
             storage::sequence position = 0, std::vector<storage::skip_range> skips = {},
             storage::sequence skip_to = 0) {
    ingest_input one;
    one.number = number;
    one.reader = reader(std::move(in));
    one.source = 0;
    one.partition = number;
    one.position = position;
    one.skips = std::move(skips);
    one.skip_to = skip_to;
    caf::anon_send(ingest_, start_inputs{std::make_shared<const std::vector<ingest_input>>(
                                std::vector<ingest_input>{one})});
  }
  std::optional<storage::sequence> stop(std::uint32_t number) {
    std::optional<storage::sequence> position;
    caf::scoped_actor self{*system_};
    self->request(ingest_, caf::infinite, stop_input{number})
        .receive([&](const input_stopped& s) { position = s.position; },
                 [](const caf::error&) { FAIL(); });
    return position;
  }
  void hold() {
    with_.change([&] { with_.hold = true; });
  }
  void let_go() { caf::anon_send(shard_, maintenance_tick{}); }

  conversation with_;
  plan_builder builder_;
  schema::plan_ptr plan_;
  caf::actor_system_config config_;
  std::optional<caf::actor_system> system_;
  shard_actor shard_;
  ingest_actor ingest_;
  std::vector<source_actor> readers_;
};

// However much more there is to read: what is under way is bounded, and the input says it waits.
TEST_F(Ingest, AnInputWaitsForCreditInsteadOfFillingMemory) {
  hold();
  start(1, std::make_shared<stub_input>(0, endless));
  // Four batches, the limit, of a run each; the shard is told of the last one a moment later.
  ASSERT_TRUE(with_.becomes([&] { return with_.progress[1].waiting && with_.held.size() == 4; }));
  {
    std::lock_guard lock(with_.mutex);
    EXPECT_EQ(with_.progress[1].position, 4 * messages_a_run);
  }
  let_go();
  ASSERT_TRUE(with_.becomes([&] {
    return with_.progress[1].position > 100 * messages_a_run && !with_.progress[1].waiting;
  }));
}

TEST_F(Ingest, AStoppedInputHoldsNoCreditAndTheOtherGoesOn) {
  hold();
  start(1, std::make_shared<stub_input>(0, endless));
  ASSERT_TRUE(with_.becomes([&] { return with_.progress[1].waiting; }));
  EXPECT_EQ(stop(1), 4 * messages_a_run);
  EXPECT_EQ(stop(7), std::nullopt) << "never heard of";
  start(2, std::make_shared<stub_input>(0, 20 * messages_a_run));
  let_go();
  ASSERT_TRUE(with_.becomes([&] { return with_.progress[2].ended && with_.settled > 0; }));
  std::lock_guard lock(with_.mutex);
  EXPECT_EQ(with_.progress[1].position, 4 * messages_a_run);
  EXPECT_FALSE(with_.progress[1].waiting);
  EXPECT_EQ(with_.progress[2].position, 20 * messages_a_run);
}

TEST_F(Ingest, AStoppedInputGoesOnWhereItStood) {
  hold();
  start(1, std::make_shared<stub_input>(0, endless));
  ASSERT_TRUE(with_.becomes([&] { return with_.progress[1].waiting; }));
  const auto at = stop(1);
  ASSERT_TRUE(at);
  let_go();
  caf::anon_send(ingest_, continue_input{1, reader(std::make_shared<stub_input>(*at, 100)), {}, 0});
  ASSERT_TRUE(with_.becomes([&] { return with_.progress[1].ended; }));
  ASSERT_TRUE(with_.becomes([&] { return with_.rows == 100; })) << with_.rows;
}

TEST_F(Ingest, ASeekMovesTheShardsWithoutRows) {
  hold();
  start(1, std::make_shared<stub_input>(0, 4 * messages_a_run));
  ASSERT_TRUE(with_.becomes([&] { return with_.progress[1].ended; }));
  stop(1);
  let_go();
  caf::anon_send(ingest_, continue_input{1, {}, {{40, 1000}}, 1000});
  ASSERT_TRUE(with_.becomes([&] { return with_.shard_position == 1000; }));
  {
    std::lock_guard lock(with_.mutex);
    EXPECT_EQ(with_.rows, 40u);
    EXPECT_EQ(with_.progress[1].position, 1000u);
  }
  caf::anon_send(ingest_,
                 continue_input{1, reader(std::make_shared<stub_input>(1000, 1020)), {}, 0});
  ASSERT_TRUE(with_.becomes([&] { return with_.rows == 60; }));
}

// What some stripes have and others have not comes before what is passed over.
TEST_F(Ingest, AStartPassesOverWhatASeekDid) {
  start(1, std::make_shared<stub_input>(10, 100), 10, {{20, 60}}, 10);
  ASSERT_TRUE(with_.becomes([&] { return with_.progress[1].ended; }));
  ASSERT_TRUE(with_.becomes([&] { return with_.shard_position == 100; }));
  std::lock_guard lock(with_.mutex);
  EXPECT_EQ(with_.rows, 10u + 40u);
}

TEST_F(Ingest, AFailedInputLeavesTheOthers) {
  start(1, std::make_shared<stub_input>(0, 30, "the disk is gone"));
  start(2, std::make_shared<stub_input>(0, 50));
  ASSERT_TRUE(with_.becomes(
      [&] { return with_.failures[1] == "the disk is gone" && with_.progress[2].ended; }));
  ASSERT_TRUE(with_.becomes([&] { return with_.rows == 80; }));
  // And may be tried again.
  caf::anon_send(ingest_, continue_input{1, reader(std::make_shared<stub_input>(30, 60)), {}, 0});
  ASSERT_TRUE(with_.becomes([&] { return with_.rows == 110; }));
}

}  // namespace
}  // namespace windrow::actors
