#include "ingest/stream.hpp"

#include <algorithm>
#include <utility>

#include "ingest/columns.hpp"
#include "schema/catalog/key.hpp"
#include "schema/expression/program.hpp"
#include "windrow/time.hpp"

namespace windrow::ingest {

namespace {

using schema::column;
using schema::none;
using schema::value_kind;

const schema::route& route_of(const schema::plan& plan, const schema::stream& stream,
                              std::size_t index) {
  return plan.routes[at(stream.routes[index])];
}

/// Outputs that something reads. Key outputs and required ones count too.
std::vector<bool> used_outputs(const schema::plan& plan, const schema::stream& stream) {
  std::vector<bool> used(stream.resolve->output_count(), false);
  if (stream.parse_output != none) used[at(stream.parse_output)] = true;
  if (stream.time_output != none) used[at(stream.time_output)] = true;
  if (stream.deduplication.output != none) used[at(stream.deduplication.output)] = true;
  for (const auto& required : stream.required) used[at(required.output)] = true;
  for (const int index : stream.routes) {
    const schema::route& route = plan.routes[at(index)];
    for (const int output : route.key) used[at(output)] = true;
    for (const int output : route.columns) used[at(output)] = true;
  }
  return used;
}

/// Fields that must become columns: those that an output repeats, or all where an output is
/// computed, because a program does not say what it reads.
std::vector<bool> used_fields(const schema::stream& stream, const std::vector<bool>& outputs) {
  std::vector<bool> used(stream.message.size(), false);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i]) continue;
    const int input = stream.resolve->passthrough(i);
    if (input < 0) return std::vector<bool>(stream.message.size(), true);
    if (at(input) < used.size()) used[at(input)] = true;
  }
  return used;
}

std::int64_t add_capped(std::int64_t a, std::int64_t b) noexcept {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return b > 0 ? INT64_MAX : INT64_MIN;
  return sum;
}

std::optional<std::string_view> header(const formats::run_envelopes& envelopes, std::size_t message,
                                       std::string_view name) {
  if (envelopes.headers.empty()) return std::nullopt;
  for (const auto& [key, text] : envelopes.headers[message]) {
    if (key == name) return text;
  }
  return std::nullopt;
}

/// When a message arrived: as its log says, else when its run did.
std::int64_t arrival_of(const formats::message_run& run, std::size_t message) noexcept {
  return run.envelopes.times.empty() ? run.arrival.micros : run.envelopes.times[message].micros;
}

}  // namespace

ingest_stream::ingest_stream(schema::plan_ptr plan, int stream)
    : plan_(std::move(plan)),
      stream_(plan_->streams[at(stream)]),
      source_(plan_->sources[at(stream_.source)]),
      used_outputs_(used_outputs(*plan_, stream_)),
      used_fields_(used_fields(stream_, used_outputs_)),
      decoder_(formats::make_decoder(stream_, used_fields_)),
      routes_(stream_.routes.size()) {
  block_.outputs.resize(used_outputs_.size());
  block_.routes.resize(routes_.size());
  envelope_.resize(stream_.envelope.size());
  for (std::size_t i = 0; i < envelope_.size(); ++i) {
    const bool time = stream_.envelope[i] == "message_time";
    envelope_[i].type = {time ? value_kind::datetime : value_kind::text, true, nullptr};
  }
}

resolved_block& ingest_stream::resolve(const formats::message_run& run, std::size_t begin,
                                       std::size_t end) {
  decoder_->decode(std::span(run.messages).subspan(begin, end - begin), decoded_);
  block_.rows = decoded_.rows();
  block_.messages = decoded_.messages.data();
  block_.all_kept = true;
  block_.refusals.clear();
  block_.skipped = 0;
  dropped_.clear();
  for (auto& error : decoded_.errors) {
    block_.refusals.push_back({error.message, "parse", error.reason, std::move(error.text)});
  }
  fill_envelope(run, begin);
  compute_outputs();
  skip_unparsed();
  refuse_nulls();
  find_times(run, begin);
  check_times(run, begin);
  for (std::size_t i = 0; i < routes_.size(); ++i) make_keys(i);
  collect_kept();
  return block_;
}

