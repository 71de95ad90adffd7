#include "server/metrics/process_metrics.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>

#include "server/metrics/metric_families.hpp"

namespace windrow::server {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

/// A line of /proc/self/status in KiB, as bytes: `RssAnon:  10240 kB`.
double memory_of(std::string_view status, std::string_view name) {
  const std::size_t at = status.find(name);
  if (at == std::string_view::npos) return 0;
  return std::strtod(status.data() + at + name.size(), nullptr) * 1'024;
}

/// Field 22 of /proc/self/stat is ticks since the system started; what lies in parentheses before
/// it may hold spaces.
double started() {
  std::ifstream stat("/proc/self/stat"), uptime("/proc/stat");
  std::string text, line;
  std::getline(stat, text);
  double booted = 0;
  while (std::getline(uptime, line)) {
    if (line.starts_with("btime ")) booted = std::strtod(line.c_str() + 6, nullptr);
  }
  std::istringstream fields(text.substr(std::min(text.rfind(')'), text.size() - 1) + 1));
  std::string field;
  for (int i = 3; i <= 22; ++i) fields >> field;
  return booted + std::strtod(field.c_str(), nullptr) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double open_files() {
  DIR* files = ::opendir("/proc/self/fd");
  if (!files) return 0;
  double count = -1;  // the one of this listing
  while (const dirent* one = ::readdir(files)) count += one->d_name[0] == '.' ? 0 : 1;
  ::closedir(files);
  return count;
}

}  // namespace

std::vector<prometheus::MetricFamily> process_metrics::Collect() const {
  std::ifstream file("/proc/self/status");
  const std::string status{std::istreambuf_iterator<char>(file), {}};
  rusage used{};
  rlimit files{};
  ::getrusage(RUSAGE_SELF, &used);
  ::getrlimit(RLIMIT_NOFILE, &files);
  static const double since = started();
  metric_families out;
  out.counter("process_cpu_seconds_total", "Processor time, of user and system.");
  out.add(seconds(used.ru_utime) + seconds(used.ru_stime));
  const auto one = [&out](const char* name, const char* help, double value) {
    out.gauge(name, help);
    out.add(value);
  };
  one("process_resident_memory_bytes", "Memory in use, with pages of files in the cache.",
      memory_of(status, "VmRSS:"));
  one("process_anonymous_memory_bytes", "The part that --memory bounds.",
      memory_of(status, "RssAnon:"));
  one("process_virtual_memory_bytes", "Address space, most of which is maps of files.",
      memory_of(status, "VmSize:"));
  one("process_open_fds", "Open files and connections.", open_files());
  one("process_max_fds", "How many there may be.", static_cast<double>(files.rlim_cur));
  one("process_start_time_seconds", "When the process started.", since);
  return std::move(out).take();
}

}  // namespace windrow::server
