#include <algorithm>

#include "node/node_impl.hpp"
#include "storage/journal/message_list.hpp"

/// What is pushed to a node: messages, and dead letters again.
namespace windrow::node {

namespace {

constexpr std::size_t push_bytes_max = std::size_t{64} << 20;

bool is_declared(const schema::plan& plan, std::string_view stream) {
  return std::any_of(plan.streams.begin(), plan.streams.end(),
                     [&](const auto& s) { return s.name == stream; });
}

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

}  // namespace

result<void> node::impl::takes_pushes(const call_gate::pass& call) {
  if (options.read_only || !call) return node_closed(std::nullopt);
  std::lock_guard lock(mutex);
  if (progress.failed) return node_closed(progress.failed);
  return {};
}

failure node::impl::not_journalled(const failure& why) {
  if (why.code == errc::io) fail(why);
  return why;
}

result<push_receipt> node::push(std::string_view stream, std::span<const std::string_view> messages,
                                const push_options& options) {
  impl& i = *impl_;
  const auto call = i.calls.enter();
  if (auto open = i.takes_pushes(call); !open) return open.error();
  if (!is_declared(*i.plan, stream)) {
    std::string names;
    for (const auto& s : i.plan->streams) names += (names.empty() ? "" : ", ") + s.name;
    return failure{errc::not_found,
                   "there is no stream " + std::string(stream) + "; there are: " + names};
  }
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
  i.questions->notify_request();
  auto appended = i.journal->pushes().append(std::move(push));
  if (!appended) return i.not_journalled(appended.error());
  i.bell->ring();
  return push_receipt{appended->entry, appended->duplicates > 0};
}

result<bool> node::settle(std::uint64_t entry, std::chrono::milliseconds at_most) {
  impl& i = *impl_;
  const auto call = i.calls.enter();
  const auto end = std::chrono::steady_clock::now() + at_most;
  while (i.smallest_position(i.journal_partition) < after_entry(entry)) {
    if (auto open = i.takes_pushes(call); !open) return open.error();
    if (i.calls.closed() || std::chrono::steady_clock::now() >= end) return false;
    std::unique_lock lock(i.mutex);
    i.changed.wait_for(lock, std::chrono::milliseconds(1));
  }
  return true;
}

std::uint64_t node::pushes_waiting() {
  impl& i = *impl_;
  const auto call = i.calls.enter();
  const std::uint64_t applied = entry_applied(i.smallest_position(i.journal_partition));
  const std::uint64_t last = i.journal->entries().last();
  return last - std::min(applied, last);
}

bool node::caught_up() {
  impl& i = *impl_;
  if (i.caught_up) return true;
  const auto call = i.calls.enter();
  if (!call) return false;
  if (i.smallest_position(i.journal_partition) >= i.journal_at_start) i.caught_up = true;
  return i.caught_up;
}

result<std::vector<storage::dead_letter>> node::dead_letters_of(std::uint64_t entry) {
  const auto call = impl_->calls.enter();
  storage::journal& journal = *impl_->journal;
  if (auto flushed = journal.letters().flush(); !flushed) return flushed.error();
  storage::dead_letter_filter filter;
  filter.partitions = {impl_->journal_partition};
  filter.after = entry << entry_bits;
  filter.through = after_entry(entry) - 1;
  filter.limit = entry_messages_max;
  return journal.letters().list(filter);
}

result<storage::replay_outcome> node::replay_dead_letters(
    const storage::dead_letter_filter& filter) {
  impl& i = *impl_;
  const auto call = i.calls.enter();
  if (auto open = i.takes_pushes(call); !open) return open.error();
  auto replayed = i.journal->removal().replay(
      filter, wall_clock(), [&](const std::string& stream) -> std::optional<std::string> {
        if (!is_declared(*i.plan, stream)) return std::nullopt;
        return stream_tag(stream);
      });
  if (!replayed) return i.not_journalled(replayed.error());
  i.bell->ring();
  return replayed;
}

result<std::uint64_t> node::drop_dead_letters(const storage::dead_letter_filter& filter) {
  const auto call = impl_->calls.enter();
  if (auto open = impl_->takes_pushes(call); !open) return open.error();
  return impl_->journal->removal().drop(filter);
}

}  // namespace windrow::node
