#include "storage/folder/rollback_guard.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>

#include "base/checksum.hpp"
#include "base/files.hpp"
#include "storage/lmdb/file_identity.hpp"
#include "storage/lmdb/pages.hpp"

namespace windrow::storage {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view versions_magic = "wndrvers";
constexpr std::size_t versions_bytes_max = 1 << 20;

/// File (path below the folder) to transaction number.
using file_versions = std::map<std::string, std::uint64_t>;

std::string versions_file(const std::string& folder) { return folder + "/versions"; }

result<file_versions> noted_versions(const std::string& folder) {
  const std::string name = versions_file(folder);
  file_versions noted;
  auto stored = read_file(name, versions_bytes_max);
  if (!stored && stored.error().code == errc::not_found) return noted;
  if (!stored) return stored.error();
  auto file = unseal_file(versions_magic, *stored, name);
  if (!file) return file.error();
  byte_reader in(file->payload);
  const auto count = in.number<std::uint32_t>();
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    const std::string path = in.text();
    noted[path] = in.number<std::uint64_t>();
  }
  if (!in.done()) return failure{errc::corrupt, name + " is damaged."};
  return noted;
}

/// The data files of a folder: `journal/data.mdb`, `shards/000/data.mdb`, …
result<std::vector<std::string>> data_files(const std::string& folder) {
  std::vector<std::string> found;
  std::error_code error;
  fs::recursive_directory_iterator at(folder, error);
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error))
    if (at->path().filename() == "data.mdb")
      found.push_back(fs::path(at->path()).lexically_relative(folder).string());
  if (error) return system_failure(folder, "list", error.value());
  return found;
}

/// What is read afterwards is what a power cut would leave.
result<void> make_durable(const std::string& path) {
  const file_handle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.valid()) return system_failure(path, "open", errno);
  if (::fsync(file.get()) != 0) return system_failure(path, "fsync", errno);
  return {};
}

}  // namespace

result<void> note_versions(const std::string& folder) {
  auto noted = noted_versions(folder);
  if (!noted) return noted.error();
  auto files = data_files(folder);
  if (!files) return files.error();
  file_versions now = *noted;
  for (const std::string& file : *files) {
    const std::string path = folder + "/" + file;
    if (auto synced = make_durable(path); !synced) return synced;
    auto newest = lmdb::newest_transaction(path);
    if (!newest) return newest.error();
    now[file] = std::max(now[file], *newest);
  }
  if (now == *noted) return {};
  byte_buffer payload;
  byte_writer out(payload);
  out.number(static_cast<std::uint32_t>(now.size()));
  for (const auto& [file, version] : now) {
    out.text(file);
    out.number(version);
  }
  return replace_file(versions_file(folder), seal_file(versions_magic, format_version, payload));
}

result<void> check_versions(const std::string& folder) {
  auto noted = noted_versions(folder);
  if (!noted) return noted.error();
  for (const auto& [file, version] : *noted) {
    const std::string path = folder + "/" + file;
    auto newest = lmdb::newest_transaction(path);
    if (!newest) return newest.error();
    if (*newest < version)
      return failure{
          errc::corrupt,
          fmt::format("{} is an older copy: its newest transaction is {}, and it has had "
                      "{}. Put the newest file back, or restore the whole data folder "
                      "from one copy.",
                      path, *newest, version)};
  }
  return {};
}

}  // namespace windrow::storage
