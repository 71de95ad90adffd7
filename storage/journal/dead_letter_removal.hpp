#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "storage/journal/dead_letter_store.hpp"
#include "storage/journal/entry_log.hpp"

namespace windrow::storage {

struct replay_outcome {
  std::uint64_t replayed = 0;
  std::uint64_t cut = 0;         ///< left where they are: only their beginning was kept
  std::uint64_t undeclared = 0;  ///< left where they are: nothing takes messages of their stream
  friend bool operator==(const replay_outcome&, const replay_outcome&) = default;
};

/// Dead letters that leave on request: dropped, or replayed as entries. They stay counted, and do
/// not come back: where a source is read again from before them, staging them does nothing. So
/// their keys are remembered until no source can bring them again.
///
/// Any thread. Works in steps of a bounded size, each a transaction: pushes wait for one.
class dead_letter_removal {
public:
  dead_letter_removal(journal_file& file, const partition_table& partitions,
                      dead_letter_store& dead_letters, entry_log& entries)
      : file_(file), partitions_(partitions), dead_letters_(dead_letters), entries_(entries) {}

  /// Forgets the dead letters that pass the filter; how many there were.
  result<std::uint64_t> drop(const dead_letter_filter& filter);
  /// What an entry of a dead letter's stream is called; nothing if no such stream takes
  /// messages.
  using entry_stream = std::function<std::optional<std::string>(const std::string& stream)>;
  /// Appends the messages of the dead letters that pass the filter as entries that arrive at
  /// `arrival` (with the envelopes that they had), each in the transaction that removes its dead
  /// letter: after any crash it is one or the other. A message that fails again is a new dead
  /// letter. Dead letters that come while this works are left alone.
  result<replay_outcome> replay(const dead_letter_filter& filter, std::int64_t arrival,
                                const entry_stream& stream_of);
  /// Every shard has on disk what lies at or below `through`, so that it will not be read again:
  /// what was remembered of removed dead letters is not needed any longer.
  result<void> forget_removed(partition_id id, sequence through);

private:
  /// An entry is of one stream and media type, and of messages with an envelope, which come first,
  /// or of those without.
  struct entry_name {
    std::string stream;
    std::string media_type;
    bool bare = false;
    friend auto operator<=>(const entry_name&, const entry_name&) = default;
  };
  /// What to do with dead letters that are about to leave.
  struct plan {
    /// Sees each; false keeps it. May change the account's totals.
    std::function<bool(dead_letter&, dead_letter_ledger::account&)> leaves;
    std::int64_t arrival = 0;
    std::map<entry_name, std::string> entries{};  ///< to append: payloads
  };
  result<void> remove(const dead_letter_filter& filter, plan& how);
  result<void> remove_step(std::span<const dead_letter_key> keys, plan& how);
  result<void> remove_one(lmdb::write_transaction& txn, const dead_letter_key& key, plan& how,
                          dead_letter_ledger& ledger);
  result<bool> forget_step(partition_id id, sequence through);
  bool is_read_again(partition_id id) const;

  journal_file& file_;
  const partition_table& partitions_;
  dead_letter_store& dead_letters_;
  entry_log& entries_;
};

}  // namespace windrow::storage
