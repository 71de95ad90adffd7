#include <charconv>
#include <cmath>
#include <string>
#include <utility>

#include "schema/expression/expression.hpp"
#include "schema/expression/lexer.hpp"

namespace windrow::schema {
namespace {

/// Bounds the height of trees and the nesting of brackets, and so the recursion of everything that
/// walks one. Canonical text adds at most one pair of brackets a level, so it always parses again.
constexpr int depth_max = 100;

struct binary_operator {
  std::string_view text;
  int level;  ///< higher binds tighter
  expression_op op;
};
constexpr int comparison_level = 3;
constexpr binary_operator binary_operators[] = {
    {"|", 1, expression_op::logical_or},
    {"&", 2, expression_op::logical_and},
    {"==", comparison_level, expression_op::equal},
    {"!=", comparison_level, expression_op::not_equal},
    {"<", comparison_level, expression_op::less},
    {"<=", comparison_level, expression_op::less_equal},
    {">", comparison_level, expression_op::greater},
    {">=", comparison_level, expression_op::greater_equal},
    {"in", comparison_level, expression_op::in},
    {"+", 4, expression_op::add},
    {"-", 4, expression_op::subtract},
    {"*", 5, expression_op::multiply},
    {"/", 5, expression_op::divide},
    {"%", 5, expression_op::modulo},
};

/// What to write instead of a word or sign that other languages have; empty if unknown.
std::string_view advice_for(std::string_view text) {
  constexpr std::pair<std::string_view, std::string_view> advice[] = {
      {"and", "use `&`"},
      {"or", "use `|`"},
      {"&&", "use `&`"},
      {"||", "use `|`"},
      {"not", "use `~`, as in `~(_.a in [1, 2])`"},
      {"!", "use `~`"},
      {"is", "use `==` or `!=`"},
      {"=", "use `==` to compare"},
      {"===", "use `==`"},
      {"!==", "use `!=`"},
      {"<>", "use `!=`"},
      {"//", "use `/`, which divides as floats"},
      {"**", "there are no powers; multiply with `*`"},
      {"if", "there are no conditions inside an expression"},
      {"else", "there are no conditions inside an expression"},
      {"True", "write `true`"},
      {"False", "write `false`"},
      {"None", "write `null`"},
      {"NULL", "write `null`"},
      {"TRUE", "write `true`"},
      {"FALSE", "write `false`"}};
  for (const auto& [word, what] : advice)
    if (word == text) return what;
  return {};
}

std::string tick(std::string_view text) { return "`" + std::string(text) + "`"; }

class parser {
public:
  explicit parser(std::vector<token> tokens) : tokens_(std::move(tokens)) {}

  expression_result<expression_ptr> run() {
    if (peek().kind == token_kind::end) {
      fail(peek().at, "the expression is empty; write for instance `_.amount`");
    } else if (const node parsed = parse_binary(1); parsed.e) {
      if (peek().kind == token_kind::end) return {parsed.e, std::nullopt};
      unexpected();
    }
    return {nullptr, std::move(error_)};
  }

private:
  /// A tree and its height; without a tree, `error_` is set.
  struct node {
    expression_ptr e;
    int height = 0;
  };

  const token& peek(std::size_t ahead = 0) const {
    return tokens_[std::min(next_ + ahead, tokens_.size() - 1)];
  }
  token take() {
    token taken = peek();
    if (next_ + 1 < tokens_.size()) ++next_;
    return taken;
  }
  bool at_sign(std::string_view text, std::size_t ahead = 0) const {
    return peek(ahead).kind == token_kind::sign && peek(ahead).text == text;
  }
  bool take_sign(std::string_view text) {
    if (!at_sign(text)) return false;
    take();
    return true;
  }

  node fail(source_position at, std::string message) {
    if (!error_) error_ = expression_error{at, std::move(message)};
    return {};
  }

  node make(expression e, int height) {
    if (++height > depth_max)
      return fail(e.at, "the expression is more than " + std::to_string(depth_max) +
                            " levels deep; use `in [..]` for many alternatives");
    return {std::make_shared<const expression>(std::move(e)), height};
  }
  node make_binary(expression_op op, source_position at, node left, node right) {
    expression e;
    e.op = op;
    e.at = at;
    e.operands = {std::move(left.e), std::move(right.e)};
    return make(std::move(e), std::max(left.height, right.height));
  }
  node make_literal(source_position at, windrow::value literal) {
    expression e;
    e.at = at;
    e.literal = std::move(literal);
    return make(std::move(e), 0);
  }

