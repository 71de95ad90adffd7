#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "formats/message_run.hpp"
#include "node/journal_input.hpp"
#include "node/node.hpp"
#include "storage/journal/journal.hpp"

namespace windrow::node {

/// Copies standard input into the journal on a thread of its own, because it cannot be read again:
/// what is there, a mebibyte at most, then a commit, then the acknowledgement.
///
/// A line is acknowledged once it is in the journal, whatever becomes of it then; one that is too
/// long for the journal once it is a dead letter, in the same transaction as its sequence.
class standard_input {
public:
  struct options {
    std::string source;
    standard_input_options lines;
    storage::journal* journal = nullptr;
    std::shared_ptr<journal_notifier> notifier;
    /// Entries that are journalled but not applied yet; the feed waits while there are many.
    std::function<std::uint64_t()> behind;
    /// The journal does not take any more.
    std::function<void(const failure&)> failed;
    /// Standard input cannot be read any more, says what its producer has not said before, or
    /// cannot be acknowledged.
    std::function<void(const failure&)> unreadable;
    /// A line became a dead letter without passing through the journal.
    std::function<void()> too_long;
    std::function<void()> ended;
  };
  explicit standard_input(options o);
  ~standard_input();

private:
  void feed();
  result<void> begin();
  /// What its producer is told first.
  result<void> greet();
  result<void> append(const formats::message_run& run);
  failure refused(const failure& why) const;
  failure ended_within_a_line() const;

  options options_;
  storage::partition_id partition_ = 0;  // of this run's standard input, for dead letters
  std::uint64_t lines_ = 0;              // of this run that are durable
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace windrow::node
