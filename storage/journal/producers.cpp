#include "base/checksum.hpp"
#include "storage/journal/journal.hpp"
#include "storage/journal/producer_state.hpp"

/// Producers: how far each has pushed. In the transaction of what it pushed; never trimmed.
namespace windrow::storage {

namespace {

constexpr std::string_view producer_table = "producers";

}  // namespace

result<producer_state> journal::find_producer(const lmdb::transaction& txn,
                                              std::string_view name) const {
  producer_state state;
  auto stored = txn.get(id(producer_entries), as_bytes(name));
  if (!stored) return stored.error();
  if (!*stored) return state;
  auto value = unseal(producer_entries, {as_bytes(name), **stored});
  if (!value) return value.error();
  byte_reader in(*value);
  state.last = in.number<sequence>();
  state.remembered.resize(in.number<std::uint8_t>());
  for (producer_state::taken& one : state.remembered) {
    one.content = in.number<std::uint64_t>();
    one.entry = in.number<sequence>();
  }
  if (!in.done() || state.remembered.size() > state.last)
    return damaged(producer_entries, as_bytes(name));
  return state;
}

result<void> journal::put_producer(lmdb::write_transaction& txn, std::string_view name,
                                   const producer_state& state) const {
  byte_buffer value;
  byte_writer out(value);
  out.number(state.last);
  out.number(static_cast<std::uint8_t>(state.remembered.size()));
  for (const producer_state::taken& one : state.remembered) {
    out.number(one.content);
    out.number(one.entry);
  }
  seal_value(producer_table, as_bytes(name), value);
  return txn.put(id(producer_entries), as_bytes(name), value);
}

result<sequence> journal::producer_sequence(std::string_view producer) {
  if (auto well = check_producer({std::string(producer), 1, {{}}}); !well) return well.error();
  sequence last = 0;
  auto read = file_->read([&](const lmdb::read_transaction& txn) -> result<void> {
    auto state = find_producer(txn, producer);
    if (!state) return state.error();
    last = state->last;
    return {};
  });
  if (!read) return read.error();
  return last;
}

}  // namespace windrow::storage
