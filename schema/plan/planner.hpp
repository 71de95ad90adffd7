#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "schema/aggregation/description.hpp"
#include "schema/catalog/declaration_file.hpp"
#include "schema/plan/plan.hpp"

namespace windrow::schema {

/// An output that no record keeps, with the reason: `Transaction.id`: `not stored, because ...`.
struct idle_output {
  std::string stream;
  std::string feature;
  std::string reason;
};

struct planned {
  /// Incomplete where `out` got an error.
  std::shared_ptr<plan> result;
  std::vector<idle_output> idle_outputs;
};

/// Compiles declarations to a plan: meaning, types, sharing, inference and identity. Everything
/// wrong goes to `out`; parts that depend on something already reported are passed over.
///
/// The plan is a function of the *set* of declarations: classes, features, sources and streams
/// are taken in the order of their names, so moving something in its file changes nothing.
/// `aggregations` are those that expressions may name.
planned make_plan(const declaration_file& file, diagnostics& out,
                  aggregation_table aggregations = all_aggregations());

/// Hash of what decides state: features, streams and the names of sources.
std::uint64_t digest_of(const catalog& declarations);

/// A copy in the order of names: what plans and digests are made from.
catalog in_name_order(catalog declarations);

}  // namespace windrow::schema
