#include "cluster/local_service.hpp"

#include "node/dead_letter_service.hpp"
#include "node/journal_input.hpp"
#include "node/node.hpp"
#include "node/push_service.hpp"
#include "node/query_service.hpp"
#include "node/source_controller.hpp"

namespace windrow::cluster {

namespace {

/// Hands every call to the part of the node that does it.
class local_service final : public service {
public:
  explicit local_service(std::unique_ptr<node::node> node) : node_(std::move(node)) {}

  schema::plan_ptr plan() const override { return node_->plan(); }
  node::node_progress progress() const override { return node_->progress(); }
  void wait(std::chrono::milliseconds time_limit) override { node_->wait(time_limit); }
  result<void> checkpoint() override { return node_->checkpoint(); }
  result<void> stop() override { return node_->stop(); }

  result<query_answer> query(const query_request& request) override {
    return node_->queries().query(request);
  }
  result<explanation> explain(const entity_reference& entity, const std::string& feature,
                              std::optional<timestamp> now) override {
    return node_->queries().explain(entity, feature, now);
  }
  result<query::class_query_ptr> prepare(std::string_view entity_class,
                                         std::span<const std::string> features) override {
    return node_->queries().prepare(entity_class, features);
  }
  result<answer_row> lookup(const query::class_query_ptr& query, std::string_view key,
                            timestamp now) override {
    return node_->queries().lookup(query, key, now);
  }

  result<push_receipt> push(std::string_view stream, std::span<const std::string_view> messages,
                            const push_options& options) override {
    return node_->pushes().push(stream, messages, options);
  }
  result<std::uint64_t> producer_sequence(std::string_view producer) override {
    return node_->pushes().producer_sequence(producer);
  }
  result<void> wait_applied() override { return node_->pushes().wait_applied(); }
  result<bool> wait_applied(std::uint64_t entry, std::chrono::milliseconds at_most) override {
    return node_->pushes().wait_applied(entry, at_most);
  }
  std::uint64_t pushes_waiting() override { return node_->pushes().waiting(); }
  bool caught_up() override { return node_->pushes().caught_up(); }
  result<std::vector<rejected_message>> rejected(std::uint64_t entry) override {
    const auto found = node_->pushes().dead_letters_of(entry);
    if (!found) return found.error();
    std::vector<rejected_message> out;
    for (const storage::dead_letter& l : *found) {
      const auto place = static_cast<std::uint32_t>(l.at & node::entry_messages_max);
      out.push_back({place, l.phase, l.reason, l.message});
    }
    return out;
  }

  result<std::vector<sources::source_status>> sources() override { return node_->sources(); }
  result<sources::source_control> pause_source(const sources::source_selection& what) override {
    return node_->controller().pause(what);
  }
  result<sources::source_control> resume_source(const sources::source_selection& what) override {
    return node_->controller().resume(what);
  }
  result<sources::source_control> seek_source(const sources::source_selection& what,
                                              const sources::seek_target& target) override {
    return node_->controller().seek(what, target);
  }
  result<sources::source_control> reset_source(const sources::source_selection& what) override {
    return node_->controller().reset(what);
  }

  result<node::dead_letter_listing> list_dead_letters(const node::dead_letter_selection& what,
                                                      std::size_t limit) override {
    return node_->dead_letters().list(what, limit);
  }
  result<storage::replay_outcome> replay_dead_letters(
      const node::dead_letter_selection& what) override {
    return node_->dead_letters().replay(what);
  }
  result<std::uint64_t> drop_dead_letters(const node::dead_letter_selection& what) override {
    return node_->dead_letters().drop(what);
  }

  result<std::vector<node::rule_statistics>> count_rules() override { return node_->count_rules(); }
  result<node::node_stats> measure() override { return node_->measure(); }
  result<node::inspection> inspect(bool and_verify) override { return node_->inspect(and_verify); }

private:
  const std::unique_ptr<node::node> node_;
};

}  // namespace

result<std::unique_ptr<service>> open_local_service(const node::node_options& options) {
  auto opened = node::node::open(options);
  if (!opened) return opened.error();
  return std::unique_ptr<service>(std::make_unique<local_service>(std::move(*opened)));
}

}  // namespace windrow::cluster
