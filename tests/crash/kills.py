"""kill -9 at random moments, on a real disk: of runs that read growing files, of runs that read
standard input, of a program that pushes, and of a node that is pushed to by HTTP. Every few kills
the folder is finished and every value compared with the oracle.

    kills.py --kills 200
    kills.py --mode push --seed 7          one life of a folder again

In folders of odd seeds nine tenths of the payments are one user's, an eighth are repeats that
deduplication must find, and times are hours apart (`lab.World`).

The seed gives everything but the moments themselves, which depend on the machine: a difference
prints how long each process lived.
"""

import argparse
import bisect
import json
import os
import random
import subprocess
import sys
import time

import lab
import command
from http_push import Producer


class Life:
    """One data folder and all that is done to it."""

    payments = 2000

    def __init__(self, laboratory, seed):
        self.rng = random.Random(f"kills {self.mode} {seed}")
        self.world = lab.World(f"kills {self.mode} {seed}", self.payments, rough=seed % 2 == 1)
        self.lab, self.data = laboratory, laboratory.fresh()
        self.log = laboratory.path("log")
        self.shards = self.rng.choice([1, 2, 3])
        self.lives = []
        self.begin()

    def begin(self):
        """Makes what the processes need."""

    def live(self, arguments, feed=None, stdin=None):
        """Runs a process, killed after a random time; its standard output."""
        until = self.rng.choice([0.02, 0.1, 0.3]) * self.rng.uniform(0.1, 2)
        with open(self.log, "wb") as said, open(self.log + ".errors", "wb") as errors:
            process = subprocess.Popen(arguments, stdin=stdin or subprocess.DEVNULL, stdout=said,
                                       stderr=errors)
            end = time.monotonic() + until
            try:
                while time.monotonic() < end and process.poll() is None:
                    if feed:
                        feed(process)
                    time.sleep(0.001)
            finally:
                ended = process.poll()
                if ended is None:
                    command.kill(process)
                if process.stdin:
                    self.close(process.stdin)
        self.lives.append(f"{until * 1000:.0f} ms" if ended is None else f"ended with {ended}")
        with open(self.log, encoding="utf-8") as said:
            return said.read()

    @staticmethod
    def close(pipe):
        try:
            pipe.close()
        except BrokenPipeError:
            pass

    def complete(self):
        """The end of a life, where there is more to say than what `judge` says."""
        return []

    def run_arguments(self, *more):
        checkpoint = self.rng.choice(["1ms", "20ms", "100ms", "10s"])
        return [command.find(), "run", os.path.join(self.lab.folder, "features.yaml"), "--data",
                self.data, "--shards", str(self.shards), "--checkpoint", checkpoint, *more]

    def finish(self, *more):
        done = lab.windrow(self.run_arguments("--once", *more)[1:], self.data)
        if done.code != 0:
            raise command.Failed(f"the next run failed: {done}")


class Files(Life):
    """Two files that grow while they are followed or read once."""

    mode = "files"

    def begin(self):
        self.world.write(self.lab.folder, 0, 0)
        self.given = {"payments": 0, "users": 0}

    def more(self, lines):
        for name, known in (("payments", self.world.payments), ("users", self.world.users)):
            count = self.rng.randint(0, lines)
            with open(self.lab.path(name + ".ndjson"), "ab") as out:
                rest = known[self.given[name]:self.given[name] + count]
                out.write(b"".join(line + b"\n" for line in rest))
            self.given[name] += len(rest)

    def kill_one(self):
        self.more(150)
        if self.rng.random() < 0.5:
            self.live(self.run_arguments("--once"))
        else:
            self.live(self.run_arguments(), lambda _: self.rng.random() < 0.3 and self.more(5))

    def judge(self):
        self.finish()
        oracle = self.world.oracle(self.given["payments"], self.given["users"])
        return lab.verify(self.data) + self.world.differences(self.data, oracle)


