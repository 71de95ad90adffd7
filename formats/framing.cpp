#include "formats/framing.hpp"

#include "formats/line_cutter.hpp"

namespace windrow::formats {

std::unique_ptr<framing> make_framing(partition_id partition, sequence position,
                                      framing_limits limits) {
  return std::make_unique<line_cutter>(partition, position, limits);
}

}  // namespace windrow::formats
