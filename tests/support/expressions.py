"""The expression language of declarations, written a second time for the judge.

Shares nothing with the product. An expression is parsed into nested tuples whose first item names
the node; `evaluate` runs one over a row (a dict of attribute name to Python value, None for null).

    ("literal", v)  ("attribute", ("a", "b"))  ("list", [nodes])  ("negate" | "invert", node)
    (operator, left, right)  ("aggregate", relation, [keys], function)
"""

import re

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+\.\d*(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\d+)
      |(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
      |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
      |(?P<sign>==|!=|<=|>=|[-+*/%<>&|~()\[\],.]))""",
    re.VERBOSE,
)
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=", "in")
INT_MIN, INT_MAX = -(2**63), 2**63 - 1


class ExpressionError(ValueError):
    """An expression that the judge cannot read: a mistake in a test's definition."""


def _tokens(text):
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if not match:
            raise ExpressionError(f"cannot read {text[at:]!r}")
        found.append((match.lastgroup, match.group(match.lastgroup)))
        at = match.end()
    return found + [("end", "")]


class _Parser:
    """Recursive descent, loosest first: `|`, `&`, comparison, `+ -`, `* / %`, unary, primary."""

    def __init__(self, text):
        self.text = text
        self.tokens = _tokens(text)
        self.at = 0

    def peek(self):
        return self.tokens[self.at][1] if self.tokens[self.at][0] in ("sign", "name") else None

    def take(self):
        token = self.tokens[self.at]
        self.at += 1
        return token

    def expect(self, sign):
        if self.peek() != sign:
            raise ExpressionError(f"expected {sign!r} in {self.text!r}")
        self.take()

    def _chain(self, signs, operand):
        left = operand()
        while self.peek() in signs:
            sign = self.take()[1]
            left = (sign, left, operand())
        return left

    def either(self):
        return self._chain(("|",), self.both)

    def both(self):
        return self._chain(("&",), self.comparison)

    def comparison(self):
        left = self.sum()
        if self.peek() in _COMPARISONS:
            sign = self.take()[1]
            return (sign, left, self.sum())
        return left

    def sum(self):
        return self._chain(("+", "-"), self.product)

    def product(self):
        return self._chain(("*", "/", "%"), self.unary)

    def unary(self):
        if self.peek() == "-":
            self.take()
            return ("negate", self.unary())
        if self.peek() == "~":
            self.take()
            return ("invert", self.unary())
        return self.primary()

    def items(self, end):
        found = []
        while self.peek() != end:
            found.append(self.either())
            if self.peek() != end:
                self.expect(",")
        self.expect(end)
        return found

    def primary(self):
        kind, text = self.take()
        if kind == "number":
            return ("literal", float(text) if re.search(r"[.eE]", text) else int(text))
        if kind == "string":
            return ("literal", re.sub(r"\\(.)", r"\1", text[1:-1]))
        if text == "(":
            inside = self.either()
            self.expect(")")
            return inside
        if text == "[":
            return ("list", self.items("]"))
        if kind == "name" and text in ("true", "false", "null"):
            return ("literal", {"true": True, "false": False, "null": None}[text])
        if text == "_":
            return self.attribute()
        raise ExpressionError(f"did not expect {text!r} in {self.text!r}")

    def attribute(self):
        path = []
        while self.peek() == ".":
            self.take()
            path.append(self.take()[1])
        if self.peek() != "[" or len(path) != 1 or path == ["message_headers"]:
            return self._maybe_header(path)
        self.take()
        keys = self.items("]")
        self.expect(".")
        function = self.take()[1]
        self.expect("(")
        self.expect(")")
        return ("aggregate", path[0], keys, function)

    def _maybe_header(self, path):
        if path == ["message_headers"]:
            self.expect("[")
            path = ["message_headers", self.take()[1][1:-1]]
            self.expect("]")
        if path and self.peek() == "(":  # `_.relation.count()`
            self.take()
            self.expect(")")
            return ("aggregate", path[0], [], path[1])
        return ("attribute", tuple(path))


def parse(text):
    """Reads one expression."""
    parser = _Parser(str(text))
    node = parser.either()
    if parser.tokens[parser.at][0] != "end":
        raise ExpressionError(f"too much in {text!r}")
    return node


def attributes(node):
    """The attribute names a node reads, as a set of dotted names."""
    if node[0] == "attribute":
        return {".".join(node[1])}
    found = set()
    for part in node[1:]:
        for child in part if isinstance(part, list) else [part]:
            if isinstance(child, tuple) and child and isinstance(child[0], str):
                found |= attributes(child)
    return found


def _number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _arithmetic(sign, a, b):
    if a is None or b is None:
        return None
    if sign == "/":
        return None if b == 0 else float(a) / float(b)
    if sign == "%":
        if b == 0:
            return None
        return a % b  # tests use operands that are not negative, where every language agrees
    value = a + b if sign == "+" else a - b if sign == "-" else a * b
    if isinstance(value, int) and not INT_MIN <= value <= INT_MAX:
        return None
    return value


def _compare(sign, a, b):
    if a is None or b is None:
        return False
    if sign == "==":
        return a == b
    if sign == "!=":
        return a != b
    return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[sign]


def evaluate(node, row):
    """The value of a node for one row; null is None, and a comparison with null is false."""
    kind = node[0]
    if kind == "literal":
        return node[1]
    if kind == "attribute":
        return row.get(".".join(node[1]))
    if kind == "list":
        return [evaluate(item, row) for item in node[1]]
    if kind == "invert":
        value = evaluate(node[1], row)
        return None if value is None else not value
    if kind == "negate":
        return _arithmetic("-", 0, evaluate(node[1], row))
    left, right = evaluate(node[1], row), evaluate(node[2], row)
    if kind == "&":
        return bool(left) and bool(right)
    if kind == "|":
        return bool(left) or bool(right)
    if kind == "in":
        return left is not None and any(_compare("==", left, item) for item in right)
    if kind in _COMPARISONS:
        return _compare(kind, left, right)
    return _arithmetic(kind, left, right)
