#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/files.hpp"
#include "storage/dedup/dedup_index.hpp"
#include "storage/folder/meta_codec.hpp"
#include "storage/shard/shard_store.hpp"

namespace windrow::storage {

inline constexpr std::uint32_t shard_count_max = 4096;

/// A data folder: the lock on it, what it is, and where its files are.
///
///     LOCK             held (flock) by the process that has the folder open; its pid for people
///     node.meta        what the folder is; written last, so its presence means *complete*
///     catalog-1.bin    the declarations the state belongs to
///     versions         how far each LMDB file is at least (rollback_guard.hpp)
///     journal/         LMDB environment of the node's journal
///     shards/000/ ...  one LMDB environment a shard
///     dedup/           LMDB environment of the ids of messages, where a stream deduplicates
///     CREATING         only while the folder is being made
///
/// A process killed while it makes a folder leaves `CREATING` behind; the next `create` begins
/// again, because nothing can have been acknowledged from a folder without `node.meta`.
/// The lock lives as long as this object. Not for concurrent use; the stores it opens are.
class folder {
public:
  struct create_options {
    std::string path;
    std::uint32_t shard_count = 1;
    std::uint64_t plan_digest = 0;
    byte_buffer catalog;       ///< canonical bytes
    std::int64_t created = 0;  ///< microseconds
    bool dedup_index = false;  ///< a stream declares deduplication
    /// Map of each LMDB file; 0 chooses about a tebibyte, less where there are many shards.
    std::uint64_t map_bytes = 0;
  };
  /// What the caller needs the folder to be; nothing: whatever it is.
  struct expectation {
    std::optional<std::uint32_t> shard_count;
    std::optional<std::uint64_t> plan_digest;
    std::uint64_t map_bytes = 0;
  };

  /// Makes a folder where there is none (missing or empty directory, or one whose making was cut
  /// short). `mismatch` where a complete one stands, `corrupt` where something else does.
  static result<folder> create(const create_options& o);
  /// `not_found`: no such folder, or an empty one. `busy`: another process (named) has it.
  /// `corrupt`: not a data folder, or damaged. `mismatch`: other format version, shard count or
  /// declarations. `io`: a network file system, or the system refused.
  static result<folder> open(const std::string& path, const expectation& expected);
  /// Opens the folder, or creates it where `open` says `not_found`.
  static result<folder> open_or_create(const create_options& o);

  const std::string& path() const noexcept { return path_; }
  const node_meta& meta() const noexcept { return meta_; }
  /// The canonical catalog bytes, checked.
  const byte_buffer& catalog() const noexcept { return catalog_; }
  bool created() const noexcept { return created_; }

  std::string journal_directory() const { return path_ + "/journal"; }
  std::string shard_directory(std::uint32_t shard) const;
  store_identity journal_identity() const noexcept;
  store_identity shard_identity(std::uint32_t shard) const noexcept;
  std::uint64_t map_bytes() const noexcept { return map_bytes_; }
  shard_store::options shard_options(std::uint32_t shard) const;
  /// Directory, identity and map; the rest is the caller's.
  dedup_index::options dedup_options() const;

private:
  folder(std::string path, file_handle lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  result<void> load(const expectation& expected);
  result<void> build(const create_options& o);
  result<void> clear_unfinished();

  std::string path_;
  file_handle lock_;
  node_meta meta_;
  byte_buffer catalog_;
  std::uint64_t map_bytes_ = 0;
  bool created_ = false;
};

/// The name of a network or user-space file system that LMDB must not be used on, or nothing.
std::optional<std::string_view> unsupported_file_system(std::uint64_t statfs_type) noexcept;

}  // namespace windrow::storage
