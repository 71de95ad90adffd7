#include "storage/shard_store.hpp"

#include <algorithm>
#include <cassert>

namespace windrow::storage {

namespace {

lmdb::environment_options environment_of(const shard_store::options& o) {
  return {o.directory, {identity_table, "records", "stripes"}, o.map_bytes};
}

std::array<std::uint8_t, 2> stripe_key(std::uint16_t stripe) noexcept {
  std::array<std::uint8_t, 2> key;
  store_big(key.data(), stripe);
  return key;
}

}  // namespace

record_key make_record_key(const key_hash& hash, std::uint32_t segment) noexcept {
  record_key key;
  store_big(key.data(), hash.hi);
  store_big(key.data() + 8, hash.lo);
  store_big(key.data() + 16, segment);
  return key;
}

record_name read_record_key(const record_key& key) noexcept {
  return {{load_big<std::uint64_t>(key.data()), load_big<std::uint64_t>(key.data() + 8)},
          load_big<std::uint32_t>(key.data() + 16)};
}

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
  return std::unique_ptr<shard_store>(new shard_store(std::move(*file)));
}

result<void> shard_store::commit(std::span<const put> sorted_records,
                                 std::span<const stripe_put> stripes) {
  if (sorted_records.empty() && stripes.empty()) return {};
  assert(std::adjacent_find(sorted_records.begin(), sorted_records.end(),
                            [](const put& a, const put& b) { return a.key >= b.key; }) ==
         sorted_records.end());
  return file_->write([&](lmdb::write_transaction& txn) -> result<void> {
    for (const put& change : sorted_records) {
      if (change.erase) {
        if (auto gone = txn.erase(records(), change.key); !gone) return gone.error();
      } else if (auto done = txn.put(records(), change.key, change.value); !done) {
        return done;
      }
    }
    for (const stripe_put& change : stripes) {
      const auto key = stripe_key(change.stripe);
      if (auto done = txn.put(stripe_table(), key, change.value); !done) return done;
    }
    return {};
  });
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
  auto read = file_->read([&](const lmdb::read_transaction& txn) {
    return scan_stripes(txn, [&](std::uint16_t stripe, bytes value) -> result<void> {
      all.push_back({stripe, byte_buffer(value.begin(), value.end())});
      return {};
    });
  });
  if (!read) return read.error();
  return all;
}

result<std::uint64_t> shard_store::verify(
    const record_visitor& record,
    const std::function<result<void>(std::uint16_t, bytes)>& stripe) {
  if (auto sound = file_->check_structure(); !sound) return sound.error();
  std::uint64_t count = 0;
  reader all(*this);
  if (auto begun = all.renew(); !begun) return begun.error();
  auto read = all.scan(record_key{}, [&](const record_key& key, bytes value) {
    ++count;
    return record(key, value);
  });
  if (!read) return read.error();
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

}  // namespace windrow::storage
