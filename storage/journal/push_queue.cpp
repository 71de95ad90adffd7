#include "storage/journal/push_queue.hpp"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "base/fault_injection.hpp"
#include "base/low_latency_thread.hpp"

namespace windrow::storage {

namespace {

constexpr std::size_t group_bytes_max = 8 << 20;
constexpr std::size_t media_type_bytes_max = 256;
constexpr sequence trim_step_entries = 128;

}  // namespace

push_queue::push_queue(journal_file& file, entry_log& entries, producer_table& producers,
                       dead_letter_store& dead_letters)
    : file_(file),
      entries_(entries),
      producers_(producers),
      dead_letters_(dead_letters),
      waiting_(group_bytes_max, [this](std::span<waiting_push* const> group) { commit(group); }) {}

result<push_outcome> push_queue::append(push what) {
  if (what.stream.empty() || what.stream.size() > stream_bytes_max)
    return failure{errc::invalid, "The name of a stream has 1 to 4096 bytes."};
  if (what.media_type.empty() || what.media_type.size() > media_type_bytes_max)
    return failure{errc::invalid, "A media type has 1 to 256 bytes."};
  if (what.producer)
    if (auto well = check_producer(*what.producer); !well) return well.error();
  if (fault_injected(failpoint::acknowledged_early)) {
    static std::optional<push> held;
    auto earlier = std::exchange(held, std::move(what));
    if (!earlier) return push_outcome{entries_.last() + 1};
    what = *std::move(earlier);
  }
  waiting_push one{&what};
  join(one, what.payload.size());
  return std::move(one.outcome);
}

void push_queue::join(waiting_push& one, std::size_t bytes) {
  const low_latency_thread soon;
  waiting_.join(one, bytes);
}

/// Does what the group's members wait for, in one transaction, and tells each what became of it.
void push_queue::commit(std::span<waiting_push* const> group) {
  const std::lock_guard order(file_.writing());
  group_change change{entries_.begin(), std::numeric_limits<std::int64_t>::min()};
  for (const waiting_push* one : group) {
    if (!one->what) continue;
    change.arrival = std::max(change.arrival, one->what->arrival);
    if (!one->what->dead_letters.empty() && !change.ledger) change.ledger = dead_letters_.begin();
  }
  auto written = file_.write([&](lmdb::write_transaction& txn) -> result<void> {
    for (waiting_push* one : group) {
      auto done = one->what ? store(txn, *one, change)
                            : entries_.trim(txn, change.entries, one->trim_through);
      if (!done) return done;
    }
    return change.ledger ? dead_letters_.finish(txn, *change.ledger) : result<void>{};
  });
  if (!written) {
    for (waiting_push* one : group) one->outcome = written.error();
    return;
  }
  entries_.committed(change.entries);
  if (change.ledger) dead_letters_.committed(*std::move(change.ledger));
}

/// Fails where storage does. That this push is refused is its outcome, and leaves nothing behind.
result<void> push_queue::store(lmdb::write_transaction& txn, waiting_push& one,
                               group_change& change) {
  const push& what = *one.what;
  producer_state state;
  push_outcome outcome;
  std::string_view payload = what.payload;
  if (what.producer && !fault_injected(failpoint::producer_ignored)) {
    auto found = producers_.find(txn, what.producer->name);
    if (!found) return found.error();
    state = std::move(*found);
    auto checked = state.check(*what.producer);
    if (checked) outcome = *checked;
    const std::size_t before = outcome.duplicates;
    if (!checked || before == what.producer->units.size()) {
      one.outcome = std::move(checked);
      return {};
    }
    if (before > 0) payload.remove_prefix(what.producer->units[before - 1].end);
  }
  outcome.entry = payload.empty() ? 0 : change.entries.next;
  if (!payload.empty()) {
    auto done =
        entries_.put(txn, change.entries, change.arrival, what.stream, what.media_type, payload);
    if (!done) return done;
  }
  if (!what.dead_letters.empty()) {
    std::vector<dead_letter_store::staged_dead_letter> dead_letters;
    for (const dead_letter& letter : what.dead_letters)
      dead_letters.push_back({dead_letter_key::of(letter), letter});
    if (auto done = dead_letters_.put(txn, *change.ledger, dead_letters); !done) return done;
  }
  if (what.producer) {
    state.take(*what.producer, outcome);
    if (auto put = producers_.put(txn, what.producer->name, state); !put) return put;
  }
  one.outcome = outcome;
  return {};
}

result<void> push_queue::trim(sequence through) {
  const sequence last = entries_.last();
  through = fault_injected(failpoint::trimmed_too_far) ? last : std::min(through, last);
  while (entries_.trimmed() < through) {
    waiting_push one;
    one.trim_through = std::min(through, entries_.trimmed() + trim_step_entries);
    join(one, 0);
    if (!one.outcome) return one.outcome.error();
  }
  return {};
}

}  // namespace windrow::storage
