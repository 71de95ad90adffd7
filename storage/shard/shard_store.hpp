#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "storage/batch.hpp"
#include "storage/lmdb/file_identity.hpp"
#include "storage/lmdb/lmdb.hpp"
#include "storage/record/record_key.hpp"
#include "storage/shard/stripe_digest.hpp"

namespace windrow::storage {

/// One change of one record. The value is opaque here and checksummed by who made it.
struct put {
  record_key key{};
  bytes value;
  bool erase = false;
};
struct stripe_put {
  std::uint16_t stripe = 0;
  bytes value;
};
/// One row of the table of record layouts (layout_table.hpp): opaque here, sealed by the store.
struct layout_put {
  std::uint32_t number = 0;
  bytes value;
};
struct stripe_value {
  std::uint16_t stripe = 0;
  byte_buffer value;
};

/// The LMDB file of one shard: records, stripes and record layouts, and nothing about what they
/// mean.
///
/// Of each stripe it keeps what the stripe's records add up to (`stripe_digest`), in the same
/// transaction: a record that is gone from a damaged file is noticed and not taken for one that
/// never was.
///
/// Concurrency: `commit` may be called by any thread, one at a time; each `reader` belongs to one
/// thread; readers and a commit do not wait for each other.
class shard_store {
public:
  struct options {
    std::string directory;
    store_identity identity;
    std::uint64_t map_bytes = lmdb::default_map_bytes;
  };

  /// Makes an empty store in an existing, empty directory; durable when it returns.
  static result<void> create(const options& o);
  /// `corrupt` where the file is missing, empty, cut short, foreign or another shard's; the
  /// message names the file and what was found.
  static result<std::unique_ptr<shard_store>> open(const options& o);

  /// Moves the file on by one transaction, so that no copy made before passes for it
  /// (rollback_guard.hpp).
  result<void> begin_session();

  /// Makes all of it durable in one transaction, or nothing. Requires records in strictly
  /// ascending key order; erasing what is not there is fine.
  result<void> commit(std::span<const put> sorted_records, std::span<const stripe_put> stripes,
                      std::span<const layout_put> layouts = {});

  /// Every stripe value, by stripe. `corrupt` where one is missing or not the last one committed.
  result<std::vector<stripe_value>> stripes();

  /// The table of record layouts, by number. `corrupt` where a row is damaged.
  result<std::map<std::uint32_t, std::string>> layouts();

  result<lmdb::statistics> stats() { return file_->stats(); }
  const std::string& data_file() const noexcept { return file_->data_file(); }

  /// Sees one record; false ends the scan, a failure ends it and is returned. The value dies with
  /// the call.
  using record_visitor = std::function<result<bool>(const record_key& key, bytes value)>;

  /// Reads everything: the file's structure, then every record and stripe through `record` and
  /// `stripe`, which check what is inside, and what they add up to. Returns how many records there
  /// are.
  result<std::uint64_t> verify(const record_visitor& record,
                               const std::function<result<void>(std::uint16_t, bytes)>& stripe);

  /// A view of the last commit before `renew`. Must not outlive its store.
  class reader {
  public:
    explicit reader(shard_store& store) : store_(&store), txn_(*store.file_) {}

    /// Moves to the last commit. Renew per batch or per lookup: a view that is kept makes the
    /// file grow.
    result<void> renew() { return txn_.renew(); }
    void release() noexcept { txn_.release(); }
    bool active() const noexcept { return txn_.active(); }

    /// Copies a record's value; false (and `out` empty) where there is none. Requires `active()`.
    result<bool> get(const record_key& key, byte_buffer& out) const;
    /// Records with from <= key < to, in order. Requires `active()`.
    result<void> scan(const record_key& from, const record_key& to,
                      const record_visitor& visit) const;
    /// Records from `from` to the end of the shard. Requires `active()`.
    result<void> scan(const record_key& from, const record_visitor& visit) const;
    /// Reads a stripe's records and compares them with what was committed: `corrupt` where they do
    /// not add up. Requires `active()`.
    result<void> check_stripe(std::uint16_t stripe) const;

  private:
    result<void> scan(bytes from, bytes to, const record_visitor& visit) const;

    shard_store* store_;
    lmdb::read_transaction txn_;
  };

private:
  shard_store(std::unique_ptr<lmdb::environment> file, const store_identity& identity)
      : identity_(identity), file_(std::move(file)) {}
  lmdb::table_id records() const noexcept { return file_->table(1); }
  lmdb::table_id stripe_table() const noexcept { return file_->table(2); }
  lmdb::table_id digests() const noexcept { return file_->table(3); }
  lmdb::table_id layout_rows() const noexcept { return file_->table(4); }
  /// All zero where none is stored.
  template <class Transaction>
  result<stripe_digest> digest(Transaction& txn, std::uint16_t stripe) const;
  failure does_not_add_up(std::uint16_t stripe, const std::string& what) const;
  result<void> scan_stripes(const lmdb::read_transaction& txn,
                            const std::function<result<void>(std::uint16_t, bytes)>& visit) const;

  store_identity identity_;
  std::unique_ptr<lmdb::environment> file_;
};

}  // namespace windrow::storage
