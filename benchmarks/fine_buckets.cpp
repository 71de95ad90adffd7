#include "benchmarks/benchmarks.hpp"
#include "benchmarks/node_run.hpp"

namespace windrow::bench {

void measure_fine_buckets(const settings& s, report& out) {
  out.begin("1 s buckets");
  for (const key_shape keys : s.keys) {
    auto file = event_file_of(s, keys);
    if (!file) return out.failed(file.error());
    std::vector<double> rates[2], ratios;
    for (int run = 0; run < s.runs; ++run) {
      for (const int fine : {0, 1}) {
        const scratch_folder folder(s, "buckets");
        node_run what{.features = {}, .folder = folder.path(), .input = file->path};
        what.features.windows = {"1h"};
        what.features.materialization =
            fine ? "{ bucket_duration: 1s }" : "{ bucket_duration: 1m }";
        auto ended = run_to_end(what);
        if (!ended) return out.failed(ended.error());
        rates[fine].push_back(static_cast<double>(file->events) / 1e6 / ended->seconds);
        check_answers(*ended->service, what, *file, out);
      }
      ratios.push_back(rates[1].back() / rates[0].back());
    }
    const std::string suffix = std::string(", ") + to_string(keys);
    out.add({"1 m buckets" + suffix, "M events/s", rates[0], {}, {}});
    out.add({"1 s buckets" + suffix, "M events/s", rates[1], {}, {}});
    out.add({"1 s / 1 m" + suffix, "x", ratios, 0.8, {}});
  }
}

}  // namespace windrow::bench
