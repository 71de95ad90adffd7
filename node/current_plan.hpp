#pragma once

#include <mutex>
#include <utility>

#include "schema/plan/plan.hpp"

namespace windrow::node {

/// The plan that is active. A call takes it once and uses that one to its end, whatever becomes
/// active meanwhile. Any thread.
class current_plan {
public:
  schema::plan_ptr get() const {
    const std::lock_guard lock(mutex_);
    return plan_;
  }
  void set(schema::plan_ptr plan) {
    const std::lock_guard lock(mutex_);
    plan_.swap(plan);
  }

private:
  mutable std::mutex mutex_;
  schema::plan_ptr plan_;
};

}  // namespace windrow::node
