#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "schema/catalog/push_settings.hpp"
#include "sources/source_driver.hpp"

namespace windrow::sources {

/// A declared source that is only pushed to. It has no partitions: what is pushed to its streams is
/// in the journal, which the node reads for all sources. So there is nothing to open or to move.
class push_driver final : public source_driver {
public:
  static result<std::unique_ptr<source_driver>> make(const driver_request& request,
                                                     const driver_context& context);
  push_driver(std::string name, bool once) : name_(std::move(name)), once_(once) {}

  const std::string& name() const noexcept override { return name_; }
  const schema::source_kind& kind() const noexcept override { return schema::push_kind; }

  result<std::vector<driver_partition>> discover() override {
    return std::vector<driver_partition>();
  }
  /// A node that runs `once` does not wait for pushes; any other one does for ever.
  bool complete() const override { return once_; }
  result<std::shared_ptr<input>> open(storage::partition_id partition,
                                      storage::sequence from) override;
  result<void> committed(const storage::positions&) override { return {}; }
  std::vector<driver_partition> partitions() const override { return {}; }
  result<seek_place> locate(storage::partition_id partition, const seek_target& target) override;
  result<driver_partition> reset(storage::partition_id partition) override;

private:
  failure nothing_to_read() const;

  const std::string name_;
  const bool once_;
};

}  // namespace windrow::sources
