#include "tools/report_inspect.hpp"

#include <map>
#include <utility>

#include "storage/identity.hpp"
#include "tools/human.hpp"
#include "tools/json_writer.hpp"
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
  for (const auto& table : what.journal.tables) values += table.entries;
  return values;
}

std::string hexadecimal(std::uint64_t number) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = 16; i-- > 0; number >>= 4) text[i] = digits[number & 15];
  return text;
}

std::string folder_text(const inspection& what) {
  return "folder " + printable(what.path) + "\n" +
         " format       " + std::to_string(storage::format_version) + "\n" +
         " id           " + storage::to_string(what.meta.id) + "\n" +
         " created      " + format_time({what.meta.created}) + "\n" +
         " shards       " + std::to_string(what.meta.shard_count) + "\n" +
         " declarations " + hexadecimal(what.meta.plan_digest) + "\n\n";
}

std::string files_text(const inspection& what, const table_options& options) {
  table t({{"file", align::left}, {"size", align::right}, {"used", align::right},
           {"values", align::right}, {"stripes", align::right}});
  const std::string prefix = what.path + "/";
  const auto inside = [&](const std::string& file) {
    return file.starts_with(prefix) ? file.substr(prefix.size()) : file;
  };
  for (const auto& shard : what.shards) {
    t.row({inside(shard.file), bytes_text(shard.file_bytes), bytes_text(shard.used_bytes),
           count_text(shard.stored_values), count_text(shard.stripe_positions.size())});
  }
  t.row({inside(what.journal_file), bytes_text(what.journal.file_bytes),
         bytes_text(what.journal.used_bytes - what.journal.free_bytes),
         count_text(journal_values(what)), ""});
  return t.render(options) + "\n";
}

std::string partitions_text(const inspection& what, const table_options& options) {
  if (what.partitions.empty()) return "nothing has been read into it yet\n\n";
  table t({{"source partition", align::left}, {"kind", align::left},
           {"smallest position", align::right}, {"largest", align::right},
           {"dead letters kept", align::right}, {"dropped", align::right}});
  const auto positions = positions_of(what);
  for (const storage::partition& p : what.partitions) {
    const auto at = positions.find(p.name);
    std::string kept = "0", dropped = "0";
    for (const storage::dead_letter_totals& l : what.letters) {
      if (l.partition == p.id) kept = count_text(l.kept), dropped = count_text(l.dropped);
    }
    t.row({p.name, std::string(kind_name(p.kind)),
           at == positions.end() ? "0" : std::to_string(at->second.smallest),
           at == positions.end() ? "0" : std::to_string(at->second.largest), kept, dropped});
  }
  t.footer(" Positions are those of the stripes that are furthest behind and furthest ahead.");
  return t.render(options) + "\n";
}

void write_positions(json_writer& out, const std::map<std::string, std::uint64_t>& positions) {
  out.begin_object();
  for (const auto& [name, at] : positions) out.key(name).unsigned_integer(at);
  out.end_object();
}

void write_shards(json_writer& out, const inspection& what) {
  out.key("shards").begin_array();
  for (const auto& shard : what.shards) {
    out.begin_object().key("file").string(shard.file);
    out.key("file_bytes").unsigned_integer(shard.file_bytes);
    out.key("used_bytes").unsigned_integer(shard.used_bytes);
    out.key("values").unsigned_integer(shard.stored_values);
    out.key("smallest");
    write_positions(out, shard.smallest);
    out.key("largest");
    write_positions(out, shard.largest);
    out.key("stripes").begin_array();
    for (const auto& stripe : shard.stripe_positions) write_positions(out, stripe);
    out.end_array().end_object();
  }
  out.end_array();
}

void write_journal(json_writer& out, const inspection& what) {
  out.key("journal").begin_object().key("file").string(what.journal_file);
  out.key("file_bytes").unsigned_integer(what.journal.file_bytes);
  out.key("used_bytes").unsigned_integer(what.journal.used_bytes - what.journal.free_bytes);
  out.key("entries").unsigned_integer(what.last_entry - what.trimmed_entry);
  out.key("last").unsigned_integer(what.last_entry);
  out.key("trimmed").unsigned_integer(what.trimmed_entry).key("tables").begin_object();
  for (const auto& table : what.journal.tables) {
    out.key(table.name).unsigned_integer(table.entries);
  }
  out.end_object().end_object();
}

}  // namespace

std::string_view kind_name(storage::partition_kind kind) noexcept {
  switch (kind) {
    case storage::partition_kind::file: return "file";
    case storage::partition_kind::standard_input: return "standard input";
    case storage::partition_kind::kafka: return "kafka";
    case storage::partition_kind::journal: return "journal";
  }
  return "unknown";
}

std::string inspect_text(const inspection& what, const table_options& options) {
  std::string out = folder_text(what) + files_text(what, options) + partitions_text(what, options);
  out += "journal: " + count_text(what.last_entry - what.trimmed_entry) + " entries waiting, " +
         count_text(what.last_entry) + " ever\n";
  if (what.verified) {
    out += "verified: " + count_text(*what.verified) + " values read, every checksum is right\n";
  }
  return out;
}

std::string inspect_json(const inspection& what) {
  json_writer out;
  out.begin_object().key("path").string(what.path);
  out.key("format_version").integer(storage::format_version);
  out.key("id").string(storage::to_string(what.meta.id));
  out.key("created").time({what.meta.created});
  out.key("shard_count").integer(what.meta.shard_count);
  out.key("declarations").string(hexadecimal(what.meta.plan_digest));
  write_shards(out, what);
  write_journal(out, what);
  out.key("partitions").begin_array();
  for (const storage::partition& p : what.partitions) {
    out.begin_object().key("id").integer(p.id).key("kind").string(kind_name(p.kind));
    out.key("name").string(p.name).end_object();
  }
  out.end_array().key("dead_letters").begin_array();
  for (const storage::dead_letter_totals& l : what.letters) {
    out.begin_object().key("partition").integer(l.partition);
    out.key("kept").unsigned_integer(l.kept).key("kept_bytes").unsigned_integer(l.kept_bytes);
    out.key("dropped").unsigned_integer(l.dropped).end_object();
  }
  out.end_array();
  if (what.verified) out.key("verified_values").unsigned_integer(*what.verified);
  out.end_object();
  return out.take() + "\n";
}

}  // namespace windrow::tools
