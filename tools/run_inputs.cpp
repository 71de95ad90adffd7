#include "tools/run_inputs.hpp"

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/suggest.hpp"

namespace windrow::tools {
namespace {

std::string absolute(const std::string& path, const std::string& directory) {
  if (path == "-") return path;
  return (std::filesystem::path(directory) / path).lexically_normal().string();
}

bool is_read(const schema::plan& plan, std::size_t source) {
  return std::any_of(plan.streams.begin(), plan.streams.end(),
                     [&](const schema::stream& s) { return s.source == static_cast<int>(source); });
}

}  // namespace

result<run_inputs> choose_inputs(const schema::plan& plan,
                                 const std::vector<std::pair<std::string, std::string>>& given,
                                 const std::string& directory) {
  std::map<std::string, std::string> replaced;
  for (const auto& [name, path] : given) {
    const bool known = std::any_of(plan.sources.begin(), plan.sources.end(),
                                   [&, wanted = name](const auto& s) { return s.name == wanted; });
    if (!known) {
      return failure{errc::not_found, "--input names the source `" + name +
                                          "`, which is not declared; " +
                                          did_you_mean(name, names_of(plan.sources))};
    }
    if (!replaced.emplace(name, path).second) {
      return failure{errc::invalid, "--input names the source `" + name + "` twice"};
    }
  }
  run_inputs out;
  std::string on_standard_input;
  for (std::size_t i = 0; i < plan.sources.size(); ++i) {
    const schema::source& s = plan.sources[i];
    if (!is_read(plan, i)) {
      out.unread.push_back(s.name);
      continue;
    }
    const auto found = replaced.find(s.name);
    if (found == replaced.end() && !s.kind->is_file) {
      out.read.push_back({s.name, ""});
      continue;
    }
    const std::string path = absolute(found == replaced.end() ? s.path : found->second, directory);
    if (path == "-" && !on_standard_input.empty()) {
      return failure{errc::invalid, "the sources `" + on_standard_input + "` and `" + s.name +
                                        "` both read standard input; give one of them a file: "
                                        "--input " +
                                        s.name + "=PATH"};
    }
    if (path == "-") on_standard_input = s.name;
    out.read.push_back({s.name, path});
  }
  if (out.read.empty()) {
    return failure{errc::invalid, "there is nothing to read: no stream reads a declared source"};
  }
  return out;
}

}  // namespace windrow::tools
