#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "schema/expression/program_nodes.hpp"

/// The kernels: one loop over the rows for each operator and kind, and nothing virtual in it.
namespace windrow::schema {
namespace {

/// The items of an operand. `valid` is null if no row is null.
template <class T>
struct view {
  const T* items = nullptr;
  const std::uint8_t* valid = nullptr;
  bool constant = false;

  const T& operator[](std::size_t row) const { return items[constant ? 0 : row]; }
  bool is_valid(std::size_t row) const { return !valid || valid[constant ? 0 : row] != 0; }
};

template <class T>
const std::vector<T>& items_of(const column& values) {
  if constexpr (std::is_same_v<T, std::int64_t>)
    return values.ints;
  else if constexpr (std::is_same_v<T, double>)
    return values.floats;
  else if constexpr (std::is_same_v<T, std::uint8_t>)
    return values.bools;
  else if constexpr (std::is_same_v<T, std::string_view>)
    return values.texts;
  else
    return values.lists;
}

template <class T>
view<T> view_of(const node_operand& operand) {
  const column& values = *operand.values;
  return {items_of<T>(values).data(), values.valid.empty() ? nullptr : values.valid.data(),
          operand.constant};
}

/// `body(row, a, b)` for every row, with the constant sides taken out of the loop.
template <class T, class Body>
void zip(const view<T>& a, const view<T>& b, std::size_t rows, Body&& body) {
  if (a.constant && b.constant) {
    for (std::size_t i = 0; i < rows; ++i) body(i, a.items[0], b.items[0]);
  } else if (a.constant) {
    const T left = a.items[0];
    for (std::size_t i = 0; i < rows; ++i) body(i, left, b.items[i]);
  } else if (b.constant) {
    const T right = b.items[0];
    for (std::size_t i = 0; i < rows; ++i) body(i, a.items[i], right);
  } else {
    for (std::size_t i = 0; i < rows; ++i) body(i, a.items[i], b.items[i]);
  }
}

/// Clears the flag of the rows that are null in `operand`.
template <class T>
void mask(std::uint8_t* flags, const view<T>& operand, std::size_t rows) {
  if (!operand.valid) return;
  if (operand.constant) {
    if (operand.valid[0] == 0) std::fill_n(flags, rows, std::uint8_t{0});
    return;
  }
  for (std::size_t i = 0; i < rows; ++i) flags[i] &= operand.valid[i] != 0;
}

/// "No row is null" is spelt as no flags at all, which callers test for.
void drop_if_all_valid(std::vector<std::uint8_t>& valid) {
  if (valid.empty() || std::memchr(valid.data(), 0, valid.size()) == nullptr) valid.clear();
}

/// The validity of `operand` as that of the result.
void copy_valid(const node_operand& operand, std::size_t rows, column& result) {
  const auto& valid = operand.values->valid;
  if (!operand.constant || valid.empty())
    result.valid = valid;
  else
    result.valid.assign(rows, valid[0]);
}

template <class Body>
void int_arithmetic(std::span<const node_operand> operands, std::size_t rows, column& result,
                    Body body) {
  const auto a = view_of<std::int64_t>(operands[0]), b = view_of<std::int64_t>(operands[1]);
  result.ints.resize(rows), result.valid.resize(rows);
  std::int64_t* const out = result.ints.data();
  std::uint8_t* const valid = result.valid.data();
  zip(a, b, rows,
      [&](std::size_t i, std::int64_t x, std::int64_t y) { valid[i] = body(x, y, out[i]); });
  mask(valid, a, rows), mask(valid, b, rows);
  drop_if_all_valid(result.valid);
}

template <class Body>
void float_arithmetic(std::span<const node_operand> operands, std::size_t rows, column& result,
                      Body body) {
  const auto a = view_of<double>(operands[0]), b = view_of<double>(operands[1]);
  result.floats.resize(rows), result.valid.resize(rows);
  double* const out = result.floats.data();
  std::uint8_t* const valid = result.valid.data();
  zip(a, b, rows, [&](std::size_t i, double x, double y) {
    const double r = body(x, y);
    out[i] = r;
    valid[i] = std::fabs(r) <= std::numeric_limits<double>::max();
  });
  mask(valid, a, rows), mask(valid, b, rows);
  drop_if_all_valid(result.valid);
}

/// False if there is no remainder. Its sign is the divisor's.
bool int_modulo(std::int64_t x, std::int64_t y, std::int64_t& out) {
  out = 0;
  if (y == 0) return false;
  if (y == -1) return true;  // the remainder of the smallest int would trap
  out = x % y;
  if (out != 0 && (out ^ y) < 0) out += y;
  return true;
}

double float_modulo(double x, double y) {
  const double r = std::fmod(x, y);
  if (r == 0) return std::copysign(0.0, y);
  return (r < 0) != (y < 0) ? r + y : r;
}

void compute_int(node_op op, std::span<const node_operand> operands, std::size_t rows,
                 column& result) {
  using int64 = std::int64_t;
  switch (op) {
    case node_op::add:
      return int_arithmetic(operands, rows, result, [](int64 x, int64 y, int64& r) {
        return !__builtin_add_overflow(x, y, &r);
      });
    case node_op::subtract:
      return int_arithmetic(operands, rows, result, [](int64 x, int64 y, int64& r) {
        return !__builtin_sub_overflow(x, y, &r);
      });
    case node_op::multiply:
      return int_arithmetic(operands, rows, result, [](int64 x, int64 y, int64& r) {
        return !__builtin_mul_overflow(x, y, &r);
      });
    default:
      return int_arithmetic(operands, rows, result, int_modulo);
  }
}

void compute_float(node_op op, std::span<const node_operand> operands, std::size_t rows,
                   column& result) {
  switch (op) {
    case node_op::add:
      return float_arithmetic(operands, rows, result, [](double x, double y) { return x + y; });
    case node_op::subtract:
      return float_arithmetic(operands, rows, result, [](double x, double y) { return x - y; });
    case node_op::multiply:
      return float_arithmetic(operands, rows, result, [](double x, double y) { return x * y; });
    case node_op::divide:  // what is divided by zero is not finite
      return float_arithmetic(operands, rows, result, [](double x, double y) { return x / y; });
    default:
      return float_arithmetic(operands, rows, result, float_modulo);
  }
}

void compute_negate(const node_operand& operand, value_kind kind, std::size_t rows,
                    column& result) {
  if (kind == value_kind::floating) {
    const auto a = view_of<double>(operand);
    result.floats.resize(rows);
    for (std::size_t i = 0; i < rows; ++i) result.floats[i] = -a[i];
    return copy_valid(operand, rows, result);
  }
  const auto a = view_of<std::int64_t>(operand);
  result.ints.resize(rows), result.valid.resize(rows);
  for (std::size_t i = 0; i < rows; ++i)
    result.valid[i] = !__builtin_sub_overflow(std::int64_t{0}, a[i], &result.ints[i]);
  mask(result.valid.data(), a, rows);
  drop_if_all_valid(result.valid);
}

void compute_to_float(const node_operand& operand, std::size_t rows, column& result) {
  const auto a = view_of<std::int64_t>(operand);
  result.floats.resize(rows);
  double* const out = result.floats.data();
  for (std::size_t i = 0; i < rows; ++i) out[i] = static_cast<double>(a[i]);
  copy_valid(operand, rows, result);
}

void compute_concat(std::span<const node_operand> operands, std::size_t rows, column& result,
                    std::string& arena) {
  const auto a = view_of<std::string_view>(operands[0]);
  const auto b = view_of<std::string_view>(operands[1]);
  result.texts.resize(rows);
  result.valid.assign(rows, 1);
  mask(result.valid.data(), a, rows), mask(result.valid.data(), b, rows);
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < rows; ++i)
    if (result.valid[i]) bytes += a[i].size() + b[i].size();
  arena.clear();
  arena.reserve(bytes);  // the views below point into it: it must not move
  for (std::size_t i = 0; i < rows; ++i) {
    const std::size_t begin = arena.size();
    if (result.valid[i]) arena.append(a[i]).append(b[i]);
    result.texts[i] = {arena.data() + begin, arena.size() - begin};
  }
  drop_if_all_valid(result.valid);
}

/// The items of null rows are unspecified: numbers are compared and masked, but text must not be
/// looked at.
template <class T, class Compare>
void compare(std::span<const node_operand> operands, std::size_t rows, column& result,
             Compare holds) {
  const auto a = view_of<T>(operands[0]), b = view_of<T>(operands[1]);
  result.bools.resize(rows);
  std::uint8_t* const out = result.bools.data();
  if constexpr (std::is_same_v<T, std::string_view>) {
    if (a.valid || b.valid) {
      for (std::size_t i = 0; i < rows; ++i)
        out[i] = a.is_valid(i) && b.is_valid(i) && holds(a[i], b[i]);
      return;
    }
  }
  zip(a, b, rows, [&](std::size_t i, const T& x, const T& y) { out[i] = holds(x, y); });
  mask(out, a, rows), mask(out, b, rows);
}

template <class T>
void compare_by(node_op op, std::span<const node_operand> operands, std::size_t rows,
                column& result) {
  switch (op) {
    case node_op::equal:
      return compare<T>(operands, rows, result, std::equal_to<T>());
    case node_op::not_equal:
      return compare<T>(operands, rows, result, std::not_equal_to<T>());
    case node_op::less:
      return compare<T>(operands, rows, result, std::less<T>());
    case node_op::less_equal:
      return compare<T>(operands, rows, result, std::less_equal<T>());
    case node_op::greater:
      return compare<T>(operands, rows, result, std::greater<T>());
    default:
      return compare<T>(operands, rows, result, std::greater_equal<T>());
  }
}

void compute_comparison(node_op op, std::span<const node_operand> operands, std::size_t rows,
                        column& result) {
  switch (operands[0].values->type.kind) {
    case value_kind::integer:
    case value_kind::datetime:
      return compare_by<std::int64_t>(op, operands, rows, result);
    case value_kind::floating:
      return compare_by<double>(op, operands, rows, result);
    case value_kind::boolean:
      return compare_by<std::uint8_t>(op, operands, rows, result);
    case value_kind::text:
      return compare_by<std::string_view>(op, operands, rows, result);
    case value_kind::list:
    case value_kind::map:
    case value_kind::structure:
    case value_kind::bytes:
      break;  // refused by the types
  }
  result.bools.assign(rows, 0);
}

void compute_null_test(const node_operand& operand, bool null, std::size_t rows, column& result) {
  const auto& valid = operand.values->valid;
  result.bools.resize(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    const bool is_null = !valid.empty() && valid[operand.constant ? 0 : i] == 0;
    result.bools[i] = is_null == null;
  }
}

template <class T>
void look_up(const node_operand& operand, const std::vector<T>& members, std::size_t rows,
             column& result) {
  constexpr std::size_t few = 8;
  const auto a = view_of<T>(operand);
  result.bools.resize(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    if (!a.is_valid(i))
      result.bools[i] = 0;
    else if (members.size() <= few)
      result.bools[i] = std::find(members.begin(), members.end(), a[i]) != members.end();
    else
      result.bools[i] = std::binary_search(members.begin(), members.end(), a[i]);
  }
}

void compute_in_set(const program_node& node, const node_operand& operand, std::size_t rows,
                    column& result) {
  const column& members = node.constant;
  switch (operand.values->type.kind) {
    case value_kind::integer:
    case value_kind::datetime:
      return look_up(operand, members.ints, rows, result);
    case value_kind::floating:
      return look_up(operand, members.floats, rows, result);
    case value_kind::boolean:
      return look_up(operand, members.bools, rows, result);
    case value_kind::text:
      return look_up(operand, members.texts, rows, result);
    case value_kind::list:
    case value_kind::map:
    case value_kind::structure:
    case value_kind::bytes:
      break;  // refused by the types
  }
  result.bools.assign(rows, 0);
}

/// Whether an item of a list is what row `row` of `values` holds, which is not null.
bool is_item(const windrow::value& item, const column& values, std::size_t row) {
  const auto* whole = std::get_if<std::int64_t>(&item);
  switch (values.type.kind) {
    case value_kind::integer:
      return whole && *whole == values.ints[row];
    case value_kind::floating: {
      const auto* number = std::get_if<double>(&item);
      if (number) return *number == values.floats[row];
      return whole && static_cast<double>(*whole) == values.floats[row];
    }
    case value_kind::datetime: {
      const auto* time = std::get_if<timestamp>(&item);
      return time && time->micros == values.ints[row];
    }
    case value_kind::boolean: {
      const auto* flag = std::get_if<bool>(&item);
      return flag && *flag == (values.bools[row] != 0);
    }
    case value_kind::text: {
      const auto* text = std::get_if<std::string>(&item);
      return text && *text == values.texts[row];
    }
    case value_kind::list:
    case value_kind::map:
    case value_kind::structure:
    case value_kind::bytes:
      break;
  }
  return false;
}

void compute_in_list(std::span<const node_operand> operands, std::size_t rows, column& result) {
  const column& values = *operands[0].values;
  const auto lists = view_of<value_list>(operands[1]);
  result.bools.resize(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    const std::size_t row = operands[0].constant ? 0 : i;
    result.bools[i] = values.is_valid(row) && lists.is_valid(i) &&
                      std::any_of(lists[i].begin(), lists[i].end(),
                                  [&](const auto& item) { return is_item(item, values, row); });
  }
}

windrow::value value_at(const column& values, std::size_t row) {
  if (!values.is_valid(row)) return windrow::null{};
  switch (values.type.kind) {
    case value_kind::boolean:
      return values.bools[row] != 0;
    case value_kind::integer:
      return values.ints[row];
    case value_kind::floating:
      return values.floats[row];
    case value_kind::text:
      return std::string(values.texts[row]);
    case value_kind::datetime:
      return timestamp{values.ints[row]};
    case value_kind::list:
      return values.lists[row];
    case value_kind::map:
    case value_kind::structure:
      return values.values[row];
    case value_kind::bytes:
      return byte_string{std::string(values.texts[row])};
  }
  return windrow::null{};
}

void compute_make_list(std::span<const node_operand> operands, std::size_t rows, column& result) {
  result.lists.resize(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    result.lists[i].clear();
    for (const node_operand& operand : operands)
      result.lists[i].push_back(value_at(*operand.values, operand.constant ? 0 : i));
  }
}

void compute_logical(node_op op, std::span<const node_operand> operands, std::size_t rows,
                     column& result) {
  const auto a = view_of<std::uint8_t>(operands[0]), b = view_of<std::uint8_t>(operands[1]);
  result.bools.resize(rows);
  std::uint8_t* const out = result.bools.data();
  if (op == node_op::logical_and)
    zip(a, b, rows, [&](std::size_t i, std::uint8_t x, std::uint8_t y) { out[i] = x & y; });
  else
    zip(a, b, rows, [&](std::size_t i, std::uint8_t x, std::uint8_t y) { out[i] = x | y; });
}

void compute_invert(const node_operand& operand, std::size_t rows, column& result) {
  const auto a = view_of<std::uint8_t>(operand);
  result.bools.resize(rows);
  for (std::size_t i = 0; i < rows; ++i) result.bools[i] = a[i] == 0;
}

}  // namespace

