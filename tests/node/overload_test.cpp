#include <gtest/gtest.h>

#include <fstream>

#include "node/node.hpp"
#include "schema/compile.hpp"
#include "tests/support/card_declarations.hpp"

namespace windrow::node {
namespace {

using test::card_declarations;
using test::payment;
using test::temporary_folder;

/// Anonymous memory of this process, in bytes: what the state's budget is about.
std::size_t anonymous_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word != "RssAnon:") continue;
    std::size_t kilobytes = 0;
    status >> kilobytes;
    return kilobytes << 10;
  }
  return 0;
}

// A file is always read faster than its rows find room: more state than memory, and a source that
// never runs dry. The node must pause it, say so, stay within its memory, and lose nothing.
TEST(Overload, ASourceWaitsWhileMemoryIsShort) {
  constexpr int rows = 150'000;
  temporary_folder folder;
  {
    std::string text;
    for (int i = 0; i < rows; ++i) {
      text += payment("card-" + std::to_string(i * 7919 % rows), 1, "10:30:00") + "\n";
    }
    folder.write("payments.ndjson", text);
  }
  auto compiled = schema::compile_yaml(card_declarations, folder / "features.yaml",
                                       [](std::string_view) { return std::nullopt; });
  ASSERT_TRUE(compiled.ok());
  node_options o;
  o.data = folder / "data";
  o.declarations = *compiled.declarations;
  o.shards = 2;
  o.once = true;
  o.memory = std::size_t{16} << 20;
  o.inputs = {{"payments", folder / "payments.ndjson"}};
  const std::size_t before = anonymous_bytes();
  auto n = node::open(o);
  ASSERT_TRUE(n) << n.error().message;
  std::size_t most = 0;
  std::uint64_t waited = 0;
  while (!(*n)->progress().finished) {
    ASSERT_FALSE((*n)->progress().failed);
    (*n)->wait(std::chrono::milliseconds(1));
    most = std::max(most, anonymous_bytes());
    const auto sources = (*n)->sources();
    ASSERT_TRUE(sources);
    if (sources->front().state == sources::source_state::waiting) {
      ++waited;
      EXPECT_FALSE(sources->front().reason.empty());
    }
  }
  EXPECT_GT(waited, 0u);
  // docs/limits.md: up to 85 MiB of anonymous memory with a limit of 16 MiB.
  EXPECT_LT(most - before, std::size_t{100} << 20);
  EXPECT_EQ((*n)->progress().applied, static_cast<std::uint64_t>(rows));
  EXPECT_TRUE((*n)->stop());
}

}  // namespace
}  // namespace windrow::node
