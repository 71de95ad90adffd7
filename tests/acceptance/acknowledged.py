"""`windrow run --ack --producer`: killed at random moments and fed again until all is acknowledged.

    acknowledged.py                        seeds 1 to 10
    acknowledged.py --seed 17              one seed
    acknowledged.py --time-limit 60        as many as fit

What was acknowledged must be known to the next run, and in the end every line must have been
counted once: compared with a fold of the lines that shares nothing with the command.
"""

import argparse
import collections
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import command  # noqa: E402

DECLARATION = """\
features:
  Sale:
    fields: { id: int, shop: str, cents: int, at: FeatureTime }
  Shop:
    fields:
      id: str
      sales: { has_many: Sale, join: Shop.id == Sale.shop }
      cents: { windowed: [1d], expression: "_.sales[_.cents].sum()",
               materialization: { bucket_duration: 1h } }
      sold: { windowed: [1d], expression: _.sales.count(),
              materialization: { bucket_duration: 1h } }
sources:
  sales: { file: sales.ndjson }
streams:
  sales:
    source: sales
    message: { id: int, shop: str, cents: int, at: datetime }
    output: { Sale.id: _.id, Sale.shop: _.shop, Sale.cents: _.cents, Sale.at: _.at }
"""
NOW = "2026-03-01T23:00:00Z"
SHOPS = 7
LONG_LINE = b"x" * (10 << 20)


def make_lines(rng):
    """Lines of input, some of them bad, blank or too long; and what they must add up to."""
    lines, sums, bad = [], collections.defaultdict(lambda: [0, 0]), 0
    for number in range(rng.choice([60, 600, 6000])):
        kind = rng.random()
        if kind < 0.04:
            lines.append(rng.choice([b"", b"  ", b"\t", b"\r"]))
        elif kind < 0.07:
            lines.append(rng.choice([b"{oops", b"[]", b'{"id": 1}', b"\xff"]))
            bad += 1
        elif kind < 0.0701:
            lines.append(LONG_LINE)
            bad += 1
        else:
            shop, cents = f"s{rng.randrange(SHOPS)}", rng.randrange(10_000)
            lines.append(json.dumps({"id": number, "shop": shop, "cents": cents,
                                     "at": f"2026-03-01T{rng.randrange(23):02}:10:00Z"}).encode())
            sums[shop][0] += cents
            sums[shop][1] += 1
    if rng.random() < 0.3:
        lines.insert(rng.randrange(len(lines)), LONG_LINE)
        bad += 1
    return lines, sums, bad


class Feeding:
    """One run of the command: lines go in, acknowledgements come out."""

    def __init__(self, rng, folder, data, lines, first):
        self.acknowledged, self.resumed, self.garbage = 0, None, []
        words = ["run", os.path.join(folder, "features.yaml"), "--data", data, "--input", "sales=-",
                 "--checkpoint", "50ms", "--ack", "--producer", "feeder ü"]
        if first > 1 or rng.random() < 0.5:
            words += ["--sequence", str(first)]
        self.log = open(os.path.join(folder, "log"), "ab")
        self.process = subprocess.Popen([command.find(), *words], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.log)
        self.writer = threading.Thread(target=self.write, args=(rng.random(), lines[first - 1:]))
        self.reader = threading.Thread(target=self.read)
        self.writer.start()
        self.reader.start()

    def write(self, seed, lines):
        rng, last_ends = random.Random(seed), seed < 0.5
        try:
            # A last line may lack its end where it is an object that is closed.
            last_ends |= not lines[-1].endswith(b"}")
            while lines:
                count = rng.choice([1, 1, 5, 100, 10_000])
                part, lines = lines[:count], lines[count:]
                data = b"\n".join(part) + (b"\n" if lines or last_ends else b"")
                self.process.stdin.write(data)
                self.process.stdin.flush()
            self.process.stdin.close()
        except OSError:
            pass  # it was killed

    def read(self):
        for line in self.process.stdout:
            if not line.endswith(b"\n"):
                continue  # cut by the kill
            said = json.loads(line)
            if list(said) == ["producer", "sequence"] and self.resumed is None:
                self.resumed = said["sequence"]
            elif list(said) == ["acknowledged"] and said["acknowledged"] > self.acknowledged:
                self.acknowledged = said["acknowledged"]
            else:
                self.garbage.append(said)

    def end(self, timeout):
        """Waits for the end; the exit code."""
        try:
            code = self.process.wait(timeout)
        finally:
            self.process.kill()
            self.writer.join()
            self.reader.join()
            self.process.stdout.close()
            self.log.close()
        return code

    def kill(self):
        self.process.kill()
        return self.end(30)


