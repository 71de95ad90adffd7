#include "formats/json_decoder.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace windrow::formats {
namespace {

using schema::value_kind;
using schema::value_type;

value_type type(value_kind kind, bool nullable = false) { return {kind, nullable, nullptr}; }
value_type list_of(value_kind kind, bool nullable = false) {
  return {value_kind::list, nullable, std::make_shared<const value_type>(type(kind))};
}

value_type map_of(value_kind kind, bool nullable = false) {
  value_type out = list_of(kind, nullable);
  out.kind = value_kind::map;
  return out;
}
value_type address() {
  value_type out = type(value_kind::structure);
  out.fields = std::make_shared<const std::vector<schema::struct_field>>(
      std::vector<schema::struct_field>{{"street", type(value_kind::text)},
                                        {"zip", type(value_kind::integer, true)},
                                        {"tags", map_of(value_kind::bytes, true)}});
  return out;
}

/// What stands in maps and structs.
std::string show(const windrow::value& v) {
  const auto named = [](const named_values& values) {
    std::string out;
    for (const auto& [name, inner] : values)
      out += (out.empty() ? "" : ", ") + name + " " + show(inner);
    return "{" + out + "}";
  };
  if (const auto* i = std::get_if<std::int64_t>(&v)) return std::to_string(*i);
  if (const auto* s = std::get_if<std::string>(&v)) return "'" + *s + "'";
  if (const auto* b = std::get_if<byte_string>(&v)) return "bytes '" + b->data + "'";
  if (const auto* m = std::get_if<value_map>(&v)) return named(m->entries);
  if (const auto* s = std::get_if<value_struct>(&v)) return "struct" + named(s->fields);
  return v.is_null() ? "null" : "?";
}

/// One value of a column, as text for comparisons.
std::string show(const schema::column& column, std::size_t row) {
  if (!column.is_valid(row)) return "null";
  switch (column.type.kind) {
    case value_kind::boolean:
      return column.bools[row] ? "true" : "false";
    case value_kind::integer:
    case value_kind::datetime:
      return std::to_string(column.ints[row]);
    case value_kind::floating: {
      char text[40];
      std::snprintf(text, sizeof text, "%.17g", column.floats[row]);
      return text;
    }
    case value_kind::text:
      return "'" + std::string(column.texts[row]) + "'";
    case value_kind::list:
      return "list of " + std::to_string(column.lists[row].size());
    case value_kind::map:
    case value_kind::structure:
      return show(column.values[row]);
    case value_kind::bytes:
      return "bytes '" + std::string(column.texts[row]) + "'";
  }
  return "";
}

struct outcome {
  std::string row;     ///< `value|value|..`, empty if the message failed
  std::string reason;  ///< empty if it did not
  std::string text;
};

/// Decodes one message, by both paths, which must agree; the fast one has seen `before`.
outcome decode(const std::vector<schema::message_field>& fields, const std::string& message,
               const std::string& before = "") {
  outcome answers[2];
  for (const bool fast : {false, true}) {
    json_decoder decoder(fields);
    if (!fast) decoder.disable_fast_path();
    decoded_rows rows;
    const std::pair<sequence, std::string_view> messages[] = {
        {1, before.empty() ? std::string_view(message) : std::string_view(before)}, {2, message}};
    const auto run = make_run(1, 0, 2, timestamp{}, messages);
    decoder.decode(std::span(run->messages).first(1), rows);
    decoder.decode(std::span(run->messages).subspan(1), rows);
    outcome& answer = answers[fast];
    EXPECT_EQ(rows.rows() + rows.errors.size(), 1u) << message.substr(0, 100);
    if (rows.rows() == 1) {
      for (const auto& column : rows.columns) {
        EXPECT_EQ(column.size(), 1u);
        answer.row += (answer.row.empty() ? "" : "|") + show(column, 0);
      }
    } else {
      answer.reason = rows.errors[0].reason;
      answer.text = rows.errors[0].text;
    }
  }
  EXPECT_EQ(answers[0].row, answers[1].row) << message.substr(0, 100);
  EXPECT_EQ(answers[0].reason, answers[1].reason) << message.substr(0, 100);
  EXPECT_EQ(answers[0].text, answers[1].text);
  return answers[1];
}

outcome decode_one(const value_type& of, const std::string& value) {
  return decode({{"k", of}}, "{\"k\":" + value + "}");
}

TEST(JsonDecoder, ReadsValuesOfEveryType) {
  struct {
    value_type of;
    const char* json;
    const char* row;
  } const table[] = {
      {type(value_kind::text), "\"\"", "''"},
      {type(value_kind::text), "\"a b\"", "'a b'"},
      {type(value_kind::text), "\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80 long text with more\"",
       "'\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80 long text with more'"},
      {type(value_kind::text), R"("\u00e4\n\"\\\/\ud83d\ude00")",
       "'\xC3\xA4\n\"\\/\xF0\x9F\x98\x80'"},
      {type(value_kind::text), "\"null\"", "'null'"},
      {type(value_kind::integer), "0", "0"},
      {type(value_kind::integer), "-0", "0"},
      {type(value_kind::integer), "-12345678", "-12345678"},
      {type(value_kind::integer), "123456789", "123456789"},
      {type(value_kind::integer), "9223372036854775807", "9223372036854775807"},
      {type(value_kind::integer), "-9223372036854775808", "-9223372036854775808"},
      {type(value_kind::floating), "0", "0"},
      {type(value_kind::floating), "-0.0", "-0"},
      {type(value_kind::floating), "5", "5"},
      {type(value_kind::floating), "0.1", "0.10000000000000001"},
      {type(value_kind::floating), "123.456", "123.456"},
      {type(value_kind::floating), "-1.5e3", "-1500"},
      {type(value_kind::floating), "1E+2", "100"},
      {type(value_kind::floating), "1.7976931348623157e308", "1.7976931348623157e+308"},
      {type(value_kind::floating), "4.9e-324", "4.9406564584124654e-324"},
      {type(value_kind::floating), "1e-400", "0"},
      {type(value_kind::floating), "-0.0000001e-400", "-0"},
      {type(value_kind::floating), "0e999999999999999999999", "0"},
      {type(value_kind::floating), "9007199254740993", "9007199254740992"},
      {type(value_kind::floating), "0.30000000000000000000000000000000001", "0.29999999999999999"},
      {type(value_kind::floating), "123456789012345678901234567890", "1.2345678901234568e+29"},
      {type(value_kind::boolean), "true", "true"},
      {type(value_kind::boolean), "false", "false"},
      {type(value_kind::datetime), "1700000000123", "1700000000123000"},
      {type(value_kind::datetime), "-1", "-1000"},
      {type(value_kind::datetime), "\"2023-11-14T22:13:20.123456Z\"", "1700000000123456"},
      {type(value_kind::datetime), "\"2023-11-14T23:13:20+01:00\"", "1700000000000000"},
      {type(value_kind::integer, true), "null", "null"},
      {type(value_kind::text, true), "null", "null"},
      {list_of(value_kind::integer), "[]", "list of 0"},
      {list_of(value_kind::integer), "[1, 2,3]", "list of 3"},
      {list_of(value_kind::text), "[\"a\"]", "list of 1"},
      {list_of(value_kind::text, true), "null", "null"},
      {type(value_kind::bytes), "\"Zm9v\"", "bytes 'foo'"},
      {type(value_kind::bytes), "\"\"", "bytes ''"},
      {type(value_kind::bytes, true), "null", "null"},
      {map_of(value_kind::integer), "{}", "{}"},
      {map_of(value_kind::integer), R"({"b": 2, "a" :1, "\u00e4": 3})", "{a 1, b 2, \xC3\xA4 3}"},
      {map_of(value_kind::text, true), "null", "null"},
      {address(), R"({"zip": 7, "other": [{}], "street": "s", "tags": {"t": "Zg=="}})",
       "struct{street 's', zip 7, tags {t bytes 'f'}}"},
      {address(), R"({"street": "s"})", "struct{street 's', zip null, tags null}"},
  };
  for (const auto& line : table) {
    const auto answer = decode_one(line.of, line.json);
    EXPECT_EQ(answer.row, line.row) << line.json << ": " << answer.text;
  }
}

