#pragma once

#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "schema/catalog/file_settings.hpp"
#include "sources/file_source.hpp"
#include "sources/source_driver.hpp"

namespace windrow::sources {

/// When bytes of files arrived, kept in the journal.
class journal_arrivals final : public sources::arrival_notes {
public:
  explicit journal_arrivals(const driver_context& context) : context_(context) {}
  result<sources::arrival_note> note(storage::partition_id partition, storage::sequence from,
                                     storage::sequence to) override;
  result<void> end_line(storage::partition_id partition, storage::sequence at) override;

private:
  result<sources::arrival_note> note_once(storage::partition_id partition, storage::sequence from,
                                          storage::sequence to);

  const driver_context& context_;
};

/// Files of one declared source.
///
/// The node reads one path, which is one partition from when the file has a first byte (an empty
/// file has no beginning to be known by). The folder may know other files that were read for the
/// source: `partitions` has the newest incarnation of each. A path is one source's for good: two
/// readers of one position would each skip what the other has read.
class file_driver final : public source_driver {
public:
  struct options {
    int source = schema::none;  ///< plan.sources
    std::string name;
    std::string path;      ///< to read; empty if only known files are asked about
    bool declared = true;  ///< the path is the declared one
  };
  /// Of the request's path; of all files that the folder knows of the source if that is empty.
  static result<std::unique_ptr<source_driver>> make(const driver_request& request,
                                                     const driver_context& context);
  /// The file whose partition has that name.
  static std::optional<std::string> path_of(std::string_view name);

  file_driver(options o, const driver_context& context)
      : options_(std::move(o)), context_(context), notes_(context) {}

  const std::string& name() const noexcept override { return options_.name; }
  const schema::source_kind& kind() const noexcept override { return schema::file_kind; }

  result<std::vector<driver_partition>> discover() override;
  bool complete() const override { return !options_.path.empty() && looked_ && context_.once; }
  result<std::shared_ptr<sources::input>> open(storage::partition_id partition,
                                               storage::sequence from) override;
  result<void> committed(const storage::positions& on_disk) override;
  std::vector<driver_partition> partitions() const override;
  result<seek_place> locate(storage::partition_id partition, const seek_target& target) override;
  result<driver_partition> reset(storage::partition_id partition) override;

private:
  /// What the folder knows of a path: its newest incarnation.
  std::optional<storage::partition> newest_of(const std::string& path) const;
  result<sources::file_identity> identity_of(storage::partition_id partition) const;
  driver_partition describe(const storage::partition& p) const;

  const options options_;
  const driver_context& context_;
  journal_arrivals notes_;
  bool looked_ = false;
  std::set<storage::partition_id> given_;  ///< by discover
};

}  // namespace windrow::sources
