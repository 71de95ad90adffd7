#include "server/body/body_codec.hpp"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>

#include "server/body/api.capnp.h"
#include "tests/support/random_value.hpp"
#include "windrow/time.hpp"

// Bodies in Cap'n Proto, made and read here with the library itself.
namespace windrow::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string bytes_of(capnp::MessageBuilder& message) {
  const auto words = capnp::messageToFlatArray(message);
  return {words.asChars().begin(), words.asChars().size()};
}

/// The root of a body, with the memory it lies in.
template <class Root>
struct opened {
  explicit opened(const std::string& body)
      : words(kj::heapArray<capnp::word>(body.size() / sizeof(capnp::word))) {
    std::memcpy(words.begin(), body.data(), body.size());
    message = std::make_unique<capnp::FlatArrayMessageReader>(words);
    root = message->template getRoot<Root>();
  }
  kj::Array<capnp::word> words;
  std::unique_ptr<capnp::FlatArrayMessageReader> message;
  typename Root::Reader root;
};

std::vector<std::string> lines(const result<pushed_messages>& pushed) {
  EXPECT_TRUE(pushed.ok()) << pushed.error().message;
  std::vector<std::string> out;
  if (!pushed) return out;
  for (const std::string_view m : cut(pushed->text, pushed->ends)) out.emplace_back(m);
  return out;
}

template <class List, class Items>
void fill(List to, const Items& from) {
  unsigned at = 0;
  for (const auto& item : from) to.set(at++, item);
}

