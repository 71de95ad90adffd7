#include "storage/journal/producer_table.hpp"

namespace windrow::storage {

result<producer_state> producer_table::find(const lmdb::transaction& txn,
                                            std::string_view name) const {
  producer_state state;
  auto value = file_.get(txn, journal_table::producers, as_bytes(name));
  if (!value) return value.error();
  if (!*value) return state;
  byte_reader in(**value);
  state.last = in.number<sequence>();
  state.remembered.resize(in.number<std::uint8_t>());
  for (producer_state::taken& one : state.remembered) {
    one.content = in.number<std::uint64_t>();
    one.entry = in.number<sequence>();
  }
  if (!in.done() || state.remembered.size() > state.last)
    return file_.damaged(journal_table::producers, as_bytes(name));
  return state;
}

result<void> producer_table::put(lmdb::write_transaction& txn, std::string_view name,
                                 const producer_state& state) const {
  byte_buffer value;
  byte_writer out(value);
  out.number(state.last);
  out.number(static_cast<std::uint8_t>(state.remembered.size()));
  for (const producer_state::taken& one : state.remembered) {
    out.number(one.content);
    out.number(one.entry);
  }
  return file_.put(txn, journal_table::producers, as_bytes(name), value);
}

result<sequence> producer_table::last_sequence(std::string_view producer) {
  if (auto well = check_producer({std::string(producer), 1, {{}}}); !well) return well.error();
  sequence last = 0;
  auto read = file_.read([&](const lmdb::read_transaction& txn) -> result<void> {
    auto state = find(txn, producer);
    if (!state) return state.error();
    last = state->last;
    return {};
  });
  if (!read) return read.error();
  return last;
}

}  // namespace windrow::storage
