#pragma once

#include <utility>

#include "storage/window/partials/distinct.hpp"
#include "storage/window/partials/extremes.hpp"
#include "storage/window/partials/moments.hpp"
#include "storage/window/partials/non_null.hpp"
#include "storage/window/partials/sum_float.hpp"
#include "storage/window/partials/sum_int.hpp"
#include "storage/window/partials/truths.hpp"

namespace windrow::storage {

/// The partials that plans may name: from a kind to its struct. The only switch over kinds.
struct all_partials {
  /// Calls `visitor.operator()<P>()` with the partial of `kind`. Inlined into the caller's loop.
  template <class Visitor>
  static decltype(auto) visit(schema::partial_kind kind, Visitor&& visitor) {
    switch (kind) {
#define WINDROW_PARTIAL(name)      \
  case schema::partial_kind::name: \
    return std::forward<Visitor>(visitor).template operator()<partials::name>();
#include "schema/aggregation/list.def"
    }
    __builtin_unreachable();  // plans name no other
  }
};

}  // namespace windrow::storage
