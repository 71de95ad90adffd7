#include "server/body/inspection_json.hpp"

#include "server/body/json_input.hpp"
#include "server/body/json_writer.hpp"
#include "storage/lmdb/file_identity.hpp"

namespace windrow::server {
namespace {

using simdjson::dom::element;

std::string hexadecimal(std::uint64_t number) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = 16; i-- > 0; number >>= 4) text[i] = digits[number & 15];
  return text;
}

std::string_view kind_name(storage::partition_kind kind) noexcept {
  switch (kind) {
    case storage::partition_kind::file:
      return "file";
    case storage::partition_kind::standard_input:
      return "standard input";
    case storage::partition_kind::kafka:
      return "kafka";
    case storage::partition_kind::journal:
      return "journal";
  }
  return "unknown";
}

using counts = std::map<std::string, std::uint64_t>;

void write_counts(json_writer& out, const counts& all) {
  out.begin_object();
  for (const auto& [name, at] : all) out.key(name).unsigned_integer(at);
  out.end_object();
}

counts read_counts(element from) {
  counts out;
  for (const auto [name, at] : simdjson::dom::object(from)) {
    out[std::string(name)] = std::uint64_t(at);
  }
  return out;
}

void write_shards(json_writer& out, const inspection& what) {
  out.key("shards").begin_array();
  for (const auto& shard : what.shards) {
    out.begin_object().key("file").string(shard.file);
    out.key("file_bytes").unsigned_integer(shard.file_bytes);
    out.key("used_bytes").unsigned_integer(shard.used_bytes);
    out.key("values").unsigned_integer(shard.stored_values);
    out.key("smallest");
    write_counts(out, shard.smallest);
    out.key("largest");
    write_counts(out, shard.largest);
    out.key("stripes").begin_array();
    for (const auto& stripe : shard.stripe_positions) write_counts(out, stripe);
    out.end_array().end_object();
  }
  out.end_array();
}

void write_journal(json_writer& out, const inspection::journal_state& journal) {
  out.key("journal").begin_object().key("file").string(journal.file);
  out.key("file_bytes").unsigned_integer(journal.file_bytes);
  out.key("used_bytes").unsigned_integer(journal.used_bytes);
  out.key("entries").unsigned_integer(journal.last - journal.trimmed);
  out.key("last").unsigned_integer(journal.last);
  out.key("trimmed").unsigned_integer(journal.trimmed).key("tables");
  write_counts(out, journal.tables);
  out.end_object();
}

void write_seen(json_writer& out, const node::node::id_statistics& seen) {
  out.key("seen").begin_object().key("file").string(seen.file);
  out.key("file_bytes").unsigned_integer(seen.file_bytes);
  out.key("used_bytes").unsigned_integer(seen.used_bytes);
  out.key("values").unsigned_integer(seen.stored_values);
  out.key("ids").unsigned_integer(seen.ids).end_object();
}

node::node::shard_statistics read_shard(element from) {
  node::node::shard_statistics out;
  out.file = text_of(from, "file");
  out.file_bytes = number_of(from, "file_bytes");
  out.used_bytes = number_of(from, "used_bytes");
  out.stored_values = number_of(from, "values");
  out.smallest = read_counts(from["smallest"]);
  out.largest = read_counts(from["largest"]);
  for (const element stripe : simdjson::dom::array(from["stripes"])) {
    out.stripe_positions.push_back(read_counts(stripe));
  }
  return out;
}

}  // namespace

