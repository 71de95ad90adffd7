#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "schema/column.hpp"
#include "schema/expression.hpp"

namespace windrow::schema {

/// A set of expressions compiled to run over columns, not row by row.
///
/// Built once from typed expressions over a fixed list of input columns; immutable afterwards, so
/// any number of threads may run it, each with its own `scratch`.
class program {
public:
  struct input {
    std::string name;  ///< an attribute path joined by '.'
    value_type type;
  };

  /// Working memory of one thread; reused between runs so that a run allocates nothing once warm.
  class scratch {
  public:
    scratch();
    ~scratch();
    scratch(scratch&&) noexcept;
    scratch& operator=(scratch&&) noexcept;

  private:
    friend class program;
    struct impl;
    std::unique_ptr<impl> impl_;
  };

  program();
  ~program();
  program(program&&) noexcept;
  program& operator=(program&&) noexcept;

  /// Compiles `outputs` over `inputs`. Requires that every expression has passed `type_of` with
  /// the same attributes. An output that is a plain attribute costs nothing at run time.
  static program compile(std::vector<input> inputs, std::span<const expression_ptr> outputs);

  std::size_t output_count() const noexcept;
  const value_type& output_type(std::size_t output) const noexcept;
  /// The input an output merely repeats, or -1: lets a caller use the input column itself.
  int passthrough(std::size_t output) const noexcept;

  /// Computes output number `output` for rows [0, rows) of `columns` (one a declared input, in
  /// order). The returned column belongs to `scratch`, or is the input column itself, and lives
  /// until the next run with that scratch. Never fails: what cannot be computed for a row is null.
  const column& run(std::size_t output, std::span<const column* const> columns, std::size_t rows,
                    scratch& scratch) const;

private:
  struct impl;
  std::unique_ptr<const impl> impl_;
};

}  // namespace windrow::schema
