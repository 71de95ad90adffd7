"""Something happens at the n-th call that changes the data folder, for every n: the process is
killed before it, after it or halfway through it, or the call fails. Then the folder is opened
again, finished, and every value compared with the oracle.

    every_call.py --kill                       killed, in every scenario
    every_call.py --fail                       EIO, ENOSPC and short writes
    every_call.py --sample 12                  no more than twelve calls of each
    every_call.py --scenario push --action torn --call 17     one of them again
"""

import argparse
import os
import random
import sys

import lab
import command
import scenarios
from lab import Fault

#: action: calls at which it makes sense
KILLS = {"kill": "wstonud", "killed": "wstonud", "torn": "w"}
FAILURES = {"5": "wstonud", "28": "wtond", "short": "w"}


def judge_failure(scenario, data, outcome):
    """A call failed: that is said, nothing is acknowledged that is not stored, and it recovers."""
    if outcome.code < 0:
        return [f"ended by a signal: {outcome}"]
    if outcome.code != 0 and not outcome.err.strip():
        return [f"failed without a word: {outcome}"]
    return scenario.judge(data, outcome)


def judge_kill(scenario, data, outcome):
    if not lab.died_of(outcome):
        return [f"not killed: {outcome}"]
    return scenario.judge(data, outcome)


def try_call(scenario, action, calls, number, score):
    """Runs with one fault; False where the run ended before it."""
    data = scenario.begin()
    fault = Fault(action, number, calls=calls)
    # A disk that is full stays full.
    if action == "28":
        fault.until = 10**9
    try:
        outcome = scenario.run(data, fault)
        if not outcome.fired:
            return False
        judge = judge_kill if action in KILLS else judge_failure
        problems = judge(scenario, data, outcome)
    except command.Failed as failure:
        problems = [failure]
    score.check(problems, f"WINDROW={command.find()} python3 {os.path.relpath(__file__)} --seed "
                f"{OPTIONS.seed} --scenario {scenario.name} --action {action} --call {number}")
    return True


def numbers(scenario, calls):
    """Which calls to try: all, and a few more because threads take turns differently."""
    if OPTIONS.call:
        return [OPTIONS.call]
    count = scenarios.count_calls(scenario, calls)
    if OPTIONS.sample and OPTIONS.sample < count:
        return sorted(random.Random(f"{OPTIONS.seed} {scenario.name}").sample(
            range(1, count + 1), OPTIONS.sample))
    return range(1, count + 40)


def interrupt(scenario, actions, score):
    for action, calls in actions.items():
        tried = 0
        for number in numbers(scenario, calls):
            if try_call(scenario, action, calls, number, score):
                tried += 1
            elif not OPTIONS.sample:
                break
        print(f"{scenario.name}: {action} at {tried} of the calls `{calls}`", flush=True)


def main():
    lab.require()
    score = lab.Score("every_call")
    actions = {OPTIONS.action: {**KILLS, **FAILURES}[OPTIONS.action]} if OPTIONS.action else {
        **(KILLS if OPTIONS.kill else {}), **(FAILURES if OPTIONS.fail else {})}
    print(f"seed {OPTIONS.seed}")
    for name in OPTIONS.scenario or scenarios.ALL:
        with lab.Lab("calls") as laboratory:
            try:
                kind = {**scenarios.ALL, **scenarios.SLOW}[name]
                interrupt(kind(laboratory, OPTIONS.seed), actions, score)
            except command.Failed as failure:
                score.check([failure], f"{name}, undisturbed")
    return score.end("runs")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kill", action="store_true")
    parser.add_argument("--fail", action="store_true")
    parser.add_argument("--sample", type=int, help="how many calls of each scenario and action")
    parser.add_argument("--scenario", action="append", choices={**scenarios.ALL, **scenarios.SLOW})
    parser.add_argument("--action", choices=[*KILLS, *FAILURES])
    parser.add_argument("--call", type=int, help="the number of the call")
    OPTIONS = parser.parse_args()
    if not (OPTIONS.kill or OPTIONS.fail):
        OPTIONS.kill = OPTIONS.fail = True
    sys.exit(main())
