#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "schema/expression/column.hpp"
#include "schema/expression/program.hpp"

/// What a program is made of. Shared by its compiler (`program.cpp`) and its kernels
/// (`program_run.cpp`), and by nobody else.
namespace windrow::schema {

enum class node_op : std::uint8_t {
  input,     ///< column `input` of the caller
  constant,  ///< `constant` holds one row, which stands for all
  to_float,
  negate,
  invert,
  add,
  subtract,
  multiply,
  divide,
  modulo,
  concat,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  is_null,
  is_valid,
  in_set,   ///< the members are in `constant`, sorted
  in_list,  ///< operands: value, list column
  logical_and,
  logical_or,
  make_list,
};

/// One column that a run computes. Operands come before the nodes that use them and already have
/// the kind the node works on: nothing is converted inside a kernel.
struct program_node {
  node_op op = node_op::constant;
  value_type type;
  int input = -1;
  std::vector<int> operands;
  column constant;
};

struct program_output {
  value_type type;
  int node = 0;
  std::vector<int> steps;  ///< nodes to compute, in order, inputs and constants left out
};

struct program::impl {
  std::uint64_t id = 0;  ///< tells a scratch whose columns it holds
  std::vector<input> inputs;
  std::vector<program_node> nodes;
  std::vector<program_output> outputs;
  std::deque<std::string> texts;  ///< what the text constants point into
};

/// What a node reads; a constant operand has one row.
struct node_operand {
  const column* values = nullptr;
  bool constant = false;
};

struct program::scratch::impl {
  std::uint64_t program_id = 0;
  std::vector<const column*> columns;
  std::size_t rows = 0;
  std::uint64_t run = 0;
  std::vector<column> results;             ///< one a node
  std::vector<std::string> arenas;         ///< one a node: text that the node has made
  std::vector<std::uint64_t> computed_in;  ///< the run in which the node was computed
  std::vector<node_operand> operands;      ///< of the node at hand
};

/// Computes one node into `result`, which holds its columns of the run before; text that it makes
/// goes to `arena`.
void compute_node(const program_node& node, std::span<const node_operand> operands,
                  std::size_t rows, column& result, std::string& arena);

}  // namespace windrow::schema
