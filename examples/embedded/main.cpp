// windrow inside a program: declare, push, read. Usage: embedded FEATURES.yaml FOLDER
#include <cstdio>
#include <string>
#include <variant>

#include "windrow/engine.hpp"

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: embedded FEATURES.yaml FOLDER\n"), 2;
  auto opened = windrow::engine::open({.declarations = argv[1], .data = argv[2]});
  if (!opened) return std::fprintf(stderr, "%s\n", opened.error().message.c_str()), 1;
  windrow::engine& engine = *opened;

  // Durable when push returns; applied exactly once, whatever happens afterwards. A producer
  // numbers its pushes: this one may be sent again after a crash, and is in the second run of this
  // program.
  auto pushed =
      engine.push("payments",
                  {
                      R"({"id": "p1", "card": "c1", "amount": 12.5, "at": "2026-01-01T10:00:00Z"})",
                      R"({"id": "p2", "card": "c1", "amount": 30.0, "at": "2026-01-01T10:04:00Z"})",
                      R"({"id": "p3", "card": "c2", "amount": 99.9, "at": "2026-01-01T10:04:30Z"})",
                  },
                  {.producer = "example", .sequence = 1});
  if (!pushed) return std::fprintf(stderr, "%s\n", pushed.error().message.c_str()), 1;
  if (auto settled = engine.settle(); !settled)
    return std::fprintf(stderr, "%s\n", settled.error().message.c_str()), 1;

  auto answer = engine.query({
      .entities = {{"Card", "c1"}, {"Card", "c2"}},
      .features = {"spent[\"10m\"]", "payments_made[\"10m\"]"},
      .now = windrow::timestamp{1767261900'000'000},  // 2026-01-01T10:05:00Z
  });
  if (!answer) return std::fprintf(stderr, "%s\n", answer.error().message.c_str()), 1;
  for (const auto& row : answer->rows) {
    for (const auto& f : row.features) {
      std::printf("%s %s = ", std::get<std::string>(row.key).c_str(), f.feature.c_str());
      if (!f.value)
        std::printf("%s\n", f.value.error().message.c_str());
      else if (const auto* d = std::get_if<double>(&*f.value))
        std::printf("%.2f\n", *d);
      else if (const auto* i = std::get_if<std::int64_t>(&*f.value))
        std::printf("%lld\n", static_cast<long long>(*i));
    }
  }
  auto closed = engine.close();
  return closed ? 0 : 1;
}
