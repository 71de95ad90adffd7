#include "actors/shard.hpp"

#include <algorithm>

#include <caf/message_priority.hpp>

#include "base/clock.hpp"

namespace windrow::actors {

namespace {
constexpr int writes_max = 2;  // under way to the writer
constexpr std::chrono::milliseconds maintenance_every{100};
constexpr std::size_t sweep_allowance = 2048;  // records: at most about 1 % of the time

// Of records in one transaction. LMDB keeps every page a transaction touches in anonymous memory,
// and reuses it without giving it back: where state is larger than memory, nearly a page a record.
std::size_t write_bytes(std::size_t memory_budget) {
  return std::clamp<std::size_t>(memory_budget / 128, 64 << 10, 1 << 20);
}

std::int64_t micros_since(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() -
                                                               then)
      .count();
}
}  // namespace

shard::shard(shard_actor::pointer self, shard_settings settings)
    : self_(self),
      settings_(std::move(settings)),
      write_bytes_(write_bytes(settings_.access->memory_budget())),
      next_cycle_(std::chrono::steady_clock::now() + settings_.checkpoint_interval) {}

shard_actor::behavior_type shard::make_behavior() {
  self_->delayed_send(self_, maintenance_every, maintenance_tick{});
  return {
      [this](const apply_batch& message) { return on_apply(message); },
      [this](const shard_lookup& message) { return on_lookup(message); },
      [this](const stage_catalog& message) { return on_stage(message); },
      [this](const activate_catalog& message) { return on_activate(message); },
      [this](checkpoint_now) { return on_checkpoint(); },
      [this](maintenance_tick) { on_maintenance(); },
  };
}

catalog_ready shard::on_stage(const stage_catalog& message) {
  auto staged = settings_.access->stage(message.plan);
  catalog_ready ready{message.plan->catalog_version, {}};
  if (!staged) ready.failed = staged.error();
  return ready;
}

catalog_ready shard::on_activate(const activate_catalog& message) {
  auto active = settings_.access->activate(message.version);
  catalog_ready ready{message.version, {}};
  if (!active) ready.failed = active.error();
  return ready;
}

caf::result<batch_applied> shard::on_apply(const apply_batch& message) {
  settings_.requests->yield_if_requests(requests_seen_);
  batch_applied answer{settings_.access->shard(), message.batch->bytes, 0, failure_};
  if (failure_) return answer;
  bool over = false;
  settings_.access->exclusive([&](storage::shard_core& core) {
    auto applied = core.apply(*message.batch);
    if (!applied) {
      answer.failed = applied.error();
      return;
    }
    answer.late = applied->late;
    over = core.over_budget();
  });
  if (answer.failed) {
    fail(*answer.failed);
    return answer;
  }
  if (message.arrival != storage::no_time)
    settings_.metrics->visible.add(wall_clock() - message.arrival, message.batch->rows);
  if (settings_.applied) settings_.applied(message.batch->partition);
  advance();
  if (!over || settings_.read_only) return answer;
  // Memory is short: the credit stays spent until a checkpoint lets records leave.
  auto promise = self_->make_response_promise<batch_applied>();
  waiting_.push_back({promise, answer});
  return promise;
}

shard_rows shard::on_lookup(const shard_lookup& message) {
  auto answers = std::make_shared<std::vector<result<storage::lookup_answer>>>();
  answers->reserve(message.requests->size());
  settings_.access->exclusive([&](storage::shard_core& core) {
    for (const auto& request : *message.requests) answers->push_back(core.lookup(request));
  });
  return {std::move(answers)};
}

caf::result<checkpoint_done> shard::on_checkpoint() {
  if (failure_ || settings_.read_only) return checkpoint_done{failure_};
  auto promise = self_->make_response_promise<checkpoint_done>();
  checkpoints_.push_back(promise);
  again_ = cycle_;  // the cycle under way may have passed stripes that changed since
  next_cycle_ = {};
  advance();
  return promise;
}

void shard::on_maintenance() {
  self_->delayed_send(self_, maintenance_every, maintenance_tick{});
  if (failure_ || settings_.read_only || !settings_.access->is_open()) return;
  sweep(sweep_allowance);
  settings_.access->exclusive([&](storage::shard_core& core) { core.evict(); });
  advance();
  release_waiting();
}

