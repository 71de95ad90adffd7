#pragma once

#include <prometheus/metric_family.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Families of metrics that are made when they are asked for, from values that are there anyway.
namespace windrow::server {

class metric_families {
public:
  using labels = std::vector<prometheus::ClientMetric::Label>;

  /// Begins a family; what follows belongs to it.
  void counter(std::string_view name, std::string_view help) {
    begin(name, help, prometheus::MetricType::Counter);
  }
  void gauge(std::string_view name, std::string_view help) {
    begin(name, help, prometheus::MetricType::Gauge);
  }
  void histogram(std::string_view name, std::string_view help) {
    begin(name, help, prometheus::MetricType::Histogram);
  }

  void add(double value, labels of = {}) {
    prometheus::ClientMetric one;
    one.label = std::move(of);
    one.counter.value = value;  // whichever the family's type is
    one.gauge.value = value;
    families_.back().metric.push_back(std::move(one));
  }
  void add(prometheus::ClientMetric::Histogram value) {
    prometheus::ClientMetric one;
    one.histogram = std::move(value);
    families_.back().metric.push_back(std::move(one));
  }

  std::vector<prometheus::MetricFamily> take() && { return std::move(families_); }

private:
  void begin(std::string_view name, std::string_view help, prometheus::MetricType type) {
    families_.push_back({std::string(name), std::string(help), type, {}});
  }

  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace windrow::server