void ingest_stream::fill_envelope(const formats::message_run& run, std::size_t begin) {
  for (std::size_t i = 0; i < envelope_.size(); ++i) {
    constexpr std::string_view header_prefix = "message_headers.";
    const std::string& name = stream_.envelope[i];
    column& to = envelope_[i];
    to.clear();
    to.valid.assign(block_.rows, 0);
    const bool is_time = to.type.kind == value_kind::datetime;
    if (is_time)
      to.ints.resize(block_.rows);
    else
      to.texts.resize(block_.rows);
    for (std::size_t row = 0; row < block_.rows; ++row) {
      const std::size_t message = begin + block_.messages[row];
      if (is_time) {
        const auto time = run.envelopes.time_of(message);
        to.valid[row] = time.has_value();
        if (time) to.ints[row] = time->micros;
        continue;
      }
      const auto text =
          name == "message_key"
              ? run.envelopes.key_of(message)
              : header(run.envelopes, message, std::string_view(name).substr(header_prefix.size()));
      to.valid[row] = text.has_value();
      if (text) to.texts[row] = *text;
    }
  }
}

void ingest_stream::compute_outputs() {
  inputs_.clear();
  for (const column& field : decoded_.columns) inputs_.push_back(&field);
  for (const column& field : envelope_) inputs_.push_back(&field);
  stream_.resolve->begin_run(inputs_, block_.rows, scratch_);
  for (std::size_t i = 0; i < used_outputs_.size(); ++i) {
    block_.outputs[i] = used_outputs_[i] ? &stream_.resolve->output(i, scratch_) : nullptr;
  }
}

bool ingest_stream::drop(std::uint32_t row) {
  if (dropped_.empty()) dropped_.assign(block_.rows, 0);
  return std::exchange(dropped_[row], 1) == 0;
}

void ingest_stream::refuse(std::uint32_t row, const char* phase, std::string_view reason,
                           std::string text) {
  if (drop(row)) {
    block_.refusals.push_back({block_.messages[row], phase, reason, std::move(text)});
  }
}

void ingest_stream::skip_unparsed() {
  if (stream_.parse_output == none) return;
  const column& parsed = *block_.outputs[at(stream_.parse_output)];
  if (parsed.valid.empty()) return;
  for (std::uint32_t row = 0; row < block_.rows; ++row) {
    if (parsed.valid[row] == 0 && drop(row)) ++block_.skipped;
  }
}

void ingest_stream::refuse_nulls() {
  for (const auto& required : stream_.required) {
    const column& values = *block_.outputs[at(required.output)];
    if (values.valid.empty()) continue;
    for (std::uint32_t row = 0; row < block_.rows; ++row) {
      if (values.valid[row] != 0) continue;
      refuse(row, "resolve", "null",
             "'" + required.feature + "' may not be null, but its expression gives null.");
    }
  }
}

void ingest_stream::find_times(const formats::message_run& run, std::size_t begin) {
  if (stream_.time_output == none) {
    times_.resize(block_.rows);
    for (std::size_t row = 0; row < block_.rows; ++row) {
      times_[row] = arrival_of(run, begin + block_.messages[row]);
    }
    block_.times = times_.data();
    return;
  }
  const column& times = *block_.outputs[at(stream_.time_output)];
  block_.times = times.ints.data();
  if (times.valid.empty()) return;
  // The items of null rows are unspecified: give them a time that passes the checks.
  times_.assign(times.ints.begin(), times.ints.end());
  for (std::uint32_t row = 0; row < block_.rows; ++row) {
    if (times.valid[row] != 0) continue;
    times_[row] = run.arrival.micros;
    refuse(row, "time", "missing", "The message has no event time.");
  }
  block_.times = times_.data();
}

void ingest_stream::check_times(const formats::message_run& run, std::size_t begin) {
  if (run.envelopes.times.empty()) {
    std::int64_t earliest = INT64_MAX;
    std::int64_t latest = INT64_MIN;
    for (std::size_t row = 0; row < block_.rows; ++row) {
      earliest = std::min(earliest, block_.times[row]);
      latest = std::max(latest, block_.times[row]);
    }
    const std::int64_t arrival = run.arrival.micros;
    const bool late = source_.late_arrival_deadline >= 0 &&
                      earliest < add_capped(arrival, -source_.late_arrival_deadline);
    if (earliest >= time_min && latest <= time_max && !late &&
        latest <= add_capped(arrival, source_.max_future_skew)) {
      return;
    }
  } else if (all_in_time(run, begin)) {
    return;
  }
  for (std::uint32_t row = 0; row < block_.rows; ++row) {
    const std::int64_t arrival = arrival_of(run, begin + block_.messages[row]);
    check_time(row, arrival, run.replayed ? run.arrival.micros : arrival);
  }
}

