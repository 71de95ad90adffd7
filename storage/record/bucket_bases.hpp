#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "storage/record/record_layout.hpp"

namespace windrow::storage {

/// The buckets from which tiles count theirs: a tile keeps 32 bits, its lane's base the rest.
///
/// All records of a key space share bases per lane, so that none keeps its own. When events have
/// left what 32 bits reach, a new epoch of bases begins; a record moves to it when it must hold a
/// bucket that its own epoch cannot name. Concurrency: none. Refers to the layouts.
class bucket_bases {
public:
  explicit bucket_bases(const record_layouts& layouts);

  std::int64_t of(std::uint16_t epoch, int key_space, int lane) const noexcept {
    return epochs_[epoch][static_cast<std::size_t>(key_space)][static_cast<std::size_t>(lane)];
  }
  /// The epoch in which records are made.
  std::uint16_t latest() const noexcept { return static_cast<std::uint16_t>(epochs_.size() - 1); }
  /// Centres later epochs on these newest times; call when they first are known.
  void set_max_event_times(std::span<const std::int64_t> max_event_times);

  /// The epoch in which a record of epoch `from` can hold the bucket; a new one may begin. Nothing
  /// if that would cost buckets that are still retained: it lies so far behind the newest event
  /// that no rule has a use for it.
  std::optional<std::uint16_t> epoch_for(std::uint16_t from, int key_space, int lane,
                                         std::int64_t index);

private:
  using bases = std::vector<std::vector<std::int64_t>>;  // [key space][lane]

  int watermark_group_of(const lane_type& l) const noexcept {
    return layouts_.plan().tilings[static_cast<std::size_t>(l.tiling)].watermark_group;
  }
  std::int64_t centre_of(const lane_type& l, int watermark_group, std::int64_t time) const;
  bool centred(const bases& e, int key_space, int watermark_group, std::int64_t time) const;
  bases make_epoch(int watermark_group, std::int64_t time) const;

  const record_layouts& layouts_;
  std::vector<bases> epochs_;
  std::vector<std::int64_t> max_event_times_;  // by watermark group: where a new epoch is centred
};

}  // namespace windrow::storage
