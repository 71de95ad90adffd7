#include "formats/decoder.hpp"

#include <utility>

#include "formats/json_decoder.hpp"

namespace windrow::formats {

std::unique_ptr<decoder> make_decoder(const schema::stream& stream, std::vector<bool> needed) {
  return std::make_unique<json_decoder>(stream.message, std::move(needed));
}

}  // namespace windrow::formats
