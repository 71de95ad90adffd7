#include "storage/lmdb/file_identity.hpp"

#include <algorithm>

#include "base/checksum.hpp"

namespace windrow::storage {

namespace {

const std::string_view identity_key = "identity";

std::string describe(const store_identity& it) {
  const std::string folder = " of data folder " + to_string(it.folder);
  if (it.kind == store_kind::dedup_index) return "the dedup index" + folder;
  if (it.kind == store_kind::journal) return "the journal" + folder;
  return "shard " + std::to_string(it.shard) + " of " + std::to_string(it.shard_count) + folder;
}

}  // namespace

failure other_format(const std::string& path, std::uint32_t found) {
  const std::string said = path + " has format version " + std::to_string(found) +
                           "; this program reads version " + std::to_string(format_version) + ". ";
  if (found > format_version)
    return {errc::mismatch, said +
                                "A later windrow has written it: use that program, or a later "
                                "one."};
  return {errc::mismatch,
          said +
              "An earlier windrow has written it, and only that version can read it: make a new "
              "folder with this program and read the sources into it again, or go on with the "
              "program that made this one."};
}

std::string to_string(const folder_id& id) {
  constexpr const char* digits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : id) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

result<void> write_identity(lmdb::write_transaction& txn, lmdb::table_id table,
                            const store_identity& identity) {
  byte_buffer value;
  byte_writer out(value);
  out.number(format_version);
  out.raw(identity.folder);
  out.number(static_cast<std::uint8_t>(identity.kind));
  out.number(identity.shard);
  out.number(identity.shard_count);
  seal_value(identity_table, as_bytes(identity_key), value);
  return txn.put(table, as_bytes(identity_key), value);
}

result<void> check_identity(lmdb::environment& file, lmdb::table_id table,
                            const store_identity& expected) {
  return file.read([&](const lmdb::read_transaction& txn) -> result<void> {
    auto stored = txn.get(table, as_bytes(identity_key));
    if (!stored) return stored.error();
    const auto value =
        *stored ? unseal_value(identity_table, as_bytes(identity_key), **stored) : std::nullopt;
    if (!value)
      return failure{errc::corrupt, file.data_file() +
                                        " carries no valid identity: it is foreign "
                                        "or damaged."};
    byte_reader in(*value);
    const auto format = in.number<std::uint32_t>();
    if (format != format_version) return other_format(file.data_file(), format);
    store_identity found;
    const bytes id = in.raw(found.folder.size());
    std::copy(id.begin(), id.end(), found.folder.begin());
    found.kind = static_cast<store_kind>(in.number<std::uint8_t>());
    found.shard = in.number<std::uint32_t>();
    found.shard_count = in.number<std::uint32_t>();
    if (in.done() && found == expected) return {};
    return failure{errc::corrupt, file.data_file() + " should be " + describe(expected) +
                                      " but is " + describe(found) + ". Put the right file back."};
  });
}

}  // namespace windrow::storage
