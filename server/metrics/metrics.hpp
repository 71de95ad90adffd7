#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "cluster/service.hpp"

namespace windrow::server {

struct route;

/// What the server counts about itself; with what the node and the process know, the answer of
/// `/metrics`. Labels are names of routes, statuses and declared names: nothing a client chooses.
///
/// Concurrency: any thread. Counting a request takes no lock that reading holds for long.
class metrics {
public:
  metrics();
  ~metrics();

  /// `to` is null if a request had no route.
  void answered(const route* to, int status, std::chrono::nanoseconds took);
  void connected();
  void disconnected();
  void turned_away();

  /// Of a node that has stopped answering, what the server and the process know.
  std::string text(cluster::service& service) const;
  static constexpr std::string_view media_type = "text/plain; version=0.0.4; charset=utf-8";

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace windrow::server
