#pragma once

#include <string>

#include "schema/compile.hpp"

/// Declarations that tests share.
namespace windrow::schema::testing {

/// The running example: two streams, of which one updates aggregations.
inline const std::string running_example = R"(features:
  Transaction:
    fields: { id: str, user_id: str, amount: float, ts: FeatureTime }
  User:
    max_staleness: infinity
    etl_offline_to_online: true
    fields:
      id: str
      name: str
      transactions: { has_many: Transaction, join: User.id == Transaction.user_id, max_staleness: 30d }
      sum_transaction_amount:
        windowed: [10m, 1h, 30d]
        expression: _.transactions[_.amount, _.ts > _.chalk_window].sum()
        materialization: { bucket_duration: 1m, bucket_durations: { 1h: [30d] } }
        default: 0.0
      mean_transaction_amount:
        windowed: [10m, 1h, 30d]
        expression: _.transactions[_.amount].mean()
        materialization: true
sources:
  users:        { file: users.ndjson }
  transactions: { kafka: { bootstrap_server: "localhost:9092", topic: transactions } }
streams:
  user_stream:        { source: users,        message: { id: str, name: str },
                        output: { User.id: _.id, User.name: _.name } }
  transaction_stream: { source: transactions, message: { id: str, user_id: str, amount: float },
                        output: { Transaction.id: _.id, Transaction.user_id: _.user_id, Transaction.amount: _.amount } }
)";

inline compiled compile(const std::string& text) {
  return compile_yaml(text, "/somewhere/features.yaml", [](std::string_view name) {
    return name == "FOLDER" ? std::optional<std::string>("/data") : std::nullopt;
  });
}

/// Every diagnostic on a line of its own, for messages of failing tests.
inline std::string all_of(const compiled& made) {
  std::string out;
  for (const diagnostic& d : made.diagnostics) out += d.format() + "\n";
  return out;
}

/// `text` with the first `from` replaced; unchanged text would hide a typing error in a test.
inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  return at == std::string::npos ? "no `" + from + "` in the text"
                                 : text.replace(at, from.size(), to);
}

}  // namespace windrow::schema::testing
