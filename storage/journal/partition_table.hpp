#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/journal/journal_file.hpp"
#include "storage/partition_id.hpp"

namespace windrow::storage {

/// Who registers a partition. The numbers are stored: those of further kinds of sources, from 5 on,
/// are given in `sources/kinds.cpp`.
enum class partition_kind : std::uint8_t { file = 1, standard_input = 2, kafka = 3, journal = 4 };

/// A source partition as the folder remembers it. `name` is its durable name, and `id` the name's
/// hash; `state` is the source's own (for a file: which source reads it).
struct partition {
  partition_id id = 0;
  partition_kind kind = partition_kind::file;
  std::string name;
  std::string state;
  friend bool operator==(const partition&, const partition&) = default;
};

/// What people call it: its name, and the folder's own journal plainly `journal`.
std::string label_of(const partition& p);

/// The source partitions that a folder has ever read: known by the hash of their names, never
/// removed. Durable when a call returns. Any thread. Names have 1 to 4,096 bytes.
class partition_table {
public:
  using hash = partition_id (*)(std::string_view name) noexcept;

  partition_table(journal_file& file, hash id_of_name) : file_(file), id_of_name_(id_of_name) {}
  result<void> load(const lmdb::read_transaction& txn);

  /// The partition of that kind and name; registered with `state` where there is none yet (its
  /// state is left alone where there is). `conflict` where another name, or another kind, has the
  /// same id.
  result<partition> register_partition(partition_kind kind, const std::string& name,
                                       const std::string& state);
  /// `not_found` for an id that was not registered.
  result<void> set_state(partition_id id, const std::string& state);
  result<void> check_known(partition_id id) const;

  std::optional<partition> find(partition_id id) const;
  std::optional<partition> find(partition_kind kind, const std::string& name) const;
  /// In the order in which they were registered.
  std::vector<partition> all() const;
  /// Those ids once each, in order of registration; what was never registered comes last.
  std::vector<partition_id> in_order(std::vector<partition_id> ids) const;

private:
  result<void> put(const partition& p, std::size_t order);

  journal_file& file_;
  const hash id_of_name_;
  /// Guards what follows; changing it needs the file's `writing()` as well.
  mutable std::mutex mutex_;
  std::vector<partition> partitions_;
  std::map<partition_id, std::size_t> order_;  ///< where each is in `partitions_`
};

}  // namespace windrow::storage
