#include "server/body/body_codec.hpp"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <cmath>
#include <cstring>
#include <exception>
#include <functional>
#include <set>

#include "base/base64.hpp"
#include "base/utf8.hpp"
#include "server/body/api.capnp.h"
#include "server/body/json_writer.hpp"
#include "windrow/time.hpp"

namespace windrow::server {
namespace {

/// No value of a query or an answer nests deeper; a list in a list takes four levels.
constexpr int nesting_max = 64;
/// Everything is read once; the rest is for what has no size.
constexpr std::uint64_t slack_words = 1'024;

/// What a reader throws here; it becomes `invalid`.
struct unusable {
  std::string what;
};

std::string_view string_view_of(capnp::Text::Reader text) { return {text.begin(), text.size()}; }

std::string string_of(capnp::Text::Reader text, const char* what) {
  std::string out(string_view_of(text));
  if (!is_utf8(out)) throw unusable{std::string(what) + " is not UTF-8"};
  return out;
}

timestamp checked_time(std::int64_t micros, const char* what) {
  if (micros >= time_min && micros <= time_max) return {micros};
  throw unusable{std::string(what) + " is not between the years 1 and 9999"};
}

/// Gives `read(root)` of the one message that `body` is.
template <class Root, class T, class Read>
result<T> with_message(std::string_view body, Read&& read) {
  const auto refused = [](const std::string& why) {
    return failure{errc::invalid, "the body is not what api.capnp says: " + why};
  };
  if (body.empty() || body.size() % sizeof(capnp::word) != 0) {
    return refused("its length is not a multiple of 8");
  }
  try {
    // Copied, because words are read where they are aligned only.
    auto words = kj::heapArray<capnp::word>(body.size() / sizeof(capnp::word));
    std::memcpy(words.begin(), body.data(), body.size());
    capnp::ReaderOptions limits;
    limits.traversalLimitInWords = words.size() + slack_words;
    limits.nestingLimit = nesting_max;
    capnp::FlatArrayMessageReader message(words, limits);
    if (message.getEnd() != words.end()) return refused("something follows the message");
    return read(message.getRoot<Root>());
  } catch (const kj::Exception& wrong) {
    return refused(wrong.getDescription().cStr());
  } catch (const unusable& wrong) {
    return refused(wrong.what);
  } catch (const std::exception& wrong) {
    return refused(wrong.what());
  }
}

std::string bytes_of(capnp::MessageBuilder& message) {
  const auto words = capnp::messageToFlatArray(message);
  const auto bytes = words.asChars();
  return {bytes.begin(), bytes.size()};
}

capnp::Text::Reader reader_of(std::string_view text) { return {text.data(), text.size()}; }

unsigned count_of(std::size_t count) { return static_cast<unsigned>(count); }

// ---- queries -----------------------------------------------------------------------------------

std::string key_of(wire::Entity::Key::Reader key) {
  switch (key.which()) {
    case wire::Entity::Key::TEXT:
      return string_of(key.getText(), "a key");
    case wire::Entity::Key::INTEGER:
      return std::to_string(std::int64_t{key.getInteger()});
    case wire::Entity::Key::BOOLEAN:
      return key.getBoolean() ? "true" : "false";
  }
  throw unusable{"a key of a kind that is not known here"};
}

std::optional<timestamp> now_of(wire::Entity::Now::Reader now) {
  switch (now.which()) {
    case wire::Entity::Now::OF_QUERY:
      return std::nullopt;
    case wire::Entity::Now::AT:
      return checked_time(now.getAt(), "the `now` of an entity");
  }
  throw unusable{"a `now` of a kind that is not known here"};
}

std::optional<timestamp> now_of(wire::Query::Now::Reader now) {
  switch (now.which()) {
    case wire::Query::Now::CLOCK:
      return std::nullopt;
    case wire::Query::Now::AT:
      return checked_time(now.getAt(), "`now`");
  }
  throw unusable{"a `now` of a kind that is not known here"};
}

struct value_putter {
  wire::Value::Builder to;
  void operator()(windrow::null) { to.setNull(); }
  void operator()(bool v) { to.setBoolean(v); }
  void operator()(std::int64_t v) { to.setInteger(v); }
  void operator()(double v) { to.setFloating(v); }
  void operator()(const std::string& v) { to.setText(reader_of(v)); }
  void operator()(timestamp v) { to.setTime(v.micros); }
  void operator()(const value_list& list) {
    auto items = to.initList(count_of(list.size()));
    for (unsigned i = 0; i < items.size(); ++i) put(items[i], list[i]);
  }
  void operator()(const value_map& map) {
    put(to.initMap(count_of(map.entries.size())), map.entries);
  }
  void operator()(const value_struct& fields) {
    put(to.initStructure(count_of(fields.fields.size())), fields.fields);
  }
  void operator()(const byte_string& bytes) {
    to.setBytes(
        kj::arrayPtr(reinterpret_cast<const kj::byte*>(bytes.data.data()), bytes.data.size()));
  }
  static void put(capnp::List<wire::Member>::Builder to, const named_values& values) {
    for (unsigned i = 0; i < to.size(); ++i) {
      to[i].setName(reader_of(values[i].first));
      put(to[i].initValue(), values[i].second);
    }
  }
  static void put(wire::Value::Builder to, const windrow::value& v) {
    std::visit(value_putter{to}, static_cast<const windrow::value::variant&>(v));
  }
};

void put_feature(wire::Feature::Builder to, const feature_answer& from) {
  to.setName(reader_of(from.feature));
  if (!from.value.ok()) {
    auto error = to.initError();
    error.setCode(reader_of(to_string(from.value.error().code)));
    error.setMessage(reader_of(from.value.error().message));
    return;
  }
  value_putter::put(to.initValue(), from.value.value());
  if (from.from && from.to) {
    auto window = to.getBasis().initWindow();
    window.setStart(from.from->micros);
    window.setEnd(from.to->micros);
    window.setEvents(from.events);
  } else if (from.at) {
    auto scalar = to.getBasis().initScalar();
    scalar.setAt(from.at->micros);
    scalar.setAge(from.age ? from.age->count() : 0);
  }
}

void put_row(wire::Row::Builder to, const answer_row& from, timestamp now) {
  to.setEntityClass(reader_of(from.entity));
  value_putter::put(to.initKey(), from.key);
  to.setNow(now.micros);
  auto positions = to.initPosition(count_of(from.position.size()));
  unsigned at = 0;
  for (const auto& [source, sequence] : from.position) {
    positions[at].setSource(reader_of(source));
    positions[at++].setSequence(sequence);
  }
  auto features = to.initFeatures(count_of(from.features.size()));
  for (unsigned i = 0; i < features.size(); ++i) put_feature(features[i], from.features[i]);
}

}  // namespace

result<query_request> decode_query(std::string_view body, std::size_t most) {
  return with_message<wire::Query, query_request>(body, [&](wire::Query::Reader query) {
    query_request out;
    for (const auto entity : query.getEntities()) {
      if (out.entities.size() > most) break;
      out.entities.push_back({string_of(entity.getEntityClass(), "an `entityClass`"),
                              key_of(entity.getKey()), now_of(entity.getNow())});
    }
    for (const auto feature : query.getFeatures()) {
      out.features.push_back(string_of(feature, "a feature"));
    }
    out.now = now_of(query.getNow());
    return out;
  });
}

std::string encode_answer(const query_answer& answer) {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<wire::QueryAnswer>();
  root.setNow(answer.now.micros);
  root.setCatalogVersion(answer.catalog_version);
  auto rows = root.initRows(count_of(answer.rows.size()));
  for (unsigned i = 0; i < rows.size(); ++i) {
    put_row(rows[i], answer.rows[i], answer.rows[i].now.value_or(answer.now));
  }
  return bytes_of(message);
}

// ---- pushes ------------------------------------------------------------------------------------
namespace {

/// As much as a node takes of one push.
constexpr std::size_t push_text_max = std::size_t{64} << 20;

/// Escapes what JSON demands and nothing else: bytes that are not UTF-8 reach whoever judges them.
void put_json(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += '"';
  std::size_t done = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, done, i - done);
    done = i + 1;
    out += '\\';
    if (c >= 0x20) {
      out += text[i];
    } else {
      out.append("u00").append(1, digits[c >> 4]).append(1, digits[c & 15]);
    }
  }
  out.append(text, done).append(1, '"');
}

