#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "schema/catalog/source_kinds.hpp"
#include "sources/source_driver.hpp"
#include "storage/journal/journal.hpp"

/// How each kind of source is read: the half of `schema/catalog/source_kinds.hpp` that needs a
/// folder. Opening, controlling and showing sources walks the table; a kind is a line of it.
namespace windrow::sources {

struct kind_driver {
  const schema::source_kind* kind = nullptr;
  /// Of the partitions that its drivers register, different for each kind; nothing if they register
  /// none. Journals hold the numbers: they are given once and for good, from 5 on.
  std::optional<storage::partition_kind> partitions;
  /// Makes the driver; `invalid` if a setting is wrong.
  result<std::unique_ptr<source_driver>> (*make)(const driver_request& request,
                                                 const driver_context& context) = nullptr;
  /// The file that a partition of that name is; null if its partitions are no files.
  std::optional<std::string> (*path)(std::string_view name) = nullptr;
};

/// One for each of `schema::source_kinds()`, in the same order.
std::span<const kind_driver> kind_drivers() noexcept;

/// The driver of a source that is read: of the request's file if it names one, whatever the kind.
result<std::unique_ptr<source_driver>> make_driver(const driver_request& request,
                                                   const driver_context& context);

/// Drivers for all that a folder may know of a source, for a folder that is only looked at: as
/// declared, and of files that were read in its place. They have nothing to open.
result<std::vector<std::unique_ptr<source_driver>>> make_known_drivers(
    const schema::plan& plan, int source, const driver_context& context);

/// What partitions of a kind are called: the name of the source kind that registers them,
/// `standard input` or `journal`. Static text; `unknown` for a number that nobody has given.
std::string_view name_of(storage::partition_kind kind) noexcept;

/// The path of the file that a partition is; nothing if it is none.
std::optional<std::string> path_of(const storage::partition& partition);

}  // namespace windrow::sources
