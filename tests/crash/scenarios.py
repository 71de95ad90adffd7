"""Short runs that the laboratory interrupts: each makes a folder, runs, is finished and judged.

Files are their own log, so that after any interruption one more run must give the answers of the
whole input. Of pushes, those that were acknowledged count, and the one under way counts whole or
not at all.
"""

import os
import threading

import lab
import command
from lab import Fault


class Scenario:
    """A world in a folder of the laboratory, and a data folder to begin with (or none)."""

    name = ""
    payments = 160
    shards = 2
    #: How many payments and users have been read before; None: there is no folder yet.
    begins_with = None

    def __init__(self, laboratory, seed):
        self.lab = laboratory
        self.world = self.make_world(seed)
        self.sources = laboratory.path("sources-" + self.name)
        os.makedirs(self.sources, exist_ok=True)
        self.declaration = self.world.write(self.sources)
        self.base = laboratory.path("base-" + self.name) if self.begins_with else None
        if self.base and not os.path.isdir(self.base):  # a kept laboratory has it
            self.make_base(*self.begins_with)
            self.world.write(self.sources)

    def make_world(self, seed):
        return lab.World(f"{self.name} {seed}", self.payments)

    def make_base(self, payments, users):
        """Makes `base`: the folder that a run begins with."""
        self.world.write(self.sources, payments, users)
        command.run("run", self.declaration, "--data", self.base, "--once", "--shards",
                    self.shards, check=True)

    def begin(self, name="data"):
        """A data folder to run in."""
        return self.lab.copy(self.base, name) if self.base else self.lab.fresh(name)

    def run_files(self, data, fault=None, checkpoint="2ms", more=()):
        return lab.windrow(["run", self.declaration, "--data", data, "--once", "--shards",
                            self.shards, "--checkpoint", checkpoint, *more], data, fault)

    def run(self, data, fault=None):
        """The run that is interrupted."""
        return self.run_files(data, fault)

    def judge(self, data, outcome):
        """Finishes what `outcome` left, and says what is wrong with it."""
        again = self.run_files(data)
        if again.code != 0:
            return [f"the next run failed: {again}"]
        return lab.verify(data) + self.world.differences(data, self.world.oracle())


class Create(Scenario):
    """From nothing to a folder, with one checkpoint at the end."""

    name = "create"
    payments = 60

    def run(self, data, fault=None):
        return self.run_files(data, fault, "10s")


class Ingest(Scenario):
    """More lines for a folder that has some, with many small checkpoints."""

    name = "ingest"
    begins_with = (50, 20)


class Repeats(Ingest):
    """A hot key, repeats that deduplication finds, times in disorder."""

    name = "repeats"
    payments = 110

    def make_world(self, seed):
        return lab.World(f"{self.name} {seed}", self.payments, rough=True)


class Letters(Ingest):
    """Every second line is a dead letter."""

    name = "letters"

    def make_world(self, seed):
        world = super().make_world(seed)
        for i in range(0, len(world.payments), 2):
            world.payments[i] = b'{"id": "bad %d"' % i
        return world


class Expire(Scenario):
    """Payments, and payments a day later: what has expired is deleted then, ten times a second."""

    name = "expire"
    first, seconds = 60, 3

    def make_world(self, seed):
        world = lab.World(f"{self.name} {seed}", self.payments, definition=lab.forgetful())
        for i in range(self.first, len(world.payments)):
            world.payments[i] = world.payments[i].replace(b"2024-03-01T", b"2024-03-02T")
        return world

    def next_day(self):
        with open(os.path.join(self.sources, "payments.ndjson"), "ab") as out:
            out.write(b"".join(line + b"\n" for line in self.world.payments[self.first:]))

    def run(self, data, fault=None):
        fault = fault or Fault()
        fault.prefix = ["timeout", "--foreground", "--preserve-status", "-s", "INT",
                        str(2 * self.seconds)]
        self.world.write(self.sources, self.first)
        later = threading.Timer(self.seconds, self.next_day)
        later.start()
        outcome = lab.windrow(["run", self.declaration, "--data", data, "--shards", self.shards,
                               "--checkpoint", "50ms"], data, fault)
        later.cancel()
        later.join()
        self.world.write(self.sources)
        return outcome


