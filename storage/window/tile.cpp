#include "storage/window/basic_tile.hpp"
#include "storage/window/partials/all.hpp"

namespace windrow::storage {

template class basic_tile_type<all_partials>;

}  // namespace windrow::storage
