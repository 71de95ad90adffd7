#include "storage/shard/shard_store.hpp"

#include <algorithm>
#include <cassert>
#include <map>
#include <set>

#include "base/checksum.hpp"

namespace windrow::storage {

namespace {

constexpr std::string_view layouts_table = "layouts";

lmdb::environment_options environment_of(const shard_store::options& o) {
  return {o.directory,
          {identity_table, "records", "stripes", "digests", std::string(layouts_table)},
          o.map_bytes};
}

}  // namespace

result<void> shard_store::create(const options& o) {
  auto made = lmdb::environment::create(environment_of(o), [&](lmdb::write_transaction& txn) {
    return write_identity(txn, txn.table(0), o.identity);
  });
  if (!made) return made.error();
  return {};
}

result<std::unique_ptr<shard_store>> shard_store::open(const options& o) {
  auto file = lmdb::environment::open(environment_of(o));
  if (!file) return file.error();
  if (auto ours = check_identity(**file, (*file)->table(0), o.identity); !ours) return ours.error();
  return std::unique_ptr<shard_store>(new shard_store(std::move(*file), o.identity));
}

result<void> shard_store::begin_session() {
  return file_->write([&](lmdb::write_transaction& txn) {
    return write_identity(txn, file_->table(0), identity_);
  });
}

result<void> shard_store::commit(std::span<const put> sorted_records,
                                 std::span<const stripe_put> stripes,
                                 std::span<const layout_put> layouts) {
  if (sorted_records.empty() && stripes.empty() && layouts.empty()) return {};
  assert(std::adjacent_find(sorted_records.begin(), sorted_records.end(),
                            [](const put& a, const put& b) { return a.key >= b.key; }) ==
         sorted_records.end());
  return file_->write([&](lmdb::write_transaction& txn) -> result<void> {
    std::map<std::uint16_t, stripe_digest> sums;
    const auto sum_of = [&](std::uint16_t stripe) -> result<stripe_digest*> {
      const auto [at, is_new] = sums.try_emplace(stripe);
      if (is_new) {
        auto stored = digest(txn, stripe);
        if (!stored) return stored.error();
        at->second = *stored;
      }
      return &at->second;
    };
    for (const put& change : sorted_records) {
      auto sum = sum_of(stripe_of(change.key));
      if (!sum) return sum.error();
      auto before = txn.find(records(), change.key);
      if (!before) return before.error();
      if (*before) (*sum)->remove(change.key, **before);
      if (!change.erase) {
        (*sum)->add(change.key, change.value);
        if (auto done = txn.put(records(), change.key, change.value); !done) return done;
      } else if (*before) {
        if (auto gone = txn.erase(records(), change.key); !gone) return gone.error();
      }
    }
    for (const stripe_put& change : stripes) {
      const auto key = big_key(change.stripe);
      if (auto done = txn.put(stripe_table(), key, change.value); !done) return done;
      auto sum = sum_of(change.stripe);
      if (!sum) return sum.error();
      (*sum)->state = stripe_digest::term(key, change.value);
    }
    byte_buffer value;
    for (const layout_put& layout : layouts) {
      const auto key = big_key(layout.number);
      value.assign(layout.value.begin(), layout.value.end());
      seal_value(layouts_table, key, value);
      if (auto done = txn.put(layout_rows(), key, value); !done) return done;
    }
    for (const auto& [stripe, sum] : sums) {
      const auto key = big_key(stripe);
      sum.encode(key, value);
      if (auto done = txn.put(digests(), key, value); !done) return done;
    }
    return {};
  });
}

template <class Transaction>
result<stripe_digest> shard_store::digest(Transaction& txn, std::uint16_t stripe) const {
  const auto key = big_key(stripe);
  auto stored = txn.get(digests(), key);
  if (!stored) return stored.error();
  if (!*stored) return stripe_digest{};
  auto digest = stripe_digest::decode(key, **stored);
  if (!digest) return does_not_add_up(stripe, "has a damaged sum");
  return *digest;
}

failure shard_store::does_not_add_up(std::uint16_t stripe, const std::string& what) const {
  return {errc::corrupt, data_file() + ": stripe " + std::to_string(stripe) + " " + what +
                             ". The file is damaged. Restore the data folder from a copy, or "
                             "start a new one from the sources."};
}

result<void> shard_store::scan_stripes(
    const lmdb::read_transaction& txn,
    const std::function<result<void>(std::uint16_t, bytes)>& visit) const {
  return txn.scan(stripe_table(), {}, {}, [&](const lmdb::entry& found) -> result<bool> {
    if (found.key.size() != 2)
      return failure{errc::corrupt, data_file() + " has a stripe key of " +
                                        std::to_string(found.key.size()) + " bytes, not 2."};
    if (auto seen = visit(load_big<std::uint16_t>(found.key.data()), found.value); !seen)
      return seen.error();
    return true;
  });
}

result<std::vector<stripe_value>> shard_store::stripes() {
  std::vector<stripe_value> all;
  auto read = file_->read([&](const lmdb::read_transaction& txn) -> result<void> {
    std::set<std::uint16_t> found;
    auto scanned = scan_stripes(txn, [&](std::uint16_t stripe, bytes value) -> result<void> {
      auto sum = digest(txn, stripe);
      if (!sum) return sum.error();
      if (sum->state != stripe_digest::term(big_key(stripe), value))
        return does_not_add_up(stripe, "has a state that is not the last one committed");
      all.push_back({stripe, byte_buffer(value.begin(), value.end())});
      found.insert(stripe);
      return {};
    });
    if (!scanned) return scanned;
    return txn.scan(digests(), {}, {}, [&](const lmdb::entry& sum) -> result<bool> {
      const auto stripe =
          sum.key.size() == 2 ? load_big<std::uint16_t>(sum.key.data()) : std::uint16_t{};
      auto decoded = digest(txn, stripe);
      if (!decoded) return decoded.error();
      if (decoded->state != 0 && !found.contains(stripe))
        return does_not_add_up(stripe, "has lost its state");
      return true;
    });
  });
  if (!read) return read.error();
  return all;
}

result<std::map<std::uint32_t, std::string>> shard_store::layouts() {
  std::map<std::uint32_t, std::string> all;
  auto read = file_->read([&](const lmdb::read_transaction& txn) {
    return txn.scan(layout_rows(), {}, {}, [&](const lmdb::entry& found) -> result<bool> {
      const auto value = unseal_value(layouts_table, found.key, found.value);
      if (found.key.size() != 4 || !value)
        return failure{errc::corrupt,
                       data_file() +
                           " has a damaged record layout. Restore the data folder from a copy, or "
                           "start a new one from the sources."};
      all[load_big<std::uint32_t>(found.key.data())] = as_text(*value);
      return true;
    });
  });
  if (!read) return read.error();
  return all;
}

result<std::uint64_t> shard_store::verify(
    const record_visitor& record, const std::function<result<void>(std::uint16_t, bytes)>& stripe) {
  if (auto sound = file_->check_structure(); !sound) return sound.error();
  std::uint64_t count = 0;
  reader all(*this);
  if (auto begun = all.renew(); !begun) return begun.error();
  auto read = all.scan(record_key{}, [&](const record_key& key, bytes value) {
    ++count;
    return record(key, value);
  });
  if (!read) return read.error();
  for (std::uint16_t s = 0; s < 256; ++s)
    if (auto sound = all.check_stripe(s); !sound) return sound.error();
  read = file_->read([&](const lmdb::read_transaction& txn) { return scan_stripes(txn, stripe); });
  if (!read) return read.error();
  return count;
}

result<bool> shard_store::reader::get(const record_key& key, byte_buffer& out) const {
  assert(active());
  out.clear();
  auto found = txn_.get(store_->records(), key);
  if (!found) return found.error();
  if (!*found) return false;
  out.assign((*found)->begin(), (*found)->end());
  return true;
}

result<void> shard_store::reader::scan(bytes from, bytes to, const record_visitor& visit) const {
  assert(active());
  record_key key;
  return txn_.scan(store_->records(), from, to, [&](const lmdb::entry& found) -> result<bool> {
    if (found.key.size() != key.size())
      return failure{errc::corrupt, store_->data_file() + " has a record key of " +
                                        std::to_string(found.key.size()) + " bytes, not 20."};
    std::copy(found.key.begin(), found.key.end(), key.begin());
    return visit(key, found.value);
  });
}

result<void> shard_store::reader::scan(const record_key& from, const record_key& to,
                                       const record_visitor& visit) const {
  return scan(bytes(from), bytes(to), visit);
}

result<void> shard_store::reader::scan(const record_key& from, const record_visitor& visit) const {
  return scan(bytes(from), bytes{}, visit);
}

result<void> shard_store::reader::check_stripe(std::uint16_t stripe) const {
  assert(active() && stripe < 256);
  record_key from{};
  record_key to{};
  from[0] = static_cast<std::uint8_t>(stripe);
  to[0] = static_cast<std::uint8_t>(stripe + 1);
  stripe_digest found;
  auto expected = store_->digest(txn_, stripe);
  if (!expected) return expected.error();
  const auto sum = [&](const record_key& key, bytes value) -> result<bool> {
    found.add(key, value);
    return true;
  };
  if (auto read = stripe == 255 ? scan(from, sum) : scan(from, to, sum); !read) return read;
  if (found.records == expected->records && found.sum == expected->sum) return {};
  return store_->does_not_add_up(
      stripe,
      "does not add up to what was committed: it has " + std::to_string(found.records) +
          " records, and " + std::to_string(expected->records) +
          " were written; one is missing, changed, in a wrong place or from an earlier time");
}

}  // namespace windrow::storage