  /// Reports the token that stands where an operator or the end was expected.
  node unexpected() {
    const token& t = peek();
    if (t.kind == token_kind::invalid) return fail(t.at, t.value);
    if (const auto advice = advice_for(t.text); !advice.empty())
      return fail(t.at, tick(t.text) + " is not an operator here: " + std::string(advice));
    if (at_sign(")") || at_sign("]")) return fail(t.at, tick(t.text) + " closes nothing");
    if (at_sign(",")) return fail(t.at, "`,` stands outside of brackets");
    if (at_sign("~")) return fail(t.at, "`~` needs an operator before it, such as `&`");
    if (at_sign("[") || at_sign("(") || at_sign("."))
      return fail(t.at, tick(t.text) +
                            " cannot stand here: only `_.relation[..].function(..)` and "
                            "`_.message_headers[\"name\"]` have brackets");
    return fail(t.at, "an operator is missing before " + tick(t.text));
  }

  const binary_operator* peek_binary() const {
    const token& t = peek();
    if (t.kind != token_kind::sign && t.text != "in") return nullptr;
    for (const auto& candidate : binary_operators)
      if (candidate.text == t.text) return &candidate;
    return nullptr;
  }

  node parse_binary(int level) {
    node left = parse_unary();
    while (left.e) {
      const binary_operator* const found = peek_binary();
      if (!found || found->level < level) break;
      const token sign = take();
      node right = parse_binary(found->level + 1);
      if (!right.e) return {};
      if (found->level == comparison_level) {
        const binary_operator* const chained = peek_binary();
        if (chained && chained->level == comparison_level)
          return fail(peek().at,
                      "comparisons cannot be chained: write `(a < b) & (b < c)` or use brackets");
      }
      left = make_binary(found->op, sign.at, std::move(left), std::move(right));
    }
    return left;
  }

  /// Signs are collected first: a thousand of them must not be a thousand calls.
  node parse_unary() {
    std::vector<token> signs;
    while (at_sign("-") || at_sign("~")) {
      signs.push_back(take());
      if (static_cast<int>(signs.size()) > depth_max)
        return fail(signs.front().at, "there are too many signs in a row");
    }
    const bool number = peek().kind == token_kind::integer || peek().kind == token_kind::floating;
    node operand;
    if (number && !signs.empty() && signs.back().text == "-") {
      operand = parse_number(true, signs.back().at);
      signs.pop_back();
    } else {
      operand = parse_primary();
    }
    for (; operand.e && !signs.empty(); signs.pop_back()) {
      const token& sign = signs.back();
      operand = sign.text == "-" ? negated(std::move(operand), sign.at)
                                 : inverted(std::move(operand), sign.at);
    }
    return operand;
  }

  /// `-1` and `-(1)` are the literal -1, so that there is one tree for one meaning.
  node negated(node operand, source_position at) {
    if (operand.e->op == expression_op::literal) {
      const windrow::value& literal = operand.e->literal;
      if (const auto* i = std::get_if<std::int64_t>(&literal); i && *i != INT64_MIN)
        return make_literal(at, -*i);
      if (const auto* d = std::get_if<double>(&literal)) return make_literal(at, -*d);
    }
    expression e;
    e.op = expression_op::negate;
    e.at = at;
    e.operands = {std::move(operand.e)};
    return make(std::move(e), operand.height);
  }
  node inverted(node operand, source_position at) {
    expression e;
    e.op = expression_op::invert;
    e.at = at;
    e.operands = {std::move(operand.e)};
    return make(std::move(e), operand.height);
  }

  node parse_number(bool negative, source_position at) {
    const token t = take();
    const std::string text = (negative ? "-" : "") + std::string(t.text);
    const char* const end = text.data() + text.size();
    if (t.kind == token_kind::integer) {
      std::int64_t value = 0;
      if (std::from_chars(text.data(), end, value).ec != std::errc{})
        return fail(t.at, tick(t.text) + " does not fit an int of 64 bits; write " +
                              tick(std::string(t.text) + ".0") + " for a float");
      return make_literal(at, value);
    }
    double value = 0;
    if (std::from_chars(text.data(), end, value).ec != std::errc{} || !std::isfinite(value))
      return fail(t.at, tick(t.text) + " is beyond what a float can hold");
    return make_literal(at, value);
  }

