#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schema/expression/column.hpp"
#include "storage/batch.hpp"

/// Copying rows of columns into batches. `rows` are indexes into the source; `range` says that
/// they are consecutive.
namespace windrow::ingest {

/// An index of the plan as one of a vector.
inline std::size_t at(int index) noexcept { return static_cast<std::size_t>(index); }

template <class T>
void append_items(std::vector<T>& to, const T* from, std::span<const std::uint32_t> rows,
                  bool range) {
  if (range) {
    to.insert(to.end(), from + rows.front(), from + rows.front() + rows.size());
    return;
  }
  const std::size_t old = to.size();
  to.resize(old + rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) to[old + i] = from[rows[i]];
}

/// Appends the texts to `to` and where each ends to `ends`.
inline void append_texts(std::string& to, std::vector<std::uint32_t>& ends,
                         const std::string_view* from, std::span<const std::uint32_t> rows) {
  const std::size_t old = ends.size();
  ends.resize(old + rows.size());
  std::size_t end = to.size();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    end += from[rows[i]].size();
    ends[old + i] = static_cast<std::uint32_t>(end);
  }
  std::size_t at = to.size();
  to.resize(end);
  for (const std::uint32_t row : rows) {
    const std::string_view text = from[row];
    if (!text.empty()) std::memcpy(to.data() + at, text.data(), text.size());
    at += text.size();
  }
}

/// Appends rows of `from` to `to`, which holds `old` rows.
inline void append_column(storage::batch_column& to, std::size_t old, const schema::column& from,
                          std::span<const std::uint32_t> rows, bool range) {
  switch (to.kind) {
    case schema::value_kind::boolean:
      append_items(to.bools, from.bools.data(), rows, range);
      break;
    case schema::value_kind::integer:
    case schema::value_kind::datetime:
      append_items(to.ints, from.ints.data(), rows, range);
      break;
    case schema::value_kind::floating:
      append_items(to.floats, from.floats.data(), rows, range);
      break;
    case schema::value_kind::text:
    case schema::value_kind::bytes:
      append_texts(to.text, to.text_ends, from.texts.data(), rows);
      break;
    case schema::value_kind::list:
      for (const std::uint32_t row : rows) to.lists.push_back(from.lists[row]);
      break;
    case schema::value_kind::map:
    case schema::value_kind::structure:
      for (const std::uint32_t row : rows) to.values.push_back(from.values[row]);
      break;
  }
  if (from.valid.empty()) {
    if (!to.valid.empty()) to.valid.resize(old + rows.size(), 1);
    return;
  }
  if (to.valid.empty()) to.valid.assign(old, 1);
  append_items(to.valid, from.valid.data(), rows, range);
}

/// Forgets the rows and keeps the memory.
inline void clear_column(storage::batch_column& column) noexcept {
  column.ints.clear(), column.floats.clear(), column.bools.clear(), column.text_ends.clear();
  column.text.clear(), column.lists.clear(), column.values.clear(), column.valid.clear();
}

/// What a value holds beside itself.
inline std::size_t bytes_of(const windrow::value& value) noexcept {
  if (const auto* text = std::get_if<std::string>(&value)) return text->size();
  if (const auto* data = std::get_if<byte_string>(&value)) return data->data.size();
  std::size_t bytes = 0;
  const auto named = [&bytes](const named_values& values) {
    for (const auto& [name, v] : values)
      bytes += sizeof name + name.size() + sizeof v + bytes_of(v);
  };
  if (const auto* map = std::get_if<value_map>(&value)) named(map->entries);
  if (const auto* fields = std::get_if<value_struct>(&value)) named(fields->fields);
  if (const auto* list = std::get_if<value_list>(&value)) {
    for (const windrow::value& item : *list) bytes += sizeof item + bytes_of(item);
  }
  return bytes;
}

/// The memory that a batch's rows take.
inline std::size_t bytes_of(const storage::batch& batch) noexcept {
  std::size_t bytes = sizeof batch + batch.max_event_times.size() * sizeof(std::int64_t);
  for (const storage::section& section : batch.sections) {
    bytes += sizeof section + section.keys.size() +
             section.rows() *
                 (sizeof(storage::key_hash) + 2 * sizeof(std::uint32_t) + sizeof(std::int64_t)) +
             section.max_event_time_before.size() * sizeof(std::int64_t);
    for (const storage::batch_column& column : section.columns) {
      bytes += sizeof column + column.ints.size() * sizeof(std::int64_t) +
               column.floats.size() * sizeof(double) + column.bools.size() +
               column.text_ends.size() * sizeof(std::uint32_t) + column.text.size() +
               column.valid.size();
      for (const value_list& list : column.lists) {
        bytes += sizeof list;
        for (const windrow::value& item : list) bytes += sizeof item + bytes_of(item);
      }
      for (const windrow::value& value : column.values) bytes += sizeof value + bytes_of(value);
    }
  }
  return bytes;
}

}  // namespace windrow::ingest
