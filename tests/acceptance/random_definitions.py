"""Random declarations and events through the `windrow` command, judged by the naive oracle.

For each seed: write the declaration and its sources, `check`, `run --once` for several shard
counts and a small memory budget, ask every query and compare each answer. With --kill the run is
ended by kill -9 at random moments and started again until it finishes, its files growing
meanwhile. A difference prints one line to repeat it with, and keeps the files.

    random_definitions.py --seeds 20                 twenty seeds
    random_definitions.py --seed 17 --kill           one of them again
    random_definitions.py --time-limit 30            as many as fit
    random_definitions.py --events 50000 --entities 20000 --memory 16777216   state beyond memory
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import command  # noqa: E402
import generate  # noqa: E402
import judge  # noqa: E402
import times  # noqa: E402
from oracle import Oracle  # noqa: E402

_SHOWN = 12


def feed(case):
    oracle = Oracle(case.definition)
    for source, data in case.files.items():
        oracle.feed_file(source, data)
    return oracle


def compare(case, oracle, data):
    """All differences between the folder's answers and the oracle's."""
    problems = []
    for q in case.queries:
        answer = command.query(data, [(q.entity_class, k) for k in q.keys], q.spellings,
                               times.format_instant(q.now))
        problems += [f"--now {times.format_instant(q.now)} {p}" for p in judge.compare_answer(
            oracle, q.entity_class, q.keys, q.names, q.now, answer)]
    return problems


def compare_summary(oracle, result):
    """Differences between the run's summary, where it can be read, and the oracle's count."""
    said = command.summary(result.text)
    wanted = {**oracle.outcomes, "read": sum(oracle.outcomes.values())}
    return [f"the summary says {key} {said[key]}, expected {wanted[key]}"
            for key in wanted if key in said and said[key] != wanted[key]]


def run_whole(case, oracle, folder, path, options, shards, memory):
    """One uninterrupted run into a new folder."""
    data = os.path.join(folder, f"data-{shards}-{memory or 'unlimited'}")
    arguments = ["run", path, "--data", data, "--once", "--shards", shards]
    if memory:
        arguments += ["--memory", memory]
    result = command.run(*arguments, check=True, timeout=options.timeout)
    return compare_summary(oracle, result) + compare(case, oracle, data)


def dead_letters(data):
    """The lines of the dead letters' listing: equal input must give equally many."""
    return len(command.run("deadletters", "list", "--data", data, check=True).out.splitlines())


