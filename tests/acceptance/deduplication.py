"""Duplicates across restarts, `kill -9`, files and standard input, against an independent fold.

    deduplication.py [--seed S] [--events N] [--kills N] [--rounds N]

Each round makes messages whose ids come again inside and beyond `within`, in two files and on
standard input; reads them one input after the other with little memory, killed at random moments;
then compares every count and sum with a fold that keeps all ids for ever.
"""

import argparse
import collections
import datetime
import json
import os
import random
import shutil
import sys
import tempfile
import time

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(_HERE, "..", "support"))

import command  # noqa: E402

START = int(datetime.datetime(2026, 3, 1, tzinfo=datetime.timezone.utc).timestamp() * 1000)
HOUR = 3_600_000
DAYS = 4

DECLARATION = """\
features:
  Payment:
    fields: { id: str, user: str, shop: int, amount: int, at: FeatureTime }
  User:
    fields:
      id: str
      payments: { has_many: Payment, join: User.id == Payment.user }
      paid: { windowed: [10d], expression: "_.payments[_.amount].sum()", materialization: { bucket_duration: 1h } }
      payment_count: { windowed: [10d], expression: _.payments.count(), materialization: { bucket_duration: 1h } }
  Shop:
    fields:
      id: int
      payments: { has_many: Payment, join: Shop.id == Payment.shop }
      taken: { windowed: [10d], expression: "_.payments[_.amount].sum()", materialization: { bucket_duration: 1h } }
sources:
  payments: { file: first.ndjson }
streams:
  payment_stream:
    source: payments
    message: { id: str | null, user: str, shop: int, amount: int | null, at: datetime }
    parse: _.amount
    output: { Payment.id: "_.user", Payment.user: _.user, Payment.shop: _.shop, Payment.amount: _.amount, Payment.at: _.at }
    deduplication: { on: _.id, within: WITHINh }
"""


class Fold:
    """What must come out, message by message."""

    def __init__(self, within):
        self.within = within
        self.seen = collections.defaultdict(list)  # id -> (time, partition)
        self.newest = {}
        self.users = collections.Counter()
        self.counts = collections.Counter()
        self.shops = collections.Counter()
        self.applied = self.skipped = self.duplicate = 0

    def add(self, partition, m):
        if m["amount"] is None:
            self.skipped += 1
            return
        if m["id"] is not None:
            for t, p in self.seen[m["id"]]:
                if abs(t - m["at"]) <= self.within and t >= self.newest[p] - self.within:
                    self.duplicate += 1
                    return
            self.seen[m["id"]].append((m["at"], partition))
            self.newest[partition] = max(self.newest.get(partition, m["at"]), m["at"])
        self.applied += 1
        self.users[m["user"]] += m["amount"]
        self.counts[m["user"]] += 1
        self.shops[m["shop"]] += m["amount"]