TEST(CapnpQuery, SaysWhatTheJsonOneSays) {
  capnp::MallocMessageBuilder message;
  auto query = message.initRoot<wire::Query>();
  auto entities = query.initEntities(3);
  entities[0].setEntityClass("User");
  entities[0].getKey().setText("u\xC3\xA4");
  entities[1].setEntityClass("User");
  entities[1].getKey().setInteger(std::numeric_limits<std::int64_t>::min());
  entities[1].getNow().setAt(1'700'000'000'000'001);
  entities[2].setEntityClass("Flag");
  entities[2].getKey().setBoolean(true);
  auto features = query.initFeatures(2);
  features.set(0, "name");
  features.set(1, "sum_amount[\"1h\"]");
  query.getNow().setAt(0);

  const auto read = decode_query(bytes_of(message), 10);
  ASSERT_TRUE(read.ok()) << read.error().message;
  const auto same = read_query(
      "{\"entities\": [{\"class\": \"User\", \"key\": \"u\xC3\xA4\"}, {\"class\": \"User\", "
      "\"key\": -9223372036854775808, \"now\": \"2023-11-14T22:13:20.000001Z\"}, "
      "{\"class\": \"Flag\", \"key\": true}], "
      "\"features\": [\"name\", \"sum_amount[\\\"1h\\\"]\"], \"now\": 0}");
  ASSERT_TRUE(same.ok()) << same.error().message;
  EXPECT_EQ(query_request_json(*read), query_request_json(*same));
  EXPECT_EQ(read->entities[0].now, std::nullopt);
  EXPECT_EQ(read->entities[1].now, timestamp{1'700'000'000'000'001});
}

TEST(CapnpQuery, IsReadOneEntityBeyondTheLimitAndNoFurther) {
  capnp::MallocMessageBuilder message;
  message.initRoot<wire::Query>().initEntities(100);
  const auto read = decode_query(bytes_of(message), 10);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->entities.size(), 11u);
}

TEST(CapnpQuery, RefusesWhatItCannotMean) {
  capnp::MallocMessageBuilder far, bad;
  far.initRoot<wire::Query>().getNow().setAt(std::numeric_limits<std::int64_t>::max());
  auto feature = bad.initRoot<wire::Query>().initFeatures(1);
  feature.set(0, "\xff");
  for (auto* message : {&far, &bad}) {
    const auto read = decode_query(bytes_of(*message), 10);
    ASSERT_FALSE(read.ok());
    EXPECT_EQ(read.error().code, errc::invalid);
  }
}

TEST(CapnpBody, RefusesBytesThatAreNoMessage) {
  capnp::MallocMessageBuilder message;
  message.initRoot<wire::Query>().initEntities(1)[0].setEntityClass("User");
  const std::string whole = bytes_of(message);
  EXPECT_TRUE(decode_query(whole, 10).ok());
  for (const std::string& body :
       {std::string(), std::string("{\"a\": 1}"), whole + std::string(8, '\0'), whole + "x",
        whole.substr(0, whole.size() - 8), std::string(64, '\xff')}) {
    const auto read = decode_query(body, 10);
    ASSERT_FALSE(read.ok());
    EXPECT_EQ(read.error().code, errc::invalid);
    EXPECT_THAT(read.error().message, HasSubstr("api.capnp"));
  }
}

/// A push whose only column is a value of lists in lists.
std::string nested(unsigned depth) {
  capnp::MallocMessageBuilder message;
  auto push = message.initRoot<wire::Push>();
  push.setMessages(1);
  auto column = push.initColumns(1)[0];
  column.setKey("x");
  auto value = column.initValues(1)[0];
  for (unsigned i = 0; i < depth; ++i) value = value.initList(1)[0];
  return bytes_of(message);
}

TEST(CapnpPush, NestsAsDeepAsItSays) {
  EXPECT_THAT(lines(decode_push(nested(3), 10)), ElementsAre(R"({"x":[[[null]]]})"));
  EXPECT_TRUE(decode_push(nested(20), 10).ok());
  EXPECT_FALSE(decode_push(nested(100), 10).ok());
}

TEST(CapnpPush, KeepsEveryValueExactly) {
  capnp::MallocMessageBuilder message;
  auto push = message.initRoot<wire::Push>();
  push.setMessages(3);
  auto columns = push.initColumns(6);
  columns[0].setKey("i");
  fill(columns[0].initIntegers(3), std::vector<std::int64_t>{INT64_MIN, 0, INT64_MAX});
  columns[1].setKey("f");
  fill(columns[1].initFloats(3), std::vector<double>{0.1, -0.0, 5e-324});
  columns[2].setKey("\"k\n");
  fill(columns[2].initTexts(3), std::vector<capnp::Text::Reader>{"", "a\"\\\x01\x7f", "\xC3\xA4"});
  columns[3].setKey("b");
  fill(columns[3].initBooleans(3), std::vector<bool>{true, false, true});
  fill(columns[3].initPresent(3), std::vector<bool>{true, false, true});
  columns[4].setKey("t");
  fill(columns[4].initTimes(3), std::vector<std::int64_t>{0, -1, 1'700'000'000'123'000});
  columns[5].setKey("v");
  auto values = columns[5].initValues(3);
  values[0].setInteger(7);
  values[1].setNull();
  auto list = values[2].initList(2);
  list[0].setText("x");
  list[1].setFloating(1e300);
  EXPECT_THAT(lines(decode_push(bytes_of(message), 10)),
              ElementsAre(R"({"i":-9223372036854775808,"f":0.1,"\"k\n":"","b":true,)"
                          R"("t":"1970-01-01T00:00:00Z","v":7})",
                          R"({"i":0,"f":-0.0,"\"k\n":"a\"\\\u0001)"
                          "\x7f"
                          R"(",)"
                          R"("t":"1969-12-31T23:59:59.999999Z","v":null})",
                          R"({"i":9223372036854775807,"f":5e-324,"\"k\n":")"
                          "\xC3\xA4"
                          R"(","b":true,)"
                          R"("t":"2023-11-14T22:13:20.123Z","v":["x",1e+300]})"));
}

TEST(CapnpPush, LeavesWhatCannotBeSaidToWhoeverAppliesTheMessage) {
  capnp::MallocMessageBuilder message;
  auto push = message.initRoot<wire::Push>();
  push.setMessages(4);
  auto columns = push.initColumns(3);
  columns[0].setKey("f");
  fill(columns[0].initFloats(4), std::vector<double>{std::nan(""), INFINITY, -INFINITY, 1});
  columns[1].setKey("s");
  fill(columns[1].initTexts(4), std::vector<capnp::Text::Reader>{"a", "a", "a", "\xff"});
  columns[2].setKey("t");
  fill(columns[2].initTimes(4), std::vector<std::int64_t>{INT64_MAX, 0, 0, 0});
  EXPECT_THAT(lines(decode_push(bytes_of(message), 10)),
              ElementsAre(R"({"f":NaN,"s":"a","t":"9223372036854775807 microseconds since 1970"})",
                          R"({"f":1e999,"s":"a","t":"1970-01-01T00:00:00Z"})",
                          R"({"f":-1e999,"s":"a","t":"1970-01-01T00:00:00Z"})",
                          "{\"f\":1.0,\"s\":\"\xff\",\"t\":\"1970-01-01T00:00:00Z\"}"));
}

TEST(CapnpPush, HasColumnsOfOneLengthAndOfDifferentKeys) {
  const auto refusal = [](unsigned messages, auto change) {
    capnp::MallocMessageBuilder message;
    auto push = message.initRoot<wire::Push>();
    push.setMessages(messages);
    auto columns = push.initColumns(2);
    columns[0].setKey("a");
    columns[0].initIntegers(2);
    columns[1].setKey("b");
    columns[1].initBooleans(2);
    change(columns);
    const auto read = decode_push(bytes_of(message), 10);
    return read ? std::string("taken") : read.error().message;
  };
  const auto nothing = [](auto&) {};
  EXPECT_EQ(refusal(2, nothing), "taken");
  EXPECT_THAT(refusal(3, nothing), HasSubstr(R"(the column "a" has 2 values for 3 messages)"));
  EXPECT_THAT(refusal(2, [](auto& c) { c[1].initPresent(1); }), HasSubstr("`present`"));
  EXPECT_THAT(refusal(2, [](auto& c) { c[1].setKey("a"); }), HasSubstr("two columns"));
  EXPECT_THAT(refusal(2, [](auto& c) { c[1].setKey("\xff"); }), HasSubstr("UTF-8"));
}

TEST(CapnpPush, IsBoundedInMessagesAndInBytes) {
  capnp::MallocMessageBuilder many, large;
  many.initRoot<wire::Push>().setMessages(4'000'000'000);
  const auto counted = decode_push(bytes_of(many), 10);
  ASSERT_TRUE(counted.ok());
  EXPECT_TRUE(counted->too_many);
  EXPECT_TRUE(counted->ends.empty());
  // A long key is said once here and once a message in JSON.
  auto push = large.initRoot<wire::Push>();
  push.setMessages(100'000);
  auto column = push.initColumns(1)[0];
  column.setKey(std::string(10'000, 'k'));
  column.initBooleans(100'000);
  const auto grown = decode_push(bytes_of(large), 100'000);
  ASSERT_FALSE(grown.ok());
  EXPECT_THAT(grown.error().message, HasSubstr("longer than"));
}

TEST(CapnpPush, IsReadOnceWhateverItsPointersShare) {
  // 1,000 texts that are all the same 64 KiB: pointers are patched to one target.
  capnp::MallocMessageBuilder message(20'000);  // words: one segment
  auto push = message.initRoot<wire::Push>();
  push.setMessages(1'000);
  auto column = push.initColumns(1)[0];
  column.setKey("s");
  auto texts = column.initTexts(1'000);
  texts.set(999, std::string(65'536, 's'));
  std::string body = bytes_of(message);
  // The list's pointers stand in a row, the last one set: each gets the same target.
  const auto is_set = [&](std::size_t at) {
    return body.compare(at, 8, std::string(8, '\0')) != 0;
  };
  const std::size_t text = body.find("ssssssss");
  std::size_t last = text - 8;
  while (!is_set(last)) last -= 8;
  ASSERT_EQ(last + 8, text);
  for (std::int32_t i = 1; i < 1'000; ++i) {
    const std::int32_t offset = i;  // words from behind the pointer to the text
    const std::uint32_t low = static_cast<std::uint32_t>(offset) << 2 | 1;
    std::memcpy(body.data() + last - 8 * static_cast<std::size_t>(i), &low, 4);
    std::memcpy(body.data() + last - 8 * static_cast<std::size_t>(i) + 4, body.data() + last + 4,
                4);
  }
  const auto read = decode_push(body, 1'000);
  ASSERT_FALSE(read.ok());
  EXPECT_THAT(read.error().message, HasSubstr("traversal"));
}

TEST(CapnpAnswer, HasTheTypesOfItsValues) {
  feature_answer name, sum, stale, gone, never;
  name.feature = "user.name";
  name.value = windrow::value{std::string("Ann")};
  name.at = timestamp{5};
  sum.feature = "user.sum";
  sum.value = windrow::value{std::int64_t{INT64_MAX}};
  sum.from = timestamp{1}, sum.to = timestamp{2}, sum.events = 3;
  stale = name;
  stale.value = windrow::value{};
  stale.age = std::chrono::microseconds(77);
  gone.feature = "user.gone";
  gone.value = failure{errc::expired, "too far back"};
  never.feature = "user.never";
  query_answer answer{timestamp{9}, 4, {{"User", std::string("u1"), {{"journal", 12}}, {}}}};
  answer.rows[0].features = {name, sum, stale, gone, never};
  answer.rows[0].now = timestamp{8};
  const opened<wire::QueryAnswer> read(encode_answer(answer));
  EXPECT_EQ(read.root.getNow(), 9);
  EXPECT_EQ(read.root.getCatalogVersion(), 4u);
  const auto row = read.root.getRows()[0];
  EXPECT_EQ(row.getNow(), 8);
  EXPECT_EQ(row.getEntityClass(), "User");
  EXPECT_EQ(row.getKey().getText(), "u1");
  EXPECT_EQ(row.getPosition()[0].getSource(), "journal");
  EXPECT_EQ(row.getPosition()[0].getSequence(), 12u);
  const auto features = row.getFeatures();
  ASSERT_EQ(features.size(), 5u);
  EXPECT_EQ(features[0].getValue().getText(), "Ann");
  EXPECT_EQ(features[0].getBasis().getScalar().getAt(), 5);
  EXPECT_EQ(features[0].getBasis().getScalar().getAge(), 0);
  EXPECT_EQ(features[1].getValue().getInteger(), INT64_MAX);
  EXPECT_EQ(features[1].getBasis().getWindow().getStart(), 1);
  EXPECT_EQ(features[1].getBasis().getWindow().getEnd(), 2);
  EXPECT_EQ(features[1].getBasis().getWindow().getEvents(), 3u);
  EXPECT_TRUE(features[2].getValue().isNull());
  EXPECT_EQ(features[2].getBasis().getScalar().getAge(), 77);
  ASSERT_TRUE(features[3].isError());
  EXPECT_EQ(features[3].getError().getCode(), "expired");
  EXPECT_TRUE(features[3].getBasis().isNothing());
  EXPECT_TRUE(features[4].getValue().isNull());
  EXPECT_TRUE(features[4].getBasis().isNothing());
}

windrow::value read_back(wire::Value::Reader from);

named_values read_back(capnp::List<wire::Member>::Reader from) {
  named_values out;
  for (const auto m : from)
    out.emplace_back(std::string(m.getName().cStr(), m.getName().size()), read_back(m.getValue()));
  return out;
}

windrow::value read_back(wire::Value::Reader from) {
  switch (from.which()) {
    case wire::Value::NULL_:
      return windrow::null{};
    case wire::Value::BOOLEAN:
      return from.getBoolean();
    case wire::Value::INTEGER:
      return from.getInteger();
    case wire::Value::FLOATING:
      return from.getFloating();
    case wire::Value::TEXT:
      return std::string(from.getText().cStr(), from.getText().size());
    case wire::Value::TIME:
      return timestamp{from.getTime()};
    case wire::Value::LIST: {
      value_list list;
      for (const auto item : from.getList()) list.push_back(read_back(item));
      return list;
    }
    case wire::Value::BYTES:
      return byte_string{
          {reinterpret_cast<const char*>(from.getBytes().begin()), from.getBytes().size()}};
    case wire::Value::MAP:
      return value_map{read_back(from.getMap())};
    case wire::Value::STRUCTURE:
      return value_struct{read_back(from.getStructure())};
  }
  return windrow::null{};
}

TEST(CapnpAnswer, GivesBackValuesOfEveryType) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    windrow::testing::random_values random(seed);
    feature_answer f;
    f.feature = "f";
    f.value = random.of(random.type());
    query_answer answer{timestamp{9}, 1, {{"User", std::string("u1"), {}, {}}}};
    answer.rows[0].features = {f};
    const opened<wire::QueryAnswer> read(encode_answer(answer));
    ASSERT_EQ(read_back(read.root.getRows()[0].getFeatures()[0].getValue()), *f.value)
        << "seed " << seed;
  }
}

TEST(CapnpPush, SaysMapsStructsAndBytesAsMessagesDo) {
  capnp::MallocMessageBuilder message;
  auto push = message.initRoot<wire::Push>();
  push.setMessages(3);
  auto columns = push.initColumns(1);
  columns[0].setKey("v");
  auto values = columns[0].initValues(3);
  const kj::byte data[] = {0xff, 0};
  values[0].setBytes(kj::arrayPtr(data, 2));
  auto map = values[1].initMap(2);
  map[0].setName("a\"");
  map[0].initValue().setInteger(1);
  map[1].setName("b");
  map[1].initValue().setNull();
  values[2].initStructure(0);
  EXPECT_THAT(lines(decode_push(bytes_of(message), 10)),
              ElementsAre(R"({"v":"/wA="})", R"({"v":{"a\"":1,"b":null}})", R"({"v":{}})"));
}

TEST(CapnpAnswer, SaysWhatBecameOfAPush) {
  const push_answer answer{"s", 3, {42, true}, true, {{2, "parse", "type", "why"}}};
  const opened<wire::PushAnswer> read(encode_push_answer(answer));
  EXPECT_EQ(read.root.getStream(), "s");
  EXPECT_EQ(read.root.getMessages(), 3u);
  EXPECT_EQ(read.root.getJournal(), 42u);
  EXPECT_TRUE(read.root.getDuplicate());
  EXPECT_TRUE(read.root.getApplied());
  ASSERT_EQ(read.root.getErrors().size(), 1u);
  EXPECT_EQ(read.root.getErrors()[0].getMessage(), 2u);
  EXPECT_EQ(read.root.getErrors()[0].getDetail(), "why");
}

}  // namespace
}  // namespace windrow::server
