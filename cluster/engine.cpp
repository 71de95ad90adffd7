#include "windrow/engine.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "node/node.hpp"

namespace windrow {

struct prepared_query::impl {
  node::node::prepared query;
};
prepared_query::prepared_query() = default;
prepared_query::~prepared_query() = default;
prepared_query::prepared_query(prepared_query&&) noexcept = default;
prepared_query& prepared_query::operator=(prepared_query&&) noexcept = default;

struct engine::impl {
  std::unique_ptr<node::node> node;
};
engine::engine(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
engine::engine(engine&&) noexcept = default;
engine& engine::operator=(engine&&) noexcept = default;
engine::~engine() {
  if (impl_) static_cast<void>(close());
}

namespace {

failure no_engine() { return {errc::closed, "the engine is closed"}; }

result<schema::catalog> read_declarations(const std::string& path) {
  std::ifstream file(path);
  if (!file) return failure{errc::not_found, "cannot read the declarations " + path};
  std::ostringstream text;
  text << file.rdbuf();
  auto compiled = schema::compile_yaml(text.str(), path,
                                       [](std::string_view name) -> std::optional<std::string> {
                                         const char* value = std::getenv(std::string(name).c_str());
                                         if (!value) return std::nullopt;
                                         return std::string(value);
                                       });
  if (compiled.ok()) return std::move(*compiled.declarations);
  std::string all;
  for (const auto& d : compiled.diagnostics) {
    if (d.severity == schema::diagnostic::level::error)
      all += (all.empty() ? "" : "\n") + d.format();
  }
  return failure{errc::invalid, std::move(all)};
}

}  // namespace

result<engine> engine::open(const engine_options& options) {
  node::node_options o;
  o.data = options.data;
  o.shards = options.shards;
  o.memory = options.memory;
  o.checkpoint_interval = options.checkpoint_interval;
  if (options.memory < (std::size_t{16} << 20))
    return failure{errc::invalid, "an engine needs at least 16 MiB of memory"};
  if (!options.declarations.empty()) {
    auto declarations = read_declarations(options.declarations);
    if (!declarations) return declarations.error();
    o.declarations = std::move(*declarations);
  }
  auto node = node::node::open(o);
  if (!node) return node.error();
  auto i = std::make_unique<impl>();
  i->node = std::move(*node);
  return engine(std::move(i));
}

result<push_receipt> engine::push(std::string_view stream,
                                  std::span<const std::string_view> messages,
                                  const push_options& options) {
  if (!impl_->node) return no_engine();
  return impl_->node->push(stream, messages, options);
}

result<std::uint64_t> engine::producer_sequence(std::string_view producer) const {
  if (!impl_->node) return no_engine();
  return impl_->node->journal().producers().last_sequence(producer);
}

result<void> engine::settle() {
  if (!impl_->node) return no_engine();
  return impl_->node->settle();
}

result<query_answer> engine::query(const query_request& request) const {
  if (!impl_->node) return no_engine();
  return impl_->node->query(request);
}

result<explanation> engine::explain(const entity_reference& entity, const std::string& feature,
                                    std::optional<timestamp> now) const {
  if (!impl_->node) return no_engine();
  return impl_->node->explain(entity, feature, now);
}

result<prepared_query> engine::prepare(std::string_view entity_class,
                                       std::span<const std::string> features) const {
  if (!impl_->node) return no_engine();
  auto prepared = impl_->node->prepare(entity_class, features);
  if (!prepared) return prepared.error();
  prepared_query q;
  q.impl_ = std::make_unique<prepared_query::impl>();
  q.impl_->query = std::move(*prepared);
  return q;
}

result<answer_row> engine::lookup(const prepared_query& query, std::string_view key,
                                  timestamp now) const {
  if (!impl_->node) return no_engine();
  if (!query.impl_) return failure{errc::invalid, "the prepared query is empty"};
  return impl_->node->lookup(query.impl_->query, key, now);
}

result<void> engine::checkpoint() {
  if (!impl_->node) return no_engine();
  return impl_->node->checkpoint();
}

// Other threads must have returned from their calls; afterwards every call answers `closed`.
result<void> engine::close() {
  if (!impl_->node) return no_engine();
  auto stopped = impl_->node->stop();
  impl_->node.reset();
  return stopped;
}

}  // namespace windrow
