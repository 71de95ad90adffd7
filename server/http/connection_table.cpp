#include "server/http/connection_table.hpp"

#include <iterator>

namespace windrow::server {

connection_table::decision connection_table::arrived(connection_id id, const std::string& address) {
  decision out;
  const auto known = addresses_.find(address);
  const bool address_full = known != addresses_.end() && known->second.count >= most_per_address_;
  if (address_full || entries_.size() >= most_) {
    const order& candidates = address_full ? known->second.waiting : waiting_;
    if (candidates.empty()) return out;
    out.close = candidates.front();
    left(*out.close);
  }
  ++addresses_[address].count;
  entries_[id].address = address;
  waits(id);
  out.admitted = true;
  return out;
}

void connection_table::waits(connection_id id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  entry& e = found->second;
  stop_waiting(e);
  order& of_address = addresses_[e.address].waiting;
  e.in_all = waiting_.insert(waiting_.end(), id);
  e.in_address = of_address.insert(of_address.end(), id);
  e.waiting = true;
}

void connection_table::is_busy(connection_id id) {
  if (const auto found = entries_.find(id); found != entries_.end()) stop_waiting(found->second);
}

void connection_table::left(connection_id id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  stop_waiting(found->second);
  const auto address = addresses_.find(found->second.address);
  if (--address->second.count == 0) addresses_.erase(address);
  entries_.erase(found);
}

void connection_table::stop_waiting(entry& e) {
  if (!e.waiting) return;
  waiting_.erase(e.in_all);
  addresses_[e.address].waiting.erase(e.in_address);
  e.waiting = false;
}

}  // namespace windrow::server