// In pieces, so that lookups need not wait for all of it.
void shard::sweep(std::size_t allowance) {
  for (bool more = true; more && !failure_; allowance = 0) {
    settings_.access->exclusive([&](storage::shard_core& core) {
      auto swept = core.sweep(allowance);
      if (!swept) fail(swept.error());
      more = swept && *swept;
    });
  }
}

// Takes the next steps of a cycle: encodes while the writer has room.
void shard::advance() {
  if (failure_ || settings_.read_only) return;
  while (writes_under_way_ < writes_max) {
    settings_.requests->yield_if_requests(requests_seen_);
    std::shared_ptr<storage::stripe_write> w;
    bool done = false;
    settings_.access->exclusive([&](storage::shard_core& core) {
      const auto now = std::chrono::steady_clock::now();
      const bool due = now >= next_cycle_ || !checkpoints_.empty();
      hurried_ = due || (cycle_ && hurried_);
      // A cycle for want of memory goes no faster than memory asks for it.
      if (!hurried_ && !core.pressed()) return;
      if (!cycle_) {
        next_cycle_ = now + settings_.checkpoint_interval;
        cycle_began_ = now;
        cycle_positions_ = core.progress().resume_positions();
        core.begin_cycle();
        cycle_ = true;
      }
      w = core.next_write(write_bytes_);
      done = !w && !core.cycle_active() && writes_under_way_ == 0;
    });
    if (!w) {
      if (done) cycle_finished();
      return;
    }
    write(std::move(w));
    sweep(0);
  }
}

void shard::write(std::shared_ptr<storage::stripe_write> w) {
  ++writes_under_way_;
  const auto began = std::chrono::steady_clock::now();
  self_->request(settings_.writer, caf::infinite, commit_write{settings_.access->shard(), w})
      .then(
          [this, w, began](const write_committed& answer) {
            settings_.metrics->commits.add(micros_since(began));
            on_written(w, answer.failed);
          },
          [this, w](const caf::error&) {
            on_written(w, failure{errc::closed, "the writer has stopped"});
          });
}

void shard::on_written(const std::shared_ptr<storage::stripe_write>& w,
                       const std::optional<failure>& why) {
  --writes_under_way_;
  if (why) return fail(*why);
  settings_.metrics->written_bytes += w->bytes.size();
  settings_.metrics->written_values += w->entries.size();
  settings_.access->exclusive([&](storage::shard_core& core) { core.committed(*w); });
  release_waiting();
  advance();
}

void shard::cycle_finished() {
  cycle_ = false;
  settings_.metrics->cycles.add(micros_since(cycle_began_));
  settings_.metrics->last_cycle = wall_clock();
  if (settings_.durable) settings_.durable(settings_.access->shard(), cycle_positions_);
  if (again_) {
    again_ = false;
    next_cycle_ = {};
    advance();
    return;
  }
  for (auto& promise : checkpoints_) promise.deliver(checkpoint_done{});
  checkpoints_.clear();
}

void shard::release_waiting() {
  if (waiting_.empty()) return;
  bool over = false;
  settings_.access->exclusive([&](storage::shard_core& core) {
    if (core.over_budget()) core.evict();
    over = core.over_budget();
  });
  if (over && !failure_) return;
  for (auto& w : waiting_) w.promise.deliver(w.answer);
  waiting_.clear();
}

void shard::fail(const failure& why) {
  if (failure_) return;
  failure_ = why;
  if (settings_.failed) settings_.failed(why);
  for (auto& promise : checkpoints_) promise.deliver(checkpoint_done{why});
  checkpoints_.clear();
  for (auto& w : waiting_) {
    w.answer.failed = why;
    w.promise.deliver(w.answer);
  }
  waiting_.clear();
}

shard_actor::behavior_type make_shard(shard_actor::stateful_pointer<actor_slot<shard>> self,
                                      shard_settings settings) {
  return self->state.impl.emplace(self, std::move(settings)).make_behavior();
}

}  // namespace windrow::actors
