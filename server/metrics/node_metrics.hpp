#pragma once

#include <prometheus/collectable.h>

#include <cstddef>
#include <vector>

#include "node/node.hpp"

namespace windrow::server {

/// What a node measures of itself, as Prometheus sees it. Sources and series have a label each, up
/// to a limit: the rest of them, in the order of the declarations, is one more, `other`.
class node_metrics final : public prometheus::Collectable {
public:
  static constexpr std::size_t sources_max = 100;
  static constexpr std::size_t series_max = 200;

  explicit node_metrics(node::node& node) : node_(node) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

private:
  node::node& node_;
};

}  // namespace windrow::server
