// What checkpoints cost an ingest that is under way: the same file with a cycle every second and
// with none before its end. Rounds are usually ten seconds apart, longer than the whole file takes.
#include "benchmarks/benchmarks.hpp"
#include "benchmarks/node_run.hpp"

namespace windrow::bench {

namespace {

// M events/s until everything is applied; the last checkpoint comes after that.
result<double> applied_rate(const settings& s, const event_file& file,
                            std::chrono::milliseconds checkpoint, report& checks) {
  const scratch_folder folder(s, "checkpoints");
  const node_run what{
      .features = {}, .folder = folder.path(), .input = file.path, .checkpoint = checkpoint};
  const stopwatch watch;
  auto node = open_node(what);
  if (!node) return node.error();
  if (auto ended = wait_for_end(**node); !ended) return ended.error();
  const double seconds = watch.seconds();
  check_answers(**node, what, file, checks);
  return static_cast<double>(file.events) / 1e6 / seconds;
}

}  // namespace

void measure_checkpoints(const settings& s, report& out) {
  out.begin("checkpoints");
  auto file = event_file_of(s, key_shape::uniform);
  if (!file) return out.failed(file.error());
  const auto interval = std::chrono::seconds(1);
  std::vector<double> with, without, lost, usual;
  for (int run = 0; run < s.runs; ++run) {
    auto a = applied_rate(s, *file, std::chrono::hours(1), out);
    if (!a) return out.failed(a.error());
    auto b = applied_rate(s, *file, interval, out);
    if (!b) return out.failed(b.error());
    without.push_back(*a), with.push_back(*b), lost.push_back((1 - *b / *a) * 100);
    usual.push_back(lost.back() / 10);
  }
  out.add({"applied, without checkpoints", "M events/s", without, {}, {}});
  out.add({"applied, with a checkpoint a second", "M events/s", with, {}, {}});
  out.add({"checkpoints cost, one a second", "%", lost, {}, {}, true});
  out.add({"checkpoints cost, one in ten seconds", "%", usual, 15, {}, true});
}

}  // namespace windrow::bench