def messages(rng, count, within):
    """In rough order of time; about a third come again, near and far, now and then late."""
    sent = []
    for i in range(count):
        at = START + i * DAYS * 24 * HOUR // count - rng.randrange(HOUR // 4)
        m = {"id": f"e{rng.randrange(1 << 60)}", "user": f"u{rng.randrange(300)}",
             "shop": rng.randrange(50), "amount": rng.randrange(1000), "at": at}
        kind = rng.random()
        if kind < 0.25 and sent:       # a repeat, mostly of something recent
            back = int(rng.expovariate(1 / (count / 100))) + 1
            old = sent[-min(back, len(sent))]
            m.update(old, at=old["at"] + rng.choice((0, 0, 1, within // 2, within, within + 1)))
        elif kind < 0.30 and sent:     # the id again, with a time of now
            m["id"] = rng.choice(sent)["id"]
        elif kind < 0.32:
            m["id"] = None
        elif kind < 0.34:
            m["amount"] = None         # skipped: claims no id
        elif kind < 0.35:
            m["at"] -= rng.randrange(3 * within)
        m["at"] = max(START, min(m["at"], START + DAYS * 24 * HOUR))
        sent.append(m)
    return sent


def write(path, sent):
    with open(path, "w", encoding="utf-8") as out:
        for m in sent:
            out.write(json.dumps(m) + "\n")


def killed_often(rng, kills, arguments, stdin=None):
    """Starts the command and kills it, `kills` times, unless it ends before; how often it did."""
    for number in range(kills):
        source = open(stdin, "rb") if stdin else open(os.devnull, "rb")
        with source:
            process = command.start(*arguments, stdin=source, log=os.devnull)
            time.sleep(rng.uniform(0.02, 0.2))
            if process.poll() is not None:
                return number
            command.kill(process)
    return kills


def compare(folder, fold):
    now = START + DAYS * 24 * HOUR
    wanted = {}
    for user in fold.users:
        wanted["User", user, "user.paid__864000__"] = fold.users[user]
        wanted["User", user, "user.payment_count__864000__"] = fold.counts[user]
    for shop, amount in fold.shops.items():
        wanted["Shop", str(shop), "shop.taken__864000__"] = amount
    found = {}
    for kind, keys, features in (("User", list(fold.users), ["paid", "payment_count"]),
                                 ("Shop", [str(s) for s in fold.shops], ["taken"])):
        for row in command.query(folder, [(kind, k) for k in keys], features, now)["rows"]:
            for name, value in row["features"].items():
                found[kind, str(row["key"]), name] = value["value"]
    wrong = {k: (found.get(k), v) for k, v in wanted.items() if found.get(k) != v}
    assert not wrong, f"{len(wrong)} wrong values, such as (found, expected) " \
                      f"{dict(list(wrong.items())[:5])}"


def play(seed, events, kills):
    rng = random.Random(seed)
    within = rng.choice((1, 6, 24, 48))
    folder = tempfile.mkdtemp(prefix="windrow-dedup-")
    try:
        at = lambda name: os.path.join(folder, name)
        sent = messages(rng, 3 * events, within * HOUR)
        # Two files, one after the other, then what comes on standard input, with some of all again.
        parts = [sent[:events], sent[events:2 * events] + rng.sample(sent[:events], events // 20),
                 sent[2 * events:] + rng.sample(sent, events // 20)]
        with open(at("features.yaml"), "w", encoding="utf-8") as out:
            out.write(DECLARATION.replace("WITHIN", str(within)))
        fold = Fold(within * HOUR)
        run = ["run", at("features.yaml"), "--data", at("state"), "--once", "--shards", 2,
               "--memory", rng.choice(("16M", "32M")), "--checkpoint", rng.choice(("50ms", "1s"))]
        for number, name in enumerate(("first.ndjson", "second.ndjson")):
            write(at(name), parts[number])
            arguments = run + ["--input", f"payments={at(name)}"]
            killed = killed_often(rng, kills, arguments)
            print(f"  {name}: killed {killed} times", flush=True)
            command.run(*arguments, check=True)
            for m in parts[number]:
                fold.add(name, m)
            compare(at("state"), fold)
        # Every standard input is new input: what was read before a kill is known by nobody but
        # the journal, so here only the end is killed, after all of it was journalled.
        before = fold.duplicate, fold.applied, fold.skipped
        for m in parts[2]:
            fold.add("journal", m)
        write(at("third.ndjson"), parts[2])
        with open(at("third.ndjson"), "rb") as source:
            said = command.summary(command.run(*run, "--input", "payments=-", stdin=source.read(),
                                               check=True).text)
        got = said.get("duplicate"), said.get("applied"), said.get("skipped")
        after = fold.duplicate, fold.applied, fold.skipped
        expected = tuple(b - a for a, b in zip(before, after))
        assert got == expected, f"(duplicate, applied, skipped) {got}, expected {expected}"
        compare(at("state"), fold)
        assert fold.duplicate > events // 100, "too few duplicates to say anything"
        command.run("inspect", "--data", at("state"), "--verify", check=True)
    finally:
        shutil.rmtree(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", type=int, default=60_000, help="messages in each input")
    parser.add_argument("--kills", type=int, default=6, help="kills for each file at most")
    parser.add_argument("--rounds", type=int, default=1)
    given, _ = parser.parse_known_args()
    command.require()
    for seed in range(given.seed, given.seed + given.rounds):
        print(f"seed {seed}", flush=True)
        play(seed, given.events, given.kills)


if __name__ == "__main__":
    main()
