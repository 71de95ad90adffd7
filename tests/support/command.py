"""Runs the `windrow` command as a user would, for scripts that judge it from outside."""

import json
import os
import re
import signal
import subprocess
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
DEFAULT = os.path.join(_HERE, "..", "..", "build", "release", "windrow")
_NUMBER = r"(\d[\d,_']*)"


def find():
    """The command's path: environment WINDROW, else build/release/windrow."""
    return os.path.abspath(os.environ.get("WINDROW", DEFAULT))


def require():
    """Ends the script unless the command is there to be judged."""
    if not os.access(find(), os.X_OK):
        sys.exit(f"no command at {find()}: build it, or set WINDROW")


class Result:
    """How a command ended and what it said."""

    def __init__(self, arguments, code, out, err):
        self.arguments, self.code, self.out, self.err = arguments, code, out, err

    @property
    def text(self):
        return self.out + self.err

    def __str__(self):
        shown = " ".join(map(str, self.arguments))
        return f"`windrow {shown}` ended with {self.code}\n{self.text[-4000:]}"


class Failed(AssertionError):
    """A command that ended otherwise than it must."""


def run(*arguments, stdin=b"", timeout=120, cwd=None, env=None, check=False):
    """Runs the command to its end. With `check`, any exit code but 0 raises Failed."""
    try:
        done = subprocess.run([find(), *map(str, arguments)], input=stdin, timeout=timeout,
                              cwd=cwd, env={**os.environ, **(env or {})},
                              capture_output=True, check=False)
    except subprocess.TimeoutExpired as late:
        raise Failed(f"`windrow {' '.join(map(str, arguments))}` did not end in {timeout} s\n"
                     f"{(late.stdout or b'')[-2000:]!r}{(late.stderr or b'')[-2000:]!r}") from late
    result = Result(arguments, done.returncode, done.stdout.decode("utf-8", "replace"),
                    done.stderr.decode("utf-8", "replace"))
    if check and done.returncode != 0:
        raise Failed(str(result))
    return result


def start(*arguments, stdin=subprocess.DEVNULL, log):
    """Starts the command in the background, its output going to the file `log`."""
    with open(log, "ab") as out:
        return subprocess.Popen([find(), *map(str, arguments)], stdin=stdin, stdout=out,
                                stderr=subprocess.STDOUT)


def kill(process):
    """kill -9, and waits for the end."""
    process.send_signal(signal.SIGKILL)
    process.wait(30)


def query(data, entities, features, now=None):
    """`windrow query … --json`, parsed. `entities` are (class, key) pairs."""
    arguments = ["query", "--data", data, "--json"]
    for name, key in entities:
        arguments += ["--entity", f"{name}={key}"]
    for feature in features:
        arguments += ["--feature", feature]
    if now is not None:
        arguments += ["--now", now]
    result = run(*arguments, check=True)
    try:
        return json.loads(result.out)
    except ValueError as error:
        raise Failed(f"not JSON ({error}): {result}") from error


def summary(text):
    """The numbers of a run's summary: {read, applied, skipped, duplicate, dead, late}, those it finds.

    The wording is free; each number must stand beside its word, as `read 12` or `12 read`.
    """
    found = {}
    for key, word in (("read", "read"), ("applied", "applied"), ("skipped", "skipped"),
                      ("duplicate", "duplicate"),
                      ("dead", r"dead[- ]?letter(?:s|ed)?"), ("late", "late")):
        after = re.findall(rf"\b{word}\b[:=\s]+{_NUMBER}", text, re.IGNORECASE)
        before = re.findall(rf"{_NUMBER}\s+{word}\b", text, re.IGNORECASE)
        if after or before:
            found[key] = int(re.sub(r"\D", "", (after or before)[-1]))
    return found