class Push(Scenario):
    """Batches through the library, with many small checkpoints, so that the journal is trimmed."""

    name = "push"
    batch = 16
    checkpoint = 3
    begins_with = (0, None)

    @property
    def batches(self):
        return -(-self.payments // self.batch)

    def push(self, data, first=1, fault=None):
        return lab.client(self.sources, data, self.batch, first, self.batches, fault,
                          self.checkpoint, producer="till")

    def run(self, data, fault=None):
        return self.push(data, 1, fault)

    def oracle(self, batches):
        return self.world.oracle(min(batches * self.batch, self.payments))

    def judge(self, data, outcome):
        counted = self.world.payments_counted(data)
        acknowledged = outcome.acknowledged
        possible = [n for n in (acknowledged, acknowledged + 1)
                    if self.oracle(n).outcomes["applied"] - self.users_applied() == counted]
        if not possible:
            return [f"{acknowledged} batches were acknowledged and {counted} payments count: "
                    f"{outcome}"]
        there = min(possible[0], self.batches)
        problems = lab.verify(data)
        problems += self.world.differences(data, self.oracle(there), letters=False)
        rest = self.push(data)  # a producer that does not know: all of it again
        if rest.code != 0 or rest.acknowledged != self.batches:
            return problems + [f"pushing the rest failed: {rest}"]
        return problems + [f"with the rest: {p}" for p in
                           self.world.differences(data, self.oracle(self.batches))]

    def users_applied(self):
        return self.world.oracle(0).outcomes["applied"]


class Recover(Push):
    """A folder whose last process was killed with a journal that no shard had applied."""

    name = "recover"
    checkpoint = 10000

    def make_base(self, payments, users):
        super().make_base(payments, users)
        self.world.write(self.sources)
        lab.push_and_kill(self.sources, self.base, self.batch, 1, self.batches, 10000,
                          producer="till")

    def run(self, data, fault=None):
        self.world.write(self.sources, 0)  # nothing but the journal
        outcome = self.run_files(data, fault)
        self.world.write(self.sources)
        return outcome

    def judge(self, data, outcome):
        whole = self.oracle(self.batches)
        problems = lab.verify(data) + self.world.differences(data, whole, letters=False)
        rest = self.push(data, self.batches)
        if rest.code != 0:
            return problems + [f"the next run failed: {rest}"]
        return problems + [f"applied: {p}" for p in self.world.differences(data, whole)]


class Look(Recover):
    """A query of such a folder, which applies the journal in memory and changes nothing."""

    name = "look"

    def run(self, data, fault=None):
        return lab.windrow(["query", "--data", data, "--entity", "User=user-1", "--feature",
                            "total", "--json"], data, fault)


ALL = {s.name: s for s in (Create, Ingest, Repeats, Letters, Push, Recover, Look)}
#: Those that take too long to be interrupted at every call.
SLOW = {Expire.name: Expire}


def count_calls(scenario, calls):
    """How many calls of these kinds an undisturbed run makes."""
    data, count = scenario.begin("counted"), scenario.lab.path("count")
    os.environ["FAULTY_COUNT"] = count
    try:
        outcome = scenario.run(data, Fault("none", 10**9, calls=calls))
    finally:
        del os.environ["FAULTY_COUNT"]
    if outcome.code != 0:
        raise command.Failed(f"{scenario.name} does not run undisturbed: {outcome}")
    if not os.path.exists(count):
        if scenario.name != Look.name:
            raise command.Failed(f"{scenario.name} changes nothing")
        return 0
    with open(count, encoding="ascii") as text:
        return int(text.read())
