#include "sources/push_driver.hpp"

namespace windrow::sources {

result<std::unique_ptr<source_driver>> push_driver::make(const driver_request& request,
                                                         const driver_context& context) {
  return std::unique_ptr<source_driver>(
      std::make_unique<push_driver>(request.declared().name, context.once));
}

failure push_driver::nothing_to_read() const {
  return {errc::not_found,
          "the source " + name_ + " is only pushed to: it has no partitions to read"};
}

result<std::shared_ptr<input>> push_driver::open(storage::partition_id, storage::sequence) {
  return nothing_to_read();
}

result<seek_place> push_driver::locate(storage::partition_id, const seek_target&) {
  return nothing_to_read();
}

result<driver_partition> push_driver::reset(storage::partition_id) { return nothing_to_read(); }

}  // namespace windrow::sources
