#include "storage/journal/journal_file.hpp"

#include <utility>

#include "base/checksum.hpp"

namespace windrow::storage {

namespace {

const char* const table_names[] = {
    identity_table,       "partitions",         "arrivals",        "dead_letters",
    "dead_letter_counts", "dead_letter_totals", "removed_letters", "entries",
    "entries_state",      "producers",          "counters",        "skips"};

std::string hexadecimal(bytes key) {
  constexpr const char* digits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : key) (text += digits[byte >> 4]) += digits[byte & 15];
  return text;
}

const char* name_of(journal_table table) noexcept {
  return table_names[static_cast<std::size_t>(table)];
}

lmdb::environment_options environment_of(const std::string& directory, std::uint64_t map_bytes) {
  return {directory, {std::begin(table_names), std::end(table_names)}, map_bytes};
}

}  // namespace

lmdb::table_id journal_file::id(journal_table which) const noexcept {
  return file_->table(static_cast<std::size_t>(which));
}

result<void> journal_file::create(const std::string& directory, std::uint64_t map_bytes,
                                  const store_identity& identity) {
  auto made = lmdb::environment::create(
      environment_of(directory, map_bytes), [&](lmdb::write_transaction& txn) {
        return write_identity(txn, txn.table(static_cast<std::size_t>(journal_table::identity)),
                              identity);
      });
  if (!made) return made.error();
  return {};
}

result<std::unique_ptr<journal_file>> journal_file::open(const std::string& directory,
                                                         std::uint64_t map_bytes,
                                                         const store_identity& identity) {
  auto file = lmdb::environment::open(environment_of(directory, map_bytes));
  if (!file) return file.error();
  std::unique_ptr<journal_file> opened(new journal_file(identity, std::move(*file)));
  if (auto ours = check_identity(*opened->file_, opened->id(journal_table::identity), identity);
      !ours)
    return ours.error();
  auto sound = opened->read([&](const lmdb::read_transaction& txn) -> result<void> {
    for (std::size_t i = 0; i < std::size(table_names); ++i) {
      const auto which = static_cast<journal_table>(i);
      if (which == journal_table::entries) continue;
      if (auto checked = opened->check_seals(txn, which); !checked) return checked.error();
    }
    return {};
  });
  if (!sound) return sound.error();
  return opened;
}

result<void> journal_file::begin_session() {
  return file_->write([&](lmdb::write_transaction& txn) {
    return write_identity(txn, id(journal_table::identity), identity_);
  });
}

failure journal_file::damaged(journal_table from, bytes key) const {
  return {errc::corrupt, data_file() + ": the value of " + hexadecimal(key) + " in table `" +
                             name_of(from) +
                             "` is damaged. Restore the data folder from a copy, or start a new "
                             "one from the sources."};
}

void journal_file::seal(journal_table in, bytes key, byte_buffer& value) const {
  seal_value(name_of(in), key, value);
}

result<bytes> journal_file::unseal(journal_table from, const lmdb::entry& stored) const {
  const auto value = unseal_value(name_of(from), stored.key, stored.value);
  if (!value) return damaged(from, stored.key);
  return *value;
}

result<void> journal_file::scan(const lmdb::transaction& txn, journal_table from, bytes first,
                                const visitor& visit) const {
  return txn.scan(id(from), first, {}, [&](const lmdb::entry& found) -> result<bool> {
    auto value = unseal(from, found);
    if (!value) return value.error();
    return visit(found.key, *value);
  });
}

result<std::optional<bytes>> journal_file::get(const lmdb::transaction& txn, journal_table from,
                                               bytes key) const {
  auto stored = txn.get(id(from), key);
  if (!stored) return stored.error();
  if (!*stored) return std::optional<bytes>{};
  auto value = unseal(from, {key, **stored});
  if (!value) return value.error();
  return std::optional<bytes>{*value};
}

result<void> journal_file::put(lmdb::write_transaction& txn, journal_table in, bytes key,
                               byte_buffer& value) const {
  seal(in, key, value);
  return txn.put(id(in), key, value);
}

result<std::uint64_t> journal_file::verify() {
  if (auto sound = file_->check_structure(); !sound) return sound.error();
  std::uint64_t count = 0;
  auto read = file_->read([&](const lmdb::read_transaction& txn) -> result<void> {
    for (std::size_t i = 0; i < std::size(table_names); ++i) {
      auto checked = check_seals(txn, static_cast<journal_table>(i));
      if (!checked) return checked.error();
      count += *checked;
    }
    return {};
  });
  if (!read) return read.error();
  return count;
}

result<std::uint64_t> journal_file::check_seals(const lmdb::read_transaction& txn,
                                                journal_table which) const {
  std::uint64_t count = 0;
  auto scanned = scan(txn, which, {}, [&](bytes, bytes) -> result<bool> {
    ++count;
    return true;
  });
  if (!scanned) return scanned.error();
  return count;
}

}  // namespace windrow::storage
