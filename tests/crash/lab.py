"""What the crash laboratory shares: a small world with exact numbers, its oracle, the programs
under test with a disk that misbehaves, and folders to run them in."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(_HERE, "..", "support"))

import command  # noqa: E402
import judge  # noqa: E402
import times  # noqa: E402
from oracle import Oracle  # noqa: E402

_BUILD = os.path.dirname(command.find())
FAULTY = os.environ.get("FAULTY", os.path.join(_BUILD, "tests", "crash", "libfaulty.so"))
CLIENT = os.environ.get("CRASH_CLIENT", os.path.join(_BUILD, "tests", "crash", "crash_client"))

START = times.parse_instant("2024-03-01T00:00:00Z")
_WINDOWS = {"windowed": ["10m", "1h", "1d", "all"],
            "materialization": {"bucket_duration": "1m",
                                "bucket_durations": {"1h": ["1d"], "1d": ["all"]}}}

#: One payment feeds a user and a shop, which are in other shards; a user in a country feeds a
#: group that is looked up through a scalar; what a terminal did is forgotten after ten minutes.
DEFINITION = {
    "features": {
        "Payment": {"fields": {"id": "str", "user": "str", "shop": "str | null",
                               "terminal": "str | null", "amount": "int", "weight": "float | null",
                               "country": "str | null", "ts": "FeatureTime"}},
        "User": {
            "max_staleness": "infinity", "etl_offline_to_online": True,
            "fields": {
                "id": "str", "name": "str | null", "country": "str | null",
                "updated": "FeatureTime",
                "payments": {"has_many": "Payment", "join": "User.id == Payment.user"},
                "at_home": {"has_many": "Payment", "join":
                            "User.id == Payment.user & User.country == Payment.country"},
                "total": {**_WINDOWS, "expression": "_.payments[_.amount].sum()"},
                "payments_made": {**_WINDOWS, "expression": "_.payments.count()"},
                "largest": {**_WINDOWS, "expression": "_.payments[_.amount].max()"},
                "mean_weight": {**_WINDOWS, "expression": "_.payments[_.weight].mean()"},
                "shops": {**_WINDOWS,
                          "expression": "_.payments[_.shop].approx_count_distinct()"},
                "spent_at_home": {**_WINDOWS, "expression": "_.at_home[_.amount].sum()"}}},
        "Shop": {"fields": {
            "id": "str", "sales": {"has_many": "Payment", "join": "Shop.id == Payment.shop"},
            "turnover": {**_WINDOWS, "expression": "_.sales[_.amount].sum()"},
            "large_sales": {**_WINDOWS, "expression": "_.sales[_.amount >= 500].count()"}}},
        "Terminal": {"fields": {
            "id": "str", "used": {"has_many": "Payment", "join": "Terminal.id == Payment.terminal"},
            "recent": {"windowed": ["10m"], "expression": "_.used[_.amount].sum()",
                       "materialization": {"bucket_duration": "1m"}}}},
    },
    "sources": {"users": {"file": "users.ndjson"}, "payments": {"file": "payments.ndjson"}},
    "streams": {
        "user_stream": {
            "source": "users", "message": {"id": "str", "name": "str | null",
                                           "country": "str | null", "updated": "datetime"},
            "output": {"User.id": "_.id", "User.name": "_.name", "User.country": "_.country",
                       "User.updated": "_.updated"}},
        "payment_stream": {
            "source": "payments",
            "message": {"id": "str", "user": "str", "shop": "str | null", "terminal": "str | null",
                        "amount": "int", "weight": "float | null", "country": "str | null",
                        "ts": "datetime", "keep": "bool"},
            "parse": "_.keep",
            "output": {f"Payment.{f}": f"_.{f}" for f in
                       ("id", "user", "shop", "terminal", "amount", "weight", "country", "ts")}},
    },
}
# A message with `keep: null` is skipped.
DEFINITION["streams"]["payment_stream"]["message"]["keep"] = "bool | null"



def forgetful():
    """The same world, in which all is forgotten after ten minutes but how often a user paid."""
    definition = json.loads(json.dumps(DEFINITION))
    for entity in definition["features"].values():
        for name, declared in entity["fields"].items():
            if "windowed" in declared and name != "payments_made":
                declared.update(windowed=["10m"], materialization={"bucket_duration": "1m"})
    return definition


def deduplicated():
    """The same world, in which a payment counts once an hour."""
    definition = json.loads(json.dumps(DEFINITION))
    definition["streams"]["payment_stream"]["deduplication"] = {"on": "_.id", "within": "1h"}
    return definition


_COUNTRIES = ["de", "fr", "jp"]


class World:
    """Users, payments (a few of them poison, some late and out of order), and who is asked about.
    A `rough` one is deduplicated; an eighth of its payments are repeats, nine tenths are of one
    user, and some come hours late or an hour ahead."""

    def __init__(self, seed, payments=400, users=24, step=20 * times.SECOND,
                 definition=None, rough=False):
        self.rng = random.Random(f"crash {seed}")
        self.definition = definition or (deduplicated() if rough else DEFINITION)
        self.rough = rough
        self.seed, self.step = seed, step
        self.user_keys = [f"user-{i}" for i in range(users)]
        self.shop_keys = [f"shop-{i}" for i in range(6)]
        self.users = [self._user(i) for i in range(users * 2)]
        self.payments = []
        while len(self.payments) < payments:
            self.payments.append(self._payment(len(self.payments)))
        self.terminals = [f"terminal-{i}" for i in range(0, payments, max(1, payments // 12))]
        self._oracles = {}

    def _user(self, i):
        key = self.user_keys[i % len(self.user_keys)]
        if i % 11 == 10:
            return b'{"id": 7, "name": "no text"}'
        return json.dumps({"id": key, "name": f"name {i}", "country": self.rng.choice(_COUNTRIES),
                           "updated": times.format_instant(START + i * times.SECOND)}).encode()

    def _payment(self, i):
        r = self.rng
        at = START + i * self.step - r.choice([0, 0, 0, r.randrange(900)]) * times.SECOND
        message = {"id": f"p{i}", "user": r.choice(self.user_keys), "amount": r.randrange(1000),
                   "shop": r.choice(self.shop_keys + [None]), "terminal": f"terminal-{i // 3 * 3}",
                   "weight": r.choice([None, r.randrange(4000) / 8]),
                   "country": r.choice(_COUNTRIES), "ts": times.format_instant(at), "keep": True}
        if self.rough:
            if self.payments and r.random() < 1 / 8:
                return self._repeat(r.choice(self.payments[-60:]))
            if r.random() < 0.9:
                message["user"] = self.user_keys[0]
            if r.random() < 0.05:
                message["ts"] = times.format_instant(at + r.choice([-5, -2, 1]) * times.HOUR)
        poison = r.random()
        if poison < 0.01:
            return b"nonsense number %d" % i
        if poison < 0.02:
            del message["user"]
        elif poison < 0.03:
            message["amount"] = "much"
        elif poison < 0.04:
            message["ts"] = "2124-03-01T00:00:00Z"
        elif poison < 0.05:
            message["keep"] = None
        return json.dumps(message).encode()

    def _repeat(self, line):
        """An earlier line again, or its id at another time: within the hour or beyond it."""
        later = self.rng.choice([None, None, -1200, 1800, 3600, 3601, 5000])
        try:
            message = json.loads(line)
            message["ts"] = times.format_instant(
                times.parse_instant(message["ts"]) + later * times.SECOND)
        except (ValueError, TypeError):  # nonsense again, or the very same line
            return line
        return json.dumps(message).encode()

    def write(self, folder, payments=None, users=None):
        """Declaration and whole source files; returns the declaration's path."""
        path = os.path.join(folder, "features.yaml")
        with open(path, "w", encoding="utf-8") as out:
            json.dump(self.definition, out)
        for name, lines in (("users", self.users[:users]), ("payments", self.payments[:payments])):
            with open(os.path.join(folder, name + ".ndjson"), "wb") as out:
                out.write(b"".join(line + b"\n" for line in lines))
        return path

    def oracle(self, payments=None, users=None):
        """What is true once that many messages of each source count."""
        payments = len(self.payments) if payments is None else payments
        users = len(self.users) if users is None else users
        if (payments, users) not in self._oracles:
            oracle = Oracle(self.definition)
            oracle.letters = []
            for source, lines in (("users", self.users[:users]),
                                  ("payments", self.payments[:payments])):
                for line in lines:
                    if oracle.feed(source, line) == "dead":
                        oracle.letters.append(line.decode())
            oracle.letters.sort()
            self._oracles[payments, users] = oracle
        return self._oracles[payments, users]

    def asked(self):
        return [("User", self.user_keys), ("Shop", self.shop_keys), ("Terminal", self.terminals)]

    def differences(self, data, oracle, letters=True):
        """All differences between the answers of a folder and an oracle's, as sentences. Letters
        are written when their messages are applied for good, not when a command looks."""
        newest = oracle.newest()
        if newest is None:
            newest = START
        problems = []
        for now in (newest, newest - 25 * times.MINUTE):
            for name, keys in self.asked():
                names = oracle.names(name)
                answer = command.query(data, [(name, key) for key in keys], names,
                                       times.format_instant(now))
                problems += judge.compare_answer(oracle, name, keys, names, now, answer)
        return problems + (letter_differences(data, oracle.letters) if letters else [])

    def payments_counted(self, data):
        """How many payments the folder has applied, all users together."""
        newest = times.format_instant(START + len(self.payments) * self.step + times.DAY)
        answer = command.query(data, [("User", key) for key in self.user_keys],
                               ["payments_made[all]"], newest)
        return sum(value["value"] for row in answer["rows"] for value in row["features"].values())


