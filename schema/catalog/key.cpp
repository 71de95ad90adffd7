#include "schema/catalog/key.hpp"

#include <charconv>
#include <cstdint>

#include "windrow/time.hpp"

namespace windrow::schema {
namespace {

void append_int(std::string& out, std::int64_t number) {
  const std::uint64_t bits = static_cast<std::uint64_t>(number) ^ (std::uint64_t{1} << 63);
  char bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(bits >> (56 - 8 * i));
  out.append(bytes, sizeof bytes);
}

std::int64_t read_int(std::string_view bytes) {
  std::uint64_t bits = 0;
  for (int i = 0; i < 8; ++i) bits = bits << 8 | static_cast<unsigned char>(bytes[i]);
  return static_cast<std::int64_t>(bits ^ (std::uint64_t{1} << 63));
}

void append_text(std::string& out, std::string_view text, bool with_length) {
  if (with_length) {
    const auto length = static_cast<std::uint32_t>(text.size());
    char bytes[4];
    for (int i = 0; i < 4; ++i) bytes[i] = static_cast<char>(length >> (8 * i));
    out.append(bytes, sizeof bytes);
  }
  out.append(text);
}

std::string_view name_of(value_kind kind) {
  switch (kind) {
    case value_kind::boolean:
      return "bool";
    case value_kind::integer:
      return "int";
    case value_kind::floating:
      return "float";
    case value_kind::text:
      return "str";
    case value_kind::datetime:
      return "datetime";
    case value_kind::list:
      return "list";
    case value_kind::map:
      return "map";
    case value_kind::structure:
      return "struct";
    case value_kind::bytes:
      return "bytes";
  }
  return "value";
}

failure invalid(std::string message) { return {errc::invalid, std::move(message)}; }
failure broken(std::string message) { return {errc::corrupt, std::move(message)}; }

std::string count_of(std::size_t parts) {
  return std::to_string(parts) + (parts == 1 ? " part" : " parts");
}

result<windrow::value> parse_part(value_kind kind, std::string text) {
  switch (kind) {
    case value_kind::text:
      return windrow::value(std::move(text));
    case value_kind::boolean:
      if (text == "true" || text == "false") return windrow::value(text == "true");
      return invalid("\"" + text + "\" is not a bool: write true or false");
    case value_kind::integer: {
      std::int64_t number = 0;
      const char* const end = text.data() + text.size();
      const auto [stop, error] = std::from_chars(text.data(), end, number);
      if (error == std::errc{} && stop == end) return windrow::value(number);
      return invalid("\"" + text + "\" is not an int of 64 bits: write digits");
    }
    case value_kind::datetime: {
      const auto time = parse_time(text);
      if (!time) return time.error();
      return windrow::value(*time);
    }
    default:
      break;
  }
  return invalid("a " + std::string(name_of(kind)) + " cannot be part of a key");
}

/// Cuts at every `|` without a backslash in front, and drops the backslashes.
result<std::vector<std::string>> split(std::string_view text) {
  std::vector<std::string> parts(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '|') {
      parts.emplace_back();
    } else if (text[i] != '\\') {
      parts.back() += text[i];
    } else if (i + 1 < text.size() && (text[i + 1] == '|' || text[i + 1] == '\\')) {
      parts.back() += text[++i];
    } else {
      return invalid("in the key \"" + std::string(text) +
                     "\" a backslash stands before neither `|` nor a backslash: write `\\\\` for "
                     "one backslash");
    }
  }
  return parts;
}

std::string format_part(const windrow::value& part, bool escaped) {
  if (const auto* b = std::get_if<bool>(&part)) return *b ? "true" : "false";
  if (const auto* i = std::get_if<std::int64_t>(&part)) return std::to_string(*i);
  if (const auto* t = std::get_if<timestamp>(&part)) return format_time(*t);
  const auto* text = std::get_if<std::string>(&part);
  if (!text) return "null";
  if (!escaped) return *text;
  std::string out;
  for (const char c : *text) {
    if (c == '|' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

result<std::string> encode_key(std::span<const value_type> parts,
                               std::span<const windrow::value> values) {
  if (parts.size() != values.size())
    return invalid("the key has " + count_of(parts.size()) + ", not " +
                   std::to_string(values.size()));
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const value_kind kind = parts[i].kind;
    const windrow::value& value = values[i];
    if (value.is_null()) return invalid("a part of a key cannot be null");
    if (const auto* s = std::get_if<std::string>(&value); s && kind == value_kind::text) {
      if (s->size() > UINT32_MAX) return invalid("a part of a key is too long");
      append_text(out, *s, parts.size() > 1);
    } else if (const auto* n = std::get_if<std::int64_t>(&value);
               n && kind == value_kind::integer) {
      append_int(out, *n);
    } else if (const auto* t = std::get_if<timestamp>(&value); t && kind == value_kind::datetime) {
      append_int(out, t->micros);
    } else if (const auto* b = std::get_if<bool>(&value); b && kind == value_kind::boolean) {
      out += *b ? '\1' : '\0';
    } else if (kind == value_kind::floating || !is_plain(kind)) {
      return invalid("a " + std::string(name_of(kind)) + " cannot be part of a key");
    } else {
      return invalid("a part of the key is not of its type, " + std::string(name_of(kind)));
    }
  }
  return out;
}

result<std::vector<windrow::value>> decode_key(std::span<const value_type> parts,
                                               std::string_view bytes) {
  std::vector<windrow::value> values;
  values.reserve(parts.size());
  const auto take = [&bytes](std::size_t count) {
    const std::string_view taken = bytes.substr(0, count);
    bytes.remove_prefix(count);
    return taken;
  };
  for (const value_type& part : parts) {
    switch (part.kind) {
      case value_kind::integer:
      case value_kind::datetime: {
        if (bytes.size() < 8) return broken("a key ends inside a number");
        const std::int64_t number = read_int(take(8));
        if (part.kind == value_kind::integer)
          values.emplace_back(number);
        else
          values.emplace_back(timestamp{number});
        break;
      }
      case value_kind::boolean:
        if (bytes.empty()) return broken("a key ends before a bool");
        if (bytes.front() != '\0' && bytes.front() != '\1')
          return broken("a key holds a bool that is neither true nor false");
        values.emplace_back(take(1).front() == '\1');
        break;
      case value_kind::text: {
        std::size_t length = bytes.size();
        if (parts.size() > 1) {
          if (bytes.size() < 4) return broken("a key ends inside the length of a string");
          const std::string_view raw = take(4);
          length = 0;
          for (int i = 3; i >= 0; --i) length = length << 8 | static_cast<unsigned char>(raw[i]);
          if (length > bytes.size()) return broken("a key ends inside a string");
        }
        values.emplace_back(std::string(take(length)));
        break;
      }
      default:
        return broken("a key has a part of a type that keys cannot have");
    }
  }
  if (!bytes.empty()) return broken("there are bytes after the end of a key");
  return values;
}

std::string format_key(std::span<const value_type> parts, std::string_view bytes) {
  const auto values = decode_key(parts, bytes);
  std::string out;
  if (!values) {
    constexpr char hex[] = "0123456789abcdef";
    out = "<";
    for (const char c : bytes) {
      out += hex[static_cast<unsigned char>(c) >> 4];
      out += hex[c & 15];
    }
    return out + ">";
  }
  for (std::size_t i = 0; i < values->size(); ++i) {
    if (i > 0) out += '|';
    out += format_part((*values)[i], values->size() > 1);
  }
  return out;
}

result<std::vector<windrow::value>> parse_key(std::span<const value_type> parts,
                                              std::string_view text) {
  std::vector<std::string> texts;
  if (parts.size() == 1) {
    texts.emplace_back(text);
  } else {
    auto cut = split(text);
    if (!cut) return cut.error();
    texts = std::move(*cut);
  }
  if (texts.size() != parts.size())
    return invalid("the key \"" + std::string(text) + "\" has " + count_of(texts.size()) +
                   " and needs " + std::to_string(parts.size()) +
                   ": separate them by `|`, and write `\\|` for a bar inside one");
  std::vector<windrow::value> values;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto value = parse_part(parts[i].kind, std::move(texts[i]));
    if (!value) return value.error();
    values.push_back(std::move(*value));
  }
  return values;
}

namespace detail {

bool append_key_parts(std::string& out, std::span<const column* const> parts, std::size_t row) {
  for (const column* part : parts)
    if (!part->is_valid(row)) return false;
  for (const column* part : parts) {
    switch (part->type.kind) {
      case value_kind::integer:
      case value_kind::datetime:
        append_int(out, part->ints[row]);
        break;
      case value_kind::boolean:
        out += part->bools[row] != 0 ? '\1' : '\0';
        break;
      case value_kind::text:
        append_text(out, part->texts[row], parts.size() > 1);
        break;
      default:
        return false;  // excluded by the planner
    }
  }
  return true;
}

}  // namespace detail
}  // namespace windrow::schema
