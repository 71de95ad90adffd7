#include "storage/shard/cold_records.hpp"

namespace windrow::storage {

cold_records::cold_records(record_reader& source, std::uint64_t folder_seed, record_pool& pool,
                           const layout_table& layouts)
    : source_(source), folder_seed_(folder_seed), pool_(pool), layouts_(layouts) {
  load_segment_ = [this](const record& r, segment& s) { return load(r, s); };
}

result<void> cold_records::load(const record& r, segment& s) {
  // The high half of the hash is not kept in the record; the key gives it again.
  const schema::plan& plan = pool_.layouts().plan();
  const key_hash hash = hash_key(pool_.key(r), folder_seed_, plan.key_spaces[r.space].id);
  const record_key key = make_record_key(hash, s.number);
  read_group reading(source_);
  if (!reading.status) return reading.status;
  auto found = source_.get(key, stored_);
  if (!found) return found.error();
  if (!*found) return damaged("segment is missing: the record that lists it");
  const auto body = checked_body(key, folder_seed_, layouts_, stored_);
  if (body.empty() || !decode_segment(pool_, layouts_, const_cast<record&>(r), s, body))
    return damaged("segment");
  return {};
}

std::optional<decoded_head> cold_records::decode(const record_key& key,
                                                 std::span<const std::uint8_t> stored) {
  const auto body = checked_body(key, folder_seed_, layouts_, stored);
  if (body.empty()) return std::nullopt;
  return decode_head(pool_, layouts_, body, read_record_key(key).hash.lo);
}

result<decoded_head> cold_records::read(const key_hash& hash) {
  const record_key key = make_record_key(hash, 0);
  auto found = source_.get(key, stored_);
  if (!found) return found.error();
  if (!*found) return decoded_head{};
  const auto read = decode(key, stored_);
  if (!read) return damaged("record");
  return *read;
}

result<void> cold_records::scan(std::uint32_t stripe, const take_head& take) {
  std::int64_t values = INT64_MAX;
  auto scanned = scan_some(stripe, first_key_of(stripe), values, take);
  return scanned ? result<void>{} : scanned.error();
}

result<std::optional<record_key>> cold_records::scan_some(std::uint32_t stripe,
                                                          const record_key& first,
                                                          std::int64_t& values,
                                                          const take_head& take) {
  std::optional<record_key> next;
  bool good = true;
  auto scanned = source_.scan(first, end_key_of(stripe),
                              [&](const record_key& key, std::span<const std::uint8_t> bytes) {
                                if (values == 0) {
                                  next = key;
                                  return false;
                                }
                                --values;
                                const record_name name = read_record_key(key);
                                if (name.segment != 0) return true;
                                const auto read = decode(key, bytes);
                                good = read.has_value();
                                if (good && read->r) take(name.hash, *read);
                                return good;
                              });
  if (!scanned) return scanned.error();
  if (!good) return damaged("record");
  return next;
}

}  // namespace windrow::storage