def dead_letters(data):
    """All letters that a stopped folder keeps."""
    found = command.run("deadletters", "list", "--data", data, "--json", "--limit", 0, check=True)
    return json.loads(found.out)["letters"]


def letter_differences(data, expected):
    """Letters that a folder should not have, has twice, or has not."""
    kept = Counter(letter["bytes"] for letter in dead_letters(data))
    wanted = Counter(expected)
    return ([f"dead letter missing: {text}" for text in (wanted - kept).elements()]
            + [f"dead letter too much: {text}" for text in (kept - wanted).elements()])


def verify(data):
    """What `inspect --verify` finds wrong, as a list of sentences."""
    done = command.run("inspect", "--data", data, "--verify")
    return [] if done.code == 0 else [f"inspect --verify: {done}"]


class Fault:
    """What the disk does, and to which call. `None` as action: nothing, only recording."""

    def __init__(self, action=None, when=None, until=None, calls="wstonud", log=None, clock=None,
                 map_bytes=None):
        self.action, self.when, self.until, self.calls = action, when, until, calls
        self.log, self.clock, self.map_bytes = log, clock, map_bytes
        self.prefix = []  # of the command: what it runs under

    def environment(self, data, fired):
        found = {"LD_PRELOAD": FAULTY, "FAULTY_UNDER": os.path.abspath(data)}
        if self.log:
            found["FAULTY_LOG"] = self.log
        if self.clock:
            found["FAULTY_CLOCK"] = str(self.clock)
        if self.map_bytes:
            found["FAULTY_MAP"] = str(self.map_bytes)
        if self.action:
            found.update(FAULTY_CALLS=self.calls, FAULTY_WHEN=str(self.when),
                         FAULTY_DO=str(self.action), FAULTY_FIRED=fired)
            if self.until:
                found["FAULTY_UNTIL"] = str(self.until)
        return found

    def __str__(self):
        until = f" to {self.until}" if self.until else ""
        return f"{self.action} at call {self.when}{until} of `{self.calls}`"