TEST(JsonDecoder, RefusesValuesOfAnotherType) {
  struct {
    value_type of;
    const char* json;
    const char* reason;
  } const table[] = {
      {type(value_kind::text), "1", "type"},
      {type(value_kind::text), "true", "type"},
      {type(value_kind::text), "null", "type"},
      {type(value_kind::text), "{\"a\":1}", "type"},
      {type(value_kind::text), "[\"a\"]", "type"},
      {type(value_kind::integer), "5.0", "type"},
      {type(value_kind::integer), "1e2", "type"},
      {type(value_kind::integer), "\"5\"", "type"},
      {type(value_kind::integer), "true", "type"},
      {type(value_kind::integer), "9223372036854775808", "range"},
      {type(value_kind::integer), "-9223372036854775809", "range"},
      {type(value_kind::integer), "99999999999999999999999999", "range"},
      {type(value_kind::floating), "1e400", "range"},
      {type(value_kind::floating), "-1e400", "range"},
      {type(value_kind::floating), "1e99999999999999999999", "range"},
      {type(value_kind::floating), "\"1.5\"", "type"},
      {type(value_kind::floating), "NaN", "json"},
      {type(value_kind::floating), "Infinity", "json"},
      {type(value_kind::floating), "-Infinity", "json"},
      {type(value_kind::floating), "nan", "json"},
      {type(value_kind::floating), "inf", "json"},
      {type(value_kind::boolean), "1", "type"},
      {type(value_kind::boolean), "\"true\"", "type"},
      {type(value_kind::datetime), "1700000000123.5", "type"},
      {type(value_kind::datetime), "\"yesterday\"", "type"},
      {type(value_kind::datetime), "\"1700000000123\"", "type"},
      {type(value_kind::datetime), "\"2023-02-30T00:00:00Z\"", "type"},
      {type(value_kind::datetime), "9223372036854775807", "range"},
      {type(value_kind::datetime), "true", "type"},
      {list_of(value_kind::integer), "1", "type"},
      {list_of(value_kind::integer), "[1,\"a\"]", "type"},
      {list_of(value_kind::integer), "[1,null]", "type"},
      {list_of(value_kind::integer), "[[1]]", "type"},
      {list_of(value_kind::integer), "{\"a\":1}", "type"},
      {type(value_kind::bytes), "\"Zm9\"", "type"},
      {type(value_kind::bytes), "7", "type"},
      {map_of(value_kind::integer), "[1]", "type"},
      {map_of(value_kind::integer), R"({"a": "x"})", "type"},
      {map_of(value_kind::integer), R"({"a": null})", "type"},
      {map_of(value_kind::integer), R"({"a": 9223372036854775808})", "range"},
      {map_of(value_kind::integer), R"({"a": 1, "a": 2})", "duplicate_key"},
      {address(), "\"s\"", "type"},
      {address(), R"({"zip": 1})", "missing_key"},
      {address(), R"({"street": null})", "type"},
      {address(), R"({"street": "s", "street": "t"})", "duplicate_key"},
      {address(), R"({"street": "s", "tags": {"a": "?"}})", "type"},
  };
  for (const auto& line : table) {
    const auto answer = decode_one(line.of, line.json);
    EXPECT_EQ(answer.reason, line.reason) << line.json << ": " << answer.row << answer.text;
  }
}