void put_json(std::string& out, double number) {
  if (std::isnan(number)) {
    out += "NaN";
  } else if (std::isinf(number)) {
    out += number < 0 ? "-1e999" : "1e999";
  } else {
    out += json_number(number);
  }
}

void put_json_time(std::string& out, std::int64_t micros) {
  const bool sayable = micros >= time_min && micros <= time_max;
  put_json(out,
           sayable ? format_time({micros}) : std::to_string(micros) + " microseconds since 1970");
}

void put_json(std::string& out, wire::Value::Reader value);

void put_json(std::string& out, capnp::List<wire::Member>::Reader members) {
  char before = '{';
  for (const auto member : members) {
    out += before;
    before = ',';
    put_json(out, string_view_of(member.getName()));
    out += ':';
    put_json(out, member.getValue());
  }
  out += before == '{' ? "{}" : "}";
}

void put_json(std::string& out, wire::Value::Reader value) {
  switch (value.which()) {
    case wire::Value::NULL_:
      out += "null";
      return;
    case wire::Value::BOOLEAN:
      out += value.getBoolean() ? "true" : "false";
      return;
    case wire::Value::INTEGER:
      out += std::to_string(std::int64_t{value.getInteger()});
      return;
    case wire::Value::FLOATING:
      put_json(out, value.getFloating());
      return;
    case wire::Value::TEXT:
      put_json(out, string_view_of(value.getText()));
      return;
    case wire::Value::TIME:
      put_json_time(out, value.getTime());
      return;
    case wire::Value::LIST: {
      char before = '[';
      for (const auto item : value.getList()) {
        out += before;
        before = ',';
        put_json(out, item);
      }
      out += before == '[' ? "[]" : "]";
      return;
    }
    case wire::Value::BYTES: {
      const auto bytes = value.getBytes();
      put_json(out, base64({reinterpret_cast<const char*>(bytes.begin()), bytes.size()}));
      return;
    }
    case wire::Value::MAP:
      return put_json(out, value.getMap());
    case wire::Value::STRUCTURE:
      return put_json(out, value.getStructure());
  }
  throw unusable{"a value of a kind that is not known here"};
}