class Outcome:
    """How a program under a fault ended."""

    def __init__(self, code, out, err, fired, seconds):
        self.code, self.out, self.err, self.fired, self.seconds = code, out, err, fired, seconds

    @property
    def acknowledged(self):
        """The newest batch that was acknowledged; 0 where none was."""
        return max((int(line.split()[1]) for line in self.out.splitlines()
                    if line.startswith("ack ")), default=0)

    def __str__(self):
        return f"exit code {self.code}, said {self.out[-500:]!r} and {self.err[-1000:]!r}"


def run(program, arguments, data, fault=None, stdin=None, timeout=90):
    """Runs a program to its end, on a disk with a fault. Raises command.Failed on a hang."""
    fault = fault or Fault()
    fired = data + ".fired"
    if os.path.exists(fired):
        os.remove(fired)
    begun = time.monotonic()
    environment = {**os.environ, **fault.environment(data, fired)}
    try:
        done = subprocess.run([*fault.prefix, program, *map(str, arguments)],
                              env=environment,
                              stdin=stdin or subprocess.DEVNULL, capture_output=True,
                              timeout=timeout, check=False)
    except subprocess.TimeoutExpired as late:
        raise command.Failed(f"{program} did not end in {timeout} s under {fault}") from late
    return Outcome(done.returncode, done.stdout.decode("utf-8", "replace"),
                   done.stderr.decode("utf-8", "replace"), os.path.exists(fired),
                   time.monotonic() - begun)


