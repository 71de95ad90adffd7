// Messages pushed in batches of a thousand, each acknowledged once it is durable: how many, how
// long an acknowledgement takes beside what the disk needs for one sync, and how fast a journal
// that nothing has been applied from is replayed.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "base/low_latency_thread.hpp"
#include "benchmarks/benchmarks.hpp"
#include "benchmarks/mapped_text.hpp"
#include "benchmarks/node_run.hpp"

namespace windrow::bench {

namespace {

constexpr std::size_t batch_messages = 1000;
constexpr double paced_rate = 1.05e6;  // a little above the rate that is asked for

// A file of its own, to see what one small write costs that is made durable.
class sync_probe {
public:
  explicit sync_probe(std::string path)
      : path_(std::move(path)), fd_(::open(path_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) {}
  ~sync_probe() {
    ::close(fd_);
    ::unlink(path_.c_str());
  }
  sync_probe(const sync_probe&) = delete;
  sync_probe& operator=(const sync_probe&) = delete;

  /// One more page.
  void once() {
    const auto start = clock::now();
    const auto at = static_cast<off_t>(all_.size() * page_.size());
    if (::pwrite(fd_, page_.data(), page_.size(), at) < 0 || ::fdatasync(fd_) != 0) return;
    all_.push_back(seconds_since(start) * 1e3);
  }
  double median_ms() const { return all_.empty() ? 0 : median(all_); }

private:
  const std::string path_;
  const int fd_;
  const std::string page_ = std::string(4096, 'x');
  std::vector<double> all_;
};

double sync_milliseconds(const std::string& path) {
  sync_probe probe(path);
  for (int i = 0; i < 100; ++i) probe.once();
  return probe.median_ms();
}

/// Syncs a page now and then for as long as it lives: what a sync costs beside what is running.
class sync_sampler {
public:
  explicit sync_sampler(std::string path) : probe_(std::move(path)) {}
  /// Milliseconds of one, the median; ends it.
  double finish() {
    thread_.request_stop();
    thread_.join();
    return probe_.median_ms();
  }

private:
  sync_probe probe_;
  std::jthread thread_{[this](const std::stop_token& stop) {
    const low_latency_thread on_time;  // the disk's time, not the processors'
    while (!stop.stop_requested()) {
      probe_.once();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }};
};

struct pushed {
  double seconds = 0;
  std::vector<double> acknowledged_ms;
};

/// How a file is pushed.
struct pace {
  std::string name;
  int threads = 0;
  double events_per_second = 0;  ///< 0: as fast as they are acknowledged
};

// Each thread is a producer that takes the next batch once its last one is acknowledged. At a given
// rate each batch has a time at which it is to be sent, and its latency counts from there, so that
// a late acknowledgement also counts for the batches that it delays.
result<pushed> push_file(cluster::service& service, std::string_view text, const pace& how) {
  const std::size_t messages = text.size() / line_bytes;
  std::atomic<std::size_t> next{0};
  std::mutex guard;
  pushed all;
  std::optional<failure> failed;
  const auto start = clock::now();
  const auto due = [&](std::size_t message) {
    const std::chrono::duration<double> after(static_cast<double>(message) / how.events_per_second);
    return start + std::chrono::duration_cast<clock::duration>(after);
  };
  const auto push = [&](int thread) {
    std::vector<double> mine;
    std::vector<std::string_view> batch;
    push_options options{"pusher " + std::to_string(thread), 0};
    std::optional<low_latency_thread> on_time;
    if (how.events_per_second > 0) on_time.emplace();  // or it would sleep longer than it means to
    for (;;) {
      const std::size_t from = next.fetch_add(batch_messages);
      if (from >= messages) break;
      batch.clear();
      for (std::size_t i = from; i < std::min(messages, from + batch_messages); ++i)
        batch.push_back(text.substr(i * line_bytes, line_bytes - 1));
      ++options.sequence;
      auto begun = clock::now();
      if (how.events_per_second > 0) std::this_thread::sleep_until(begun = due(from));
      const auto taken = service.push("purchases", batch, options);
      mine.push_back(seconds_since(begun) * 1e3);
      if (taken && !taken->duplicate) continue;
      const std::lock_guard lock(guard);
      failed =
          taken ? failure{errc::corrupt, "a new push was taken for a repetition"} : taken.error();
      break;
    }
    const std::lock_guard lock(guard);
    all.acknowledged_ms.insert(all.acknowledged_ms.end(), mine.begin(), mine.end());
  };
  std::vector<std::thread> running;
  for (int i = 0; i < how.threads; ++i) running.emplace_back(push, i);
  for (auto& one : running) one.join();
  all.seconds = seconds_since(start);
  if (failed) return *failed;
  return all;
}

struct figures {
  std::vector<double> rate, median_ms, slow_ms, sync_ms, meanwhile_ms, of_limit, of_limit_meanwhile;
  void add(pushed& p, double millions, double sync, double meanwhile) {
    rate.push_back(millions / p.seconds);
    median_ms.push_back(quantile(p.acknowledged_ms, 0.5));
    slow_ms.push_back(quantile(p.acknowledged_ms, 0.99));
    sync_ms.push_back(sync);
    of_limit.push_back(slow_ms.back() / (5 * sync + 10));
    meanwhile_ms.push_back(meanwhile);
    of_limit_meanwhile.push_back(slow_ms.back() / (5 * meanwhile + 10));
  }
  void give(report& out, const std::string& how) const {
    out.add({"acknowledged, " + how, "M events/s", rate, 1, {}});
    out.add({"acknowledgement, median, " + how, "ms", median_ms, {}, {}, true});
    out.add({"acknowledgement, p99, " + how, "ms", slow_ms, {}, {}, true});
    out.add({"one sync before it", "ms", sync_ms, {}, {}, true});
    out.add({"p99 / (5 such syncs + 10 ms), " + how, "x", of_limit, 1, {}, true});
    out.add({"one sync meanwhile", "ms", meanwhile_ms, {}, {}, true});
    out.add({"p99 / (5 of these + 10 ms), " + how, "x", of_limit_meanwhile, 1, {}, true});
  }
};

result<void> push_and_check(const settings& s, const event_file& file, std::string_view text,
                            const pace& how, figures& out, report& checks) {
  const scratch_folder folder(s, "push");
  // Rounds follow each other without much pause: stripes are written most of the time.
  node_run what{.features = {}, .folder = folder.path(), .input = ""};
  what.checkpoint = std::chrono::milliseconds(500);
  what.once = false;
  const double sync = sync_milliseconds(s.data + "/sync");
  auto node = open_node(what);
  if (!node) return node.error();
  sync_sampler meanwhile(s.data + "/sync");
  auto done = push_file(**node, text, how);
  const double beside = meanwhile.finish();
  if (!done) return done.error();
  out.add(*done, static_cast<double>(file.events) / 1e6, sync, beside);
  if (auto settled = (*node)->wait_applied(); !settled) return settled;
  if (auto stopped = (*node)->stop(); !stopped) return stopped;
  check_answers(**node, what, file, checks);
  return {};
}

// What was pushed, and is only in the journal, is applied by the next process.
result<double> replay_rate(const settings& s, const event_file& file, std::string_view text,
                           report& checks) {
  const scratch_folder folder(s, "replay");
  node_run what{.features = {}, .folder = folder.path(), .input = ""};
  what.checkpoint = std::chrono::hours(1);
  what.once = false;
  {
    auto node = open_node(what);
    if (!node) return node.error();
    auto done = push_file(**node, text, {"", 32});
    if (!done) return done.error();
  }  // gone without a checkpoint
  const auto start = clock::now();
  auto node = open_node(what);
  if (!node) return node.error();
  if (auto settled = (*node)->wait_applied(); !settled) return settled.error();
  const double seconds = seconds_since(start);
  check_answers(**node, what, file, checks);
  return static_cast<double>(file.events) / 1e6 / seconds;
}

}  // namespace

void measure_push(const settings& s, report& out) {
  out.begin("push");
  auto file = event_file_of(s, key_shape::uniform);
  if (!file) return out.failed(file.error());
  auto text = mapped_text::open(file->path);
  if (!text) return out.failed(text.error());
  const std::vector<pace> paces{{"32 threads at 1.05 M/s", 32, paced_rate},
                                {"4 threads without pause", 4},
                                {"32 threads without pause", 32}};
  std::vector<figures> measured(paces.size());
  std::vector<double> replayed;
  for (int run = 0; run < s.runs; ++run) {
    for (std::size_t i = 0; i < paces.size(); ++i) {
      auto done = push_and_check(s, *file, text->text(), paces[i], measured[i], out);
      if (!done) return out.failed(done.error());
    }
    auto rate = replay_rate(s, *file, text->text(), out);
    if (!rate) return out.failed(rate.error());
    replayed.push_back(*rate);
  }
  for (std::size_t i = 0; i < paces.size(); ++i) measured[i].give(out, paces[i].name);
  out.add({"replay of the journal, from opening on", "M events/s", replayed, 2, {}});
}

}  // namespace windrow::bench
