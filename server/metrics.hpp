#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "cluster/node.hpp"

namespace windrow::server {

struct route;

/// What the server counts about itself; with what the node knows, the answer of `/metrics`. Labels
/// are names of routes, statuses and declared names: nothing a client may choose.
///
/// Concurrency: any thread.
class metrics {
public:
  metrics();

  /// `to` is null where a request had no route.
  void answered(const route* to, int status, std::chrono::nanoseconds took);
  void connected() { count(connections_); }
  void turned_away() { count(turned_away_); }

  std::string text(cluster::node& node) const;

private:
  static constexpr std::array<double, 13> bounds{0.0001, 0.00025, 0.0005, 0.001, 0.0025,
                                                 0.005,  0.01,    0.025,  0.05,  0.1,
                                                 0.5,    1,       10};
  struct of_route {
    std::string operation;
    std::map<int, std::uint64_t> by_status;
    std::array<std::uint64_t, bounds.size() + 1> within{};  // and those beyond
    double seconds = 0;
  };
  void count(std::uint64_t& what) {
    const std::lock_guard lock(guard_);
    ++what;
  }

  mutable std::mutex guard_;
  std::vector<of_route> routes_;  // those of the table, then those without
  std::uint64_t connections_ = 0;
  std::uint64_t turned_away_ = 0;
};

}  // namespace windrow::server
