#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "storage/record/record_layout.hpp"
#include "windrow/result.hpp"

namespace windrow::storage {

/// A layout that records of one shard are stored in, and what it is in the layouts of now.
struct stored_layout {
  /// One lane as stored.
  struct lane {
    int to = schema::none;  ///< the lane of now, or none: its tiles are passed over
    std::int64_t duration = 0;
    const tile_type* tiles = nullptr;
    /// Of each stored partial its place in the tiles of now, or none. Unused where `same`.
    std::vector<int> cells;
    bool same = false;  ///< tiles are what they are now
  };

  std::uint32_t number = 0;
  std::uint64_t id = 0;
  int key_space = schema::none;  ///< of the plan; none where it has this key space no more
  bool current = false;          ///< the layout that its key space has now
  std::vector<int> scalars;      ///< of each stored place the place of now, or none
  std::vector<lane> lanes;
  std::vector<std::unique_ptr<tile_type>> tile_types;  ///< those that are not of now
};

/// Definitions of layouts as a shard stores them, by number.
using layout_definitions = std::map<std::uint32_t, std::string>;

/// The record layouts of one shard's file. A record names its layout by a number that counts in
/// this file alone, from 1 without gaps; the table that is stored beside the records says which
/// layout that is. The layout's id is part of each record's checksum, so that a number that has
/// come to mean another layout is noticed.
///
/// Things are the same layout, scalar, tiling or partial if their ids are. What has left the plan
/// is passed over when a record is read, what is new in it is empty.
///
/// Concurrency: none. Refers to the layouts it was made for.
class layout_table {
public:
  /// For a file in which nothing is stored yet.
  explicit layout_table(const record_layouts& now);
  /// For one that holds these; layouts of now that are not among them get the next numbers.
  /// `corrupt` where they are damaged or one is missing.
  static result<layout_table> make(const record_layouts& now, const layout_definitions& stored);

  /// Null if the file has no such layout.
  const stored_layout* find(std::uint32_t number) const noexcept {
    return number == 0 || number > layouts_.size() ? nullptr : layouts_[number - 1].get();
  }
  /// The layout in which records of a key space are written.
  const stored_layout& current(int key_space) const noexcept {
    return *layouts_[current_[static_cast<std::size_t>(key_space)] - 1];
  }
  /// What must be stored with the next records: definitions that no commit has written yet.
  const layout_definitions& unstored() const noexcept { return unstored_; }
  void all_stored() noexcept { unstored_.clear(); }

private:
  layout_table() = default;
  /// False if the bytes are no definition.
  bool add(const record_layouts& now, const std::string& encoded);
  void add_missing(const record_layouts& now);

  std::vector<std::unique_ptr<stored_layout>> layouts_;  // by number - 1
  std::vector<std::uint32_t> current_;                   // numbers, by key space
  layout_definitions unstored_;
};

}  // namespace windrow::storage
