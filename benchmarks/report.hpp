#pragma once

#include <optional>
#include <string>
#include <vector>

#include "benchmarks/settings.hpp"
#include "windrow/result.hpp"

namespace windrow::bench {

/// One measured figure beside what it must reach and what it should.
struct figure {
  std::string name;
  std::string unit;
  std::vector<double> runs;     ///< one a run; the figure is their median
  std::optional<double> floor;  ///< what it must reach
  std::optional<double> aim;    ///< what it should reach
  bool at_most = false;         ///< floor and aim are upper limits
};

/// Collects figures and wrong results of all benchmarks, and prints as they come.
class report {
public:
  void begin(std::string benchmark);
  void add(figure f);
  /// A result that differs from the independent calculation.
  void check(bool right, const std::string& what);
  void failed(const failure& why) { check(false, why.message); }
  /// A line about progress.
  void note(const std::string& text) const;

  bool right() const noexcept { return wrong_.empty(); }
  std::string table() const;
  std::string json(const settings& s) const;

private:
  struct entry {
    std::string benchmark;
    figure what;
  };
  std::string benchmark_;
  std::vector<entry> figures_;
  std::vector<std::string> wrong_;
};

double median(std::vector<double> values);
/// The value that `share` of them do not exceed; sorts.
double quantile(std::vector<double>& values, double share);

}  // namespace windrow::bench
