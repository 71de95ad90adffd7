#include "server/metrics/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <iterator>
#include <map>
#include <mutex>
#include <vector>

#include "node/node_stats.hpp"
#include "server/api/route_table.hpp"
#include "server/metrics/node_metrics.hpp"
#include "server/metrics/process_metrics.hpp"

namespace windrow::server {
namespace {

/// Seconds. A feature is read in tens of microseconds, a checkpoint takes seconds.
const prometheus::Histogram::BucketBoundaries request_seconds{
    0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
    0.025,    0.05,    0.1,    0.25,    0.5,    1,     2.5,    10};

}  // namespace

struct metrics::impl {
  /// Those of one operation: looked up once, as a family finds them by hashing all labels.
  struct of_route {
    std::string operation;
    std::map<int, prometheus::Counter*> by_status;
    prometheus::Histogram* seconds = nullptr;
  };

  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& requests =
      prometheus::BuildCounter()
          .Name("windrow_http_requests_total")
          .Help("Requests answered, by operation and status.")
          .Register(registry);
  prometheus::Family<prometheus::Histogram>& seconds =
      prometheus::BuildHistogram()
          .Name("windrow_http_request_duration_seconds")
          .Help("From the end of a request's headers to the beginning of its answer.")
          .Register(registry);
  prometheus::Counter& connections = prometheus::BuildCounter()
                                         .Name("windrow_http_connections_total")
                                         .Help("Connections that were taken.")
                                         .Register(registry)
                                         .Add({});
  prometheus::Gauge& open = prometheus::BuildGauge()
                                .Name("windrow_http_open_connections")
                                .Help("Connections that are open.")
                                .Register(registry)
                                .Add({});
  prometheus::Counter& turned_away =
      prometheus::BuildCounter()
          .Name("windrow_http_turned_away_total")
          .Help("Connections that found every place busy, or did not agree on TLS.")
          .Register(registry)
          .Add({});

  std::mutex guard;
  std::vector<of_route> routes;  // those of the table, then those without
};

metrics::metrics() : impl_(std::make_unique<impl>()) {
  for (const route& r : routes()) impl_->routes.push_back({std::string(r.operation), {}, nullptr});
  impl_->routes.push_back({"none", {}, nullptr});
}

metrics::~metrics() = default;

void metrics::answered(const route* to, int status, std::chrono::nanoseconds took) {
  const std::size_t at =
      to ? static_cast<std::size_t>(to - routes().data()) : impl_->routes.size() - 1;
  const double seconds = std::chrono::duration<double>(took).count();
  const std::lock_guard lock(impl_->guard);
  impl::of_route& r = impl_->routes[at];
  prometheus::Counter*& counter = r.by_status[status];
  if (!counter) {
    counter =
        &impl_->requests.Add({{"operation", r.operation}, {"status", std::to_string(status)}});
  }
  if (!r.seconds) r.seconds = &impl_->seconds.Add({{"operation", r.operation}}, request_seconds);
  counter->Increment();
  r.seconds->Observe(seconds);
}

void metrics::connected() {
  impl_->connections.Increment();
  impl_->open.Increment();
}
void metrics::disconnected() { impl_->open.Decrement(); }
void metrics::turned_away() { impl_->turned_away.Increment(); }

std::string metrics::text(cluster::service& service) const {
  std::vector<prometheus::MetricFamily> all = impl_->registry.Collect();
  const auto add = [&all](std::vector<prometheus::MetricFamily> more) {
    all.insert(all.end(), std::make_move_iterator(more.begin()),
               std::make_move_iterator(more.end()));
  };
  add(node_metrics(service).Collect());
  add(process_metrics().Collect());
  return prometheus::TextSerializer().Serialize(all);
}

}  // namespace windrow::server
