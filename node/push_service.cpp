#include "node/push_service.hpp"

#include <algorithm>

#include "actors/yield_hint.hpp"
#include "base/clock.hpp"
#include "node/current_plan.hpp"
#include "node/journal_input.hpp"
#include "node/run_state.hpp"
#include "node/shard_set.hpp"
#include "storage/journal/message_list.hpp"

namespace windrow::node {

namespace {

constexpr std::size_t push_bytes_max = std::size_t{64} << 20;

/// The messages as an entry holds them.
result<std::string> payload_of(std::span<const std::string_view> messages) {
  if (messages.empty()) return failure{errc::invalid, "a push without messages; give at least one"};
  if (messages.size() > entry_messages_max)
    return failure{errc::invalid, "a push of more than " + std::to_string(entry_messages_max) +
                                      " messages; send several"};
  std::size_t bytes = 4 * messages.size();
  for (const std::string_view m : messages) bytes += m.size();
  if (bytes > push_bytes_max)
    return failure{errc::invalid, "a push of " + std::to_string(bytes) + " bytes; one may have " +
                                      std::to_string(push_bytes_max) + ", send several"};
  std::string payload;
  payload.reserve(bytes);
  for (const std::string_view m : messages) storage::append_message(payload, m);
  return payload;
}

failure unknown_stream(const schema::plan& plan, std::string_view stream) {
  std::string names;
  for (const auto& s : plan.streams) names += (names.empty() ? "" : ", ") + s.name;
  return {errc::not_found, "there is no stream " + std::string(stream) + "; there are: " + names};
}

storage::sequence position_of_last(storage::journal& journal) {
  const storage::sequence last = journal.entries().last();
  return last == 0 ? 0 : after_entry(last);
}

}  // namespace

bool is_declared(const schema::plan& plan, std::string_view stream) {
  return std::any_of(plan.streams.begin(), plan.streams.end(),
                     [&](const auto& s) { return s.name == stream; });
}

push_service::push_service(parts p) : parts_(p), at_start_(position_of_last(p.journal)) {}

result<push_receipt> push_service::push(std::string_view stream,
                                        std::span<const std::string_view> messages,
                                        const push_options& options) {
  const auto call = parts_.state.calls().enter();
  if (auto open = parts_.state.takes_input(call); !open) return open.error();
  const auto plan = parts_.plan.get();
  if (!is_declared(*plan, stream)) return unknown_stream(*plan, stream);
  auto payload = payload_of(messages);
  if (!payload) return payload.error();
  storage::push push{stream_tag(stream), wall_clock(), *std::move(payload)};
  if (!options.producer.empty()) {
    push.producer = {options.producer,
                     options.sequence,
                     {{storage::content_hash(push.stream, push.payload), push.payload.size()}}};
  } else if (options.sequence != 0) {
    return failure{errc::invalid, "a push with the sequence " + std::to_string(options.sequence) +
                                      " but without a producer; name one, or leave both out"};
  }
  parts_.requests.notify_request();
  auto appended = parts_.journal.pushes().append(std::move(push));
  if (!appended) return parts_.state.not_journalled(appended.error());
  parts_.notifier.notify();
  return push_receipt{appended->entry, appended->duplicates > 0};
}

result<std::uint64_t> push_service::producer_sequence(std::string_view producer) {
  return parts_.journal.producers().last_sequence(producer);
}

// ---- what is applied ---------------------------------------------------------------------------

result<void> push_service::check_journal() const {
  if (parts_.shards.largest_position(parts_.partition) <= position_of_last(parts_.journal))
    return {};
  return failure{errc::corrupt,
                 parts_.journal.data_file() +
                     " lacks pushes that have been applied: it is damaged or older "
                     "than the shards. Restore the whole data folder from one copy."};
}

storage::sequence push_service::applied_position() const {
  return parts_.shards.resume_position(parts_.partition);
}

template <class GivenUp>
result<void> push_service::wait_for_all(GivenUp&& given_up) {
  const storage::sequence target = position_of_last(parts_.journal);
  if (target == 0) return {};
  bool applied = false;
  parts_.state.applied().wait([&] {
    applied = applied_position() >= target;
    return applied || parts_.state.failed() || given_up();
  });
  if (!applied) return parts_.state.closed();
  return {};
}

result<void> push_service::wait_applied() {
  const auto call = parts_.state.calls().enter();
  if (!call) return failure{errc::closed, "the node is closed"};
  return wait_for_all([this] { return parts_.state.calls().closed(); });
}

result<void> push_service::wait_applied_at_the_end() {
  return wait_for_all([] { return false; });
}

result<bool> push_service::wait_applied(std::uint64_t entry, std::chrono::milliseconds at_most) {
  const auto call = parts_.state.calls().enter();
  const storage::sequence target = after_entry(entry);
  bool applied = false;
  const bool over =
      parts_.state.applied().wait_until(std::chrono::steady_clock::now() + at_most, [&] {
        applied = applied_position() >= target;
        return applied || parts_.state.calls().closed() || !parts_.state.takes_input(call);
      });
  if (applied || !over) return applied;
  if (auto open = parts_.state.takes_input(call); !open) return open.error();
  return false;
}

bool push_service::all_applied() const {
  return applied_position() >= position_of_last(parts_.journal);
}

std::uint64_t push_service::waiting() const {
  const auto call = parts_.state.calls().enter();
  const std::uint64_t applied = entry_applied(applied_position());
  const std::uint64_t last = parts_.journal.entries().last();
  return last - std::min(applied, last);
}

bool push_service::caught_up() {
  if (caught_up_) return true;
  const auto call = parts_.state.calls().enter();
  if (!call) return false;
  if (applied_position() >= at_start_) caught_up_ = true;
  return caught_up_;
}

result<std::vector<storage::dead_letter>> push_service::dead_letters_of(std::uint64_t entry) {
  const auto call = parts_.state.calls().enter();
  if (auto flushed = parts_.journal.dead_letters().flush(); !flushed) return flushed.error();
  storage::dead_letter_filter filter;
  filter.partitions = {parts_.partition};
  filter.after = entry << entry_bits;
  filter.limit = entry_messages_max;
  auto found = parts_.journal.dead_letters().list(filter);
  if (!found) return found;
  std::erase_if(*found, [&](const storage::dead_letter& l) { return l.at >= after_entry(entry); });
  return found;
}

}  // namespace windrow::node
