#pragma once

#include <string_view>

#include "storage/journal/journal_file.hpp"
#include "storage/journal/producer_state.hpp"

namespace windrow::storage {

/// How far each producer has pushed: written in the transaction of what it pushed, never trimmed.
class producer_table {
public:
  explicit producer_table(journal_file& file) : file_(file) {}

  /// The newest sequence taken of a producer; 0 if there is none. `invalid` for a bad name.
  result<sequence> last_sequence(std::string_view producer);
  /// An unknown producer is one that has pushed nothing.
  result<producer_state> find(const lmdb::transaction& txn, std::string_view name) const;
  result<void> put(lmdb::write_transaction& txn, std::string_view name,
                   const producer_state& state) const;

private:
  journal_file& file_;
};

}  // namespace windrow::storage
