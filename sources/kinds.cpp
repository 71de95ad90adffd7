#include "sources/kinds.hpp"

#include <algorithm>
#include <array>

#include "schema/catalog/file_settings.hpp"
#include "schema/catalog/kafka_settings.hpp"
#include "schema/catalog/push_settings.hpp"
#include "sources/file_driver.hpp"
#include "sources/kafka_driver.hpp"
#include "sources/push_driver.hpp"

namespace windrow::sources {

namespace {

constexpr std::array kinds{
    kind_driver{&schema::file_kind, storage::partition_kind::file, file_driver::make,
                file_driver::path_of},
    kind_driver{&schema::kafka_kind, storage::partition_kind::kafka, kafka_driver::make},
    kind_driver{&schema::push_kind, std::nullopt, push_driver::make},
};

const kind_driver& driver_of(const schema::source_kind& kind) {
  return *std::find_if(kinds.begin(), kinds.end(),
                       [&](const kind_driver& known) { return known.kind == &kind; });
}

}  // namespace

std::span<const kind_driver> kind_drivers() noexcept { return kinds; }

result<std::unique_ptr<source_driver>> make_driver(const driver_request& request,
                                                   const driver_context& context) {
  if (!request.path.empty()) return file_driver::make(request, context);
  return driver_of(*request.declared().kind).make(request, context);
}

result<std::vector<std::unique_ptr<source_driver>>> make_known_drivers(
    const schema::plan& plan, int source, const driver_context& context) {
  const driver_request request{plan, source, ""};
  std::vector<std::unique_ptr<source_driver>> all;
  auto made = make_driver(request, context);
  if (!made) return made.error();
  all.push_back(std::move(*made));
  if (request.declared().kind->is_file) return all;
  auto files = file_driver::make(request, context);
  if (!files) return files.error();
  all.push_back(std::move(*files));
  return all;
}

std::string_view name_of(storage::partition_kind kind) noexcept {
  if (kind == storage::partition_kind::standard_input) return "standard input";
  if (kind == storage::partition_kind::journal) return "journal";
  for (const kind_driver& known : kinds) {
    if (known.partitions == kind) return known.kind->name;
  }
  return "unknown";
}

std::optional<std::string> path_of(const storage::partition& partition) {
  for (const kind_driver& known : kinds) {
    if (known.partitions == partition.kind && known.path != nullptr) {
      return known.path(partition.name);
    }
  }
  return std::nullopt;
}

}  // namespace windrow::sources
