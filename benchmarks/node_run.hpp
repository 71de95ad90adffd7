#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "benchmarks/declarations.hpp"
#include "benchmarks/events.hpp"
#include "benchmarks/report.hpp"
#include "cluster/service.hpp"
#include "node/node_options.hpp"

namespace windrow::bench {

/// A data folder that is empty when made and gone afterwards.
class scratch_folder {
public:
  scratch_folder(const settings& s, const std::string& name);
  ~scratch_folder();
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  const std::string& path() const noexcept { return path_; }

private:
  std::string path_;
};

struct node_run {
  declared features;
  std::string folder;
  std::string input;  ///< none: nothing is read, unless the declared source is a topic
  std::size_t memory = std::size_t{8} << 30;
  std::chrono::milliseconds checkpoint{10'000};
  bool once = true;
};

result<std::unique_ptr<cluster::service>> open_node(const node_run& run);

/// Waits until the inputs have ended.
result<void> wait_for_end(cluster::service& service);

/// From no folder to everything durable: the seconds it took, and the node, which still answers.
struct finished_run {
  double seconds = 0;
  double cpu_seconds = 0;
  std::unique_ptr<cluster::service> service;
};
result<finished_run> run_to_end(const node_run& run);

/// Compares a node that has applied a whole file with what is known of the file: the number of
/// messages (where it took them `all` itself); count and sum over the longest window of every user;
/// every feature of the witnesses.
void check_answers(cluster::service& service, const node_run& run, const event_file& file,
                   report& out, bool all = true);

}  // namespace windrow::bench
