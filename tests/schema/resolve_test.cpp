#include <gtest/gtest.h>

#include "tests/schema/declarations.hpp"

namespace windrow::schema {
namespace {

using kind = feature_reference::kind;

class Resolve : public ::testing::Test {
protected:
  /// The names of what `name` resolves to, or the error.
  std::string resolved(const std::string& name) const {
    const auto found = resolve_feature(*plan_, user_, name);
    if (!found.ok()) {
      EXPECT_EQ(found.error().code, errc::not_found);
      return found.error().message;
    }
    std::string out;
    for (const feature_reference& f : found.value()) {
      switch (f.what) {
        case kind::primary_key:
          out += "key ";
          break;
        case kind::scalar:
          out += plan_->scalars[f.index].fqn + " ";
          break;
        case kind::window_value:
          out += plan_->window_values[f.index].fqn + " ";
          break;
      }
    }
    return out;
  }

  plan_ptr plan_ =
      testing::compile(
          testing::replaced(
              testing::running_example,
              "windowed: [10m, 1h, 30d]\n        expression: _.transactions[_.amount].mean()",
              "windowed: [all, 10m]\n        expression: _.transactions[_.amount].mean()"))
          .plan;
  int user_ = resolve_class(*plan_, "User").value();
};

TEST_F(Resolve, FindsScalarsAndTheKey) {
  for (const char* name : {"name", "User.name", "user.name"})
    EXPECT_EQ(resolved(name), "user.name ");
  for (const char* name : {"id", "User.id", "user.id"}) EXPECT_EQ(resolved(name), "key ");
}

TEST_F(Resolve, FindsOneWindowInEverySpelling) {
  for (const char* name :
       {"sum_transaction_amount[\"10m\"]", "sum_transaction_amount['10m']",
        "sum_transaction_amount[10m]", "sum_transaction_amount[600s]",
        "User.sum_transaction_amount[\"10m\"]", "user.sum_transaction_amount__600__",
        "sum_transaction_amount__600__", "User.sum_transaction_amount__600__"}) {
    EXPECT_EQ(resolved(name), "user.sum_transaction_amount__600__ ") << name;
  }
  for (const char* name : {"mean_transaction_amount[all]", "mean_transaction_amount[\"infinity\"]",
                           "user.mean_transaction_amount__all__"}) {
    EXPECT_EQ(resolved(name), "user.mean_transaction_amount__all__ ") << name;
  }
}

TEST_F(Resolve, GivesAllWindowsShortestFirst) {
  EXPECT_EQ(resolved("sum_transaction_amount"),
            "user.sum_transaction_amount__600__ user.sum_transaction_amount__3600__ "
            "user.sum_transaction_amount__2592000__ ");
}

TEST_F(Resolve, SaysWhatThereIs) {
  EXPECT_NE(resolved("nmae").find("did you mean `name`?"), std::string::npos);
  EXPECT_NE(resolved("sum_transaction_amount[5m]").find("[\"10m\"]"), std::string::npos);
  EXPECT_NE(resolved("sum_transaction_amount__5__").find("has no window `5`"), std::string::npos);
  EXPECT_NE(resolved("Transaction.amount").find("not a feature of `User`"), std::string::npos);
  for (const char* odd : {"", ".", "[", "]", "[]", "User.", "sum_transaction_amount[",
                          "sum_transaction_amount[]", "sum_transaction_amount[\"]",
                          "sum_transaction_amount__", "sum_transaction_amount____", "name[1h]"}) {
    EXPECT_FALSE(resolve_feature(*plan_, user_, odd).ok()) << odd;
  }
}

TEST_F(Resolve, FindsClassesByEitherName) {
  EXPECT_EQ(resolve_class(*plan_, "User").value(), resolve_class(*plan_, "user").value());
  const auto unknown = resolve_class(*plan_, "Usr");
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().message, "unknown class `Usr`; did you mean `User`?");
}

}  // namespace
}  // namespace windrow::schema
