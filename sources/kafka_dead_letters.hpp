#pragma once

#include <memory>
#include <optional>
#include <string>

#include "sources/kafka_producer.hpp"
#include "storage/journal/journal.hpp"

namespace windrow::sources {

/// Produces dead letters of one source, once they are durable in the journal, to its dead letter
/// topic: in order, at least once, and never in the way of reading. What cannot be produced stays
/// in the journal and is tried again. Belongs to one thread.
class kafka_dead_letters {
public:
  kafka_dead_letters(const sources::kafka_config& config, storage::journal& journal)
      : config_(config), journal_(journal) {}

  struct stretch {
    storage::partition_id partition = 0;
    int number = 0;               ///< of the partition in its topic
    storage::sequence after = 0;  ///< letters at or below are in the topic
    storage::sequence through = 0;
  };
  /// Produces some of the stretch, waiting at most `timeout_ms`; the sequence through which its
  /// letters are in the topic now. Fails where the journal does.
  result<storage::sequence> produce(const stretch& what, int timeout_ms);

  /// Why nothing goes on at present; empty if all is well.
  const std::string& trouble() const noexcept { return trouble_; }

private:
  struct in_flight {
    storage::partition_id partition = 0;
    storage::sequence through = 0;
  };
  result<storage::sequence> hand_over(const stretch& what, int timeout_ms);
  bool delivered(int timeout_ms);
  bool send(const stretch& what, const storage::dead_letter& letter, int timeout_ms);
  void give_up(const failure& why);

  const sources::kafka_config& config_;
  storage::journal& journal_;
  std::unique_ptr<sources::kafka_producer> producer_;
  std::optional<in_flight> in_flight_;
  std::string trouble_;
};

}  // namespace windrow::sources
