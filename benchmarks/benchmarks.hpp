#pragma once

#include <string>
#include <vector>

#include "benchmarks/report.hpp"
#include "benchmarks/settings.hpp"

/// The benchmarks. Each measures, checks what it measured, and adds its figures.
namespace windrow::bench {

/// From a file to durable features, beside both baselines.
void measure_ingest(const settings& s, report& out);
/// A one-hour window in 1-second buckets beside the same in 1-minute buckets.
void measure_fine_buckets(const settings& s, report& out);
/// Three features of one entity: idle, just opened, and while ingesting and checkpointing.
void measure_lookups(const settings& s, report& out);
/// How long a batch waits for a checkpoint or for tables that grow.
void measure_stalls(const settings& s, report& out);
/// 43,200 full buckets beside ten.
void measure_long_window(const settings& s, report& out);
/// Bytes an entity and a tile take, in memory and on disk.
void measure_sizes(const settings& s, report& out);
/// Ingest of Zipf keys with memory for a quarter of the state.
void measure_little_memory(const settings& s, report& out);
/// From a topic to durable features, beside a consumer that only counts.
void measure_kafka(const settings& s, report& out);
/// Killed and started again: the first answer, and the replay.
void measure_recovery(const settings& s, report& out);

/// An ingest with and without checkpoints.
void measure_checkpoints(const settings& s, report& out);
/// Pushes in batches of a thousand: how many are acknowledged, how fast, and their replay.
void measure_push(const settings& s, report& out);

/// What this program does when a benchmark starts it once more.
struct child_task {
  std::string folder;
  std::size_t memory = std::size_t{8} << 30;
  int checkpoint_ms = 10'000;
  bool first_answer = false;  ///< restarted: ask something at once, and say so
};
void run_child(const settings& s, const child_task& task, report& out);
std::vector<std::string> child_arguments(const settings& s, key_shape keys, const child_task& task);

}  // namespace windrow::bench
