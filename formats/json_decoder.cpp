#include "formats/json_decoder.hpp"

#include <algorithm>
#include <charconv>

#include "formats/framing.hpp"
#include "formats/json_internal.hpp"
#include "windrow/time.hpp"

namespace windrow::formats {

decode_reason to_string(json_reason reason) noexcept {
  switch (reason) {
    case json_reason::json:
      return "json";
    case json_reason::utf8:
      return "utf8";
    case json_reason::too_deep:
      return "too_deep";
    case json_reason::not_an_object:
      return "not_an_object";
    case json_reason::missing_key:
      return "missing_key";
    case json_reason::duplicate_key:
      return "duplicate_key";
    case json_reason::type:
      return "type";
    case json_reason::range:
      return "range";
  }
  return "json";
}

namespace json {

row_writer::row_writer(const std::vector<field_slot>& slots, decoded_rows& out,
                       std::size_t rows_max)
    : out_(out), rows_max_(rows_max) {
  out.errors.clear();
  out.messages.clear();
  out.arena.clear();
  out.columns.resize(slots.size());
  columns_ = out.columns.data();
  for (std::size_t i = 0; i < slots.size(); ++i) {
    schema::column& column = columns_[i];
    column.clear();
    column.type = slots[i].type;
    if (!slots[i].needed) continue;
    switch (column.type.kind) {
      case schema::value_kind::boolean:
        column.bools.resize(rows_max);
        break;
      case schema::value_kind::integer:
      case schema::value_kind::datetime:
        column.ints.resize(rows_max);
        break;
      case schema::value_kind::floating:
        column.floats.resize(rows_max);
        break;
      case schema::value_kind::text:
      case schema::value_kind::bytes:
        column.texts.resize(rows_max);
        break;
      case schema::value_kind::list:
        column.lists.resize(rows_max);
        break;
      case schema::value_kind::map:
      case schema::value_kind::structure:
        column.values.resize(rows_max);
        break;
    }
  }
}

void row_writer::put_null(std::size_t field) {
  std::vector<std::uint8_t>& valid = columns_[field].valid;
  if (valid.empty()) valid.assign(rows_max_, 1);
  valid[row] = 0;
}

void row_writer::reset_row() noexcept {
  for (schema::column& column : out_.columns) {
    if (!column.valid.empty()) column.valid[row] = 1;
  }
}

void row_writer::finish() {
  if (row == rows_max_) return;
  const auto cut = [this](auto& values) {
    if (!values.empty()) values.resize(row);
  };
  for (schema::column& column : out_.columns) {
    cut(column.ints), cut(column.floats), cut(column.bools), cut(column.texts);
    cut(column.lists), cut(column.values), cut(column.valid);
  }
}

number_token check_number(std::string_view text) noexcept {
  const char* p = text.data();
  const char* const end = p + text.size();
  const auto digits = [&] {
    const char* const from = p;
    while (p != end && *p >= '0' && *p <= '9') ++p;
    return p - from;
  };
  number_token token;
  if (p != end && *p == '-') ++p;
  const bool zero = p != end && *p == '0';
  const auto whole = digits();
  if (whole == 0 || (zero && whole > 1)) return token;
  token.integral = true;
  if (p != end && *p == '.') {
    ++p;
    token.integral = false;
    if (digits() == 0) return token;
  }
  if (p != end && (*p == 'e' || *p == 'E')) {
    ++p;
    token.integral = false;
    if (p != end && (*p == '+' || *p == '-')) ++p;
    if (digits() == 0) return token;
  }
  token.valid = p == end;
  return token;
}

number_fit to_int(std::string_view text, std::int64_t& value) noexcept {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  return read.ec == std::errc() ? number_fit::fits : number_fit::out_of_range;
}

namespace {

/// Whether a valid number that no double holds is too small, not too large.
bool is_tiny(std::string_view text) noexcept {
  const auto e = text.find_first_of("eE");
  std::int64_t exponent = 0;
  if (e != text.npos) {
    const std::size_t from = e + (text[e + 1] == '+' ? 2 : 1);
    const auto read = std::from_chars(text.data() + from, text.data() + text.size(), exponent);
    if (read.ec != std::errc()) return text[e + 1] == '-';
  }
  const std::string_view mantissa = text.substr(0, e);
  const auto point = std::min(mantissa.find('.'), mantissa.size());
  const auto first = mantissa.find_first_of("123456789");
  if (first == mantissa.npos) return true;
  const auto place = static_cast<std::int64_t>(point) - static_cast<std::int64_t>(first);
  return exponent + place < 0;
}

}  // namespace

number_fit to_float(std::string_view text, double& value) noexcept {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec == std::errc()) return number_fit::fits;
  if (!is_tiny(text)) return number_fit::out_of_range;
  value = text.front() == '-' ? -0.0 : 0.0;
  return number_fit::fits;
}

number_fit to_micros(std::int64_t millis, std::int64_t& micros) noexcept {
  return __builtin_mul_overflow(millis, std::int64_t{1000}, &micros) ? number_fit::out_of_range
                                                                     : number_fit::fits;
}

bool to_time(std::string_view text, std::int64_t& micros) noexcept {
  return text.size() >= 10 && text[4] == '-' && parse_time_fast(text, micros);
}

}  // namespace json

struct json_decoder::impl {
  explicit impl(std::vector<json::field_slot> declared)
      : slots(std::move(declared)), fast(slots), general(slots) {}

  std::vector<json::field_slot> slots;
  json::fast_path fast;
  json::general_path general;
  bool use_fast = true;
};

namespace {

std::vector<json::field_slot> slots_of(std::vector<schema::message_field> fields,
                                       const std::vector<bool>& needed) {
  std::vector<json::field_slot> slots;
  slots.reserve(fields.size());
  for (std::size_t i = 0; i < fields.size(); ++i) {
    slots.push_back(
        {std::move(fields[i].name), std::move(fields[i].type), needed.empty() || needed[i]});
  }
  return slots;
}

}  // namespace

json_decoder::json_decoder(std::vector<schema::message_field> fields, std::vector<bool> needed)
    : impl_(std::make_unique<impl>(slots_of(std::move(fields), needed))) {}
json_decoder::~json_decoder() = default;
json_decoder::json_decoder(json_decoder&&) noexcept = default;
json_decoder& json_decoder::operator=(json_decoder&&) noexcept = default;

void json_decoder::disable_fast_path() noexcept { impl_->use_fast = false; }

void json_decoder::decode(std::span<const message_view> messages, decoded_rows& out) {
  json::row_writer writer(impl_->slots, out, messages.size());
  out.messages.reserve(messages.size());
  const bool use_fast = impl_->use_fast;
  for (std::uint32_t i = 0; i < messages.size(); ++i) {
    const message_view& message = messages[i];
    if (use_fast && !message.oversized && impl_->fast.decode(message.text(), writer)) {
      out.messages.push_back(i);
      ++writer.row;
      continue;
    }
    writer.reset_row();
    decode_error error;
    if (message.oversized) {
      error.reason = too_long;
      error.text = "The message is longer than a source holds: " +
                   std::to_string(framing_limits{}.message_bytes_max >> 20) + " MiB.";
    } else if (impl_->general.decode(message.text(), writer, error)) {
      out.messages.push_back(i);
      ++writer.row;
      continue;
    }
    error.message = i;
    out.errors.push_back(std::move(error));
    writer.reset_row();
  }
  writer.finish();
}

}  // namespace windrow::formats
