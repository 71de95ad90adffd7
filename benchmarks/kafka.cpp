#include <algorithm>
#include <string>

#include "benchmarks/benchmarks.hpp"
#include "benchmarks/kafka_topic.hpp"
#include "benchmarks/mapped_text.hpp"
#include "benchmarks/node_run.hpp"

namespace windrow::bench {

namespace {

constexpr int partitions = 2;
constexpr std::uint64_t events_max = 10'000'000;  // the broker keeps them on disk

result<void> measure(const settings& s, const kafka_broker& broker, key_shape keys, report& out) {
  const auto file = event_file_of(s, keys);
  if (!file) return file.error();
  const auto text = mapped_text::open(file->path);
  if (!text) return text.error();
  const std::string topic = std::string("purchases-") + to_string(keys);
  if (auto made = produce_lines(broker.address(), topic, partitions, text->text()); !made)
    return made.error();
  const double millions = static_cast<double>(file->events) / 1e6;
  std::vector<double> bare, node, ratio, bare_cpu, node_cpu;
  // Once before it counts, so that the broker has compiled what it runs.
  for (int run = -1; run < s.runs; ++run) {
    if (s.baselines || run < 0) {
      const stopwatch watch;
      const auto counted = count_messages(broker.address(), topic, partitions, file->events);
      if (!counted) return counted.error();
      const double seconds = watch.seconds(), cpu = watch.cpu_seconds();
      out.check(counted->bytes == file->events * (line_bytes - 1),
                "bytes counted: " + std::to_string(counted->bytes));
      if (run < 0) continue;
      bare.push_back(millions / seconds);
      bare_cpu.push_back(cpu * 1000 / millions);
    }
    const scratch_folder folder(s, "kafka");
    node_run what{.features = {}, .folder = folder.path(), .input = {}};
    what.features.source =
        "{ kafka: { bootstrap_server: \"" + broker.address() + "\", topic: " + topic + " } }";
    auto ended = run_to_end(what);
    if (!ended) return ended.error();
    node.push_back(millions / ended->seconds);
    node_cpu.push_back(ended->cpu_seconds * 1000 / millions);
    if (s.baselines) ratio.push_back(node.back() / bare.back());
    check_answers(*ended->service, what, *file, out);
  }
  const std::string suffix = std::string(", ") + to_string(keys);
  if (s.baselines) out.add({"bare consumer" + suffix, "M messages/s", bare, {}, {}});
  out.add({"durable" + suffix, "M messages/s", node, {}, {}});
  if (s.baselines) {
    out.add({"durable / bare consumer" + suffix, "x", ratio, 0.7, {}});
    out.add({"bare consumer, processor time" + suffix, "ns/message", bare_cpu, {}, {}, true});
  }
  out.add({"durable, processor time" + suffix, "ns/message", node_cpu, {}, {}, true});
  return {};
}

}  // namespace

void measure_kafka(const settings& s, report& out) {
  out.begin("kafka");
  settings mine = s;
  mine.events = std::min(s.events, events_max);
  const scratch_folder brokers_folder(s, "kafka-broker");
  const auto broker = kafka_broker::start(brokers_folder.path());
  if (!broker) return out.failed(broker.error());
  for (const key_shape keys : s.keys) {
    if (auto done = measure(mine, *broker, keys, out); !done) return out.failed(done.error());
  }
}

}  // namespace windrow::bench
