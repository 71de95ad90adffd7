"""The power goes out: runs are recorded, the disk is rebuilt as a cut at a random moment may leave
it, the folder is opened again, finished, and every value compared with the oracle.

    power_cut.py --states 1000
    power_cut.py --scenario push --state 371 --kept FOLDER      one of them again
    power_cut.py --no-sync --states 50     no sync counts: must end with differences

A state depends on the seed, its number and the recording; where one differs the laboratory with
its recording is kept.
"""

import argparse
import os
import random
import sys

import lab
import command
import recording
import scenarios
from lab import Fault

NAMES = ("create", "ingest", "letters", "push", "recover")
SCENARIOS = {**scenarios.ALL, **scenarios.SLOW}


class Recorded:
    """A scenario that ran once, undisturbed and recorded."""

    def __init__(self, scenario):
        self.scenario = scenario
        path = scenario.lab.path("recording-" + scenario.name)
        if not os.path.exists(path):
            outcome = scenario.run(scenario.begin("recorded"), Fault(log=path))
            if outcome.code != 0:
                raise command.Failed(f"{scenario.name} does not run undisturbed: {outcome}")
        self.events = recording.read(path)
        if OPTIONS.no_sync:
            self.events = [e for e in self.events
                           if e.kind not in (recording.SYNC_END, recording.WRITTEN)]

    def state(self, number, seed):
        """Builds state `number`; what was acknowledged before it."""
        rng = random.Random(f"cut {seed} {self.scenario.name} {number}")
        cut = rng.randint(0, len(self.events))
        disk = recording.Disk(self.scenario.base)
        for event in self.events[:cut]:
            disk.step(event)
        data = self.scenario.lab.fresh()
        disk.cut_power(rng, data)
        said = f"ack {recording.acknowledged(self.events, cut)}\n"
        return data, lab.Outcome(0, said, "", True, 0)


def judge(recorded, number, score):
    scenario = recorded.scenario
    try:
        data, outcome = recorded.state(number, OPTIONS.seed)
        problems = scenario.judge(data, outcome)
    except command.Failed as failure:
        problems = [failure]
    scenario.lab.keep |= bool(problems) and not OPTIONS.no_sync
    score.check(problems, f"WINDROW={command.find()} python3 {os.path.relpath(__file__)} --seed "
                f"{OPTIONS.seed} --scenario {scenario.name} --state {number} --kept "
                f"{scenario.lab.folder}")


def main():
    lab.require()
    score = lab.Score("power_cut")
    print(f"seed {OPTIONS.seed}")
    names = OPTIONS.scenario or NAMES
    share = -(-OPTIONS.states // len(names))
    for name in names:
        with lab.Lab("power", kept=OPTIONS.kept) as laboratory:
            recorded = Recorded(SCENARIOS[name](laboratory, OPTIONS.seed))
            numbers = range(share) if OPTIONS.state is None else [OPTIONS.state]
            for number in numbers:
                judge(recorded, number, score)
            print(f"{name}: {len(numbers)} states of {len(recorded.events)} events", flush=True)
    return score.end("states")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--states", type=int, default=50, help="how many, all scenarios together")
    parser.add_argument("--scenario", action="append", choices=SCENARIOS)
    parser.add_argument("--state", type=int, help="only this one")
    parser.add_argument("--kept", help="the laboratory that an earlier run has left")
    parser.add_argument("--no-sync", action="store_true", help="as if no sync had been made")
    OPTIONS = parser.parse_args()
    sys.exit(main())