void compute_node(const program_node& node, std::span<const node_operand> operands,
                  std::size_t rows, column& result, std::string& arena) {
  result.type = node.type;
  switch (node.op) {
    case node_op::input:
    case node_op::constant:
      return;  // have columns already
    case node_op::to_float:
      return compute_to_float(operands[0], rows, result);
    case node_op::negate:
      return compute_negate(operands[0], node.type.kind, rows, result);
    case node_op::invert:
      return compute_invert(operands[0], rows, result);
    case node_op::add:
    case node_op::subtract:
    case node_op::multiply:
    case node_op::divide:
    case node_op::modulo:
      return node.type.kind == value_kind::integer ? compute_int(node.op, operands, rows, result)
                                                   : compute_float(node.op, operands, rows, result);
    case node_op::concat:
      return compute_concat(operands, rows, result, arena);
    case node_op::equal:
    case node_op::not_equal:
    case node_op::less:
    case node_op::less_equal:
    case node_op::greater:
    case node_op::greater_equal:
      return compute_comparison(node.op, operands, rows, result);
    case node_op::is_null:
      return compute_null_test(operands[0], true, rows, result);
    case node_op::is_valid:
      return compute_null_test(operands[0], false, rows, result);
    case node_op::in_set:
      return compute_in_set(node, operands[0], rows, result);
    case node_op::in_list:
      return compute_in_list(operands, rows, result);
    case node_op::logical_and:
    case node_op::logical_or:
      return compute_logical(node.op, operands, rows, result);
    case node_op::make_list:
      return compute_make_list(operands, rows, result);
  }
}

}  // namespace windrow::schema
