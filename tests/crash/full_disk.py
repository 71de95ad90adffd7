"""A file system that is full, and later has room again: said at once, nothing acknowledged that is
not stored, every value right afterwards. Needs root for a loop device; says so and passes where it
cannot have one.

    full_disk.py [--seed N]
"""

import argparse
import contextlib
import os
import random
import subprocess
import sys

import lab
import command
import scenarios

_IMAGE_BYTES = 32 << 20


@contextlib.contextmanager
def small_disk(laboratory):
    """The path of a mounted ext4 file system, or None where there can be none."""
    image, at = laboratory.path("image"), laboratory.path("disk")
    with open(image, "wb") as out:
        out.truncate(_IMAGE_BYTES)
    os.mkdir(at)
    made = [subprocess.run(a, capture_output=True, check=False) for a in
            (["mkfs.ext4", "-q", "-m", "0", image], ["mount", "-o", "loop", image, at])]
    if any(done.returncode for done in made):
        print(f"skipped, no loop device: {made[-1].stderr.decode().strip()}")
        yield None
        return
    try:
        yield at
    finally:
        subprocess.run(["umount", at], check=True)


class Disk:
    """Fills the disk but for some bytes, and empties it again."""

    def __init__(self, at):
        self.at, self.filler = at, os.path.join(at, "filler")

    def fill(self, free):
        self.empty()
        room = os.statvfs(self.at)
        size = room.f_bavail * room.f_frsize - free
        while True:  # the file system needs some of it for itself
            try:
                with open(self.filler, "wb") as out:
                    os.posix_fallocate(out.fileno(), 0, size)
                return
            except OSError:
                size -= 64 << 10

    def empty(self):
        if os.path.exists(self.filler):
            os.remove(self.filler)


def judge(scenario, disk, free):
    """Runs with `free` bytes left, then with room."""
    data = os.path.join(disk.at, "data")
    disk.empty()
    subprocess.run(["rm", "-rf", data], check=True)
    if scenario.base:
        subprocess.run(["cp", "-r", scenario.base, data], check=True)
    disk.fill(free)
    outcome = scenario.run(data)
    problems = []
    if outcome.code < 0:
        problems.append(f"ended by a signal: {outcome}")
    if outcome.code > 0 and not any(word in outcome.err for word in ("full", "space")):
        problems.append(f"does not say that the disk is full: {outcome}")
    disk.empty()
    return outcome.code != 0, problems + scenario.judge(data, outcome)


def main():
    lab.require()
    score, rng, full = lab.Score("full_disk"), random.Random(f"full {OPTIONS.seed}"), 0
    print(f"seed {OPTIONS.seed}")
    with lab.Lab("full", on_disk=True) as laboratory, small_disk(laboratory) as at:
        if at is None:
            return 0
        for name in ("create", "ingest", "letters", "push", "recover"):
            scenario = scenarios.ALL[name](laboratory, OPTIONS.seed)
            for free in [0] + [rng.randrange(4, 400) * 1024 for _ in range(OPTIONS.tries)]:
                try:
                    was_full, problems = judge(scenario, Disk(at), free)
                except command.Failed as failure:
                    was_full, problems = False, [failure]
                full += was_full
                score.check(problems, f"WINDROW={command.find()} python3 "
                            f"{os.path.relpath(__file__)} --seed {OPTIONS.seed}   # {name}, "
                            f"{free} bytes free")
    score.check([] if full > 5 else [f"the disk was full only {full} times"], "too much room")
    return score.end(f"runs, {full} on a disk that became full")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tries", type=int, default=4, help="sizes of free space, each scenario")
    OPTIONS = parser.parse_args()
    sys.exit(main())
