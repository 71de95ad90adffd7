#include "storage/journal/journal.hpp"

#include "base/checksum.hpp"

namespace windrow::storage {

namespace {

constexpr std::size_t counter_name_bytes_max = 480;
constexpr std::size_t group_bytes_max = 8 << 20;
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

}  // namespace

lmdb::environment_options journal::environment_of(const options& o) {
  static_assert(std::size(table_names) == table_count);
  return {o.directory, {std::begin(table_names), std::end(table_names)}, o.map_bytes};
}

journal::journal(const options& o, std::unique_ptr<lmdb::environment> file)
    : letter_bytes_max_(o.dead_letter_bytes),
      id_of_name_(o.id_of_name),
      identity_(o.identity),
      file_(std::move(file)),
      pushes_(group_bytes_max,
              [this](std::span<waiting_push* const> group) { commit_pushes(group); }) {}

result<void> journal::create(const options& o) {
  auto made = lmdb::environment::create(environment_of(o), [&](lmdb::write_transaction& txn) {
    return write_identity(txn, txn.table(identity_entry), o.identity);
  });
  if (!made) return made.error();
  return {};
}

result<std::unique_ptr<journal>> journal::open(const options& o) {
  auto file = lmdb::environment::open(environment_of(o));
  if (!file) return file.error();
  if (auto ours = check_identity(**file, (*file)->table(identity_entry), o.identity); !ours)
    return ours.error();
  std::unique_ptr<journal> opened(new journal(o, std::move(*file)));
  if (auto loaded = opened->load(); !loaded) return loaded.error();
  return opened;
}

result<void> journal::begin_session() {
  return file_->write([&](lmdb::write_transaction& txn) {
    return write_identity(txn, id(identity_entry), identity_);
  });
}

result<void> journal::load() {
  return file_->read([&](const lmdb::read_transaction& txn) -> result<void> {
    // A row is found by its key, and one with a damaged key is not there. Entries are numbered.
    for (std::size_t i = 0; i < table_count; ++i) {
      const auto which = static_cast<table>(i);
      if (which == push_entries) continue;
      if (auto sound = check_seals(txn, which); !sound) return sound.error();
    }
    if (auto done = load_partitions(txn); !done) return done;
    if (auto done = load_letters(txn); !done) return done;
    return load_entries(txn);
  });
}

failure journal::damaged(table from, bytes key) const {
  return {errc::corrupt, data_file() + ": the value of " + hexadecimal(key) + " in table `" +
                             table_names[from] +
                             "` is damaged. Restore the data folder from a copy, or start a new "
                             "one from the sources."};
}

result<bytes> journal::unseal(table from, const lmdb::entry& stored) const {
  const auto value = unseal_value(table_names[from], stored.key, stored.value);
  if (!value) return damaged(from, stored.key);
  return *value;
}

result<void> journal::set_counters(std::span<const std::pair<std::string, std::uint64_t>> values) {
  const std::lock_guard order(writing_);
  return file_->write([&](lmdb::write_transaction& txn) -> result<void> {
    for (const auto& [name, number] : values) {
      if (name.empty() || name.size() > counter_name_bytes_max)
        return failure{errc::invalid, "A counter's name has 1 to 480 bytes."};
      byte_buffer value;
      byte_writer(value).number(number);
      seal_value(table_names[counter_entries], as_bytes(name), value);
      if (auto put = txn.put(id(counter_entries), as_bytes(name), value); !put) return put;
    }
    return {};
  });
}

result<std::map<std::string, std::uint64_t>> journal::counters() {
  std::map<std::string, std::uint64_t> all;
  auto read = file_->read([&](const lmdb::read_transaction& txn) {
    return txn.scan(id(counter_entries), {}, {}, [&](const lmdb::entry& found) -> result<bool> {
      auto value = unseal(counter_entries, found);
      if (!value) return value.error();
      byte_reader in(*value);
      all[std::string(as_text(found.key))] = in.number<std::uint64_t>();
      if (!in.done()) return damaged(counter_entries, found.key);
      return true;
    });
  });
  if (!read) return read.error();
  return all;
}

result<std::uint64_t> journal::verify() {
  if (auto sound = file_->check_structure(); !sound) return sound.error();
  std::uint64_t count = 0;
  auto read = file_->read([&](const lmdb::read_transaction& txn) -> result<void> {
    for (std::size_t i = 0; i < table_count; ++i) {
      auto checked = check_seals(txn, static_cast<table>(i));
      if (!checked) return checked.error();
      count += *checked;
    }
    return {};
  });
  if (!read) return read.error();
  return count;
}

result<std::uint64_t> journal::check_seals(const lmdb::read_transaction& txn, table which) const {
  std::uint64_t count = 0;
  auto scanned = txn.scan(id(which), {}, {}, [&](const lmdb::entry& found) -> result<bool> {
    ++count;
    auto value = unseal(which, found);
    if (!value) return value.error();
    return true;
  });
  if (!scanned) return scanned.error();
  return count;
}

}  // namespace windrow::storage
