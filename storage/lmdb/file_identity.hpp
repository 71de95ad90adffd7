#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "storage/lmdb/lmdb.hpp"

/// Which folder an LMDB file belongs to, and what it is in it: written once, when the file is
/// made, and checked at every open, so that a file of another folder or another shard is noticed.
namespace windrow::storage {

/// Format of everything in a data folder. Raised with any change of a layout.
inline constexpr std::uint32_t format_version = 3;

/// What to say of a folder or file that was written in another format.
failure other_format(const std::string& path, std::uint32_t found);

using folder_id = std::array<std::uint8_t, 16>;
/// 32 hexadecimal digits.
std::string to_string(const folder_id& id);

enum class store_kind : std::uint8_t { shard = 1, journal = 2, dedup_index = 3 };

struct store_identity {
  folder_id folder{};
  store_kind kind = store_kind::shard;
  std::uint32_t shard = 0;  ///< 0 for those that are no shard
  std::uint32_t shard_count = 0;
  friend bool operator==(const store_identity&, const store_identity&) = default;
};

inline constexpr const char* identity_table = "identity";

/// Writes the identity; for the `fill` of `environment::create`.
result<void> write_identity(lmdb::write_transaction& txn, lmdb::table_id table,
                            const store_identity& identity);

/// `corrupt` where the file is another's or its identity is damaged, `mismatch` where it is of
/// another format version; the message names what was expected and what was found.
result<void> check_identity(lmdb::environment& file, lmdb::table_id table,
                            const store_identity& expected);

}  // namespace windrow::storage
