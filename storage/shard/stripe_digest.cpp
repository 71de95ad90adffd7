#include "storage/shard/stripe_digest.hpp"

#include "base/checksum.hpp"

namespace windrow::storage {

namespace {
constexpr std::string_view table_name = "digests";
}  // namespace

std::uint64_t stripe_digest::term(bytes key, bytes value) noexcept {
  return checksum(value, checksum(key));
}

void stripe_digest::encode(bytes key, byte_buffer& value) const {
  value.clear();
  byte_writer out(value);
  out.number(records);
  out.number(sum);
  out.number(state);
  seal_value(table_name, key, value);
}

std::optional<stripe_digest> stripe_digest::decode(bytes key, bytes stored) noexcept {
  const auto value = unseal_value(table_name, key, stored);
  if (!value) return std::nullopt;
  byte_reader in(*value);
  stripe_digest d;
  d.records = in.number<std::uint64_t>();
  d.sum = in.number<std::uint64_t>();
  d.state = in.number<std::uint64_t>();
  if (!in.done()) return std::nullopt;
  return d;
}

}  // namespace windrow::storage
