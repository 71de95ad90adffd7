#include "tools/report_inspect.hpp"

#include <map>
#include <string>

#include "tools/human.hpp"
#include "windrow/time.hpp"

namespace windrow::tools {
namespace {

struct position_range {
  std::uint64_t smallest = UINT64_MAX;
  std::uint64_t largest = 0;
};

/// Over all shards.
std::map<std::string, position_range> positions_of(const inspection& what) {
  std::map<std::string, position_range> out;
  for (const auto& shard : what.shards) {
    for (const auto& [name, at] : shard.smallest) {
      out[name].smallest = std::min(out[name].smallest, at);
    }
    for (const auto& [name, at] : shard.largest) {
      out[name].largest = std::max(out[name].largest, at);
    }
  }
  return out;
}

std::uint64_t journal_values(const inspection& what) {
  std::uint64_t values = 0;
  for (const auto& [table, entries] : what.journal.tables) values += entries;
  return values;
}

std::string folder_text(const inspection& what) {
  return "folder " + printable(what.path) + "\n" + " format       " +
         std::to_string(what.format_version) + "\n" + " id           " + what.id + "\n" +
         " created      " + format_time(what.created) + "\n" + " shards       " +
         std::to_string(what.shard_count) + "\n" + " declarations " + what.declarations + "\n\n";
}

std::string files_text(const inspection& what, const table_options& options) {
  table t({{"file", align::left},
           {"size", align::right},
           {"used", align::right},
           {"values", align::right},
           {"stripes", align::right}});
  const std::string prefix = what.path + "/";
  const auto inside = [&](const std::string& file) {
    return file.starts_with(prefix) ? file.substr(prefix.size()) : file;
  };
  for (const auto& shard : what.shards) {
    t.row({inside(shard.file), bytes_text(shard.file_bytes), bytes_text(shard.used_bytes),
           count_text(shard.stored_values), count_text(shard.stripe_positions.size())});
  }
  t.row({inside(what.journal.file), bytes_text(what.journal.file_bytes),
         bytes_text(what.journal.used_bytes), count_text(journal_values(what)), ""});
  if (what.dedup) {
    t.row({inside(what.dedup->file), bytes_text(what.dedup->file_bytes),
           bytes_text(what.dedup->used_bytes), count_text(what.dedup->stored_values), ""});
  }
  return t.render(options) + "\n";
}

std::string partitions_text(const inspection& what, const table_options& options) {
  if (what.partitions.empty()) return "nothing has been read into it yet\n\n";
  table t({{"source partition", align::left},
           {"kind", align::left},
           {"smallest position", align::right},
           {"largest", align::right},
           {"dead letters kept", align::right},
           {"dropped", align::right}});
  const auto positions = positions_of(what);
  for (const inspection::partition& p : what.partitions) {
    const auto at = positions.find(p.name);
    std::string kept = "0", dropped = "0";
    for (const inspection::dead_letters_kept& l : what.dead_letters) {
      if (l.partition == p.id) kept = count_text(l.kept), dropped = count_text(l.dropped);
    }
    t.row({p.name, p.kind, at == positions.end() ? "0" : std::to_string(at->second.smallest),
           at == positions.end() ? "0" : std::to_string(at->second.largest), kept, dropped});
  }
  t.footer(" Positions are those of the stripes that are furthest behind and furthest ahead.");
  return t.render(options) + "\n";
}

}  // namespace

std::string inspect_text(const inspection& what, const table_options& options) {
  std::string out = folder_text(what) + files_text(what, options) + partitions_text(what, options);
  out += "journal: " + count_text(what.journal.last - what.journal.trimmed) + " entries waiting, " +
         count_text(what.journal.last) + " ever\n";
  if (what.dedup) out += "deduplication: " + count_text(what.dedup->ids) + " ids kept\n";
  if (what.verified) {
    out += "verified: " + count_text(*what.verified) + " values read, every checksum is right\n";
  }
  return out;
}

}  // namespace windrow::tools
