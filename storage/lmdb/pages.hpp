#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "windrow/result.hpp"

/// LMDB trusts its file: a zeroed page aborts the process, a missing one ends it with SIGBUS, and
/// a wrong page number silently answers from another place. This reads the file's own structure
/// (LMDB 0.9, 64-bit little-endian) with bounds checked at every step and no mapping.
namespace windrow::storage::lmdb {

struct page_report {
  std::uint64_t transaction = 0;
  std::uint64_t page_bytes = 0;
  std::uint64_t needed_bytes = 0;  ///< up to the last page ever used
  std::uint64_t file_bytes = 0;
  std::uint64_t pages_checked = 0;
};

/// Reads every page that can be reached, and the list of free ones: of the newest state, or that of
/// `transaction` (which a reader must hold meanwhile; `busy` where the meta pages have moved on).
/// `corrupt` says what was found on which page.
result<page_report> check_pages(const std::string& data_file,
                                std::optional<std::uint64_t> transaction = std::nullopt);

/// The number of the newest commit, by the meta pages alone.
result<std::uint64_t> newest_transaction(const std::string& data_file);

}  // namespace windrow::storage::lmdb
