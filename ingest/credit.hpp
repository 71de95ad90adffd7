#pragma once

#include <cstdint>
#include <vector>

namespace windrow::ingest {

/// How much may be under way to each shard. Mailboxes are unbounded, so what is not counted here
/// would fill memory. Decides only; no actor inside.
///
/// One more run of messages may be routed while every shard is below its limits, so what is under
/// way is bounded by the limits plus the batches of one run.
class credit {
public:
  struct limits {
    std::uint32_t batches = 64;
    std::uint64_t bytes = 16 << 20;
  };

  credit(std::size_t shards, limits l) : limits_(l), out_(shards) {}

  void sent(std::uint32_t shard, std::uint64_t bytes) noexcept {
    ++out_[shard].batches;
    out_[shard].bytes += bytes;
    ++total_;
  }
  void returned(std::uint32_t shard, std::uint64_t bytes) noexcept {
    --out_[shard].batches;
    out_[shard].bytes -= bytes;
    --total_;
  }
  /// Whether another run may be routed.
  bool available() const noexcept {
    for (const account& a : out_) {
      if (a.batches >= limits_.batches || a.bytes >= limits_.bytes) return false;
    }
    return true;
  }
  /// Whether nothing is under way.
  bool idle() const noexcept { return total_ == 0; }

private:
  struct account {
    std::uint32_t batches = 0;
    std::uint64_t bytes = 0;
  };
  limits limits_;
  std::vector<account> out_;
  std::uint64_t total_ = 0;
};

}  // namespace windrow::ingest
