#pragma once

#include <prometheus/collectable.h>

#include <cstddef>
#include <vector>

#include "cluster/service.hpp"

namespace windrow::server {

/// What a node measures of itself, as Prometheus sees it. Sources and series have a label each, up
/// to a limit: the rest of them, in the order of the declarations, is one more, `other`.
class node_metrics final : public prometheus::Collectable {
public:
  static constexpr std::size_t sources_max = 100;
  static constexpr std::size_t series_max = 200;

  explicit node_metrics(cluster::service& service) : service_(service) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

private:
  cluster::service& service_;
};

}  // namespace windrow::server