def windrow(arguments, data, fault=None, **more):
    return run(command.find(), arguments, data, fault, **more)


def client(folder, data, batch, first, last, fault=None, checkpoint=50,
           stream="payment_stream", file="payments.ndjson", producer=None):
    """Pushes batches of the payments through the library."""
    arguments = [os.path.join(folder, "features.yaml"), data, stream, os.path.join(folder, file),
                 batch, first, last, checkpoint]
    return run(CLIENT, arguments + ([producer] if producer else []), data, fault)


def push_and_kill(folder, data, batch, first, last, checkpoint=50, file="payments.ndjson",
                  producer=None):
    """Pushes batches of the payments as `client` does, by a process that is killed once all have
    been acknowledged."""
    whole = [CLIENT, os.path.join(folder, "features.yaml"), data, "payment_stream",
             os.path.join(folder, file), *map(str, (batch, first, last, checkpoint))]
    with subprocess.Popen(whole + ([producer] if producer else []), stdout=subprocess.PIPE,
                          text=True) as process:
        for line in process.stdout:
            if line == f"ack {last}\n":
                command.kill(process)
                return
    raise command.Failed(f"{CLIENT} has not acknowledged batch {last}")


class Lab:
    """A temporary folder, by default in memory: processes die here, not the machine. `kept` is
    one that an earlier run has left."""

    def __init__(self, name, on_disk=False, kept=None):
        self.keep = kept is not None
        at = None if on_disk or not os.path.isdir("/dev/shm") else "/dev/shm"
        self.folder = kept or tempfile.mkdtemp(prefix=f"windrow-{name}-", dir=at)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def fresh(self, name="data"):
        """A path where nothing is."""
        path = self.path(name)
        shutil.rmtree(path, ignore_errors=True)
        return path

    def copy(self, base, name="data"):
        """A copy of a data folder under another name."""
        path = self.fresh(name)
        shutil.copytree(base, path)
        return path

    def __enter__(self):
        return self

    def __exit__(self, *failed):
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)


class Score:
    """Counts what was tried and prints each difference with the line that repeats it."""

    def __init__(self, name):
        self.name, self.tried, self.failed, self.begun = name, 0, 0, time.monotonic()

    def check(self, problems, repro):
        self.tried += 1
        if not problems:
            return True
        self.failed += 1
        print(f"DIFFERENT {self.name}: {repro}")
        for problem in problems[:6]:
            print("    " + str(problem)[:1500])
        if len(problems) > 6:
            print(f"    … and {len(problems) - 6} more")
        sys.stdout.flush()
        return False

    def end(self, what):
        print(f"{self.name}: {self.tried} {what} in {time.monotonic() - self.begun:.1f} s, "
              f"{self.failed} different")
        return 1 if self.failed or not self.tried else 0


def require():
    """Ends the script unless what it needs has been built."""
    command.require()
    for path in (FAULTY, CLIENT):
        if not os.path.exists(path):
            sys.exit(f"{path} is missing: build the tests first")


def died_of(outcome, wanted=signal.SIGKILL):
    """Whether a process was ended by the signal of its fault, and not by another one. (Under
    `timeout` a program that was already told to end gives the second code.)"""
    return outcome.code in (-wanted, 128 + wanted)
