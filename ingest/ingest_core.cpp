#include "ingest/ingest_core.hpp"

#include <algorithm>
#include <tuple>

namespace windrow::ingest {

ingest_core::ingest_core(ingest_options options)
    : block_messages_(std::max<std::size_t>(1, options.batch_rows / 2)),
      partition_(options.partition),
      position_(options.position),
      skips_(std::move(options.skips)),
      batcher_({options.plan, options.source, options.partition, options.position,
                options.shard_count, options.folder_seed, options.batch_rows}) {
  const auto& declared = options.plan->streams;
  for (std::size_t i = 0; i < declared.size(); ++i) {
    if (options.source != schema::none && declared[i].source != options.source) continue;
    streams_.emplace_back(options.plan, static_cast<int>(i));
    choices_.push_back({declared[i].source, static_cast<int>(i)});
    counters_.streams.push_back({static_cast<int>(i), 0, 0, 0, 0});
    auto& duplicates = duplicates_.emplace_back();
    if (declared[i].deduplication.output == schema::none || options.seen == nullptr) continue;
    duplicates.emplace(*options.plan, static_cast<int>(i), options.partition, options.folder_seed,
                       *options.seen);
  }
}

void ingest_core::take(const formats::message_run& run, ingest_output& out, stream_choice choice) {
  if (run.last <= position_) return;
  const auto first =
      std::partition_point(run.messages.begin(), run.messages.end(),
                           [this](const auto& message) { return message.sequence <= position_; });
  batcher_.begin_run(run);
  const std::size_t count = run.messages.size();
  for (auto begin = static_cast<std::size_t>(first - run.messages.begin()); begin < count;) {
    std::size_t wanted = std::min(count, begin + block_messages_);
    if (!skips_.empty()) {
      std::tie(begin, wanted) = not_skipped(run, begin, wanted);
      if (begin == wanted) continue;
    }
    const std::size_t fitting = batcher_.fitting(begin, wanted);
    if (fitting == 0) {
      batcher_.make_room(begin, out.batches);
      continue;
    }
    take_block(run, begin, begin + fitting, choice, out);
    if (out.failed) return;
    begin += fitting;
  }
  batcher_.end_run(out.batches);
  position_ = run.last;
}

std::pair<std::size_t, std::size_t> ingest_core::not_skipped(const formats::message_run& run,
                                                             std::size_t begin,
                                                             std::size_t end) const {
  for (const storage::skip_range& skip : skips_) {
    while (begin < end && run.messages[begin].sequence > skip.from &&
           run.messages[begin].sequence <= skip.to)
      ++begin;
    for (std::size_t i = begin; i < end; ++i) {
      if (run.messages[i].sequence > skip.from && run.messages[i].sequence <= skip.to) end = i;
    }
  }
  return {begin, end};
}

void ingest_core::skip_to(storage::sequence to, ingest_output& out) {
  if (to <= position_) return;
  take(*formats::make_run(partition_, position_, to, {}, {}), out);
}

void ingest_core::take_block(const formats::message_run& run, std::size_t begin, std::size_t end,
                             stream_choice choice, ingest_output& out) {
  counters_.read += end - begin;
  for (std::size_t i = begin; i < end; ++i) {
    counters_.bytes += run.messages[i].oversized ? run.true_size : run.messages[i].size;
  }
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    if (choice.source != schema::none && choice.source != choices_[i].source) continue;
    if (choice.stream != schema::none && choice.stream != choices_[i].stream) continue;
    ingest_stream& stream = streams_[i];
    resolved_block& block = stream.resolve(run, begin, end);
    ingest_counters::of_stream& counted = counters_.streams[i];
    if (duplicates_[i]) {
      auto dropped = duplicates_[i]->drop(run, begin, block);
      if (!dropped) {
        out.failed = dropped.error();
        return;
      }
      counted.duplicate += *dropped;
    }
    counted.applied += block.kept_rows();
    counted.skipped += block.skipped;
    counted.dead_lettered += block.refusals.size();
    for (const refusal& why : block.refusals) {
      dead_letter(run, begin + why.message, stream.declared(), why, out);
    }
    for (std::size_t route = 0; route < block.routes.size(); ++route) {
      batcher_.add(stream.declared(), route, block, begin);
    }
  }
  batcher_.end_block(end, out.batches);
}

void ingest_core::dead_letter(const formats::message_run& run, std::size_t index,
                              const schema::stream& stream, const refusal& why,
                              ingest_output& out) {
  const formats::message_view& message = run.messages[index];
  storage::dead_letter letter;
  letter.partition = partition_;
  letter.at = message.sequence;
  letter.stream = stream.name;
  letter.phase = why.phase;
  letter.reason = why.reason;
  letter.message = why.text;
  letter.arrival = run.arrival.micros;
  if (const auto time = run.envelopes.time_of(index))
    letter.arrival = time->micros, letter.timed = true;
  if (const auto key = run.envelopes.key_of(index)) letter.key = std::string(*key);
  if (!run.envelopes.headers.empty()) {
    const auto& headers = run.envelopes.headers[index];
    letter.headers.assign(headers.begin(), headers.end());
  }
  letter.bytes = message.text().substr(0, dead_letter_bytes_max);
  letter.total_bytes = message.oversized ? run.true_size : message.size;
  out.dead_letters.push_back(std::move(letter));
  for (auto& reason : counters_.reasons) {
    if (reason.phase != why.phase || reason.reason != why.reason) continue;
    ++reason.count;
    return;
  }
  counters_.reasons.push_back({why.phase, std::string(why.reason), 1});
}

}  // namespace windrow::ingest