TEST(JsonDecoder, RefusesWhatIsNotJson) {
  for (const char* value :
       {"",         "01",       "-01",        "+1",      "1.",        ".5",          "1.e3",
        "1e",       "1e+",      "0x10",       "1 2",     "1,",        "1,,\"b\":2",  "tru",
        "truee",    "nul",      "True",       "None",    "-",         "--1",         "1_000",
        "'a'",      "\"a",      "\"a\\\"",    "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"a\nb\"",
        "\"a\tb\"", "{",        "[",          "[1",      "[1,]",      "[,1]",        "[1 2]",
        "{\"a\"}",  "{\"a\":}", "{\"a\":1,}", "{a:1}",   "{1:2}",     "]",           "}",
        "1}",       "1}x",      "1} {}",      "1]",      "1\"b\":2",  "1 \"b\":2",   "/*c*/1",
        "1//c"}) {
    // As a value of an ignored key, and of a declared one.
    const std::string message = std::string("{\"other\":") + value + "}";
    EXPECT_EQ(decode({}, message).reason, "json") << message;
    EXPECT_EQ(decode({{"a", type(value_kind::integer, true)}}, message).reason, "json") << message;
    EXPECT_EQ(decode_one(type(value_kind::floating), value).reason, "json") << value;
  }
}

