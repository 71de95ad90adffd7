#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "formats/message_run.hpp"
#include "schema/plan/plan.hpp"
#include "sources/input.hpp"
#include "storage/journal/journal.hpp"

namespace windrow::node {

/// Sequences of the journal's messages: the entry's number times 2^20, plus the message's place in
/// it from 1, so that a batch may end inside an entry.
inline constexpr int entry_bits = 20;
inline constexpr std::uint64_t entry_messages_max = (std::uint64_t{1} << entry_bits) - 1;
/// The position at which an entry is wholly applied.
constexpr storage::sequence after_entry(storage::sequence entry) {
  return (entry + 1) << entry_bits;
}
/// The last entry that is wholly applied at a position.
constexpr storage::sequence entry_applied(storage::sequence position) {
  return position >> entry_bits == 0 ? 0 : (position >> entry_bits) - 1;
}

/// Wakes the journal's input when there is more.
class journal_notifier {
public:
  void notify();
  /// Waits for `notify`, a few milliseconds at most, and says whether it was called. A call since
  /// the last wait counts, so look whether there is more afterwards, and wait again if there is
  /// not.
  bool wait();

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool notified_ = false;
};

/// What an entry's stream name says: `stream:NAME` (a push, dead letters once more) or
/// `source:NAME` (standard input).
std::string stream_tag(std::string_view stream);
std::string source_tag(std::string_view source);

/// The journal as an input: whatever was pushed and is not applied yet, then what comes. It never
/// ends: a push may come while everything else has ended.
class journal_input final : public sources::input {
public:
  journal_input(schema::plan_ptr plan, storage::journal& journal, storage::partition_id partition,
                storage::sequence position, std::shared_ptr<journal_notifier> notifier)
      : plan_(std::move(plan)),
        journal_(journal),
        partition_(partition),
        position_(position),
        notifier_(std::move(notifier)) {}

  result<sources::source_step> next() override;

private:
  struct gathered;
  result<sources::source_step> choose(const storage::push& entry) const;
  result<bool> gather(const storage::journal_entry& entry, gathered& into) const;

  schema::plan_ptr plan_;
  storage::journal& journal_;
  storage::partition_id partition_;
  storage::sequence position_;
  std::shared_ptr<journal_notifier> notifier_;
};

}  // namespace windrow::node
