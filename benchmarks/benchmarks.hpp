#pragma once

#include "benchmarks/report.hpp"
#include "benchmarks/settings.hpp"

/// The benchmarks. Each measures, checks what it measured, and adds its figures.
namespace windrow::bench {

/// From a file to durable features, beside both baselines.
void measure_ingest(const settings& s, report& out);
/// A one-hour window in 1-second buckets beside the same in 1-minute buckets.
void measure_fine_buckets(const settings& s, report& out);

}  // namespace windrow::bench