def feed_until_done(rng, folder, data, lines):
    """Problems; and how many runs were killed."""
    acknowledged, kills = 0, 0
    while True:
        first = rng.choice([1, acknowledged + 1, max(1, acknowledged - rng.randrange(50))])
        first = min(first, len(lines))
        run = Feeding(rng, folder, data, lines, first)
        to_the_end = kills >= 8 or rng.random() < 0.1
        if not to_the_end:
            # From before the folder is there to after the last line.
            time.sleep(rng.choice([0.02, 0.1, 0.3]) * rng.random())
            wanted = rng.randrange(len(lines))
            until = time.monotonic() + rng.random() * 0.5
            while time.monotonic() < until and first - 1 + run.acknowledged < wanted:
                time.sleep(0.002)
        code = run.end(120) if to_the_end else run.kill()
        if run.garbage:
            return [f"standard output has {run.garbage[:3]}"], kills
        if run.resumed is not None and run.resumed < acknowledged:
            return [f"line {acknowledged} was acknowledged, but the next run resumes after "
                    f"{run.resumed}"], kills
        if run.resumed is None and run.acknowledged:
            return ["lines were acknowledged before the producer was reported"], kills
        acknowledged = max(acknowledged, first - 1 + run.acknowledged)
        if to_the_end:
            if code != 0:
                return [f"the run to the end ended with {code}"], kills
            if acknowledged != len(lines):
                return [f"{acknowledged} of {len(lines)} lines were acknowledged"], kills
            return [], kills
        kills += 1


def judge_seed(seed, folder):
    rng = random.Random(seed)
    with open(os.path.join(folder, "features.yaml"), "w", encoding="utf-8") as out:
        out.write(DECLARATION)
    data = os.path.join(folder, "data")
    lines, sums, bad = make_lines(rng)
    problems, kills = feed_until_done(rng, folder, data, lines)
    if problems:
        return problems, kills
    shops = [f"s{i}" for i in range(SHOPS)]
    answer = command.query(data, [("Shop", s) for s in shops], ["cents", "sold"], NOW)
    for shop, row in zip(shops, answer["rows"]):
        found = [row["features"][f"shop.{f}__86400__"]["value"] for f in ("cents", "sold")]
        if found != sums[shop]:
            problems.append(f"{shop} has {found}, the lines add up to {sums[shop]}")
    letters = command.run("deadletters", "list", "--data", data, "--limit", "0", "--json",
                          check=True)
    found = len(json.loads(letters.out)["letters"])
    if found != bad:
        problems.append(f"{found} dead letters of {bad} bad lines")
    return problems, kills


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, help="the first seed (alone: the only one)")
    parser.add_argument("--time-limit", type=float, default=0, help="seconds; stops between seeds")
    options = parser.parse_args()
    command.require()
    alone = options.seed is not None and not options.time_limit
    begun, seed, failed, kills, judged = time.monotonic(), options.seed or 1, 0, 0, 0
    while judged < (1 if alone else 10) or options.time_limit:
        if judged and options.time_limit and time.monotonic() - begun > options.time_limit:
            break
        folder = tempfile.mkdtemp(prefix=f"windrow-ack-{seed}-")
        problems, killed = judge_seed(seed, folder)
        kills += killed
        judged += 1
        if problems:
            failed += 1
            print(f"DIFFERENT seed {seed}: python3 {os.path.relpath(__file__)} --seed {seed}   "
                  f"# files in {folder}")
            for problem in problems:
                print("    " + problem)
        else:
            shutil.rmtree(folder)
        seed += 1
    print(f"{judged} seeds judged in {time.monotonic() - begun:.1f} s with {kills} kills, "
          f"{failed} different")
    return 1 if failed or not judged else 0


if __name__ == "__main__":
    sys.exit(main())