  node parse_primary() {
    const token& t = peek();
    switch (t.kind) {
      case token_kind::invalid:
        return fail(t.at, t.value);
      case token_kind::integer:
      case token_kind::floating:
        return parse_number(false, t.at);
      case token_kind::text: {
        token text = take();
        return make_literal(text.at, std::move(text.value));
      }
      case token_kind::name:
        return parse_name();
      case token_kind::end:
        return missing_operand();
      case token_kind::sign:
        break;
    }
    if (t.text == "(") return parse_group();
    if (t.text == "[") return parse_list();
    return missing_operand();
  }

  node missing_operand() {
    const token& t = peek();
    if (t.kind == token_kind::end) {
      if (!open_.empty()) return unclosed();
      const std::string last = next_ > 0 ? tick(tokens_[next_ - 1].text) : "it";
      return fail(t.at, "the expression ends after " + last + " where a value is expected");
    }
    if (const auto advice = advice_for(t.text); !advice.empty())
      return fail(t.at, tick(t.text) + " is not known here: " + std::string(advice));
    if (t.text == ".")
      return fail(t.at,
                  "`.` stands where a value is expected; attributes are written `_.name`, "
                  "fractions `0.5`");
    return fail(t.at, tick(t.text) + " stands where a value is expected");
  }

  node parse_name() {
    const token t = peek();
    if (t.text == "_") return parse_attribute();
    if (t.text == "true" || t.text == "false") {
      take();
      return make_literal(t.at, t.text == "true");
    }
    if (t.text == "null") {
      take();
      return make_literal(t.at, windrow::null{});
    }
    if (const auto advice = advice_for(t.text); !advice.empty())
      return fail(t.at, tick(t.text) + " is not known here: " + std::string(advice));
    if (at_sign("(", 1))
      return fail(t.at, "there is no function " + tick(t.text) +
                            "; what can be called is `_.relation[..].function(..)`");
    if (t.text == "in") return fail(t.at, "`in` needs a value before it");
    const std::string_view bare = t.text.front() == '_' ? t.text.substr(1) : t.text;
    return fail(t.at, tick(t.text) + " is not known here: attributes are written " +
                          tick("_." + std::string(bare)) + ", strings in quotes");
  }

  /// Brackets that are open, outermost first: a missing end is reported where it began.
  bool open() {
    open_.push_back(take());
    if (static_cast<int>(open_.size()) <= depth_max) return true;
    fail(open_.back().at,
         "there are more than " + std::to_string(depth_max) + " brackets inside one another");
    return false;
  }
  node unclosed() { return fail(open_.back().at, tick(open_.back().text) + " is never closed"); }
  bool close(std::string_view sign) {
    if (take_sign(sign)) {
      open_.pop_back();
      return true;
    }
    const token& t = peek();
    if (t.kind == token_kind::end) {
      unclosed();
    } else if (at_sign(")") || at_sign("]")) {
      fail(t.at, tick(t.text) + " cannot close " + tick(open_.back().text) + ": " + tick(sign) +
                     " is expected");
    } else {
      unexpected();
    }
    return false;
  }

  node parse_group() {
    if (!open()) return {};
    if (at_sign(")")) return fail(peek().at, "there is nothing inside the brackets");
    node inner = parse_binary(1);
    if (!inner.e || !close(")")) return {};
    return inner;
  }

  /// Expressions separated by commas up to `sign`, after the opening bracket; false on an error.
  bool parse_items(std::string_view sign, std::vector<expression_ptr>& items, int& height) {
    if (at_sign(sign)) return close(sign);
    while (true) {
      node item = parse_binary(1);
      if (!item.e) return false;
      height = std::max(height, item.height);
      items.push_back(std::move(item.e));
      if (!take_sign(",")) return close(sign);
    }
  }

  node parse_list() {
    expression e;
    e.op = expression_op::list;
    e.at = peek().at;
    int height = 0;
    if (!open() || !parse_items("]", e.operands, height)) return {};
    return make(std::move(e), height);
  }

