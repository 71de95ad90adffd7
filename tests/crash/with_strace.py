"""strace agrees. Counts with strace what the recorder of faulty.c saw: not one change of the data
folder may have escaped it. Then kills with strace's own injection, which needs no preloading: each
thread's n-th write or sync of every kind.

    with_strace.py --sample 6
"""

import argparse
import os
import random
import re
import shutil
import subprocess
import sys

import lab
import command
import recording
import scenarios

_CALLS = ("pwrite64", "writev", "fdatasync", "fsync", "ftruncate", "rename")
_RECORDED = {recording.WRITE: "write", recording.SYNC_BEGIN: "sync",
             recording.TRUNCATE: "truncate", recording.RENAME: "rename"}
_SEEN = {"write": "write", "pwrite64": "write", "writev": "write", "pwritev": "write",
         "pwritev2": "write", "fdatasync": "sync", "fsync": "sync", "msync": "sync",
         "ftruncate": "truncate", "rename": "rename", "renameat": "rename"}


class Strace(lab.Fault):
    """Runs under strace; by default only watched."""

    def __init__(self, *options, log=None):
        super().__init__(log=log)
        self.prefix = ["strace", "-f", "-qq", *options]


def check_counts(scenario):
    """Differences between what strace and the recorder saw of one run."""
    data = scenario.begin()
    log, seen = scenario.lab.path("log-" + scenario.name), scenario.lab.path("seen")
    outcome = scenario.run(data, Strace("-y", "-o", seen, "-e", "trace=" + ",".join(_SEEN),
                                        log=log))
    if outcome.code != 0:
        return [f"did not run: {outcome}"]
    counted, recorded = {}, {}
    with open(seen, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            call = re.match(r"\d+ +(\w+)\((.*)", line)
            if call and data in call.group(2) and "resumed>" not in line:
                what = _SEEN[call.group(1)]
                counted[what] = counted.get(what, 0) + 1
    for event in recording.read(log):
        if event.kind in _RECORDED:
            what = _RECORDED[event.kind]
            recorded[what] = recorded.get(what, 0) + 1
    if counted == recorded and counted.get("write", 0) > 10:
        return []
    return [f"strace saw {counted}, the recorder {recorded}"]


def check_kill(scenario, call, number, score):
    data = scenario.begin()
    outcome = scenario.run(data, Strace("-o", "/dev/null", "-e", f"trace={call}", "-e",
                                        f"inject={call}:signal=KILL:when={number}"))
    if outcome.code == 0:
        return False
    try:
        problems = scenario.judge(data, outcome)
    except command.Failed as failure:
        problems = [failure]
    if not lab.died_of(outcome):
        problems.append(f"not killed: {outcome}")
    score.check(problems, f"WINDROW={command.find()} python3 {os.path.relpath(__file__)} --seed "
                f"{OPTIONS.seed} --scenario {scenario.name} --call {call} --number {number}")
    return True


def main():
    lab.require()
    if not shutil.which("strace") or subprocess.run(
            ["strace", "-qq", "-o", "/dev/null", "true"], check=False).returncode:
        print("skipped: strace is not installed or may not trace")
        return 0
    score, rng = lab.Score("with_strace"), random.Random(f"strace {OPTIONS.seed}")
    print(f"seed {OPTIONS.seed}")
    with lab.Lab("strace") as laboratory:
        for name in OPTIONS.scenario or ("create", "ingest", "push"):
            scenario = scenarios.ALL[name](laboratory, OPTIONS.seed)
            score.check(check_counts(scenario), f"{name}: counts")
            for call in [OPTIONS.call] if OPTIONS.call else _CALLS:
                numbers = range(1, 200)
                if OPTIONS.sample:
                    numbers = sorted(rng.sample(range(1, 12), OPTIONS.sample))
                for number in [OPTIONS.number] if OPTIONS.number else numbers:
                    if not check_kill(scenario, call, number, score):
                        break
    return score.end("runs")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sample", type=int, help="how many numbers of each call")
    parser.add_argument("--scenario", action="append", choices=scenarios.ALL)
    parser.add_argument("--call", choices=_CALLS)
    parser.add_argument("--number", type=int)
    OPTIONS = parser.parse_args()
    sys.exit(main())
