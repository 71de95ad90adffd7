#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>
#include <xxhash.h>

#include <cstring>
#include <utility>

#include "schema/catalog/catalog.capnp.h"
#include "schema/catalog/catalog_codec.hpp"
#include "schema/catalog/kafka_settings.hpp"

namespace windrow::schema {
namespace {

constexpr std::size_t head_bytes = 16;
constexpr char magic[] = "wndrcat1";
/// A catalog is read once; anything that asks for more words than a few times its size is damaged.
constexpr std::uint64_t traversal_factor = 4;
constexpr int nesting_max = 16;

struct damaged {
  const char* what;
};

unsigned list_size(std::size_t size) { return static_cast<unsigned>(size); }

capnp::Text::Reader text_of(const std::string& text) { return {text.data(), text.size()}; }

template <class Reader>
std::string string_of(Reader text) {
  return std::string(text.cStr(), text.size());
}

void put_optional(wire::OptionalInt::Builder to, const std::optional<std::int64_t>& from) {
  if (from)
    to.setValue(*from);
  else
    to.setNone();
}

std::optional<std::int64_t> get_optional(wire::OptionalInt::Reader from) {
  if (from.isValue()) return from.getValue();
  return std::nullopt;
}

void put_type(wire::Type::Builder to, const value_type& from) {
  to.setKind(static_cast<wire::Type::Kind>(static_cast<std::uint16_t>(from.kind)));
  to.setNullable(from.nullable);
  if (from.element) put_type(to.initElement(), *from.element);
  if (!from.fields) return;
  auto fields = to.initFields(list_size(from.fields->size()));
  for (unsigned i = 0; i < fields.size(); ++i) {
    fields[i].setName(text_of((*from.fields)[i].name));
    put_type(fields[i].initType(), (*from.fields)[i].type);
  }
}

value_type get_type(wire::Type::Reader from) {
  value_type to;
  const auto kind = static_cast<std::uint16_t>(from.getKind());
  if (kind > static_cast<std::uint16_t>(value_kind::bytes)) throw damaged{"an unknown type"};
  to.kind = static_cast<value_kind>(kind);
  to.nullable = from.getNullable();
  if (to.kind == value_kind::list || to.kind == value_kind::map) {
    if (!from.hasElement()) throw damaged{"a list or map without an element type"};
    to.element = std::make_shared<const value_type>(get_type(from.getElement()));
  }
  if (to.kind == value_kind::structure) {
    std::vector<struct_field> fields;
    for (const auto f : from.getFields())
      fields.push_back({string_of(f.getName()), get_type(f.getType())});
    if (fields.empty()) throw damaged{"a struct without fields"};
    to.fields = std::make_shared<const std::vector<struct_field>>(std::move(fields));
  }
  return to;
}

void put_field(wire::Field::Builder to, const field_declaration& from) {
  to.setName(text_of(from.name));
  put_type(to.initType(), from.type);
  to.setIsFeatureTime(from.is_feature_time);
  put_optional(to.initMaxStaleness(), from.max_staleness);
  auto etl = to.initEtlOfflineToOnline();
  if (from.etl_offline_to_online)
    etl.setValue(*from.etl_offline_to_online);
  else
    etl.setNone();
  to.setReferences(text_of(from.references));
}

field_declaration get_field(wire::Field::Reader from) {
  field_declaration to;
  to.name = string_of(from.getName());
  to.type = get_type(from.getType());
  to.is_feature_time = from.getIsFeatureTime();
  to.max_staleness = get_optional(from.getMaxStaleness());
  if (from.getEtlOfflineToOnline().isValue()) {
    to.etl_offline_to_online = from.getEtlOfflineToOnline().getValue();
  }
  to.references = string_of(from.getReferences());
  return to;
}

void put_relation(wire::Relation::Builder to, const relation_declaration& from) {
  to.setName(text_of(from.name));
  to.setChildClass(text_of(from.child_class));
  auto join = to.initJoin(list_size(from.join.size()));
  for (unsigned i = 0; i < join.size(); ++i) {
    join[i].setLocalField(text_of(from.join[i].local_field));
    join[i].setChildField(text_of(from.join[i].child_field));
  }
}

relation_declaration get_relation(wire::Relation::Reader from) {
  relation_declaration to;
  to.name = string_of(from.getName());
  to.child_class = string_of(from.getChildClass());
  for (const auto pair : from.getJoin()) {
    to.join.push_back({string_of(pair.getLocalField()), string_of(pair.getChildField())});
  }
  return to;
}

void put_windowed(wire::Windowed::Builder to, const windowed_declaration& from) {
  to.setName(text_of(from.name));
  auto windows = to.initWindows(list_size(from.windows.size()));
  for (unsigned i = 0; i < windows.size(); ++i) {
    const window_declaration& w = from.windows[i];
    windows[i].setWindow(w.window);
    windows[i].setAll(w.all);
    windows[i].setBucketDuration(w.bucket_duration);
    windows[i].setBucketOrigin(w.bucket_origin);
  }
  to.setExpression(text_of(from.expression));
  put_optional(to.initRetention(), from.retention);
  auto standard = to.initDefault();
  standard.setNone();
  if (!from.default_value) return;
  if (const auto* whole = std::get_if<std::int64_t>(&*from.default_value)) {
    standard.setInteger(*whole);
  } else if (const auto* number = std::get_if<double>(&*from.default_value)) {
    standard.setFloating(*number);
  }
}

windowed_declaration get_windowed(wire::Windowed::Reader from) {
  windowed_declaration to;
  to.name = string_of(from.getName());
  for (const auto w : from.getWindows()) {
    to.windows.push_back({w.getWindow(), w.getAll(), w.getBucketDuration(), w.getBucketOrigin()});
  }
  to.expression = string_of(from.getExpression());
  to.retention = get_optional(from.getRetention());
  const auto standard = from.getDefault();
  switch (standard.which()) {
    case wire::Windowed::Default::NONE:
      break;
    case wire::Windowed::Default::INTEGER:
      to.default_value = windrow::value(static_cast<std::int64_t>(standard.getInteger()));
      break;
    case wire::Windowed::Default::FLOATING:
      to.default_value = windrow::value(standard.getFloating());
      break;
    default:
      throw damaged{"an unknown default"};
  }
  return to;
}

void put_class(wire::Class::Builder to, const class_declaration& from) {
  to.setName(text_of(from.name));
  to.setMaxStaleness(from.max_staleness);
  to.setEtlOfflineToOnline(from.etl_offline_to_online);
  auto fields = to.initFields(list_size(from.fields.size()));
  for (unsigned i = 0; i < fields.size(); ++i) put_field(fields[i], from.fields[i]);
  auto relations = to.initRelations(list_size(from.relations.size()));
  for (unsigned i = 0; i < relations.size(); ++i) put_relation(relations[i], from.relations[i]);
  auto windowed = to.initWindowed(list_size(from.windowed.size()));
  for (unsigned i = 0; i < windowed.size(); ++i) put_windowed(windowed[i], from.windowed[i]);
}

class_declaration get_class(wire::Class::Reader from) {
  class_declaration to;
  to.name = string_of(from.getName());
  to.max_staleness = from.getMaxStaleness();
  to.etl_offline_to_online = from.getEtlOfflineToOnline();
  for (const auto field : from.getFields()) to.fields.push_back(get_field(field));
  for (const auto relation : from.getRelations()) to.relations.push_back(get_relation(relation));
  for (const auto windowed : from.getWindowed()) to.windowed.push_back(get_windowed(windowed));
  return to;
}

void put_source(wire::Source::Builder to, const source_declaration& from) {
  to.setName(text_of(from.name));
  to.setKind(text_of(from.kind));
  // A folder is copied and shown to people: passwords do not go into it.
  std::vector<std::pair<std::string, std::string>> kept;
  for (const auto& setting : from.settings) {
    if (!is_secret_setting(from.kind, setting.first)) kept.push_back(setting);
  }
  auto settings = to.initSettings(list_size(kept.size()));
  for (unsigned i = 0; i < settings.size(); ++i) {
    settings[i].setName(text_of(kept[i].first));
    settings[i].setValue(text_of(kept[i].second));
  }
}

source_declaration get_source(wire::Source::Reader from) {
  source_declaration to;
  to.name = string_of(from.getName());
  to.kind = string_of(from.getKind());
  for (const auto setting : from.getSettings()) {
    to.settings.emplace_back(string_of(setting.getName()), string_of(setting.getValue()));
  }
  return to;
}

void put_stream(wire::Stream::Builder to, const stream_declaration& from) {
  to.setName(text_of(from.name));
  to.setSource(text_of(from.source));
  auto message = to.initMessage(list_size(from.message.size()));
  for (unsigned i = 0; i < message.size(); ++i) {
    message[i].setName(text_of(from.message[i].first));
    put_type(message[i].initType(), from.message[i].second);
  }
  to.setParse(text_of(from.parse));
  auto output = to.initOutput(list_size(from.output.size()));
  for (unsigned i = 0; i < output.size(); ++i) {
    output[i].setFeature(text_of(from.output[i].first));
    output[i].setExpression(text_of(from.output[i].second));
  }
  to.setUpdatesMaterializedAggregations(from.updates_materialized_aggregations);
  if (!from.deduplication) return;
  to.setDeduplicationOn(text_of(from.deduplication->on));
  to.setDeduplicationWithin(from.deduplication->within);
}

stream_declaration get_stream(wire::Stream::Reader from) {
  stream_declaration to;
  to.name = string_of(from.getName());
  to.source = string_of(from.getSource());
  for (const auto field : from.getMessage()) {
    to.message.emplace_back(string_of(field.getName()), get_type(field.getType()));
  }
  to.parse = string_of(from.getParse());
  for (const auto output : from.getOutput()) {
    to.output.emplace_back(string_of(output.getFeature()), string_of(output.getExpression()));
  }
  to.updates_materialized_aggregations = from.getUpdatesMaterializedAggregations();
  if (from.getDeduplicationOn().size() > 0) {
    to.deduplication = {string_of(from.getDeduplicationOn()), from.getDeduplicationWithin()};
  }
  return to;
}

void put_catalog(wire::Catalog::Builder to, const catalog& from) {
  to.setVersion(from.version);
  auto classes = to.initClasses(list_size(from.classes.size()));
  for (unsigned i = 0; i < classes.size(); ++i) put_class(classes[i], from.classes[i]);
  auto sources = to.initSources(list_size(from.sources.size()));
  for (unsigned i = 0; i < sources.size(); ++i) put_source(sources[i], from.sources[i]);
  auto streams = to.initStreams(list_size(from.streams.size()));
  for (unsigned i = 0; i < streams.size(); ++i) put_stream(streams[i], from.streams[i]);
}

catalog get_catalog(wire::Catalog::Reader from) {
  catalog to;
  to.version = from.getVersion();
  for (const auto c : from.getClasses()) to.classes.push_back(get_class(c));
  for (const auto s : from.getSources()) to.sources.push_back(get_source(s));
  for (const auto s : from.getStreams()) to.streams.push_back(get_stream(s));
  return to;
}

void append_little_endian(std::vector<std::uint8_t>& out, std::uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8) {
    out.push_back(static_cast<std::uint8_t>(number >> shift));
  }
}

failure corrupt(const std::string& why) {
  return {errc::corrupt, "the stored catalog is damaged or foreign: " + why};
}

}  // namespace

