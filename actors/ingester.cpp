#include "actors/ingester.hpp"

#include <algorithm>

namespace windrow::actors {

ingester::ingester(ingest_actor::pointer self, ingest_settings settings)
    : self_(self),
      settings_(std::move(settings)),
      credit_(settings_.shards.size(), settings_.limits) {}

ingest_actor::behavior_type ingester::make_behavior() {
  return {
      [this](const stage_catalog& message) { return on_stage(message); },
      [this](const activate_catalog& message) { return on_activate(message); },
      [this](const start_inputs& message) { on_start(message); },
      [this](const stop_input& message) { return on_stop(message); },
      [this](const continue_input& message) { on_continue(message); },
      [this](drain) -> caf::result<drained> {
        draining_ = true;
        auto promise = self_->make_response_promise<drained>();
        drains_.push_back(promise);
        report_if_idle();
        return promise;
      },
  };
}

// ---- declarations ------------------------------------------------------------------------------

// What is being read is decoded under the plan it began with, and the shards take no other.
catalog_ready ingester::on_stage(const stage_catalog& message) {
  catalog_ready ready{message.plan->catalog_version, {}};
  if (inputs_.empty()) {
    staged_ = message.plan;
  } else {
    ready.failed = failure{errc::conflict, "inputs are being read under version " +
                                               std::to_string(plan_->catalog_version) +
                                               " of the declarations"};
  }
  return ready;
}

catalog_ready ingester::on_activate(const activate_catalog& message) {
  catalog_ready ready{message.version, {}};
  if (staged_ && staged_->catalog_version == message.version && inputs_.empty()) {
    plan_ = std::move(staged_);
    staged_ = nullptr;
  } else {
    ready.failed = failure{errc::conflict, "version " + std::to_string(message.version) +
                                               " of the declarations is not staged in ingest"};
  }
  return ready;
}

// ---- inputs ------------------------------------------------------------------------------------

void ingester::on_start(const start_inputs& message) {
  if (failed_) return report_if_idle();
  for (const ingest_input& in : *message.inputs) {
    ingest::ingest_options options;
    options.plan = plan_;
    options.source = in.source;
    options.partition = in.partition;
    options.position = in.position;
    options.skips = in.skips;
    options.shard_count = static_cast<std::uint32_t>(settings_.shards.size());
    options.folder_seed = settings_.folder_seed;
    options.seen = settings_.dedup;
    input_state& state = inputs_[in.number];
    state.reader = in.reader;
    state.essential = in.essential;
    state.core = std::make_unique<ingest::ingest_core>(std::move(options));
    state.core->resume(in.clocks);
    skip(in.number, state, in.skip_to);
    report(in.number, state);
  }
  pump();
  report_if_idle();
}

input_stopped ingester::on_stop(const stop_input& message) {
  const auto found = inputs_.find(message.input);
  if (found == inputs_.end()) return {};
  input_state& in = found->second;
  in.reader = nullptr;
  ++in.reader_number;
  in.ready.reset();
  in.reading = false;
  report(message.input, in);
  report_if_idle();
  return {in.core->position()};
}

void ingester::on_continue(const continue_input& message) {
  const auto found = inputs_.find(message.number);
  // After a failure the shards lack what a mark would pass over.
  if (found == inputs_.end() || failed_) return;
  input_state& in = found->second;
  in.core->set_skips(message.skips);
  skip(message.number, in, message.skip_to);
  in.reader = message.reader;
  ++in.reader_number;
  in.ended = in.reading = false;
  report(message.number, in);
  pump();
  report_if_idle();
}

// Every input is read one run ahead of what credit lets through.
void ingester::pump() {
  for (auto& [number, in] : inputs_) {
    if (in.ready && credit_.available() && !draining_ && !failed_) take(number, in);
    if (!in.ready) read(number, in);
    if (in.waiting != in.ready.has_value()) report(number, in);
  }
}

void ingester::read(std::uint32_t number, input_state& in) {
  if (!in.reader || in.reading || in.ended || draining_ || failed_) return;
  in.reading = true;
  const std::uint32_t reader = in.reader_number;
  self_->request(in.reader, caf::infinite, read_next{})
      .then([this, number, reader](const source_read& got) { on_read(number, reader, got); },
            [](const caf::error&) {});
}

void ingester::on_read(std::uint32_t number, std::uint32_t reader, const source_read& got) {
  input_state& in = inputs_.at(number);
  if (reader != in.reader_number) return;  // stopped since
  in.reading = false;
  if (got.failed) return on_input_failed(number, *got.failed);
  if (got.step.what == sources::source_step::kind::end) {
    in.ended = true;
    report(number, in);
    report_if_idle();
    return;
  }
  in.ready = got;
  pump();
}

void ingester::on_input_failed(std::uint32_t number, const failure& why) {
  input_state& in = inputs_.at(number);
  if (in.essential) return fail(why);
  in.reader = nullptr;
  ++in.reader_number;
  settings_.events.input_failed(number, why);
  report_if_idle();
}

// ---- rows --------------------------------------------------------------------------------------

void ingester::take(std::uint32_t number, input_state& in) {
  settings_.requests->yield_if_requests(requests_seen_);
  const source_read got = std::move(*in.ready);
  in.ready.reset();
  read(number, in);  // while this run is decoded, the next one is read
  output_.clear();
  in.core->take(*got.step.run, output_, {got.step.source, got.step.stream});
  if (output_.failed) return fail(*output_.failed);
  in.arrival = got.step.run->arrival.micros;
  send(number);
  report(number, in);
}

void ingester::skip(std::uint32_t number, input_state& in, storage::sequence to) {
  output_.clear();
  in.core->skip_to(to, output_);
  send(number);
}

void ingester::send(std::uint32_t number) {
  // Before the rows that follow them can reach a shard, and so a position.
  for (auto& letter : output_.dead_letters) {
    if (auto staged = settings_.journal->dead_letters().stage(std::move(letter)); !staged)
      return fail(staged.error());
  }
  for (const ingest::shard_batch& b : output_.batches) {
    const std::uint32_t shard = b.shard;
    const std::uint64_t bytes = b.batch->bytes;
    credit_.sent(shard, bytes);
    const std::int64_t arrival = b.batch->rows > 0 ? inputs_.at(number).arrival : storage::no_time;
    self_->request(settings_.shards[shard], caf::infinite, apply_batch{b.batch, arrival})
        .then(
            [this, number](const batch_applied& done) { on_applied(number, done); },
            [this, number, shard, bytes](const caf::error&) {
              on_applied(number, {shard, bytes, 0, failure{errc::closed, "the shard has stopped"}});
            });
  }
  output_.clear();
}

void ingester::on_applied(std::uint32_t number, const batch_applied& done) {
  credit_.returned(done.shard, done.bytes);
  if (done.late > 0) {
    input_state& in = inputs_.at(number);
    in.late += done.late;
    report(number, in);
  }
  if (done.failed) return fail(*done.failed);
  pump();
  report_if_idle();
}

// ---- what the node hears -----------------------------------------------------------------------

void ingester::report(std::uint32_t number, input_state& in) {
  in.waiting = in.ready.has_value();
  std::int64_t max_event_time = storage::no_time;
  for (const std::int64_t t : in.core->max_event_times())
    max_event_time = std::max(max_event_time, t);
  settings_.events.progressed({number, &in.core->counters(), in.core->position(), in.late,
                               max_event_time, in.arrival, in.waiting, in.ended});
}

void ingester::report_if_idle() {
  if (!credit_.idle()) return;
  if (!std::any_of(inputs_.begin(), inputs_.end(),
                   [](const auto& in) { return in.second.ready.has_value(); }) ||
      draining_)
    settings_.events.idle();
  if (!draining_) return;
  for (auto& promise : drains_) promise.deliver(drained{});
  drains_.clear();
}

void ingester::fail(const failure& why) {
  if (!failed_) settings_.events.failed(why);
  failed_ = true;
  report_if_idle();
}

ingest_actor::behavior_type make_ingest(ingest_actor::stateful_pointer<actor_slot<ingester>> self,
                                        ingest_settings settings) {
  return self->state.impl.emplace(self, std::move(settings)).make_behavior();
}

}  // namespace windrow::actors
