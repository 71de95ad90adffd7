#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schema/plan/plan.hpp"
#include "windrow/engine.hpp"

namespace windrow::query {

/// What is asked of the entities of one class: names resolved once against one plan, which it
/// keeps, so that it stays right whatever plan comes next. A slot is a place in an answer's
/// features, in the order they were asked for. Immutable, for any thread.
struct class_query {
  schema::plan_ptr plan;
  int entity_class = schema::none;
  std::vector<std::string> names;      ///< canonical, one per slot
  std::vector<std::size_t> key_slots;  ///< those that ask for the primary key

  /// `plan.scalars` that are read, each once; some only say which group a window is of.
  std::vector<int> scalars;
  struct scalar_slot {
    std::size_t slot = 0;
    std::size_t scalar = 0;  ///< index into `scalars`
  };
  std::vector<scalar_slot> scalar_slots;

  /// `plan.window_values` and the slot each is for, those of one tiling and window side by side:
  /// a shard adds up their tiles once.
  struct windows {
    std::vector<int> values;
    std::vector<std::size_t> slots;
  };
  windows own;  ///< in the entity's own record

  /// Windows in the record of a group, whose key is made of scalars of the entity.
  struct group {
    int key_space = schema::none;
    /// Per part of the key: an index into `scalars`, or `primary_key`.
    std::vector<std::size_t> key;
    /// A windowed feature that is read there, for messages.
    int feature = schema::none;
    windows read;
  };
  static constexpr std::size_t primary_key = ~std::size_t{0};
  std::vector<group> groups;

  /// Features asked by a name that this class does not have: each answer gets them at its end.
  std::vector<feature_answer> unknown;
};
using class_query_ptr = std::shared_ptr<const class_query>;

/// `features` of one class of `plan`, as a query of its entities.
class_query_ptr make_class_query(schema::plan_ptr plan, int entity_class,
                                 std::span<const schema::feature_reference> features,
                                 std::vector<feature_answer> unknown = {});

/// Resolves names as users write them: `User` or `user`, and the names of `resolve_feature`.
/// `not_found` for a class or feature that is not declared.
result<class_query_ptr> prepare(schema::plan_ptr plan, std::string_view entity_class,
                                std::span<const std::string> features);

}  // namespace windrow::query
