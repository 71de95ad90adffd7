// The recipe for a kind of source, followed: built with the code of docs/extending.md.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "schema/catalog/catalog_codec.hpp"
#include "schema/compile.hpp"
#include "sources/kinds.hpp"
#include "tests/support/temporary_folder.hpp"

namespace windrow {
namespace {

schema::compiled compile(const std::string& source) {
  const std::string text =
      "features: { Beat: { fields: { n: int, id: str } } }\nsources:\n  beats: " + source +
      "\nstreams:\n  s: { source: beats, message: { n: int }, "
      "output: { Beat.n: _.n } }\n";
  return schema::compile_yaml(text, "recipe.yaml", [](std::string_view) { return std::nullopt; });
}

TEST(SourceKindRecipe, IsReadFromDeclarationsAndCatalogs) {
  const auto made = compile("{ ticks: { count: 3 } }");
  ASSERT_TRUE(made.ok()) << made.diagnostics.front().message;
  const schema::source& source = made.plan->sources.front();
  EXPECT_EQ(source.kind->name, "ticks");
  EXPECT_EQ(source.settings, (schema::source_settings{{"count", "3"}}));
  const auto kept = schema::decode_catalog(schema::encode_catalog(*made.declarations));
  ASSERT_TRUE(kept.ok());
  const auto again = schema::compile_catalog(*kept);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ((*again)->sources.front().kind->name, "ticks");
}

TEST(SourceKindRecipe, SaysWhatIsWrongWithSettings) {
  const auto said = [](const std::string& source, const std::string& what) {
    const auto made = compile(source);
    return !made.ok() &&
           std::any_of(made.diagnostics.begin(), made.diagnostics.end(),
                       [&](const auto& d) { return d.message.find(what) != std::string::npos; });
  };
  EXPECT_TRUE(said("{ ticks: { count: many } }", "`count` is a number such as `100`"));
  EXPECT_TRUE(said("{ ticks: {} }", "has no `count`; write such as `ticks: { count: 100 }`"));
  EXPECT_TRUE(said("{ ticks: { coutn: 1 } }", "did you mean `count`?"));
  EXPECT_TRUE(said("{ tocks: {} }", "did you mean `ticks`?"));
}

TEST(SourceKindRecipe, GivesEveryMessageOnceFromAnyPosition) {
  const auto compiled = compile("{ ticks: { count: 5 } }");
  ASSERT_TRUE(compiled.ok());
  const test::temporary_folder folder;
  const storage::journal::options options{.directory = folder.path(), .identity = {}};
  ASSERT_TRUE(storage::journal::create(options));
  auto journal = storage::journal::open(options);
  ASSERT_TRUE(journal.ok()) << journal.error().message;
  const sources::driver_context context{**journal,
                                        "data",
                                        true,
                                        [](storage::partition_id) { return storage::sequence{0}; },
                                        [] { return std::int64_t{1}; },
                                        [](const failure&) {},
                                        [] {}};
  auto driver = sources::make_driver({*compiled.plan, 0, ""}, context);
  ASSERT_TRUE(driver.ok());
  const auto found = (*driver)->discover();
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 1u);
  EXPECT_TRUE((*driver)->complete());
  EXPECT_EQ(sources::name_of((*journal)->partitions().all().front().kind), "ticks");
  for (storage::sequence from = 0; from <= 5; ++from) {
    auto in = (*driver)->open(found->front().id, from);
    ASSERT_TRUE(in.ok());
    storage::sequence at = from;
    while (true) {
      const auto step = (*in)->next();
      ASSERT_TRUE(step.ok());
      if (step->what == sources::source_step::kind::end) break;
      EXPECT_EQ(step->source, 0);
      for (const auto& message : step->run->messages) {
        EXPECT_EQ(message.sequence, ++at);
        EXPECT_EQ(message.text(), "{\"n\": " + std::to_string(at) + "}");
      }
    }
    EXPECT_EQ(at, 5u);
  }
}

}  // namespace
}  // namespace windrow
