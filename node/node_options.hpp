#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "schema/catalog/catalog.hpp"
#include "storage/batch.hpp"
#include "windrow/result.hpp"

namespace windrow::node {

/// A file or standard input to read for a declared source.
struct node_input {
  std::string source;  ///< declared name
  std::string path;    ///< absolute, `-` for standard input, or empty for the declared topic
};

/// How standard input is taken, if it is an input. The functions are called on its own thread;
/// if one fails, nobody hears what is durable, and no more is read.
struct standard_input_options {
  /// Whose lines they are: each line of this run, blank ones too, is a sequence of that producer,
  /// the first one `first`. Lines that it had pushed before are not counted again. Empty: nobody's,
  /// and all of it is new input.
  std::string producer;
  storage::sequence first = 1;
  /// The last sequence taken of the producer; before any line is read.
  std::function<result<void>(storage::sequence)> resumes;
  /// So many lines of this run, blank ones too, are durable: in the journal or as dead letters.
  std::function<result<void>(std::uint64_t)> acknowledged;
};

struct node_options {
  std::string data;
  /// What the folder must be for, or is made for. Nothing: whatever the folder holds.
  std::optional<schema::catalog> declarations;
  unsigned shards = 0;
  std::size_t memory = std::size_t{1} << 30;
  std::chrono::milliseconds checkpoint_interval{10'000};
  /// Sources to read; none: the folder is only served.
  std::vector<node_input> inputs;
  standard_input_options standard_input;
  /// End at the end of the inputs; otherwise files are followed.
  bool once = false;
  /// Never make a folder, and leave it as it is: for commands that look. Pushes are refused.
  bool read_only = false;
};

}  // namespace windrow::node
