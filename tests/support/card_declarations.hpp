#pragma once

#include <string>

#include "tests/support/temporary_folder.hpp"

namespace windrow::test {

/// Cards and payments; payments are read from `payments.ndjson` or pushed.
inline const char* const card_declarations = R"(
features:
  Payment:
    fields: { id: str, card: str, amount: int, at: FeatureTime }
  Card:
    fields:
      id: str
      payments: { has_many: Payment, join: Card.id == Payment.card }
      spent:
        windowed: [10m, 1h]
        expression: _.payments[_.amount].sum()
        materialization: { bucket_duration: 1m }
sources:
  payments: { file: payments.ndjson }
streams:
  payments:
    source: payments
    message: { id: str, card: str, amount: int, at: datetime }
    output: { Payment.id: _.id, Payment.card: _.card, Payment.amount: _.amount, Payment.at: _.at }
)";

inline std::string payment(const std::string& card, int amount, const std::string& time) {
  return R"({"id": "p", "card": ")" + card + R"(", "amount": )" + std::to_string(amount) +
         R"(, "at": "2026-01-01T)" + time + R"(Z"})";
}

}  // namespace windrow::test
