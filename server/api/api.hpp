#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "cluster/service.hpp"
#include "server/api/limits.hpp"
#include "server/api/request.hpp"
#include "server/api/route_table.hpp"
#include "server/metrics/metrics.hpp"

namespace windrow::server {

struct api_options {
  /// Microseconds since the epoch: what `now` is where a request does not say it.
  std::function<std::int64_t()> clock;
  /// A folder opened to look: `inspect` may verify it.
  bool stopped_folder = false;
  limits bounds{};
};

/// The API of a service: requests in, responses out, no network. The server hands it what arrives;
/// commands on a stopped folder call it themselves, so that both give the same answers.
///
/// Concurrency: any thread. Ownership: the service outlives it.
class api {
public:
  api(cluster::service& service, api_options options);

  /// Finds the route, checks who asks, answers. `asked.who` is taken as it is.
  response handle(const request& asked);
  /// The second half, once the caller has admitted the request (`admission.hpp`).
  response run(const route& to, const call& what);

  /// No longer ready: requests are still answered, but `readyz` says to send no more.
  void drain() noexcept { draining_ = true; }

  /// What the server counts about itself.
  metrics& counts() noexcept { return counts_; }
  std::int64_t clock() const { return options_.clock(); }

  // One a route; `route_table.cpp` says which.
  response health(const call&);
  response readiness(const call&);
  response metrics_text(const call&);
  response openapi(const call&);
  response schema_text(const call&);
  response push(const call&);
  response query(const call&);
  response entity(const call&);
  response explain(const call&);
  response catalog(const call&);
  response aggregates(const call&);
  response inspection(const call&);
  response dead_letters(const call&);
  response checkpoint(const call&);
  response sources(const call&);
  response pause_source(const call&);
  response resume_source(const call&);
  response seek_source(const call&);
  response reset_source(const call&);
  response replay_dead_letters(const call&);
  response drop_dead_letters(const call&);

private:
  /// What `?feature=…` of a class means, resolved once for the plan that is active.
  result<query::class_query_ptr> prepared_for(const std::string& entity_class,
                                              const std::vector<std::string>& features);
  std::optional<response> out_of_scope(const schema::plan& plan, const principal& who,
                                       std::string_view entity_class) const;
  result<timestamp> now_of(const target& address) const;

  cluster::service& service_;
  const api_options options_;
  metrics counts_;
  std::atomic<bool> draining_{false};
  std::mutex prepared_mutex_;
  std::unordered_map<std::string, query::class_query_ptr> prepared_;
};

}  // namespace windrow::server
