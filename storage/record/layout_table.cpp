#include "storage/record/layout_table.hpp"

#include <algorithm>

#include "base/bytes.hpp"

namespace windrow::storage {

namespace {

template <class Things, class IdOf>
int find_id(const Things& things, std::uint64_t id, IdOf id_of) {
  for (std::size_t i = 0; i < things.size(); ++i)
    if (id_of(things[i]) == id) return static_cast<int>(i);
  return schema::none;
}

/// The lane of now that holds the same buckets, or none.
int lane_of_now(const record_layouts& now, const record_layout& layout, const schema::tiling& t,
                std::uint32_t level) {
  for (std::size_t i = 0; i < layout.lanes.size(); ++i) {
    const lane_type& lane = layout.lanes[i];
    const auto& tiling = now.plan().tilings[static_cast<std::size_t>(lane.tiling)];
    if (tiling.id == t.id && static_cast<std::uint32_t>(lane.level) == level)
      return static_cast<int>(i);
  }
  return schema::none;
}

std::vector<int> cells_of_now(const schema::tiling& stored, const schema::tiling& now) {
  std::vector<int> cells;
  for (const schema::partial& p : stored.partials) {
    cells.push_back(find_id(now.partials, partial_id(stored, p),
                            [&](const schema::partial& q) { return partial_id(now, q); }));
  }
  return cells;
}

/// Whether each partial stands where it stood.
bool unmoved(const std::vector<int>& cells, const schema::tiling& now) {
  for (std::size_t i = 0; i < cells.size(); ++i)
    if (cells[i] != static_cast<int>(i)) return false;
  return cells.size() == now.partials.size();
}

void add_lanes(stored_layout& to, const layout_definition& d, const record_layouts& now) {
  for (const schema::tiling& t : d.tilings) to.tile_types.push_back(std::make_unique<tile_type>(t));
  for (const layout_definition::lane& from : d.lanes) {
    const schema::tiling& stored = d.tilings[from.tiling];
    stored_layout::lane lane;
    lane.duration = stored.duration << 5 * from.level;
    lane.tiles = to.tile_types[from.tiling].get();
    if (to.key_space != schema::none)
      lane.to = lane_of_now(now, now.of(to.key_space), stored, from.level);
    if (lane.to != schema::none) {
      const lane_type& type = now.of(to.key_space).lanes[static_cast<std::size_t>(lane.to)];
      const auto& tiling = now.plan().tilings[static_cast<std::size_t>(type.tiling)];
      lane.cells = cells_of_now(stored, tiling);
      lane.same = unmoved(lane.cells, tiling);
      if (lane.same) lane.tiles = type.tiles;
    }
    to.lanes.push_back(std::move(lane));
  }
}

void add_scalars(stored_layout& to, const layout_definition& d, const schema::plan& p) {
  for (const std::uint64_t id : d.scalars) {
    if (to.key_space == schema::none) {
      to.scalars.push_back(schema::none);
      continue;
    }
    to.scalars.push_back(find_id(p.key_spaces[static_cast<std::size_t>(to.key_space)].scalars, id,
                                 [&](int s) { return p.scalars[static_cast<std::size_t>(s)].id; }));
  }
}

}  // namespace

layout_table::layout_table(const record_layouts& now) : current_(now.size(), 0) {
  add_missing(now);
}

result<layout_table> layout_table::make(const record_layouts& now,
                                        const layout_definitions& stored) {
  layout_table table;
  table.current_.assign(now.size(), 0);
  for (const auto& [number, encoded] : stored) {
    const std::size_t expected = table.layouts_.size() + 1;
    if (number == expected && table.add(now, encoded)) continue;
    return failure{errc::corrupt,
                   "number " + std::to_string(expected) +
                       " of the table of record layouts is missing or damaged; restore the folder "
                       "from a backup, or replay its sources into a new one"};
  }
  table.add_missing(now);
  return table;
}

void layout_table::add_missing(const record_layouts& now) {
  for (std::size_t k = 0; k < current_.size(); ++k) {
    if (current_[k] != 0) continue;
    const std::string encoded = encode_layout(definition_of(now, static_cast<int>(k)));
    add(now, encoded);
    unstored_[current_[k]] = encoded;
  }
}

bool layout_table::add(const record_layouts& now, const std::string& encoded) {
  const auto definition = decode_layout(as_bytes(encoded));
  if (!definition) return false;
  auto layout = std::make_unique<stored_layout>();
  layout->number = static_cast<std::uint32_t>(layouts_.size() + 1);
  layout->id = layout_id(as_bytes(encoded));
  layout->key_space = find_id(now.plan().key_spaces, definition->key_space,
                              [](const schema::key_space& s) { return s.id; });
  add_scalars(*layout, *definition, now.plan());
  add_lanes(*layout, *definition, now);
  if (layout->key_space != schema::none) {
    layout->current = encoded == encode_layout(definition_of(now, layout->key_space));
    if (layout->current) current_[static_cast<std::size_t>(layout->key_space)] = layout->number;
  }
  layouts_.push_back(std::move(layout));
  return true;
}

}  // namespace windrow::storage