/// Whether no row's time is refused, where each message has an arrival of its own.
bool ingest_stream::all_in_time(const formats::message_run& run, std::size_t begin) const {
  const timestamp* const arrivals = run.envelopes.times.data() + begin;
  const std::int64_t ahead = source_.max_future_skew;
  const bool bounded = source_.late_arrival_deadline >= 0;
  const std::int64_t behind = bounded ? source_.late_arrival_deadline : 0;
  bool refused = false;
  for (std::size_t row = 0; row < block_.rows; ++row) {
    const std::int64_t time = block_.times[row];
    const std::int64_t arrival = arrivals[block_.messages[row]].micros;
    const std::int64_t latest = run.replayed ? run.arrival.micros : arrival;
    refused |= time < time_min || time > time_max || time > add_capped(latest, ahead) ||
               (bounded && time < add_capped(arrival, -behind));
  }
  return !refused;
}

void ingest_stream::check_time(std::uint32_t row, std::int64_t arrival, std::int64_t replayed) {
  const std::int64_t time = block_.times[row];
  const auto said = [&] { return "The event time " + format_time(timestamp{time}); };
  if (time < time_min || time > time_max) {
    refuse(row, "time", "range", "The event time is not within the years 1 to 9999.");
  } else if (time > add_capped(replayed, source_.max_future_skew)) {
    refuse(row, "time", "future",
           said() + " is more than " + format_duration(source_.max_future_skew) +
               " after the arrival, " + format_time(timestamp{replayed}) + ".");
  } else if (source_.late_arrival_deadline >= 0 &&
             time < add_capped(arrival, -source_.late_arrival_deadline)) {
    refuse(row, "time", "late_arrival",
           said() + " is more than " + format_duration(source_.late_arrival_deadline) +
               " before the arrival, " + format_time(timestamp{arrival}) + ".");
  }
}

void ingest_stream::make_keys(std::size_t index) {
  const schema::route& route = route_of(*plan_, stream_, index);
  route_state& state = routes_[index];
  route_keys& keys = block_.routes[index];
  state.parts.clear();
  for (const int output : route.key) state.parts.push_back(block_.outputs[at(output)]);
  if (state.parts.size() == 1 && state.parts[0]->type.kind == value_kind::text) {
    const column& text = *state.parts[0];
    keys = {text.texts.data(), text.valid.empty() ? nullptr : text.valid.data()};
    return check_keys(index);
  }
  state.bytes.clear();
  state.ends.resize(block_.rows);
  state.present.resize(block_.rows);
  bool all = true;
  for (std::size_t row = 0; row < block_.rows; ++row) {
    const bool present = schema::append_key(state.bytes, state.parts, row);
    state.present[row] = present;
    all = all && present;
    state.ends[row] = static_cast<std::uint32_t>(state.bytes.size());
  }
  state.keys.resize(block_.rows);
  std::uint32_t from = 0;
  for (std::size_t row = 0; row < block_.rows; ++row) {
    state.keys[row] = {state.bytes.data() + from, state.ends[row] - from};
    from = state.ends[row];
  }
  keys = {state.keys.data(), all ? nullptr : state.present.data()};
  check_keys(index);
}

void ingest_stream::check_keys(std::size_t index) {
  const route_keys& keys = block_.routes[index];
  std::size_t longest = 0;
  for (std::size_t row = 0; row < block_.rows; ++row) {
    longest = std::max(longest, keys.keys[row].size());
  }
  if (longest <= storage::key_bytes_max) return;
  const schema::route& route = route_of(*plan_, stream_, index);
  for (std::uint32_t row = 0; row < block_.rows; ++row) {
    if (keys.present != nullptr && keys.present[row] == 0) continue;
    if (keys.keys[row].size() <= storage::key_bytes_max) continue;
    refuse(row, "resolve", "key_too_long",
           "The key of " + plan_->key_spaces[at(route.key_space)].name + " has " +
               std::to_string(keys.keys[row].size()) + " bytes; " +
               std::to_string(storage::key_bytes_max) + " are allowed.");
  }
}

void ingest_stream::collect_kept() {
  block_.kept.clear();
  if (dropped_.empty()) return;
  block_.all_kept = false;
  for (std::uint32_t row = 0; row < block_.rows; ++row) {
    if (dropped_[row] == 0) block_.kept.push_back(row);
  }
}

}  // namespace windrow::ingest