class Counting(Life):
    """What counts can only be told by counting: a prefix of the payments, in whole pieces."""

    def begin(self):
        self.world.write(self.lab.folder, 0)
        self.finish()
        self.counted = 0        # payments that are known to count
        users = self.world.oracle(0).outcomes["applied"]
        self.applied = [self.world.oracle(n * self.piece).outcomes["applied"] - users
                        for n in range(-(-self.payments // self.piece) + 1)]

    def look(self, least, most, letters=False):
        """Finds how many pieces count and compares everything with their oracle."""
        count = self.world.payments_counted(self.data)
        pieces = bisect.bisect_left(self.applied, count)
        if pieces == len(self.applied) or self.applied[pieces] != count:
            return [f"{count} payments count, which is no number of whole pieces"]
        self.counted = pieces
        while self.counted < least and self.applied[self.counted + 1] == count:
            self.counted += 1   # pieces of which nothing is applied
        if not least <= self.counted <= most:
            return [f"{self.counted} pieces count, expected {least} to {most}"]
        return lab.verify(self.data) + self.world.differences(
            self.data, self.world.oracle(self.counted * self.piece), letters)


class StandardInput(Counting):
    """Lines through a pipe, without acknowledgement: some first lines of those given count."""

    mode, piece = "stdin", 1
    payments = 600

    def kill_one(self):
        self.given = self.counted

        def feed(process):
            lines = self.world.payments[self.given:self.given + self.rng.randint(1, 20)]
            try:
                process.stdin.write(b"".join(line + b"\n" for line in lines))
                process.stdin.flush()
                self.given += len(lines)
            except BrokenPipeError:
                pass

        self.live(self.run_arguments("--input", "payments=-", "--once"), feed, subprocess.PIPE)
        problems = self.look(self.counted, self.given + 20)
        if problems:
            raise command.Failed("; ".join(problems[:5]))

    def judge(self):
        return self.look(self.counted, self.counted)


class Acknowledged(Counting):
    """Standard input with acknowledgement, of a producer that begins again somewhat earlier."""

    mode, piece = "ack", 1
    payments = 600

    def feed(self, first, run, lines):
        said = run([*self.run_arguments("--input", "payments=-", "--once", "--ack", "--producer",
                                        "till", "--sequence", str(first))], lines)
        return first - 1 + max([0] + [json.loads(line)["acknowledged"] for line in
                                      said.splitlines() if line.startswith('{"ack')])

    def kill_one(self):
        first = max(1, self.counted + 1 - self.rng.choice([0, 0, 2, 9]))
        self.given = first - 1

        def more(process):
            lines = self.world.payments[self.given:self.given + self.rng.randint(1, 20)]
            try:
                process.stdin.write(b"".join(line + b"\n" for line in lines))
                process.stdin.flush()
                self.given += len(lines)
            except BrokenPipeError:
                pass

        acknowledged = self.feed(first, lambda a, f: self.live(a, f, subprocess.PIPE), more)
        problems = self.look(max(self.counted, acknowledged), self.given + 20)
        if problems:
            raise command.Failed("; ".join(problems[:5]))

    def judge(self):
        return self.look(self.counted, self.counted)

    def complete(self):
        """The whole input once more, from its beginning."""
        def whole(arguments, lines):
            done = command.run(*arguments[1:], stdin=lines, check=True)
            return done.out

        acknowledged = self.feed(1, whole, b"".join(line + b"\n" for line in self.world.payments))
        if acknowledged != self.payments:
            return [f"{acknowledged} lines are acknowledged of {self.payments}"]
        return self.look(self.payments, self.payments, letters=True)


class Push(Counting):
    """Batches through the library, by a producer that repeats the last ones it was told of: those
    acknowledged count, and perhaps the one under way."""

    mode, piece = "push", 10

    def push(self, first, run):
        arguments = [lab.CLIENT, os.path.join(self.lab.folder, "features.yaml"), self.data,
                     "payment_stream", self.lab.path("payments.ndjson"), str(self.piece),
                     str(first), str(len(self.applied) - 1),
                     str(self.rng.choice([1, 20, 100, 10000])), "till"]
        return run(arguments)

    def begin(self):
        super().begin()
        self.world.write(self.lab.folder)

    def kill_one(self):
        said = self.push(max(1, self.counted + 1 - self.rng.choice([0, 1, 3, 30])), self.live)
        acknowledged = max([self.counted] + [
            int(line.split()[1]) for line in said.splitlines() if line.startswith("ack ")])
        problems = self.look(acknowledged, acknowledged + 1)
        if problems:
            raise command.Failed("; ".join(problems[:5]))

    def judge(self):
        return self.look(self.counted, self.counted)

    def complete(self):
        """All batches once more."""
        closed = self.push(1, lambda a: lab.run(a[0], a[1:], self.data))
        if closed.code != 0:
            return [f"the next run failed: {closed}"]
        whole = len(self.applied) - 1
        return self.look(whole, whole, letters=True)


class Http(Counting):
    """The same by HTTP to a running node, by a client of its own."""

    mode, piece = "http", 10

    def begin(self):
        super().begin()
        self.batches = [b"".join(line + b"\n" for line in self.world.payments[i:i + self.piece])
                        for i in range(0, self.payments, self.piece)]

    def producer(self, first, known):
        return Producer(self.data, "payment_stream", self.batches, first, known,
                        self.rng.choice(["applied", "durable"]))

    def kill_one(self):
        producer = self.producer(max(1, self.counted + 1 - self.rng.choice([0, 1, 3, 30])),
                                 self.counted)
        producer.start()
        self.live(self.run_arguments())
        producer.stop()
        acknowledged = max(self.counted, producer.taken)
        problems = ([producer.problem] if producer.problem else
                    self.look(acknowledged, acknowledged + 1))
        if problems:
            raise command.Failed("; ".join(problems[:5]))

    def judge(self):
        return self.look(self.counted, self.counted)

    def complete(self):
        """All batches once more, to a node that is then stopped."""
        producer = self.producer(1, self.counted)
        process = command.start(*self.run_arguments()[1:], log=self.log)
        try:
            producer.start()
            producer.join(60)
            process.terminate()
            code = process.wait(60)
        finally:
            if process.poll() is None:
                command.kill(process)
            producer.stop()
        if producer.problem or code != 0 or producer.taken != len(self.batches):
            return [f"{producer.taken} batches taken, {producer.problem}, exit code {code}"]
        return self.look(len(self.batches), len(self.batches), letters=True)


MODES = {m.mode: m for m in (Files, StandardInput, Acknowledged, Push, Http)}


def live(mode, seed, score):
    """One folder's life; how many processes were killed."""
    with lab.Lab("kills", on_disk=True) as laboratory:
        life = MODES[mode](laboratory, seed)
        try:
            problems = []
            while len(life.lives) < OPTIONS.a_life and not problems:
                for _ in range(life.rng.randint(1, 3)):
                    life.kill_one()
                problems = life.judge()
            problems = problems or life.complete()
        except command.Failed as failure:
            problems = [failure]
        score.check(problems, f"WINDROW={command.find()} python3 {os.path.relpath(__file__)} "
                    f"--mode {mode} --seed {seed}   # {', '.join(life.lives)}")
        return sum(1 for one in life.lives if one.endswith("ms"))


def main():
    lab.require()
    score, killed = lab.Score("kills"), {mode: 0 for mode in OPTIONS.mode or MODES}
    seed = OPTIONS.seed
    print(f"seeds from {seed}")
    while True:
        for mode in killed:
            killed[mode] += live(mode, seed, score)
        seed += 1
        if sum(killed.values()) >= OPTIONS.kills:
            break
    print("killed: " + ", ".join(f"{mode} {count}" for mode, count in killed.items()))
    return score.end(f"folders, {sum(killed.values())} kills")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=1, help="at least so many")
    parser.add_argument("--a-life", type=int, default=12, help="processes that a folder sees")
    parser.add_argument("--mode", action="append", choices=MODES)
    OPTIONS = parser.parse_args()
    sys.exit(main())
