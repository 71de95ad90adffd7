#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "schema/expression/column.hpp"
#include "schema/expression/expression.hpp"

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

  /// Working memory of one thread; reused between runs so that a run allocates nothing once warm
  /// (except for lists). It serves any program, but stays warm only with one.
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
  /// the same attributes; one that has not gives null. An output that is a plain attribute costs
  /// nothing at run time, and what several outputs have in common is computed once a run.
  static program compile(std::vector<input> inputs, std::span<const expression_ptr> outputs);

  std::size_t output_count() const noexcept;
  const value_type& output_type(std::size_t output) const noexcept;
  /// The input an output merely repeats, or -1: lets a caller use the input column itself.
  int passthrough(std::size_t output) const noexcept;

  /// Begins a run over rows [0, rows) of `columns` (one a declared input, in order), which must
  /// stay as they are while its outputs are asked for. Ends the run before with that scratch.
  void begin_run(std::span<const column* const> columns, std::size_t rows, scratch& scratch) const;

  /// Output number `output` of the run begun with `scratch`, computed at the first request. The
  /// column belongs to `scratch`, or is the input column itself, and lives, like all others of
  /// this run and the text they hold, until the next `begin_run`. Never fails: what cannot be
  /// computed for a row is null.
  const column& output(std::size_t output, scratch& scratch) const;

  /// A run of one output: `begin_run`, then `output`.
  const column& run(std::size_t output, std::span<const column* const> columns, std::size_t rows,
                    scratch& scratch) const;

private:
  struct impl;
  std::unique_ptr<const impl> impl_;
};

}  // namespace windrow::schema
