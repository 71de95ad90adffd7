#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>

namespace windrow::server {

using connection_id = std::uint64_t;

/// Who may be connected: at most so many in all and so many from one address. A new connection
/// takes the place of the one that has waited longest for a request (of its address, where that is
/// full), so that connections that only sit there harm each other and nobody else.
///
/// Plain: whoever owns the sockets does what it says. One thread.
class connection_table {
public:
  connection_table(std::size_t most, std::size_t most_per_address)
      : most_(most), most_per_address_(most_per_address) {}

  struct decision {
    bool admitted = false;
    std::optional<connection_id> close;  ///< has given its place away and is forgotten
  };
  /// A connection came; where admitted it waits for its first request.
  decision arrived(connection_id id, const std::string& address);
  /// It waits for its next request, from now on.
  void waits(connection_id id);
  /// It has one.
  void is_busy(connection_id id);
  /// It is gone. One that was closed to make room may still say so.
  void left(connection_id id);

  std::size_t size() const noexcept { return entries_.size(); }

private:
  using order = std::list<connection_id>;  // the longest wait first
  struct from_address {
    std::size_t count = 0;
    order waiting;
  };
  struct entry {
    std::string address;
    bool waiting = false;
    order::iterator in_all, in_address;
  };
  void stop_waiting(entry& e);

  std::size_t most_, most_per_address_;
  order waiting_;
  std::unordered_map<connection_id, entry> entries_;
  std::unordered_map<std::string, from_address> addresses_;
};

}  // namespace windrow::server
