#include "storage/journal/partition_table.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace windrow::storage {

namespace {

constexpr std::size_t partition_name_bytes_max = 4096;

using partition_key = std::array<std::uint8_t, 8>;

}  // namespace

std::string label_of(const partition& p) {
  return p.kind == partition_kind::journal ? "journal" : p.name;
}

result<void> partition_table::load(const lmdb::read_transaction& txn) {
  std::map<std::uint32_t, partition> by_order;
  auto done =
      file_.scan(txn, journal_table::partitions, {}, [&](bytes key, bytes value) -> result<bool> {
        partition p;
        byte_reader in(value);
        const auto order = in.number<std::uint32_t>();
        p.kind = static_cast<partition_kind>(in.number<std::uint8_t>());
        p.name = in.text();
        p.state = in.text();
        if (key.size() == sizeof(partition_key)) p.id = load_big<partition_id>(key.data());
        if (!in.done() || p.id == 0 || p.id != id_of_name_(p.name) ||
            !by_order.emplace(order, std::move(p)).second)
          return file_.damaged(journal_table::partitions, key);
        return true;
      });
  if (!done) return done;
  for (auto& [order, p] : by_order) {
    if (order != partitions_.size() + 1)
      return failure{errc::corrupt, file_.data_file() + ": source partition number " +
                                        std::to_string(partitions_.size() + 1) +
                                        " is missing. Restore the data folder from a copy."};
    order_[p.id] = partitions_.size();
    partitions_.push_back(std::move(p));
  }
  return {};
}

result<void> partition_table::put(const partition& p, std::size_t order) {
  byte_buffer value;
  byte_writer out(value);
  out.number(static_cast<std::uint32_t>(order + 1));
  out.number(static_cast<std::uint8_t>(p.kind));
  out.text(p.name);
  out.text(p.state);
  const partition_key key = big_key(p.id);
  return file_.write([&](lmdb::write_transaction& txn) {
    return file_.put(txn, journal_table::partitions, key, value);
  });
}

result<partition> partition_table::register_partition(partition_kind kind, const std::string& name,
                                                      const std::string& state) {
  if (name.empty() || name.size() > partition_name_bytes_max)
    return failure{errc::invalid, "The name of a source partition has 1 to 4096 bytes."};
  const std::lock_guard order(file_.writing());
  partition made{id_of_name_(name), kind, name, state};
  if (auto known = find(made.id)) {
    if (known->name == name && known->kind == kind) return *std::move(known);
    return failure{errc::conflict,
                   "The source partition '" + name + "' would have the id " + hex_of(made.id) +
                       ", which the folder has given to '" + known->name +
                       "': what is stored of one would be taken for the other's. Read it under "
                       "another name, or into another folder."};
  }
  if (auto done = put(made, partitions_.size()); !done) return done.error();
  const std::lock_guard lock(mutex_);
  order_[made.id] = partitions_.size();
  partitions_.push_back(made);
  return made;
}

result<void> partition_table::check_known(partition_id id) const {
  if (find(id)) return {};
  return failure{errc::not_found, "There is no source partition " + hex_of(id) + "."};
}

result<void> partition_table::set_state(partition_id id, const std::string& state) {
  if (auto known = check_known(id); !known) return known;
  const std::lock_guard order(file_.writing());
  partition changed = *find(id);
  if (changed.state == state) return {};
  changed.state = state;
  if (auto done = put(changed, order_.at(id)); !done) return done;
  const std::lock_guard lock(mutex_);
  partitions_[order_.at(id)] = std::move(changed);
  return {};
}

std::optional<partition> partition_table::find(partition_id id) const {
  const std::lock_guard lock(mutex_);
  const auto found = order_.find(id);
  return found == order_.end() ? std::nullopt : std::optional(partitions_[found->second]);
}

std::optional<partition> partition_table::find(partition_kind kind, const std::string& name) const {
  auto found = find(id_of_name_(name));
  return found && found->name == name && found->kind == kind ? std::move(found) : std::nullopt;
}

std::vector<partition> partition_table::all() const {
  const std::lock_guard lock(mutex_);
  return partitions_;
}

std::vector<partition_id> partition_table::in_order(std::vector<partition_id> ids) const {
  const std::lock_guard lock(mutex_);
  const auto order = [&](partition_id id) {
    const auto found = order_.find(id);
    return std::pair(found == order_.end() ? order_.size() : found->second, id);
  };
  std::sort(ids.begin(), ids.end(),
            [&](partition_id a, partition_id b) { return order(a) < order(b); });
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

}  // namespace windrow::storage
