#include <string>

#include "benchmarks/baseline.hpp"
#include "benchmarks/benchmarks.hpp"
#include "benchmarks/mapped_text.hpp"
#include "benchmarks/node_run.hpp"

namespace windrow::bench {

namespace {

void check_baseline(const baseline_outcome& outcome, const event_file& file, const char* name,
                    report& out) {
  out.check(outcome.total.count == file.total.count && outcome.total.cents == file.total.cents &&
                outcome.distinct == file.distinct,
            std::string(name) + ": " + std::to_string(outcome.total.count) + " events, " +
                std::to_string(outcome.total.cents) + " cents, " +
                std::to_string(outcome.distinct) + " users");
}

void measure(const settings& s, key_shape keys, report& out) {
  out.note("input: " + std::to_string(s.events) + " events, keys " + to_string(keys));
  auto file = event_file_of(s, keys);
  if (!file) return out.failed(file.error());
  auto text = mapped_text::open(file->path);
  if (!text) return out.failed(text.error());
  const double millions = static_cast<double>(file->events) / 1e6;
  std::vector<double> light, ceiling, node, of_light, of_ceiling;
  std::vector<double> ceiling_cpu, node_cpu;  // nanoseconds an event
  for (int run = 0; run < s.runs; ++run) {
    if (s.baselines) {
      const auto l = run_light(text->text());
      check_baseline(l, *file, "light", out);
      light.push_back(millions / l.seconds);
      const auto c = run_ceiling(text->text());
      check_baseline(c, *file, "ceiling", out);
      ceiling.push_back(millions / c.seconds);
      ceiling_cpu.push_back(c.cpu_seconds * 1000 / millions);
    }
    const scratch_folder folder(s, std::string("ingest-") + to_string(keys));
    const node_run what{.features = {}, .folder = folder.path(), .input = file->path};
    auto ended = run_to_end(what);
    if (!ended) return out.failed(ended.error());
    node.push_back(millions / ended->seconds);
    node_cpu.push_back(ended->cpu_seconds * 1000 / millions);
    if (s.baselines) {
      of_light.push_back(node.back() / light.back());
      of_ceiling.push_back(node.back() / ceiling.back());
    }
    check_answers(*ended->service, what, *file, out);
  }
  const std::string suffix = std::string(", ") + to_string(keys);
  if (s.baselines) {
    out.add({"light" + suffix, "M events/s", light, {}, {}});
    out.add({"ceiling" + suffix, "M events/s", ceiling, {}, {}});
  }
  out.add({"durable" + suffix, "M events/s", node, {}, {}});
  if (s.baselines) {
    out.add({"durable / light" + suffix, "x", of_light, {}, {}});
    out.add({"durable / ceiling" + suffix, "x", of_ceiling, 0.4, 0.8});
    out.add({"ceiling, processor time" + suffix, "ns/event", ceiling_cpu, {}, {}, true});
  }
  out.add({"durable, processor time" + suffix, "ns/event", node_cpu, {}, {}, true});
}

}  // namespace

void measure_ingest(const settings& s, report& out) {
  out.begin("ingest");
  for (const key_shape keys : s.keys) measure(s, keys, out);
}

}  // namespace windrow::bench
