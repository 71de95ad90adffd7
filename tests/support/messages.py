"""Random messages of generated streams: good lines, and poison of every kind."""

import json

import times

KINDS = ["card", "cash", "\u00e9t\u00e9", ""]


class MessageMaker:
    """The half of the generator that makes lines.

    Uses of the other half: `rng`, `chance`, `streams`, `start`, `span`, and the descriptions of
    parents (keys, local fields) and children (links, magnitude).
    """

    def instant(self, at):
        """One of the ways to write a time; `at` must be whole milliseconds for all of them."""
        if at % 1000 == 0 and self.chance(0.5):
            return at // 1000
        text = times.format_instant(at)
        if self.chance(0.2):
            shifted = times.format_instant(at + 19_800 * times.SECOND)
            text = shifted[:-1] + "+05:30"
        return text

    def number(self, child, kind):
        r = self.rng
        if kind == "float":
            if child.magnitude == "extreme" and self.chance(0.3):
                return r.choice([8e307, 6e307])
            if child.magnitude == "big":
                return r.choice([1e15, -1e15, 1e-3]) * r.random()
            return r.choice([round(r.uniform(-20, 80), 2), r.randint(0, 50), r.expovariate(0.05)])
        if child.magnitude != "plain" and self.chance(0.5):
            return r.choice([2**62, 2**63 - 1, -(2**63), -(2**62), 2**53 + 1])
        return r.randint(-50, 1000)

    def child_value(self, child, target, kind, at):
        if kind == "datetime":
            return self.instant(at)
        if "null" in kind and self.chance(0.12):
            return None
        kind = kind.split()[0]
        if target in child.links:
            pool = child.links[target]
            return pool[min(int(self.rng.expovariate(4 / len(pool))), len(pool) - 1)]
        if target == "quantity":
            return self.rng.randint(0, 12)
        if kind in ("float", "int"):
            return self.number(child, kind) if target != "id" else self.rng.randint(0, 10**9)
        if kind == "bool":
            return self.chance(0.5)
        return self.rng.choice(KINDS) if target == "kind" else f"e{self.rng.randint(0, 10**6)}"

    def child_message(self, child, stream, at):
        declared = self.streams[stream]
        message = {}
        for key, kind in declared["message"].items():
            if key == "keep":
                message[key] = None if self.chance(0.2) else "x"
                continue
            target = key[2:] if key.startswith("m_") else key
            value = self.child_value(child, target, kind, at)
            if value is not None or self.chance(0.5):
                message[key] = value
        if self.chance(0.1):
            message["unknown key"] = {"a": [1, None, "]}"]}
        return message

    def parent_lines(self, parent, stream):
        keys = parent.keys + (parent.keys if parent.timed else [])
        chosen = [k for k in keys if self.chance(0.8)]
        self.rng.shuffle(chosen)
        stamps = self.rng.sample(range(self.start // 1000 - 10**7,
                                       (self.start + self.span) // 1000), len(chosen))
        lines = []
        for key, stamp in zip(chosen, stamps):
            message = {"id": key}
            for name, (kind, pool) in parent.local.items():
                null = "null" in kind and self.chance(0.15)
                value = None if null else (
                    self.instant(stamp * 1000) if kind == "datetime"
                    else self.rng.choice(pool) if pool else f"Name {stamp % 97}")
                message[name] = value
            if parent.timed:
                message["updated"] = self.instant(stamp * 1000)
            message["keep"] = "x"
            declared = self.streams[stream]["message"]
            lines.append(self.line({k: v for k, v in message.items() if k in declared}))
        return lines

    def line(self, message):
        items = list(message.items())
        if self.chance(0.3):
            self.rng.shuffle(items)
        return json.dumps(dict(items), ensure_ascii=self.chance(0.3),
                          separators=self.rng.choice([(",", ":"), (", ", ": ")])).encode()

    def poison(self, stream, message):
        """A line that must be dead-lettered, of a random kind."""
        r = self.rng
        declared = self.streams[stream]["message"]
        if "keep" in declared:
            message = {**message, "keep": "x"}
        good = self.line(message)
        needed = [k for k, t in declared.items() if "null" not in t]
        numbers = [k for k, t in declared.items() if t.split()[0] in ("int", "float")]
        stamp = next((k for k, t in declared.items() if t == "datetime"), None)

        def changed(key, value):
            return json.dumps({**message, key: value}).encode()

        kinds = [lambda: good[: len(good) // 2], lambda: good + b" x", lambda: b"[1, 2]",
                 lambda: b"nonsense", lambda: b"7", lambda: good[:-1] + b', "z": tru}',
                 lambda: good[:-1] + b', "z": "\xff\xfe"}',
                 lambda: changed(r.choice(needed), None),
                 lambda: json.dumps({k: v for k, v in message.items()
                                     if k != needed[0]}).encode(),
                 lambda: changed(r.choice(needed), {"a": 1})]
        if numbers:
            kinds += [lambda: changed(r.choice(numbers), "12"),
                      lambda: changed(r.choice(numbers), float("nan")),
                      lambda: changed(r.choice(numbers), float("-inf")),
                      lambda: changed(r.choice(numbers), 1.5e308).replace(b"1.5e+308", b"1e400"),
                      lambda: changed(r.choice(numbers), True)]
        ints = [k for k, t in declared.items() if t.split()[0] == "int"]
        if ints:
            kinds += [lambda: changed(r.choice(ints), 5.0), lambda: changed(r.choice(ints), 2**63),
                      lambda: changed(r.choice(ints), -(2**70))]
        if stamp:
            kinds += [lambda: changed(stamp, "2999-01-01T00:00:00Z"),
                      lambda: changed(stamp, "yesterday"), lambda: changed(stamp, "2023-02-30"
                                                                           "T00:00:00Z"),
                      lambda: changed(stamp, 32_503_680_000_000)]
        return r.choice(kinds)()

    def child_lines(self, child, stream, count):
        messages = []
        for _ in range(count):
            at = self.start + self.rng.randrange(self.span // 1000) * 1000
            if self.chance(0.05):
                at += self.rng.randrange(1000)  # microseconds
            if self.chance(0.05):
                at -= self.rng.randrange(60) * times.DAY
            if self.chance(0.2):
                at -= at % times.HOUR           # duplicates of times, and bucket boundaries
            messages.append((at, self.child_message(child, stream, at)))
        if self.chance(0.8):                    # else in wholly random order
            slack = self.rng.choice([0, times.MINUTE, times.HOUR])
            messages.sort(key=lambda m: m[0] + self.rng.randint(0, slack))
        late = [m for m in messages if self.chance(0.03)]
        messages += late                        # the same events once more, at the end
        return [self.poison(stream, m) if self.chance(0.01) else self.line(m)
                for _, m in messages]
