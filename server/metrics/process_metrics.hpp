#pragma once

#include <prometheus/collectable.h>

#include <vector>

namespace windrow::server {

/// What the system says of this process, under the names that Prometheus' own clients use.
class process_metrics final : public prometheus::Collectable {
public:
  std::vector<prometheus::MetricFamily> Collect() const override;
};

}  // namespace windrow::server
