#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/fair_mutex.hpp"
#include "storage/lmdb/file_identity.hpp"
#include "storage/lmdb/lmdb.hpp"

namespace windrow::storage {

/// Of the name of a stream, in entries and in dead letters.
inline constexpr std::size_t stream_bytes_max = 4096;

enum class journal_table : std::size_t {
  identity,
  partitions,
  arrivals,
  dead_letters,
  dead_letter_counts,
  dead_letter_totals,
  removed_letters,
  entries,
  entries_state,
  producers,
  counters,
  skips,
};

/// The LMDB environment that the parts of a journal share: their tables, the seals on every value,
/// and whose turn it is to write. Any thread.
class journal_file {
public:
  static result<void> create(const std::string& directory, std::uint64_t map_bytes,
                             const store_identity& identity);
  /// Checks the identity, and every value of every table but the entries: a row is found by its
  /// key, and one with a damaged key is not there. (Entries are numbered.)
  static result<std::unique_ptr<journal_file>> open(const std::string& directory,
                                                    std::uint64_t map_bytes,
                                                    const store_identity& identity);

  /// Held by whoever writes, and while what a part keeps in memory is brought in step with it.
  fair_mutex& writing() noexcept { return writing_; }

  result<void> read(const std::function<result<void>(const lmdb::read_transaction&)>& body) {
    return file_->read(body);
  }
  /// With `writing()` held.
  result<void> write(const std::function<result<void>(lmdb::write_transaction&)>& body) {
    return file_->write(body);
  }
  lmdb::table_id id(journal_table which) const noexcept;

  void seal(journal_table in, bytes key, byte_buffer& value) const;
  /// A stored value without its seal, or `corrupt` with table and key.
  result<bytes> unseal(journal_table from, const lmdb::entry& stored) const;
  failure damaged(journal_table from, bytes key) const;
  /// Calls `visit` for each row at or after `first` with its value unsealed, until it gives false.
  using visitor = std::function<result<bool>(bytes key, bytes value)>;
  result<void> scan(const lmdb::transaction& txn, journal_table from, bytes first,
                    const visitor& visit) const;
  /// One unsealed value, or nothing.
  result<std::optional<bytes>> get(const lmdb::transaction& txn, journal_table from,
                                   bytes key) const;
  /// Seals and puts.
  result<void> put(lmdb::write_transaction& txn, journal_table in, bytes key,
                   byte_buffer& value) const;

  result<void> begin_session();
  result<lmdb::statistics> stats() { return file_->stats(); }
  const std::string& data_file() const noexcept { return file_->data_file(); }
  /// Reads everything and checks every checksum; the number of values read.
  result<std::uint64_t> verify();

private:
  journal_file(const store_identity& identity, std::unique_ptr<lmdb::environment> file)
      : identity_(identity), file_(std::move(file)) {}
  result<std::uint64_t> check_seals(const lmdb::read_transaction& txn, journal_table which) const;

  const store_identity identity_;
  std::unique_ptr<lmdb::environment> file_;
  fair_mutex writing_;
};

}  // namespace windrow::storage