result<inspection> inspect(node::node& node, bool verify) {
  inspection out;
  const storage::node_meta& meta = node.folder().meta();
  out.path = node.folder().path();
  out.format_version = storage::format_version;
  out.id = storage::to_string(meta.id);
  out.created = {meta.created};
  out.shard_count = meta.shard_count;
  out.declarations = hexadecimal(meta.plan_digest);
  auto shards = node.shard_statistics_of_all();
  if (!shards.ok()) return shards.error();
  out.shards = std::move(shards).value();
  storage::journal& journal = node.journal();
  const auto stats = journal.stats();
  if (!stats.ok()) return stats.error();
  out.journal.file = journal.data_file();
  out.journal.file_bytes = stats->file_bytes;
  out.journal.used_bytes = stats->used_bytes - stats->free_bytes;
  out.journal.last = journal.entries().last();
  out.journal.trimmed = journal.entries().trimmed();
  for (const auto& table : stats->tables) out.journal.tables[table.name] = table.entries;
  auto seen = node.id_statistics_of_all();
  if (!seen.ok()) return seen.error();
  out.seen = std::move(seen).value();
  for (const storage::partition& p : journal.partitions().all()) {
    out.partitions.push_back(
        {storage::hex_of(p.id), std::string(kind_name(p.kind)), storage::label_of(p)});
  }
  for (const storage::dead_letter_totals& l : journal.letters().summary()) {
    out.dead_letters.push_back({storage::hex_of(l.partition), l.kept, l.kept_bytes, l.dropped});
  }
  if (verify) {
    const auto values = node.verify();
    if (!values.ok()) return values.error();
    out.verified = values.value();
  }
  return out;
}

std::string inspection_json(const inspection& what) {
  json_writer out;
  out.begin_object().key("path").string(what.path);
  out.key("format_version").unsigned_integer(what.format_version);
  out.key("id").string(what.id).key("created").time(what.created);
  out.key("shard_count").unsigned_integer(what.shard_count);
  out.key("declarations").string(what.declarations);
  write_shards(out, what);
  write_journal(out, what.journal);
  if (what.seen) write_seen(out, *what.seen);
  out.key("partitions").begin_array();
  for (const auto& p : what.partitions) {
    out.begin_object().key("id").string(p.id).key("kind").string(p.kind);
    out.key("name").string(p.name).end_object();
  }
  out.end_array().key("dead_letters").begin_array();
  for (const auto& l : what.dead_letters) {
    out.begin_object().key("partition").string(l.partition);
    out.key("kept").unsigned_integer(l.kept).key("kept_bytes").unsigned_integer(l.kept_bytes);
    out.key("dropped").unsigned_integer(l.dropped).end_object();
  }
  out.end_array();
  if (what.verified) out.key("verified_values").unsigned_integer(*what.verified);
  out.end_object();
  return out.take() + "\n";
}

result<inspection> read_inspection(std::string_view json) {
  return with_json<inspection>(
      json, errc::io, "the answer", [](element root) -> result<inspection> {
        inspection out;
        out.path = text_of(root, "path");
        out.format_version = number_of(root, "format_version");
        out.id = text_of(root, "id");
        out.created = time_of(root["created"]);
        out.shard_count = number_of(root, "shard_count");
        out.declarations = text_of(root, "declarations");
        for (const element s : simdjson::dom::array(root["shards"])) {
          out.shards.push_back(read_shard(s));
        }
        const element journal = root["journal"];
        out.journal = {text_of(journal, "file"),         number_of(journal, "file_bytes"),
                       number_of(journal, "used_bytes"), number_of(journal, "last"),
                       number_of(journal, "trimmed"),    read_counts(journal["tables"])};
        element seen;
        if (root["seen"].get(seen) == simdjson::SUCCESS) {
          out.seen = {text_of(seen, "file"), number_of(seen, "file_bytes"),
                      number_of(seen, "used_bytes"), number_of(seen, "values"),
                      number_of(seen, "ids")};
        }
        for (const element p : simdjson::dom::array(root["partitions"])) {
          out.partitions.push_back({text_of(p, "id"), text_of(p, "kind"), text_of(p, "name")});
        }
        for (const element l : simdjson::dom::array(root["dead_letters"])) {
          out.dead_letters.push_back({text_of(l, "partition"), number_of(l, "kept"),
                                      number_of(l, "kept_bytes"), number_of(l, "dropped")});
        }
        element verified;
        if (root["verified_values"].get(verified) == simdjson::SUCCESS) {
          out.verified = std::uint64_t(verified);
        }
        return out;
      });
}

}  // namespace windrow::server
