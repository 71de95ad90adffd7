#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "windrow/result.hpp"

namespace windrow::actors {

/// How a catalog version reaches everyone: staged by all, then activated by all. A plain state
/// machine: the coordinator sends what it says and tells it what came back.
///
/// One version at a time. A participant that cannot stage ends the rollout, and nobody activates:
/// what runs goes on under the old version.
class rollout {
public:
  enum class phase : std::uint8_t { idle, staging, activating };
  /// What to do next.
  enum class step : std::uint8_t { wait, activate_all, finished, failed };

  /// Begins with `participants` members, numbered from 0. False while another is under way or the
  /// version is not above the active one.
  bool begin(std::uint32_t version, std::size_t participants) {
    if (phase_ != phase::idle || version <= active_) return false;
    phase_ = phase::staging;
    version_ = version;
    waiting_.clear();
    for (std::size_t i = 0; i < participants; ++i) waiting_.insert(i);
    participants_ = participants;
    return true;
  }

  /// A participant's answer in the current phase; answers to anything else are ignored.
  step answered(std::size_t participant, std::uint32_t version,
                const std::optional<failure>& failed) {
    if (phase_ == phase::idle || version != version_ || waiting_.erase(participant) == 0)
      return step::wait;
    if (failed) {
      phase_ = phase::idle;
      why_ = *failed;
      return step::failed;
    }
    if (!waiting_.empty()) return step::wait;
    if (phase_ == phase::staging) {
      phase_ = phase::activating;
      for (std::size_t i = 0; i < participants_; ++i) waiting_.insert(i);
      return step::activate_all;
    }
    phase_ = phase::idle;
    active_ = version_;
    return step::finished;
  }

  std::uint32_t active() const noexcept { return active_; }
  const failure& why() const noexcept { return why_; }

private:
  phase phase_ = phase::idle;
  std::uint32_t version_ = 0;
  std::uint32_t active_ = 0;
  std::size_t participants_ = 0;
  std::set<std::size_t> waiting_;
  failure why_;
};

}  // namespace windrow::actors
