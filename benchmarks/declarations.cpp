#include "benchmarks/declarations.hpp"

namespace windrow::bench {

std::string declarations_text(const declared& d) {
  std::string windows;
  for (const std::string& w : d.windows) windows += (windows.empty() ? "" : ", ") + w;
  const std::string shape =
      "        windowed: [" + windows + "]\n        materialization: " + d.materialization + "\n";
  std::string text =
      "features:\n"
      "  Purchase:\n"
      "    fields: { id: str, user_id: str, amount: " +
      d.amount_type +
      ", ts: FeatureTime }\n"
      "  User:\n"
      "    fields:\n"
      "      id: str\n"
      "      all: { has_many: Purchase, join: User.id == Purchase.user_id }\n"
      "      amount_sum:\n" +
      shape +
      "        expression: _.all[_.amount].sum()\n"
      "      purchases:\n" +
      shape + "        expression: _.all.count()\n";
  if (d.mean) {
    text += "      amount_mean:\n" + shape + "        expression: _.all[_.amount].mean()\n";
  }
  text +=
      "sources:\n"
      "  purchases: " +
      d.source +
      "\n"
      "streams:\n"
      "  purchases:\n"
      "    source: purchases\n"
      "    message: { id: str, user_id: str, amount: " +
      d.amount_type +
      ", ts: datetime }\n"
      "    output: { Purchase.id: _.id, Purchase.user_id: _.user_id, Purchase.amount: _.amount, "
      "Purchase.ts: _.ts }\n";
  return text;
}

result<schema::compiled> compile(const declared& d) {
  auto compiled = schema::compile_yaml(declarations_text(d), "benchmark.yaml",
                                       [](std::string_view) { return std::nullopt; });
  if (compiled.ok()) return compiled;
  std::string all;
  for (const auto& problem : compiled.diagnostics) all += problem.format() + "\n";
  return failure{errc::invalid, all};
}

}  // namespace windrow::bench
