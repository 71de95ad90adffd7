#include "storage/journal/counter_table.hpp"

namespace windrow::storage {

namespace {

constexpr std::size_t name_bytes_max = 480;

}  // namespace

result<void> counter_table::set(std::span<const std::pair<std::string, std::uint64_t>> values) {
  const std::lock_guard order(file_.writing());
  return file_.write([&](lmdb::write_transaction& txn) -> result<void> {
    for (const auto& [name, number] : values) {
      if (name.empty() || name.size() > name_bytes_max)
        return failure{errc::invalid, "A counter's name has 1 to 480 bytes."};
      byte_buffer value;
      byte_writer(value).number(number);
      if (auto put = file_.put(txn, journal_table::counters, as_bytes(name), value); !put)
        return put;
    }
    return {};
  });
}

result<std::map<std::string, std::uint64_t>> counter_table::all() {
  std::map<std::string, std::uint64_t> all;
  auto read = file_.read([&](const lmdb::read_transaction& txn) {
    return file_.scan(txn, journal_table::counters, {},
                      [&](bytes key, bytes value) -> result<bool> {
                        byte_reader in(value);
                        all[std::string(as_text(key))] = in.number<std::uint64_t>();
                        if (!in.done()) return file_.damaged(journal_table::counters, key);
                        return true;
                      });
  });
  if (!read) return read.error();
  return all;
}

}  // namespace windrow::storage
