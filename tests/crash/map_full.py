"""LMDB files whose maps are full: said at once with the file's name, nothing acknowledged that is not
stored, no process ended by a signal; with maps as they are, the next run finishes.

    map_full.py [--seed N] [--tries N]
"""

import argparse
import os
import random
import re
import sys
from collections import Counter

import lab
import command
import scenarios
from lab import Fault

_PAGE = 4096


def judge(scenario, pages):
    """Runs with maps of so many pages, then with maps as they are."""
    data = scenario.begin()
    outcome = scenario.run(data, Fault(map_bytes=pages * _PAGE))
    problems = []
    if outcome.code < 0:
        problems.append(f"ended by a signal: {outcome}")
    if outcome.code > 0 and not ("data.mdb" in outcome.err and "is full" in outcome.err):
        problems.append(f"does not say which map is full: {outcome}")
    full = re.findall(r"(journal|seen|shards)[/\d]*/data\.mdb", outcome.err)
    return full, problems + scenario.judge(data, outcome)


def main():
    lab.require()
    score, rng, full = lab.Score("map_full"), random.Random(f"map {OPTIONS.seed}"), Counter()
    print(f"seed {OPTIONS.seed}")
    with lab.Lab("map") as laboratory:
        for name in ("create", "ingest", "repeats", "letters", "push", "recover"):
            scenario = scenarios.ALL[name](laboratory, OPTIONS.seed)
            for pages in sorted(rng.sample(range(8, 100), OPTIONS.tries)):
                try:
                    names, problems = judge(scenario, pages)
                except command.Failed as failure:
                    names, problems = [], [failure]
                full.update(set(names))
                score.check(problems, f"WINDROW={command.find()} python3 "
                            f"{os.path.relpath(__file__)} --seed {OPTIONS.seed} --tries "
                            f"{OPTIONS.tries}   # {name}, {pages} pages")
    score.check([f"the map of {name} was never full" for name in ("journal", "shards")
                 if not full[name]], "too much room")
    return score.end("runs, full maps: " + ", ".join(f"{n} of {name}" for name, n in full.items()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tries", type=int, default=6, help="sizes of maps, each scenario")
    OPTIONS = parser.parse_args()
    sys.exit(main())