TEST(JsonDecoder, SaysWhatStandsAroundAnObject) {
  for (const char* message :
       {"{} x", "{}{}", "{},", "{\"a\":\"}\\\"{\"} [1]", "{\"a\":[{}]} true"}) {
    EXPECT_NE(decode({}, message).text.find("behind the end"), std::string::npos)
        << message << ": " << decode({}, message).text;
  }
  for (const char* message : {"{", "{\"a\":[{}]", "{\"a\":\"}\"", "{\"a\":[{},[]"}) {
    EXPECT_NE(decode({}, message).text.find("not closed"), std::string::npos)
        << message << ": " << decode({}, message).text;
  }
  EXPECT_NE(decode({}, "\xEF\xBB\xBF{}").text.find("byte order mark"), std::string::npos);
}

TEST(JsonDecoder, RefusesWhatIsNotAnObject) {
  for (const char* message : {"1", "\"a\"", "[]", "[{\"k\":1}]", "null", "true", "-1.5"}) {
    EXPECT_EQ(decode({{"k", type(value_kind::integer)}}, message).reason, "not_an_object")
        << message;
  }
  for (const char* message : {"hello", "{", "}", "[", "{]", "\"a", ",", "{}{}", "{} x", "nul"}) {
    const std::string reason = decode({}, message).reason;
    EXPECT_TRUE(reason == "json" || reason == "not_an_object") << message << reason;
  }
}

TEST(JsonDecoder, SaysWhichKeyIsMissingAndWhatWasFound) {
  const std::vector<schema::message_field> fields = {{"id", type(value_kind::text)},
                                                     {"amount", type(value_kind::floating)}};
  EXPECT_EQ(decode(fields, R"({"id":"a"})").text, "Key 'amount' is missing; it may not be null.");
  EXPECT_EQ(decode(fields, R"({"id":"a","amount":"x"})").text,
            "Key 'amount': expected float, found the string \"x\".");
  EXPECT_EQ(decode(fields, R"({"id":"a","amount":1,"amount":2})").reason, "duplicate_key");
  EXPECT_EQ(decode(fields, R"({"id":"a","amount":1,"x":1,"x":2})").row, "'a'|1");
}

TEST(JsonDecoder, AMissingKeyIsNullWhereTheTypeAllows) {
  const std::vector<schema::message_field> fields = {{"a", type(value_kind::integer, true)},
                                                     {"b", type(value_kind::text, true)}};
  EXPECT_EQ(decode(fields, "{}").row, "null|null");
  EXPECT_EQ(decode(fields, R"({"b":"x"})").row, "null|'x'");
  EXPECT_EQ(decode(fields, R"({"b":null,"a":3})", R"({"b":"x","a":3})").row, "3|null");
}

TEST(JsonDecoder, AcceptsAnySpacingOrderAndEscapedKeys) {
  const std::vector<schema::message_field> fields = {{"a", type(value_kind::integer)},
                                                     {"b", type(value_kind::text)}};
  EXPECT_EQ(decode(fields, "  { \"b\" : \"x\" ,\t\"a\":1 } \r").row, "1|'x'");
  EXPECT_EQ(decode(fields, R"({"\u0061":1,"b":"x"})").row, "1|'x'");
  EXPECT_EQ(decode(fields, R"({"z":{"a":[1,{"b":2}]},"a":1,"b":"x","y":[]})").row, "1|'x'");
  EXPECT_EQ(decode(fields, R"({"a":1,"b":"x"})", R"({"b": "x", "a": 1})").row, "1|'x'");
  EXPECT_EQ(decode(fields, R"({"a":1,"b":"x","extra":true})", R"({"a":1,"b":"x"})").row, "1|'x'");
  EXPECT_EQ(decode({{"", type(value_kind::integer)}}, R"({"":1})").row, "1");
}

TEST(JsonDecoder, RefusesInvalidUtf8Anywhere) {
  for (const char* bytes : {"\xFF", "\xC3", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80",
                            "a\xE2\x82", "0123456789abcdef\xFF"}) {
    const std::string text = std::string("\"") + bytes + "\"";
    EXPECT_EQ(decode_one(type(value_kind::text), text).reason, "utf8");
    EXPECT_EQ(decode({}, "{\"x\":" + text + "}").reason, "utf8");
    EXPECT_EQ(decode({}, "{" + text + ":1}").reason, "utf8");
    EXPECT_EQ(decode({}, "{\"x\":1}" + std::string(bytes)).reason, "utf8");
  }
}

