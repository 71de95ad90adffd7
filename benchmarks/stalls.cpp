// What holds up a batch in its shard: one thread makes batches, one folds them and encodes
// checkpoints in between, one writes, as in a node; every step of the second is timed.
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>

#include "benchmarks/benchmarks.hpp"
#include "benchmarks/bounded_queue.hpp"
#include "benchmarks/lone_shard.hpp"
#include "benchmarks/node_run.hpp"
#include "formats/line_cutter.hpp"
#include "ingest/ingest_core.hpp"

namespace windrow::bench {

namespace {

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

/// Times of one kind of step, in milliseconds: on the wall, and of this thread alone.
struct step_times {
  std::vector<double> wall, own;

  template <class F>
  auto time(F&& step) {
    const double own_start = cpu_seconds();
    const auto start = clock::now();
    auto done = step();
    wall.push_back(seconds_since(start) * 1e3);
    own.push_back((cpu_seconds() - own_start) * 1e3);
    return done;
  }
};

using write_ptr = std::shared_ptr<storage::stripe_write>;

void make_batches(const schema::plan_ptr& plan, const std::string& path,
                  bounded_queue<storage::batch_ptr>& to) {
  ingest::ingest_options o;
  o.plan = plan;
  o.source = 0;
  o.partition = 1;
  o.folder_seed = lone_shard::folder_seed;
  ingest::ingest_core ingest(std::move(o));
  ingest::ingest_output output;
  formats::line_cutter cutter(1, 0);
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  for (bool more = file >= 0; more;) {
    const auto space = cutter.space();
    const ssize_t got = ::read(file, space.data(), space.size());
    more = got > 0;
    cutter.filled(more ? static_cast<std::size_t>(got) : 0);
    while (auto run = cutter.cut(timestamp{(first_event_ms + event_span_ms) * 1000}, !more)) {
      output.clear();
      ingest.take(*run, output);
      for (auto& b : output.batches) to.push(b.batch);
    }
  }
  if (file >= 0) ::close(file);
  to.end();
}

/// The steps of the shard's thread while batches come.
struct shard_steps {
  step_times apply, encode, committed;
  std::uint64_t rows = 0;
  std::optional<failure> failed;
};

void run_shard(lone_shard& shard, bounded_queue<storage::batch_ptr>& batches,
               bounded_queue<write_ptr>& to_writer, bounded_queue<write_ptr>& written,
               shard_steps& steps) {
  storage::shard_core& core = shard.core();
  int under_way = 0;
  const auto take_written = [&](std::optional<write_ptr> w) {
    if (!w) return;
    --under_way;
    steps.committed.time([&] { return core.committed(**w), 0; });
  };
  while (auto b = batches.pop()) {
    auto applied = steps.apply.time([&] { return core.apply(**b); });
    if (!applied) {
      steps.failed = applied.error();
      return batches.end();
    }
    steps.rows += applied->rows;
    take_written(written.try_pop());
    // Rounds follow each other without a pause: more checkpoints than any node takes.
    core.begin_cycle();
    if (under_way >= 2) continue;
    write_ptr w = steps.encode.time([&] { return write_ptr(core.next_write(1 << 20)); });
    if (!w) continue;
    ++under_way;
    to_writer.push(std::move(w));
  }
  while (under_way > 0) take_written(written.pop());
}

void add(report& out, const char* name, const std::vector<double> (&longest)[2]) {
  out.add({std::string(name) + ", longest", "ms", longest[0], 10, {}, true});
  out.add({std::string(name) + ", longest, its own CPU time", "ms", longest[1], {}, {}, true});
}

}  // namespace

void measure_stalls(const settings& s, report& out) {
  out.begin("stalls");
  auto file = event_file_of(s, key_shape::uniform);
  if (!file) return out.failed(file.error());
  std::vector<double> apply[2], encode[2], batch_median, batch_slow;
  for (int run = 0; run < s.runs; ++run) {
    const scratch_folder folder(s, "stalls");
    auto shard = lone_shard::make({}, folder.path(), std::size_t{16} << 30);
    if (!shard) return out.failed(shard.error());
    bounded_queue<storage::batch_ptr> batches(64);
    bounded_queue<write_ptr> to_writer(4), written(4);
    shard_steps steps;
    std::atomic<bool> written_well{true};
    std::thread producer([&] { make_batches((*shard)->plan(), file->path, batches); });
    std::thread writer([&] {
      while (auto w = to_writer.pop()) {
        (*w)->seal(lone_shard::folder_seed);
        if (!storage::commit((*shard)->store(), **w)) written_well = false;
        written.push(std::move(*w));
      }
    });
    run_shard(**shard, batches, to_writer, written, steps);
    to_writer.end();
    producer.join();
    writer.join();
    if (steps.failed) return out.failed(*steps.failed);
    out.check(steps.rows == file->events && written_well,
              "rows applied: " + std::to_string(steps.rows));
    batch_median.push_back(quantile(steps.apply.wall, 0.5));
    batch_slow.push_back(quantile(steps.apply.wall, 0.999));
    apply[0].push_back(quantile(steps.apply.wall, 1)),
        apply[1].push_back(quantile(steps.apply.own, 1));
    encode[0].push_back(quantile(steps.encode.wall, 1)),
        encode[1].push_back(quantile(steps.encode.own, 1));
  }
  out.add({"a batch, median", "ms", batch_median, {}, {}, true});
  out.add({"a batch, p99.9", "ms", batch_slow, {}, {}, true});
  add(out, "a batch, growth of tables included", apply);
  add(out, "wait for a checkpoint", encode);
}

}  // namespace windrow::bench
