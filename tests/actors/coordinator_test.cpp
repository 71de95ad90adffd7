#include "actors/coordinator.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <optional>

namespace windrow::actors {
namespace {

/// How a participant takes the two steps.
struct conduct {
  bool silent_at_stage = false;
  bool silent_at_activate = false;
  std::optional<failure> refuses;
  std::atomic<int> staged{0};
  std::atomic<int> activated{0};
};

/// Answers both steps as it is told to; `Self` may never answer what it has promised.
template <class Self>
struct stub_steps {
  caf::result<catalog_ready> stage(const stage_catalog& message) {
    ++how->staged;
    if (how->silent_at_stage) return promise();
    return catalog_ready{message.plan->catalog_version, how->refuses};
  }
  caf::result<catalog_ready> activate(const activate_catalog& message) {
    ++how->activated;
    if (how->silent_at_activate) return promise();
    return catalog_ready{message.version, {}};
  }
  caf::result<catalog_ready> promise() {
    kept.push_back(self->template make_response_promise<catalog_ready>());
    return kept.back();
  }

  Self self;
  conduct* how;
  std::vector<caf::typed_response_promise<catalog_ready>> kept = {};
};

struct stub_shard {
  static inline constexpr const char* name = "stub_shard";
  stub_shard(shard_actor::pointer self, conduct* how) : steps_{self, how} {}
  shard_actor::behavior_type make_behavior() {
    return {
        [](const apply_batch&) { return batch_applied{}; },
        [](const shard_lookup&) { return shard_rows{}; },
        [this](const stage_catalog& message) { return steps_.stage(message); },
        [this](const activate_catalog& message) { return steps_.activate(message); },
        [](checkpoint_now) { return checkpoint_done{}; },
        [](maintenance_tick) {},
    };
  }
  stub_steps<shard_actor::pointer> steps_;
};

struct stub_ingest {
  static inline constexpr const char* name = "stub_ingest";
  stub_ingest(ingest_actor::pointer self, conduct* how) : steps_{self, how} {}
  ingest_actor::behavior_type make_behavior() {
    return {
        [this](const stage_catalog& message) { return steps_.stage(message); },
        [this](const activate_catalog& message) { return steps_.activate(message); },
        [](const start_inputs&) {},
        [](const stop_input&) { return input_stopped{}; },
        [](const continue_input&) {},
        [](drain) { return drained{}; },
    };
  }
  stub_steps<ingest_actor::pointer> steps_;
};

class Coordinator : public ::testing::Test {
protected:
  static constexpr std::size_t shards = 3;

  Coordinator() {
    system_.emplace(config_);
    coordinator_settings settings;
    for (conduct& how : shard_conduct_) {
      settings.shards.push_back(
          system_->spawn([&how](shard_actor::stateful_pointer<actor_slot<stub_shard>> self) {
            return self->state.impl.emplace(self, &how).make_behavior();
          }));
    }
    settings.ingest =
        system_->spawn([this](ingest_actor::stateful_pointer<actor_slot<stub_ingest>> self) {
          return self->state.impl.emplace(self, &ingest_conduct_).make_behavior();
        });
    settings.deadline = std::chrono::milliseconds(50);
    participants_ = settings;
    coordinator_ = system_->spawn(make_coordinator, settings);
  }
  ~Coordinator() override {
    const auto end = [](auto& who) {
      caf::anon_send_exit(who, caf::exit_reason::user_shutdown);
      who = nullptr;
    };
    for (auto& s : participants_.shards) end(s);
    end(participants_.ingest);
    end(coordinator_);
    system_.reset();
  }

  std::optional<failure> roll_out(std::uint32_t version) {
    auto plan = std::make_shared<schema::plan>();
    plan->catalog_version = version;
    std::optional<failure> failed;
    caf::scoped_actor self{*system_};
    self->request(coordinator_, std::chrono::seconds(60), stage_catalog{plan})
        .receive([&](const catalog_ready& ready) { failed = ready.failed; },
                 [](const caf::error&) { FAIL() << "the rollout has no end"; });
    return failed;
  }
  int activated() const {
    int sum = ingest_conduct_.activated;
    for (const conduct& how : shard_conduct_) sum += how.activated;
    return sum;
  }

  std::array<conduct, shards> shard_conduct_;
  conduct ingest_conduct_;
  caf::actor_system_config config_;
  std::optional<caf::actor_system> system_;
  coordinator_settings participants_;
  coordinator_actor coordinator_;
};

TEST_F(Coordinator, StagesEverywhereThenActivatesEverywhere) {
  EXPECT_FALSE(roll_out(1));
  EXPECT_EQ(activated(), 4);
  EXPECT_FALSE(roll_out(2));
  EXPECT_EQ(activated(), 8);
}

TEST_F(Coordinator, EndsAStageByItsDeadlineWithTheNameOfWhoIsSilent) {
  shard_conduct_[1].silent_at_stage = true;
  const auto failed = roll_out(1);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->code, errc::timeout);
  EXPECT_NE(failed->message.find("shard 1 "), std::string::npos) << failed->message;
  EXPECT_EQ(activated(), 0) << "nothing that runs may change";
  // It is not stuck: the next one begins, and succeeds once everyone answers.
  shard_conduct_[1].silent_at_stage = false;
  EXPECT_FALSE(roll_out(1));
  EXPECT_EQ(activated(), 4);
}

TEST_F(Coordinator, NamesASilentIngest) {
  ingest_conduct_.silent_at_stage = true;
  const auto failed = roll_out(1);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->code, errc::timeout);
  EXPECT_NE(failed->message.find("ingest "), std::string::npos) << failed->message;
  EXPECT_EQ(activated(), 0);
}

TEST_F(Coordinator, EndsAnActivationByItsDeadlineToo) {
  shard_conduct_[2].silent_at_activate = true;
  const auto failed = roll_out(1);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->code, errc::timeout);
  EXPECT_NE(failed->message.find("shard 2 "), std::string::npos) << failed->message;
}

TEST_F(Coordinator, ActivatesNothingIfOneRefuses) {
  shard_conduct_[0].refuses = failure{errc::mismatch, "made for other declarations"};
  const auto failed = roll_out(1);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->code, errc::mismatch);
  EXPECT_EQ(activated(), 0);
}

}  // namespace
}  // namespace windrow::actors
