#include "server/body/inspection_json.hpp"

#include "server/body/json_input.hpp"
#include "server/body/json_writer.hpp"

namespace windrow::server {
namespace {

using node::inspection;
using simdjson::dom::element;

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

void write_dedup(json_writer& out, const inspection::dedup_state& dedup) {
  out.key("seen").begin_object().key("file").string(dedup.file);
  out.key("file_bytes").unsigned_integer(dedup.file_bytes);
  out.key("used_bytes").unsigned_integer(dedup.used_bytes);
  out.key("values").unsigned_integer(dedup.stored_values);
  out.key("ids").unsigned_integer(dedup.ids).end_object();
}

node::shard_statistics read_shard(element from) {
  node::shard_statistics out;
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

std::string inspection_json(const inspection& what) {
  json_writer out;
  out.begin_object().key("path").string(what.path);
  out.key("format_version").unsigned_integer(what.format_version);
  out.key("id").string(what.id).key("created").time(what.created);
  out.key("shard_count").unsigned_integer(what.shard_count);
  out.key("declarations").string(what.declarations);
  write_shards(out, what);
  write_journal(out, what.journal);
  if (what.dedup) write_dedup(out, *what.dedup);
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
          out.dedup = {text_of(seen, "file"), number_of(seen, "file_bytes"),
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

namespace {
constexpr const body_shape* inspection_parts[] = {&count_shape, &time_shape, &positions_shape};
}

constinit const body_shape inspection_shape{"Inspection", R"({"type": "object",
  "required": ["path", "format_version", "id", "created", "shard_count", "declarations", "shards",
    "journal", "partitions", "dead_letters"],
  "properties": {"path": {"type": "string"}, "format_version": {"$ref": "Count"},
    "id": {"type": "string"}, "created": {"$ref": "Time"}, "shard_count": {"$ref": "Count"},
    "declarations": {"type": "string"},
    "shards": {"type": "array", "items": {"type": "object",
      "required": ["file", "file_bytes", "used_bytes", "values", "smallest", "largest", "stripes"],
      "properties": {"file": {"type": "string"}, "file_bytes": {"$ref": "Count"},
        "used_bytes": {"$ref": "Count"}, "values": {"$ref": "Count"},
        "smallest": {"$ref": "Positions"}, "largest": {"$ref": "Positions"},
        "stripes": {"type": "array", "items": {"$ref": "Positions"}}}}},
    "journal": {"type": "object",
      "required": ["file", "file_bytes", "used_bytes", "entries", "last", "trimmed", "tables"],
      "properties": {"file": {"type": "string"}, "file_bytes": {"$ref": "Count"},
        "used_bytes": {"$ref": "Count"}, "entries": {"$ref": "Count"}, "last": {"$ref": "Count"},
        "trimmed": {"$ref": "Count"}, "tables": {"$ref": "Positions"}}},
    "seen": {"type": "object", "required": ["file", "file_bytes", "used_bytes", "values", "ids"],
      "properties": {"file": {"type": "string"}, "file_bytes": {"$ref": "Count"},
        "used_bytes": {"$ref": "Count"}, "values": {"$ref": "Count"}, "ids": {"$ref": "Count"}}},
    "partitions": {"type": "array", "items": {"type": "object", "required": ["id", "kind", "name"],
      "properties": {"id": {"type": "string"}, "kind": {"type": "string"},
        "name": {"type": "string"}}}},
    "dead_letters": {"type": "array", "items": {"type": "object",
      "required": ["partition", "kept", "kept_bytes", "dropped"],
      "properties": {"partition": {"type": "string"}, "kept": {"$ref": "Count"},
        "kept_bytes": {"$ref": "Count"}, "dropped": {"$ref": "Count"}}}},
    "verified_values": {"$ref": "Count"}}})",
                                            inspection_parts};

}  // namespace windrow::server
