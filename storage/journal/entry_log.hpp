#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

#include "storage/journal/journal_file.hpp"
#include "storage/journal/push.hpp"

namespace windrow::storage {

struct journal_entry {
  sequence at = 0;
  push what;
  friend bool operator==(const journal_entry&, const journal_entry&) = default;
};

/// The entries of a journal, numbered from 1 without gaps: what was pushed and may have to be
/// applied. Reading is for any thread; writing is for those who make transactions (`push_queue`,
/// `dead_letter_removal`).
class entry_log {
public:
  explicit entry_log(journal_file& file) : file_(file) {}
  result<void> load(const lmdb::read_transaction& txn);

  /// Entries from `from` on: as many as fit in `max_bytes`, but at least one where there is one.
  /// `corrupt` where `from` was trimmed already or an entry is missing or damaged.
  result<std::vector<journal_entry>> read(sequence from, std::size_t max_bytes);
  /// The newest sequence ever given out; 0 before the first.
  sequence last() const;
  /// Everything at or below is gone.
  sequence trimmed() const;

  /// What a transaction adds and forgets. Begun with the file's `writing()` held, and kept until
  /// the transaction has committed.
  struct change {
    sequence next = 0;  ///< of the next entry
    sequence trimmed = 0;
    byte_buffer value{};
  };
  change begin() const;
  result<void> put(lmdb::write_transaction& txn, change& into, std::int64_t arrival,
                   std::string_view stream, std::string_view media_type, std::string_view payload);
  /// Forgets the entries at or below `through`.
  result<void> trim(lmdb::write_transaction& txn, change& into, sequence through);
  /// The change is durable.
  void committed(const change& done);

private:
  result<journal_entry> decode(bytes key, bytes value) const;
  failure missing(sequence at) const;

  journal_file& file_;
  /// Guards what follows; changing it needs the file's `writing()` as well.
  mutable std::mutex mutex_;
  sequence last_ = 0;
  sequence trimmed_ = 0;
};

}  // namespace windrow::storage
