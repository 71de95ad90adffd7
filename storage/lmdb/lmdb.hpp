#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "windrow/result.hpp"

struct MDB_env;
struct MDB_txn;
struct MDB_cursor;
struct MDB_stat;

/// The one place that speaks to LMDB. The rules it keeps, so that nobody else needs to know them:
/// default sync mode (a commit that returned is on disk), MDB_NOTLS, no WRITEMAP, no DUPSORT; each
/// file is opened once per process; a write transaction begins and ends in one call; damage that
/// LMDB would answer with a signal is looked for before it maps the file.
namespace windrow::storage::lmdb {

inline constexpr std::size_t max_key_bytes = 511;
/// Address space, not disk: the file grows as it is used. A thousand gibibytes.
inline constexpr std::uint64_t default_map_bytes = std::uint64_t{1} << 40;

/// A table of one environment; from `environment::table`.
enum class table_id : unsigned {};

struct environment_options {
  std::string directory;            ///< holds `data.mdb` and `lock.mdb`
  std::vector<std::string> tables;  ///< all of them, always in the same order
  std::uint64_t map_bytes = default_map_bytes;
};

struct table_statistics {
  std::string name;
  std::uint64_t entries = 0;
  std::uint64_t pages = 0;
};

struct statistics {
  std::uint64_t file_bytes = 0;
  std::uint64_t used_bytes = 0;  ///< pages that were ever used; `free_bytes` of them are free
  std::uint64_t free_bytes = 0;
  std::uint64_t map_bytes = 0;
  std::uint64_t transaction = 0;  ///< number of the last committed one
  std::vector<table_statistics> tables;
};

/// A key and its value. Both point into the map and die with their transaction, or with the next
/// write in it.
struct entry {
  bytes key;
  bytes value;
};

/// Sees one entry; false ends the scan, a failure ends it and is what the scan returns.
using visitor = std::function<result<bool>(const entry&)>;

class environment;

/// What a transaction can read. Keys must have 1 to 511 bytes, else `invalid`.
class transaction {
public:
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;

  /// The environment's table of that index.
  table_id table(std::size_t index) const noexcept;

  result<std::optional<bytes>> get(table_id table, bytes key) const;
  /// The first entry at or after `key`.
  result<std::optional<entry>> seek(table_id table, bytes key) const;
  result<std::optional<entry>> last(table_id table) const;
  /// Entries with from <= key < to in order; an empty `from` is the start, an empty `to` the end.
  /// `visit` must not write to the table.
  result<void> scan(table_id table, bytes from, bytes to, const visitor& visit) const;

protected:
  transaction(environment& owner, MDB_txn* txn) : owner_(&owner), txn_(txn) {}
  ~transaction() = default;

  environment* owner_;
  MDB_txn* txn_;
};

/// A consistent view of the last commit. For one thread at a time; must not outlive its
/// environment. While active it pins pages and the file grows: keep it for one call or one batch.
class read_transaction : public transaction {
public:
  /// Starts released.
  explicit read_transaction(environment& owner) : transaction(owner, nullptr) {}
  ~read_transaction();

  /// Moves on to the last commit. Cheap (0.1 us) after the first time.
  result<void> renew();
  /// Lets go of the view and keeps the place in the reader table.
  void release() noexcept;
  bool active() const noexcept { return active_; }
  std::uint64_t number() const noexcept;

private:
  friend class environment;
  int count(table_id table, MDB_stat& into) const noexcept;

  bool active_ = false;
};

/// Lives inside one `environment::write` only. Neighbouring keys in order are fastest.
class write_transaction : public transaction {
public:
  ~write_transaction() = default;

  result<void> put(table_id table, bytes key, bytes value);
  /// False, and nothing written, where the key exists.
  result<bool> insert(table_id table, bytes key, bytes value);
  /// Requires a key above all others in the table; a failure where it is not.
  result<void> append(table_id table, bytes key, bytes value);
  /// False if there is no such key.
  result<bool> erase(table_id table, bytes key);
  /// What `get` gives, faster where writes go to neighbouring keys.
  result<std::optional<bytes>> find(table_id table, bytes key);

private:
  friend class environment;
  write_transaction(environment& owner, MDB_txn* txn) : transaction(owner, txn) {}
  result<MDB_cursor*> cursor(table_id table);
  result<bool> put(table_id table, bytes key, bytes value, unsigned flags);
  failure fail(int code);

  std::vector<std::pair<table_id, MDB_cursor*>> cursors_;
};

using write_body = std::function<result<void>(write_transaction&)>;

/// One LMDB environment with its tables. Any thread may call anything here; writers wait for each
/// other. Every failure names the file and what to do.
///
/// A commit that the disk refused (full, I/O error) ends writing: every later write returns `io`
/// with the first reason, until the environment is closed and opened again. Reading goes on.
class environment {
public:
  /// Makes the directory's data file with empty tables and what `fill` writes, in one transaction,
  /// durable when it returns. The directory must exist and must not hold a data file.
  static result<std::unique_ptr<environment>> create(environment_options options,
                                                     const write_body& fill);
  /// `corrupt` where the data file is missing, empty, foreign, cut short or lacks a table; `busy`
  /// where this process has it open already.
  static result<std::unique_ptr<environment>> open(environment_options options);
  ~environment();
  environment(const environment&) = delete;
  environment& operator=(const environment&) = delete;

  table_id table(std::size_t index) const noexcept { return tables_[index]; }
  const std::string& data_file() const noexcept { return data_file_; }

  /// Runs `body` in one transaction. Commits, durably, if it succeeds; otherwise nothing of it
  /// remains and its failure is returned.
  result<void> write(const write_body& body);
  /// Runs `body` on the last commit.
  result<void> read(const std::function<result<void>(const read_transaction&)>& body);

  result<statistics> stats();
  /// Reads the structure of the whole file without LMDB: see `check_pages`.
  result<void> check_structure();

private:
  friend class transaction;
  friend class read_transaction;
  friend class write_transaction;
  class claim;

  environment(environment_options options, std::unique_ptr<claim> ours);
  result<void> start(bool creating, const write_body* fill);
  result<void> open_tables(MDB_txn* txn, bool creating);
  failure describe(int code, const char* doing) const;
  failure fail_writes(failure why);
  result<void> check_key(bytes key) const;
  void keep_file_whole() noexcept;

  environment_options options_;
  std::string data_file_;
  std::unique_ptr<claim> claim_;
  MDB_env* env_ = nullptr;
  int data_fd_ = -1;
  std::vector<table_id> tables_;
  std::mutex write_mutex_;
  std::atomic<bool> writes_failed_{false};
  std::mutex failure_mutex_;
  failure first_failure_;
};

}  // namespace windrow::storage::lmdb