  /// `_` and what hangs on it.
  node parse_attribute() {
    expression e;
    e.op = expression_op::attribute;
    e.at = take().at;
    while (take_sign(".")) {
      const token name = peek();
      if (name.kind != token_kind::name) return missing_name("_." + joined(e.path));
      take();
      e.path.emplace_back(name.text);
      if (at_sign("(")) {
        if (e.path.size() != 2)
          return fail(name.at, tick(name.text) + " needs one relation to aggregate over: write " +
                                   tick("_.relation[..]." + std::string(name.text) + "(..)"));
        return parse_call(e.at, e.path.front(), {}, e.path.back(), 0);
      }
    }
    if (at_sign("[")) return parse_brackets(std::move(e));
    if (at_sign("(")) return fail(peek().at, "`_` cannot be called");
    return make(std::move(e), 0);
  }

  static std::string joined(const std::vector<std::string>& path) {
    std::string out;
    for (const auto& part : path) out += part + ".";
    return out;
  }
  node missing_name(const std::string& before) {
    const token& t = peek();
    if (t.kind == token_kind::invalid) return fail(t.at, t.value);
    return fail(t.at, "a name is missing after " + tick(before));
  }

  node parse_brackets(expression e) {
    if (e.path.empty())
      return fail(peek().at, "`_[` has no meaning: write `_.name`, or `_.relation[..].function()`");
    if (e.path.size() > 1)
      return fail(peek().at,
                  "brackets follow one relation, as in `_.relation[..].function()`, not " +
                      tick("_." + joined(e.path).substr(0, joined(e.path).size() - 1)));
    if (e.path.front() == "message_headers") {
      if (!open()) return {};
      if (peek().kind == token_kind::end) return unclosed();
      if (peek().kind == token_kind::invalid) return fail(peek().at, peek().value);
      if (peek().kind != token_kind::text)
        return fail(peek().at, "a header is named by a string: `_.message_headers[\"name\"]`");
      e.op = expression_op::header;
      e.path.push_back(take().value);
      if (!close("]")) return {};
      return make(std::move(e), 0);
    }
    std::vector<expression_ptr> keys;
    int height = 0;
    if (!open() || !parse_items("]", keys, height)) return {};
    const std::string relation = e.path.front();
    if (!take_sign("."))
      return peek().kind == token_kind::invalid
                 ? fail(peek().at, peek().value)
                 : fail(peek().at, "an aggregation is missing after " +
                                       tick("_." + relation + "[..]") + ", such as `.sum()`");
    const token name = peek();
    if (name.kind != token_kind::name) return missing_name("_." + relation + "[..].");
    take();
    if (!at_sign("("))
      return fail(name.at, "brackets are missing after the aggregation: write " +
                               tick("." + std::string(name.text) + "()"));
    return parse_call(e.at, relation, std::move(keys), std::string(name.text), height);
  }

  node parse_call(source_position at, std::string relation, std::vector<expression_ptr> keys,
                  std::string function, int height) {
    aggregate_call call;
    call.relation = std::move(relation);
    call.keys = std::move(keys);
    call.function = std::move(function);
    if (!open() || !parse_arguments(call, height)) return {};
    if (at_sign(".") || at_sign("[") || at_sign("("))
      return fail(peek().at, "nothing can hang on an aggregation's result");
    expression e;
    e.op = expression_op::aggregate;
    e.at = at;
    e.call = std::make_shared<const aggregate_call>(std::move(call));
    return make(std::move(e), height);
  }

  bool parse_arguments(aggregate_call& call, int& height) {
    if (at_sign(")")) return close(")");
    while (true) {
      const bool named = peek().kind == token_kind::name && at_sign("=", 1);
      const token first = peek();
      if (named) {
        take(), take();
        for (const auto& [name, ignored] : call.named_arguments)
          if (name == first.text)
            return fail(first.at, "the argument " + tick(first.text) + " is there twice"), false;
      } else if (!call.named_arguments.empty() && peek().kind != token_kind::end) {
        return fail(first.at, "arguments without a name come before those with one"), false;
      }
      node argument = parse_binary(1);
      if (!argument.e) return false;
      height = std::max(height, argument.height);
      if (named)
        call.named_arguments.emplace_back(std::string(first.text), std::move(argument.e));
      else
        call.arguments.push_back(std::move(argument.e));
      if (!take_sign(",")) return close(")");
    }
  }

  std::vector<token> tokens_;
  std::size_t next_ = 0;
  std::vector<token> open_;
  std::optional<expression_error> error_;
};

}  // namespace

expression_result<expression_ptr> parse_expression(std::string_view text, source_position origin) {
  return parser(tokenize(text, origin)).run();
}

}  // namespace windrow::schema