class Grower:
    """Hands the sources of a case to a run piece by piece, in files that only grow."""

    def __init__(self, case, folder, rng):
        self.folder, self.rng = folder, rng
        self.rest = {case.paths[s]: data for s, data in case.files.items()}
        for name in self.rest:
            with open(os.path.join(folder, name), "wb"):
                pass

    def _append(self, name, size):
        data = self.rest[name]
        with open(os.path.join(self.folder, name), "ab") as out:
            out.write(data[:size])
        self.rest[name] = data[size:]

    def more(self, whole_lines):
        """Appends a random piece to each file; `whole_lines` where an unterminated line counts."""
        for name, data in self.rest.items():
            size = self.rng.randint(0, max(1, len(data) // 2))
            if whole_lines and size < len(data):
                size = data.rfind(b"\n", 0, size) + 1
            self._append(name, size)

    def everything(self):
        for name, data in self.rest.items():
            self._append(name, len(data))


def run_killed(case, oracle, folder, path, options, rng):
    """A run killed at random moments while its files grow, then finished."""
    data, log = os.path.join(folder, "data-killed"), os.path.join(folder, "killed.log")
    shards, grower = rng.choice([1, 2, 5]), Grower(case, folder, rng)
    arguments = ["run", path, "--data", data, "--shards", shards, "--checkpoint",
                 rng.choice(["20ms", "100ms", "1s"])]
    if rng.random() < 0.4:
        arguments += ["--memory", options.memory]
    follow = rng.random() < 0.6
    for _ in range(rng.randint(2, 7)):
        grower.more(whole_lines=not follow)
        process = command.start(*arguments, *([] if follow else ["--once"]), log=log)
        until = time.monotonic() + rng.choice([0.01, 0.05, 0.2, 0.6]) * rng.random() * 2
        while time.monotonic() < until and process.poll() is None:
            time.sleep(0.005)
            if follow and rng.random() < 0.1:
                grower.more(whole_lines=False)
        if process.poll() is None:
            command.kill(process)
        elif process.returncode != 0 or follow:
            raise command.Failed(f"the run ended by itself with {process.returncode}: see {log}")
    grower.everything()
    command.run(*arguments, "--once", check=True, timeout=options.timeout)
    problems = compare(case, oracle, data)
    again = command.run(*arguments, "--once", check=True, timeout=options.timeout)
    if command.summary(again.text).get("applied", 0) != 0:
        problems.append(f"a run with nothing new applied something: {again}")
    clean = os.path.join(folder, "data-clean")
    command.run("run", path, "--data", clean, "--once", check=True, timeout=options.timeout)
    if dead_letters(clean) != dead_letters(data):
        problems.append(f"{dead_letters(data)} lines of dead letters, without the kills "
                        f"{dead_letters(clean)}")
    return problems + [f"after the last run: {p}" for p in compare(case, oracle, data)]


def judge_seed(seed, options, folder):
    """All differences of one seed, each saying in which run."""
    case = generate.make(seed, options.events, options.entities)
    path = generate.write(case, folder)
    command.run("check", path, check=True)
    oracle = feed(case)
    problems = []
    if options.kill:
        rng = random.Random(f"kill {seed} {options.salt}")
        return [f"killed: {p}" for p in run_killed(case, oracle, folder, path, options, rng)]
    for shards, memory in [(1, None), (2, None), (5, None), (2, options.memory)]:
        found = run_whole(case, oracle, folder, path, options, shards, memory)
        problems += [f"shards {shards} memory {memory or 'default'}: {p}" for p in found]
    return problems


def repro(seed, options):
    words = [f"WINDROW={command.find()} python3 {os.path.relpath(__file__)} --seed {seed}"]
    words += ["--kill"] if options.kill else []
    words += [f"--salt {options.salt}"] if options.salt else []
    words += [f"--events {options.events}"] if options.events != 400 else []
    words += [f"--entities {options.entities}"] if options.entities else []
    return " ".join(words + [f"--memory {options.memory}"])


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=0, help="how many seeds to judge")
    parser.add_argument("--seed", type=int, help="the first seed (alone: the only one)")
    parser.add_argument("--kill", action="store_true", help="kill -9 the runs at random moments")
    parser.add_argument("--salt", type=int, default=0, help="other moments of killing")
    parser.add_argument("--events", type=int, default=400, help="lines of the largest source")
    parser.add_argument("--entities", type=int, help="keys a class has")
    parser.add_argument("--memory", type=int, default=16 << 20, help="bytes, for the small budget")
    parser.add_argument("--time-limit", type=float, default=0, help="seconds; stops between seeds")
    parser.add_argument("--timeout", type=float, default=120, help="seconds for one run")
    parser.add_argument("--stop", action="store_true", help="stop at the first difference")
    options = parser.parse_args()
    if not options.seeds:
        alone = options.seed is not None
        options.seeds = 1 if alone and not options.time_limit else 10**9 if options.time_limit else 10
    options.seed = 1 if options.seed is None else options.seed
    return options


def main():
    options = parse_arguments()
    command.require()
    begun, judged, failed = time.monotonic(), 0, 0
    for seed in range(options.seed, options.seed + options.seeds):
        if judged and options.time_limit and time.monotonic() - begun > options.time_limit:
            break
        folder = tempfile.mkdtemp(prefix=f"windrow-seed-{seed}-")
        try:
            problems = judge_seed(seed, options, folder)
        except command.Failed as failure:
            problems = [str(failure)]
        except Exception:  # a judge that falls over is a failure too, with its seed
            problems = [traceback.format_exc()]
        judged += 1
        if not problems:
            shutil.rmtree(folder)
            continue
        failed += 1
        print(f"DIFFERENT seed {seed}: {repro(seed, options)}   # files in {folder}")
        for problem in problems[:_SHOWN]:
            print("    " + problem)
        if len(problems) > _SHOWN:
            print(f"    … and {len(problems) - _SHOWN} more")
        sys.stdout.flush()
        if options.stop:
            break
    print(f"{judged} seeds judged in {time.monotonic() - begun:.1f} s, {failed} different"
          + (" (with kills)" if options.kill else ""))
    return 1 if failed or not judged else 0


if __name__ == "__main__":
    sys.exit(main())