struct pushed_column {
  std::string key;  ///< as JSON, with its colon
  capnp::List<bool>::Reader present;
  std::function<void(std::string&, unsigned)> put;  ///< one message's value
};

/// The items of a column, each put by `put`.
template <class List, class Put>
std::function<void(std::string&, unsigned)> putter(List items, const std::string& key,
                                                   unsigned messages, Put put) {
  if (items.size() != messages) {
    throw unusable{"the column " + key + " has " + std::to_string(items.size()) + " values for " +
                   std::to_string(messages) + " messages"};
  }
  return [items, put](std::string& out, unsigned at) { put(out, items[at]); };
}

std::function<void(std::string&, unsigned)> putter_of(wire::Column::Reader c,
                                                      const std::string& key, unsigned messages) {
  switch (c.which()) {
    case wire::Column::BOOLEANS:
      return putter(c.getBooleans(), key, messages,
                    [](std::string& out, bool v) { out += v ? "true" : "false"; });
    case wire::Column::INTEGERS:
      return putter(c.getIntegers(), key, messages,
                    [](std::string& out, std::int64_t v) { out += std::to_string(v); });
    case wire::Column::FLOATS:
      return putter(c.getFloats(), key, messages,
                    [](std::string& out, double v) { put_json(out, v); });
    case wire::Column::TEXTS:
      return putter(c.getTexts(), key, messages, [](std::string& out, capnp::Text::Reader v) {
        put_json(out, string_view_of(v));
      });
    case wire::Column::TIMES:
      return putter(c.getTimes(), key, messages,
                    [](std::string& out, std::int64_t v) { put_json_time(out, v); });
    case wire::Column::VALUES:
      return putter(c.getValues(), key, messages,
                    [](std::string& out, wire::Value::Reader v) { put_json(out, v); });
  }
  throw unusable{"the column " + key + " is of a kind that is not known here"};
}

std::vector<pushed_column> columns_of(wire::Push::Reader push) {
  std::vector<pushed_column> columns;
  std::set<std::string> keys;
  for (const auto c : push.getColumns()) {
    const std::string key = json_string(string_of(c.getKey(), "the `key` of a column"));
    if (!keys.insert(key).second) throw unusable{"there are two columns " + key};
    const auto present = c.getPresent();
    if (present.size() != 0 && present.size() != push.getMessages()) {
      throw unusable{"`present` of the column " + key + " has " + std::to_string(present.size()) +
                     " values for " + std::to_string(push.getMessages()) + " messages"};
    }
    columns.push_back({key + ":", present, putter_of(c, key, push.getMessages())});
  }
  return columns;
}

void put_message(std::string& out, const std::vector<pushed_column>& columns, unsigned at) {
  char before = '{';
  for (const pushed_column& c : columns) {
    if (c.present.size() != 0 && !c.present[at]) continue;
    out += before;
    before = ',';
    out += c.key;
    c.put(out, at);
    if (out.size() > push_text_max) {
      throw unusable{"as JSON it is longer than " + std::to_string(push_text_max) +
                     " bytes; send several"};
    }
  }
  out += before == '{' ? "{}" : "}";
}

}  // namespace

std::vector<std::string_view> cut(std::string_view text, const std::vector<std::size_t>& ends) {
  std::vector<std::string_view> out;
  out.reserve(ends.size());
  std::size_t begin = 0;
  for (const std::size_t end : ends) {
    out.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return out;
}

result<pushed_messages> decode_push(std::string_view body, std::size_t most) {
  return with_message<wire::Push, pushed_messages>(body, [&](wire::Push::Reader push) {
    pushed_messages out;
    const unsigned messages = push.getMessages();
    out.too_many = messages > most;
    if (out.too_many) return out;
    const auto columns = columns_of(push);
    out.ends.reserve(messages);
    for (unsigned at = 0; at < messages; ++at) {
      put_message(out.text, columns, at);
      out.ends.push_back(out.text.size());
    }
    return out;
  });
}

std::string encode_push_answer(const push_answer& answer) {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<wire::PushAnswer>();
  root.setStream(reader_of(answer.stream));
  root.setMessages(answer.messages);
  root.setJournal(answer.receipt.sequence);
  root.setDuplicate(answer.receipt.duplicate);
  root.setApplied(answer.applied);
  auto errors = root.initErrors(count_of(answer.errors.size()));
  for (unsigned i = 0; i < errors.size(); ++i) {
    errors[i].setMessage(answer.errors[i].message);
    errors[i].setPhase(reader_of(answer.errors[i].phase));
    errors[i].setReason(reader_of(answer.errors[i].reason));
    errors[i].setDetail(reader_of(answer.errors[i].detail));
  }
  return bytes_of(message);
}
}  // namespace windrow::server
