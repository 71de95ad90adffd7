#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "base/group_commit.hpp"
#include "storage/journal/dead_letter_store.hpp"
#include "storage/journal/entry_log.hpp"
#include "storage/journal/producer_table.hpp"
#include "storage/journal/push.hpp"

namespace windrow::storage {

/// Stores pushes as entries. Threads that push at once share a commit, and so does whoever has
/// entries forgotten. Any thread.
/// Limits: stream names 1 to 4,096 bytes, media types 1 to 256; 8 MiB of pushes a commit, or one.
class push_queue {
public:
  push_queue(journal_file& file, entry_log& entries, producer_table& producers,
             dead_letter_store& dead_letters);

  /// Stores a push, durably when it returns; those that share a commit have the newest arrival
  /// among them. With a producer: what is at or below the producer's last sequence is not stored
  /// again; `conflict` where it is remembered with other content, `gap` where a sequence is left
  /// out, `invalid` for a bad name or sequence. A push that is refused leaves nothing behind, and
  /// does not concern the others.
  result<push_outcome> append(push what);
  /// Forgets the entries at or below `through`, in steps of a bounded size, each in a commit that
  /// it shares with pushes: trimming keeps none of them out.
  result<void> trim(sequence through);

private:
  /// One who waits for the next commit: with a push, or to have entries forgotten.
  struct waiting_push {
    const push* what = nullptr;  ///< null: `trim_through`
    sequence trim_through = 0;
    result<push_outcome> outcome = push_outcome{};
  };
  /// What a group changes in memory once it is committed.
  struct group_change {
    entry_log::change entries;
    std::int64_t arrival = 0;
    std::optional<dead_letter_ledger> ledger{};  ///< where there are dead letters
  };
  void join(waiting_push& one, std::size_t bytes);
  void commit(std::span<waiting_push* const> group);
  result<void> store(lmdb::write_transaction& txn, waiting_push& one, group_change& change);

  journal_file& file_;
  entry_log& entries_;
  producer_table& producers_;
  dead_letter_store& dead_letters_;
  group_commit<waiting_push> waiting_;
};

}  // namespace windrow::storage
