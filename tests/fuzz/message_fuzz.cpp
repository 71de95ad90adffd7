// Messages, one a line: the two ways of decoding them give the same rows and the same errors.
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/json_decoder.hpp"
#include "tests/fuzz/fuzz_target.hpp"
#include "tests/fuzz/same_item.hpp"

namespace {

using namespace windrow;
using namespace windrow::formats;
using fuzz::require;
using fuzz::same_item;
using schema::value_kind;

schema::value_type list_of(value_kind kind) {
  const schema::value_type element{kind, false, {}};
  return {value_kind::list, true, std::make_shared<const schema::value_type>(element)};
}

const std::vector<schema::message_field>& fields() {
  static const std::vector<schema::message_field> all = {
      {"id", {value_kind::text, false, {}}},   {"user", {value_kind::text, true, {}}},
      {"x", {value_kind::floating, true, {}}}, {"ts", {value_kind::datetime, true, {}}},
      {"n", {value_kind::integer, true, {}}},  {"ok", {value_kind::boolean, true, {}}},
      {"tags", list_of(value_kind::text)},     {"xs", list_of(value_kind::floating)}};
  return all;
}

void require_same(const decoded_rows& a, const decoded_rows& b) {
  require(a.messages == b.messages, "both ways give rows of the same messages");
  require(a.errors.size() == b.errors.size(), "both ways give as many errors");
  for (std::size_t i = 0; i < a.errors.size(); ++i) {
    require(a.errors[i].message == b.errors[i].message && a.errors[i].reason == b.errors[i].reason,
            "both ways give the same errors");
  }
  for (std::size_t c = 0; c < a.columns.size(); ++c) {
    require(a.columns[c].size() == a.rows() && b.columns[c].size() == b.rows(),
            "a column has an item a row");
    for (std::size_t row = 0; row < a.rows(); ++row) {
      require(same_item(a.columns[c], b.columns[c], row), "both ways give the same values");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = fuzz::text_of(data, size);
  std::vector<std::pair<storage::sequence, std::string_view>> messages;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    if (end > 0) messages.emplace_back(messages.size() + 1, rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  const auto run = make_run(1, 0, messages.size() + 1, timestamp{}, messages);
  json_decoder fast(fields()), general(fields());
  general.disable_fast_path();
  decoded_rows a, b;
  fast.decode(run->messages, a);
  general.decode(run->messages, b);
  require_same(a, b);
  return 0;
}