TEST(JsonDecoder, RefusesMessagesThatAreNestedTooDeeply) {
  const auto nested = [](int depth) {
    return "{\"x\":" + std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']') + "}";
  };
  EXPECT_EQ(decode({}, nested(200)).reason, "");
  EXPECT_EQ(decode({}, nested(json_depth_max + 1)).reason, "too_deep");
  EXPECT_EQ(decode({}, nested(100'000)).reason, "too_deep");
  EXPECT_EQ(decode_one(type(value_kind::text), std::string(100'000, '[')).reason, "too_deep");
}

TEST(JsonDecoder, ReadsAMessageOfTenMebibytes) {
  const std::string text(10 * 1024 * 1024 - 20, 'x');
  EXPECT_EQ(decode_one(type(value_kind::text), "\"" + text + "\"").row.size(), text.size() + 2);
  EXPECT_EQ(decode_one(type(value_kind::text), "\"" + text + "\\n\"").row.size(), text.size() + 3);
}

TEST(JsonDecoder, AMessageCutAtAnyByteIsRefused) {
  const std::vector<schema::message_field> fields = {
      {"id", type(value_kind::text)},         {"ok", type(value_kind::boolean)},
      {"amount", type(value_kind::floating)}, {"n", type(value_kind::integer, true)},
      {"ts", type(value_kind::datetime)},     {"l", list_of(value_kind::floating, true)}};
  for (const std::string& whole :
       {std::string(R"({"id":"t1","ok":true,"amount":12.5,"ts":1700000000000,"n":77})"),
        std::string(R"({"id":"\u00e4","ok":false,"amount":-1e3,"ts":"2024-01-02T03:04:05Z",)"
                    R"("l":[1,2.5],"z":{"a":[null]},"n":null})")}) {
    EXPECT_EQ(decode(fields, whole).reason, "");
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_NE(decode(fields, whole.substr(0, size), whole).reason, "") << whole.substr(0, size);
    }
  }
}

TEST(JsonDecoder, OneBadMessageDoesNotTouchTheOthers) {
  const std::pair<sequence, std::string_view> messages[] = {{1, R"({"a":1,"b":null})"},
                                                            {2, R"({"b":null,"a":"x"})"},
                                                            {3, R"({"a":3,"b":"y"})"},
                                                            {4, "garbage"},
                                                            {5, R"({"a":5,"b":"\n"})"}};
  const auto run = make_run(1, 0, 5, timestamp{}, messages);
  json_decoder decoder({{"a", type(value_kind::integer)}, {"b", type(value_kind::text, true)}});
  decoded_rows rows;
  for (int repeat = 0; repeat < 2; ++repeat) {
    decoder.decode(run->messages, rows);
    EXPECT_EQ(rows.messages, (std::vector<std::uint32_t>{0, 2, 4}));
    EXPECT_EQ(rows.columns[0].ints, (std::vector<std::int64_t>{1, 3, 5}));
    EXPECT_EQ(rows.columns[1].valid, (std::vector<std::uint8_t>{0, 1, 1}));
    EXPECT_EQ(rows.columns[1].texts[1], "y");
    EXPECT_EQ(rows.columns[1].texts[2], "\n");
    ASSERT_EQ(rows.errors.size(), 2u);
    EXPECT_EQ(rows.errors[0].message, 1u);
    EXPECT_EQ(rows.errors[1].message, 3u);
  }
}

TEST(JsonDecoder, AFieldThatIsNotNeededIsCheckedAndNotKept) {
  json_decoder decoder({{"a", type(value_kind::integer)}, {"b", type(value_kind::text)}},
                       {true, false});
  const std::pair<sequence, std::string_view> messages[] = {
      {1, R"({"a":1,"b":"x"})"}, {2, R"({"a":2,"b":3})"}, {3, R"({"a":3,"b":"\n"})"}};
  const auto run = make_run(1, 0, 3, timestamp{}, messages);
  decoded_rows rows;
  decoder.decode(run->messages, rows);
  EXPECT_EQ(rows.columns[0].ints, (std::vector<std::int64_t>{1, 3}));
  EXPECT_TRUE(rows.columns[1].texts.empty());
  EXPECT_EQ(rows.errors.size(), 1u);
}

TEST(JsonDecoder, AnOversizedMessageIsTooLong) {
  message_run run;
  run.buffer = padded_buffer::of(16);
  run.messages.push_back({run.buffer.data.get(), 0, true, 1});
  json_decoder decoder({});
  decoded_rows rows;
  decoder.decode(run.messages, rows);
  ASSERT_EQ(rows.errors.size(), 1u);
  EXPECT_EQ(rows.errors[0].reason, too_long);
}

}  // namespace
}  // namespace windrow::formats
