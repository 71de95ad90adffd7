#include <algorithm>
#include <cctype>
#include <utility>

#include "base/suggest.hpp"
#include "schema/expression/type_text.hpp"
#include "schema/yaml/context.hpp"

namespace windrow::schema {
namespace {

/// Reads `User.id == Transaction.user_id & (User.country == Transaction.country)`.
class join_parser {
public:
  join_parser(std::string_view text, source_position origin, std::string local, std::string child,
              diagnostics& out)
      : text_(text),
        origin_(origin),
        local_(std::move(local)),
        child_(std::move(child)),
        out_(out) {}

  std::optional<std::vector<join_pair>> parse() {
    std::vector<join_pair> pairs;
    do {
      auto pair = parse_pair();
      if (!pair) return std::nullopt;
      pairs.push_back(std::move(*pair));
    } while (take("&"));
    if (at_ < text_.size()) {
      return fail("unexpected " + ticked(text_.substr(at_)) +
                  " in the join; pairs are joined by `&`");
    }
    return pairs;
  }

private:
  struct side {
    std::string class_name;
    std::string field;
    source_position at;
  };

  std::optional<join_pair> parse_pair() {
    const bool parenthesis = take("(");
    auto left = parse_side();
    if (!left) return std::nullopt;
    if (!take("==")) {
      fail("a join is an equality; write " + example());
      return std::nullopt;
    }
    auto right = parse_side();
    if (!right) return std::nullopt;
    if (parenthesis && !take(")")) {
      fail("a `)` is missing in the join");
      return std::nullopt;
    }
    // Of two sides of one class the left one is the local one.
    if (left->class_name == child_ && right->class_name == local_ && local_ != child_) {
      std::swap(left, right);
    }
    if (left->class_name == local_ && right->class_name == child_) {
      return join_pair{left->field, right->field};
    }
    const side& wrong = left->class_name != local_ && left->class_name != child_ ? *left : *right;
    out_.error(wrong.at, "a join compares a field of " + ticked(local_) + " with one of " +
                             ticked(child_) + "; write " + example());
    return std::nullopt;
  }

  std::optional<side> parse_side() {
    skip_spaces();
    const source_position at = position();
    const std::size_t begin = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) ||
                                  text_[at_] == '_' || text_[at_] == '.')) {
      ++at_;
    }
    const std::string_view name = text_.substr(begin, at_ - begin);
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos || !is_identifier(name.substr(0, dot)) ||
        !is_identifier(name.substr(dot + 1))) {
      out_.error(at, "expected a field such as " + ticked(local_ + ".id") + " in the join; write " +
                         example());
      return std::nullopt;
    }
    return side{std::string(name.substr(0, dot)), std::string(name.substr(dot + 1)), at};
  }

  std::string example() const {
    return ticked(local_ + ".id == " + child_ + "." + snake_case(local_) + "_id");
  }

  std::nullopt_t fail(std::string message) {
    out_.error(position(), std::move(message));
    return std::nullopt;
  }

  source_position position() const {
    source_position at = origin_;
    at.column += static_cast<int>(at_);
    return at;
  }

  void skip_spaces() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }

  bool take(std::string_view token) {
    skip_spaces();
    if (text_.substr(at_, token.size()) != token) return false;
    at_ += token.size();
    return true;
  }

  std::string_view text_;
  source_position origin_;
  std::string local_;
  std::string child_;
  diagnostics& out_;
  std::size_t at_ = 0;
};

}  // namespace

void read_relation(const yaml_entry& field, const std::vector<yaml_entry>& settings,
                   class_declaration& owner, const declared_path& path, yaml_context& context) {
  refuse_unknown_keys(settings, {"has_many", "join", "on", "max_staleness"},
                      "the has_many " + ticked(field.key), context.out);
  relation_declaration relation;
  relation.name = field.key;
  const yaml_entry* child = find_entry(settings, "has_many");
  const auto name = read_text(child->value, child->at, "the name of a class", context.out);
  if (!name) return context.mark_broken(path);
  relation.child_class = *name;
  context.place(path + "/has_many", text_position(child->value, child->at));
  const auto& known = context.class_names;
  if (std::find(known.begin(), known.end(), *name) == known.end()) {
    context.out.error(context.file.at(path + "/has_many"),
                      "unknown class " + ticked(*name) + "; " + did_you_mean(*name, known));
    return context.mark_broken(path);
  }
  if (const yaml_entry* staleness = find_entry(settings, "max_staleness")) {
    if (read_duration(staleness->value, staleness->at, 0, context.out)) {
      context.out.note(staleness->key_at, "`max_staleness` on the has_many " + ticked(field.key) +
                                              " is unused: its rows themselves are not served");
    }
  }
  const yaml_entry* join = find_entry(settings, "join");
  const yaml_entry* on = find_entry(settings, "on");
  if (join != nullptr && on != nullptr) {
    context.out.error(on->key_at, "both `join` and `on` are given; keep one");
    return context.mark_broken(path);
  }
  if (join == nullptr) join = on;
  if (join != nullptr) {
    const auto text =
        read_text(join->value, join->at, "a join such as `User.id == Order.user_id`", context.out);
    if (!text) return context.mark_broken(path);
    const source_position at = text_position(join->value, join->at);
    context.place(path + "/join", at);
    auto pairs = join_parser(*text, at, owner.name, relation.child_class, context.out).parse();
    if (!pairs) return context.mark_broken(path);
    relation.join = std::move(*pairs);
  }
  owner.relations.push_back(std::move(relation));
}

void link_relations(yaml_context& context) {
  catalog& declarations = context.file.declarations;
  for (class_declaration& owner : declarations.classes) {
    std::erase_if(owner.relations, [&](relation_declaration& relation) {
      if (!relation.join.empty()) return false;
      const declared_path path = "features/" + owner.name + "/" + relation.name;
      std::vector<std::string> keys;
      bool child_known = false;
      for (const class_declaration& child : declarations.classes) {
        if (child.name != relation.child_class) continue;
        child_known = true;
        for (const field_declaration& field : child.fields) {
          if (field.references == owner.name) keys.push_back(field.name);
        }
      }
      if (!child_known) {  // declared but broken
        context.mark_broken(path);
        return true;
      }
      if (keys.size() == 1) {
        relation.join = {{"id", keys.front()}};
        return false;
      }
      context.mark_broken(path);
      const std::string example = "join: " + owner.name + ".id == " + relation.child_class + "." +
                                  (keys.empty() ? snake_case(owner.name) + "_id" : keys.front());
      if (keys.empty()) {
        context.out.error(context.file.at(path), "the has_many " + ticked(relation.name) +
                                                     " has no join, and no field of " +
                                                     ticked(relation.child_class) + " is typed " +
                                                     ticked(owner.name + ".id") +
                                                     "; write such as " + ticked(example));
      } else {
        for (std::string& key : keys) key = ticked(relation.child_class + "." + key);
        context.out.error(context.file.at(path), "the join of " + ticked(relation.name) +
                                                     " is ambiguous: " + join_words(keys) +
                                                     " refer to " + ticked(owner.name) +
                                                     "; write such as " + ticked(example));
      }
      return true;
    });
  }
}

}  // namespace windrow::schema
