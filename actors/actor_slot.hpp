#pragma once

#include <optional>
#include <utility>

namespace windrow::actors {

/// Where an actor's object lives. CAF 0.17 makes an actor's state from nothing but the actor
/// itself; this holds it until its options are there, so that no object is ever half built.
template <class T>
struct actor_slot {
  static inline constexpr const char* name = T::name;
  std::optional<T> impl;
};

}  // namespace windrow::actors
