#include "actors/ingest.hpp"

#include <algorithm>

namespace windrow::actors {

ingest::ingest(ingest_actor::pointer self, ingest_settings settings)
    : self_(self), settings_(std::move(settings)), credit_(settings_.shards.size(), settings_.limits) {}

ingest_actor::behavior_type ingest::make_behavior() {
  return {
    [this](const stage_catalog& message) {
      plan_ = message.plan;
      return catalog_ready{plan_->catalog_version, {}};
    },
    [](const activate_catalog& message) { return catalog_ready{message.version, {}}; },
    [this](const start_inputs& message) { on_start(message); },
    [this](drain) -> caf::result<drained> {
      draining_ = true;
      auto promise = self_->make_response_promise<drained>();
      drains_.push_back(promise);
      report_if_settled();
      return promise;
    },
  };
}

void ingest::on_start(const start_inputs& message) {
  for (const ingest_input& in : *message.inputs) {
    ingest_options options;
    options.plan = plan_;
    options.source = in.source;
    options.partition = in.partition;
    options.position = in.position;
    options.shard_count = static_cast<std::uint32_t>(settings_.shards.size());
    options.folder_seed = settings_.folder_seed;
    options.seen = settings_.seen;
    input_state state;
    state.reader = in.reader;
    state.core = std::make_unique<ingest_core>(std::move(options));
    state.core->resume(message.newest);
    inputs_.push_back(std::move(state));
  }
  pump();
  report_if_settled();
}

// Every input is read one run ahead of what credit lets through.
void ingest::pump() {
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    input_state& in = inputs_[i];
    if (in.ready && credit_.available() && !draining_ && !failed_) take(i);
    if (!in.ready) read(i);
  }
}

void ingest::read(std::size_t number) {
  input_state& in = inputs_[number];
  if (in.reading || in.ended || draining_ || failed_) return;
  in.reading = true;
  self_->request(in.reader, caf::infinite, read_next{})
    .then([this](const source_read& got) { on_read(got); }, [](const caf::error&) {});
}

void ingest::on_read(const source_read& got) {
  input_state& in = inputs_[got.input];
  in.reading = false;
  if (got.failed) return fail(*got.failed);
  if (!got.run) {
    in.ended = true;
    report_if_settled();
    return;
  }
  in.ready = got;
  pump();
}

void ingest::take(std::size_t number) {
  input_state& in = inputs_[number];
  const source_read got = std::move(*in.ready);
  in.ready.reset();
  read(number);  // while this run is decoded, the next one is read
  output_.clear();
  in.core->take(*got.run, output_, {got.source, got.stream});
  if (output_.failed) return fail(*output_.failed);
  // Before the rows that follow them can reach a shard, and so a position.
  for (auto& letter : output_.dead_letters) {
    if (auto staged = settings_.journal->stage_dead_letter(std::move(letter)); !staged) return fail(staged.error());
  }
  for (const shard_batch& b : output_.batches) send(b);
  output_.clear();
  report();
}

void ingest::send(const shard_batch& b) {
  const std::uint32_t shard = b.shard;
  const std::uint64_t bytes = b.batch->bytes;
  credit_.sent(shard, bytes);
  self_->request(settings_.shards[shard], caf::infinite, apply_batch{b.batch})
    .then([this](const batch_applied& done) { on_applied(done); },
          [this, shard, bytes](const caf::error&) {
            on_applied({shard, bytes, 0, failure{errc::closed, "the shard has stopped"}});
          });
}

void ingest::on_applied(const batch_applied& done) {
  credit_.returned(done.shard, done.bytes);
  late_ += done.late;
  if (done.failed) return fail(*done.failed);
  pump();
  report_if_settled();
}

void ingest::report() {
  std::vector<const ingest_counters*> counters;
  std::int64_t newest = storage::no_time;
  for (const input_state& in : inputs_) {
    counters.push_back(&in.core->counters());
    for (const std::int64_t t : in.core->newest()) newest = std::max(newest, t);
  }
  settings_.events.counted(counters, late_, newest);
}

void ingest::report_if_settled() {
  if (!credit_.settled()) return;
  bool ended = true;
  for (const input_state& in : inputs_) ended = ended && in.ended && !in.ready;
  report();
  settings_.events.settled(ended);
  if (!draining_) return;
  for (auto& promise : drains_) promise.deliver(drained{});
  drains_.clear();
}

void ingest::fail(const failure& why) {
  if (!failed_) settings_.events.failed(why);
  failed_ = true;
  report_if_settled();
}

ingest_actor::behavior_type make_ingest(ingest_actor::stateful_pointer<actor_slot<ingest>> self,
                                        ingest_settings settings) {
  return self->state.impl.emplace(self, std::move(settings)).make_behavior();
}

}  // namespace windrow::actors
