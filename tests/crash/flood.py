"""Traffic that is hard: one key with nine tenths of it, times late and ahead, duplicates, disorder,
and one message in a hundred poison of every kind. Poisoned runs, in turn with clean ones, must keep
four fifths of their rate by the wall clock; memory must stay within its limit; every key's total must
be a naive fold's.

    flood.py --messages 1000000 --memory 64
"""

import argparse
import os
import random
import re
import resource
import statistics
import subprocess
import sys
import time
from collections import Counter

import lab
import command

_POISON = [
    b"nonsense", b"", b"{", b"[1, 2]", b"null", b'"text"', b"\xff\xfe", b'{"id": "x"}',
    b'{"id": 1, "user": "u", "amount": 1, "ts": "2024-03-01T00:00:00Z"}',
    b'{"id": "x", "user": "u", "amount": "1", "ts": "2024-03-01T00:00:00Z"}',
    b'{"id": "x", "user": "u", "amount": 1.5, "ts": "2024-03-01T00:00:00Z"}',
    b'{"id": "x", "user": "u", "amount": 1e400, "ts": "2024-03-01T00:00:00Z"}',
    b'{"id": "x", "user": "u", "amount": 99999999999999999999, "ts": "2024-03-01T00:00:00Z"}',
    b'{"id": "x", "user": null, "amount": 1, "ts": "2024-03-01T00:00:00Z"}',
    b'{"id": "x", "user": "u", "amount": 1, "ts": "2124-03-01T00:00:00Z"}',
    b'{"id": "x", "user": "u", "amount": 1, "ts": "yesterday"}',
    b'{"id": "x", "user": "u", "amount": 1, "ts": "2024-02-31T00:00:00Z"}',
    b'{"id": "x", "user": "\\ud800", "amount": 1, "ts": "2024-03-01T00:00:00Z"}',
    b"[" * 2000, b'{"id": "' + b"x" * 5000]

_DECLARATION = """\
features:
  Payment: { fields: { id: str, user: str, amount: int, ts: FeatureTime } }
  User:
    fields:
      id: str
      payments: { has_many: Payment, join: User.id == Payment.user }
      total:
        windowed: [1h, all]
        expression: _.payments[_.amount].sum()
        materialization: { bucket_duration: 1m, bucket_durations: { 1d: [all] } }
sources: { payments: { file: payments.ndjson } }
streams:
  payment_stream:
    source: payments
    message: { id: str, user: str, amount: int, ts: datetime }
    output: { Payment.id: _.id, Payment.user: _.user, Payment.amount: _.amount, Payment.ts: _.ts }
"""


def write(path, rng, messages, poison, hot):
    """Writes the messages; the naive totals of all keys, and how many are poison."""
    totals, bad = Counter(), 0
    with open(path, "wb", buffering=1 << 20) as out:
        for i in range(messages):
            if poison and rng.random() < 0.01:
                out.write(_POISON[bad % len(_POISON)] + b"\n")
                bad += 1
                continue
            user = "hot" if rng.random() < hot else f"user-{rng.randrange(messages // 5)}"
            amount = rng.randrange(1000)
            second = max(0, i // 500 - rng.choice([0, 0, 1, 30, 900]))
            line = (b'{"id": "p%d", "user": "%s", "amount": %d, "ts": "2024-03-01T%02d:%02d:%02dZ"}'
                    b"\n" % (i, user.encode(), amount, second // 3600, second // 60 % 60,
                             second % 60))
            again = 2 if rng.random() < 0.01 else 1  # the same line twice counts twice
            out.write(line * again)
            totals[user] += amount * again
    return totals, bad


def run(folder, data):
    """(seconds, seconds of processor time, most anonymous memory in MiB, output) of a whole run."""
    most, before, begun = 0, resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    with subprocess.Popen([command.find(), "run", os.path.join(folder, "features.yaml"), "--data",
                           data, "--once", "--memory", f"{OPTIONS.memory}M"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        while process.poll() is None:
            try:
                with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
                    found = re.search(r"RssAnon:\s+(\d+)", status.read())
                most = max(most, int(found.group(1)) if found else 0)
            except OSError:
                pass
            time.sleep(0.01)
        took = time.monotonic() - begun
        said = process.stdout.read().decode()
    if process.returncode != 0:
        raise command.Failed(said)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return took, spent, most / 1024, said


def wrong_totals(data, totals, rng):
    keys = ["hot"] + rng.sample(sorted(totals), min(500, len(totals)))
    answer = command.query(data, [("User", key) for key in keys], ["total[all]"],
                           "2024-03-01T23:00:00Z")
    return [f"{key} has {row['features']}, expected {totals[key]}"
            for key, row in zip(keys, answer["rows"])
            if [v["value"] for v in row["features"].values()] != [totals[key]]]


def check(laboratory, name, written, runs, score, rng):
    """Prints and judges the runs of one kind of traffic; their seconds by the clock."""
    totals, bad = written
    problems = wrong_totals(laboratory.path("data-" + name), totals, rng)
    dead = command.summary(runs[0][3]).get("dead")
    # An empty line is no message.
    if not bad * 0.9 <= dead <= bad:
        problems.append(f"{dead} dead letters of {bad} poisonous lines")
    memory = max(r[2] for r in runs)
    if memory > OPTIONS.memory * 1.1:
        problems.append(f"{memory:.0f} MiB of anonymous memory")
    took, spent = (statistics.median(r[i] for r in runs) for i in (0, 1))
    print(f"{name}: {OPTIONS.messages / took:.0f} messages a second, {OPTIONS.messages / spent:.0f} "
          f"a second of processor time (medians of {len(runs)}), {memory:.0f} MiB of anonymous "
          f"memory at most with --memory {OPTIONS.memory}M, {dead} dead letters", flush=True)
    score.check(problems, f"{name} seed {OPTIONS.seed}")


def main():
    lab.require()
    score, rng = lab.Score("flood"), random.Random(f"flood {OPTIONS.seed}")
    print(f"seed {OPTIONS.seed}")
    kinds = {"clean": (False, 0.1), "poison": (True, 0.1), "hot": (False, 0.9)}
    with lab.Lab("flood", on_disk=True) as laboratory:
        written, runs = {}, {name: [] for name in kinds}
        for name, (poison, hot) in kinds.items():
            folder = laboratory.fresh(name)
            os.mkdir(folder)
            with open(os.path.join(folder, "features.yaml"), "w", encoding="utf-8") as out:
                out.write(_DECLARATION)
            written[name] = write(os.path.join(folder, "payments.ndjson"), rng, OPTIONS.messages,
                                  poison, hot)
        for _ in range(OPTIONS.times):  # in turn, as others may use the machine
            for name in kinds:
                runs[name].append(run(laboratory.path(name), laboratory.fresh("data-" + name)))
        for name in kinds:
            check(laboratory, name, written[name], runs[name], score, rng)
        for unit, i in (("by the clock", 0), ("of processor time", 1)):
            ratio = statistics.median(clean[i] / poison[i]
                                      for clean, poison in zip(runs["clean"], runs["poison"]))
            print(f"with poison at {ratio:.2f} of the clean rate {unit}")
            score.check([] if ratio >= 0.8 else [f"{ratio:.2f} is below 0.8"],
                        f"the poisoned rate {unit}")
    return score.end("checks")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--messages", type=int, default=300_000)
    parser.add_argument("--memory", type=int, default=64, help="MiB")
    parser.add_argument("--times", type=int, default=7, help="runs of each kind")
    OPTIONS = parser.parse_args()
    sys.exit(main())
