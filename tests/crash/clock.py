"""Replay does not look at the clock: lines half an hour ahead are dead letters or not by the time
at which they arrived. A run is killed at some call, and finished an hour earlier or later by the
wall clock. Each line must then have been decided once: it counts everywhere, or it is a letter.

    clock.py --sample 20
"""

import argparse
import json
import os
import random
import sys
import time

import lab
import command
import scenarios
import times
from lab import Fault
from oracle import Oracle

_HOUR = 3600


class Ahead(scenarios.Create):
    """Payments half an hour ahead of now."""

    name = "ahead"
    payments = 300

    def make_world(self, seed):
        world = super().make_world(seed)
        at = (int(time.time()) + _HOUR // 2) * times.SECOND
        for i, line in enumerate(world.payments):
            message = json.loads(line) if line.startswith(b"{") else {"id": f"n{i}"}
            message.update(ts=times.format_instant(at + i * times.SECOND), amount=i, keep=True,
                           user=world.user_keys[i % len(world.user_keys)])
            for name in ("shop", "terminal", "weight", "country"):
                message.setdefault(name, None)
            world.payments[i] = json.dumps(message).encode()
        return world

    def judge(self, data, outcome):
        letters = {letter["bytes"] for letter in lab.dead_letters(data)}
        oracle = Oracle(lab.DEFINITION)
        for source, lines in (("users", self.world.users), ("payments", self.world.payments)):
            for line in lines:
                if line.decode() not in letters:
                    oracle.feed(source, line, 2**60)
        return self.world.differences(data, oracle, letters=False)


def try_call(scenario, number, first, second, score):
    data = scenario.begin()
    killed = scenario.run_files(data, Fault("kill", number, calls="ws", clock=first))
    finished = scenario.run_files(data, Fault(clock=second))
    try:
        problems = scenario.judge(data, killed)
    except command.Failed as failure:
        problems = [failure]
    if finished.code != 0:
        problems.append(f"the next run failed: {finished}")
    score.check(problems, f"WINDROW={command.find()} python3 {os.path.relpath(__file__)} --seed "
                f"{OPTIONS.seed} --call {number}   # clock {first:+} s, then {second:+} s")


def main():
    lab.require()
    score = lab.Score("clock")
    rng = random.Random(f"clock {OPTIONS.seed}")
    print(f"seed {OPTIONS.seed}")
    with lab.Lab("clock") as laboratory:
        scenario = Ahead(laboratory, OPTIONS.seed)
        count = scenarios.count_calls(scenario, "ws")
        # Before the first calls that count nothing has been read.
        numbers = [OPTIONS.call] if OPTIONS.call else sorted(
            rng.randrange(count // 3, count) for _ in range(OPTIONS.sample))
        for number in numbers:
            for first, second in ((0, _HOUR), (_HOUR, 0)):
                try_call(scenario, number, first, second, score)
    return score.end("runs")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sample", type=int, default=12, help="calls at which a run is killed")
    parser.add_argument("--call", type=int, help="only this one")
    OPTIONS = parser.parse_args()
    sys.exit(main())