std::vector<std::uint8_t> encode_catalog(const catalog& declarations) {
  capnp::MallocMessageBuilder message;
  put_catalog(message.initRoot<wire::Catalog>(), declarations);
  const kj::Array<capnp::word> words =
      capnp::canonicalize(message.getRoot<wire::Catalog>().asReader());
  const auto bytes = words.asBytes();
  std::vector<std::uint8_t> out(magic, magic + 8);
  append_little_endian(out, XXH3_64bits(bytes.begin(), bytes.size()));
  out.insert(out.end(), bytes.begin(), bytes.end());
  return out;
}

result<catalog> decode_catalog(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < head_bytes || std::memcmp(bytes.data(), magic, 8) != 0) {
    return corrupt("it does not begin as a catalog of this version does");
  }
  const auto body = bytes.subspan(head_bytes);
  if (body.empty() || body.size() % sizeof(capnp::word) != 0) return corrupt("its length is wrong");
  std::vector<std::uint8_t> checksum;
  append_little_endian(checksum, XXH3_64bits(body.data(), body.size()));
  if (std::memcmp(bytes.data() + 8, checksum.data(), 8) != 0) {
    return corrupt("its checksum differs");
  }
  try {
    // Copied, because Cap'n Proto reads aligned words only.
    auto words = kj::heapArray<capnp::word>(body.size() / sizeof(capnp::word));
    std::memcpy(words.begin(), body.data(), body.size());
    const kj::ArrayPtr<const capnp::word> segment = words.asPtr();
    capnp::ReaderOptions options;
    options.traversalLimitInWords = traversal_factor * words.size() + 1024;
    options.nestingLimit = nesting_max;
    capnp::SegmentArrayMessageReader reader(kj::arrayPtr(&segment, 1), options);
    return get_catalog(reader.getRoot<wire::Catalog>());
  } catch (const kj::Exception& e) {
    return corrupt(e.getDescription().cStr());
  } catch (const damaged& e) {
    return corrupt(e.what);
  } catch (const std::exception& e) {
    return corrupt(e.what());
  }
}

}  // namespace windrow::schema
