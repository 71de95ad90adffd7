"""A thousand damaged data folders: each one thing wrong with one of its files. Every answer is
the right one or the damage is said; nothing is ended by a signal or takes long; `inspect --verify`
and the next run do not fall over either.

    random_damage.py --folders 1000
    random_damage.py --seed 4 --folder 77        one of them again
"""

import argparse
import os
import random
import shutil
import sys

import lab
import command
import times

_PAGE = 4096
_TIME_LIMIT = 20


class Damage:
    """Ways to damage a folder. Each takes a generator and returns what it did."""

    def __init__(self, data, older, other):
        self.data, self.older, self.other = data, older, other

    def files(self, only=""):
        found = []
        for at, _, names in os.walk(self.data):
            for name in names:
                path = os.path.join(at, name)
                if os.path.getsize(path) and name != "lock.mdb" and only in path:
                    found.append(path)
        return sorted(found)

    def one(self, rng, only=""):
        """A file, large ones more often, but small ones too."""
        files = self.files(only)
        return rng.choices(files, [os.path.getsize(f) ** 0.5 for f in files])[0]

    def change(self, path, offset, data):
        with open(path, "r+b") as file:
            file.seek(offset)
            file.write(data)

    def flipped_bits(self, rng):
        path, bits = self.one(rng), rng.choice([1, 1, 2, 8, 64])
        with open(path, "rb") as file:
            data = bytearray(file.read())
        for _ in range(bits):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        self.change(path, 0, bytes(data))
        return f"{bits} bits of {path}"

    def flipped_in_meta(self, rng):
        path = self.one(rng, "data.mdb")
        offset = rng.choice([0, _PAGE]) + rng.randrange(152)
        with open(path, "rb") as file:
            file.seek(offset)
            old = file.read(1)[0]
        self.change(path, offset, bytes([old ^ 1 << rng.randrange(8)]))
        return f"a bit of byte {offset} of {path}"

    def truncated(self, rng):
        path = self.one(rng)
        size = os.path.getsize(path)
        size = rng.choice([0, size - 1, size // 2, rng.randrange(size),
                           rng.randrange(size) // _PAGE * _PAGE])
        os.truncate(path, size)
        return f"{path} cut to {size} bytes"

    def pages_of(self, rng):
        path = self.one(rng, "data.mdb")
        return path, os.path.getsize(path) // _PAGE

    def zeroed_page(self, rng):
        path, pages = self.pages_of(rng)
        page = rng.randrange(pages)
        self.change(path, page * _PAGE, bytes(_PAGE))
        return f"zeros on page {page} of {path}"

    def random_page(self, rng):
        path, pages = self.pages_of(rng)
        page = rng.randrange(pages)
        self.change(path, page * _PAGE, rng.randbytes(_PAGE))
        return f"random bytes on page {page} of {path}"

    def swapped_pages(self, rng):
        path, pages = self.pages_of(rng)
        one, two = rng.randrange(pages), rng.randrange(pages)
        with open(path, "rb") as file:
            data = file.read()
        self.change(path, one * _PAGE, data[two * _PAGE:][:_PAGE])
        self.change(path, two * _PAGE, data[one * _PAGE:][:_PAGE])
        return f"pages {one} and {two} of {path}"

    def rolled_back(self, rng):
        path = self.one(rng)
        before = path.replace(self.data, self.older, 1)
        if os.path.exists(before):
            shutil.copy(before, path)
        return f"{path} as it was before"

    def another_shard(self, rng):
        paths = self.files("data.mdb")
        one, two = rng.choice(paths), rng.choice(paths)
        if one != two:
            shutil.copy(one, two)
        return f"{one} in place of {two}"

    def another_folder(self, rng):
        path = self.one(rng)
        shutil.copy(path.replace(self.data, self.other, 1), path)
        return f"another folder's file in place of {path}"

    def missing(self, rng):
        path = self.one(rng)
        os.remove(path)
        return f"without {path}"

    def missing_directory(self, rng):
        path = os.path.join(self.data, rng.choice(["journal", "dedup", "shards", "shards/001"]))
        shutil.rmtree(path)
        return f"without {path}"

    def lock_files(self, rng):
        """LMDB's lock files and ours: missing, empty or nonsense. Harmless."""
        for at, _, names in os.walk(self.data):
            for name in names:
                if name in ("lock.mdb", "LOCK"):
                    path, how = os.path.join(at, name), rng.randrange(3)
                    if how == 0:
                        os.remove(path)
                    else:
                        with open(path, "wb") as file:
                            file.write(rng.randbytes(100) if how == 1 else b"")
        return "lock files"

    def longer(self, rng):
        path = self.one(rng)
        with open(path, "ab") as file:
            file.write(rng.randbytes(rng.randrange(1, 9000)))
        return f"more bytes at the end of {path}"


KINDS = [k for k in vars(Damage) if not k.startswith("_")
         and k not in ("files", "one", "change", "pages_of")]


class Folders:
    """A whole folder, the same folder before its last process, which was killed, and one of the
    same shape."""

    def __init__(self, laboratory, seed):
        self.lab, self.world = laboratory, lab.World(f"damage {seed}", 400, rough=True)
        sources = laboratory.folder
        self.declaration = self.world.write(sources, 150)
        self.whole, self.other = laboratory.path("whole"), laboratory.path("other")
        self.run(self.whole)
        self.world.write(sources, 300)
        self.run(self.whole)
        self.run(self.other)
        with open(laboratory.path("pushed.ndjson"), "wb") as out:
            out.write(b"".join(line + b"\n" for line in self.world.payments[250:]))
        lab.client(sources, self.whole, 5, 1, 15, file="pushed.ndjson")
        self.older = laboratory.copy(self.whole, "older")
        lab.push_and_kill(sources, self.whole, 5, 16, 30, file="pushed.ndjson")
        self.right = self.answers(self.whole)

    def run(self, data):
        command.run("run", self.declaration, "--data", data, "--once", "--shards", 2, check=True)

    def answers(self, data):
        """[(entity, {feature: value}, errors)] of everything; command.Failed where refused."""
        now = times.format_instant(self.world.oracle().newest())
        found = []
        for name, keys in self.world.asked():
            answer = command.query(data, [(name, key) for key in keys],
                                   self.world.oracle().names(name), now)
            found += [(name, key, row["features"], row["errors"])
                      for key, row in zip(keys, answer["rows"])]
        return found

    def wrong_answers(self, data):
        try:
            found = self.answers(data)
        except command.Failed as refused:
            return [f"ended by a signal: {refused}"] if "ended with -" in str(refused) else []
        return [f"{name}={key} has {got}, expected {wanted}"
                for (name, key, wanted, _), (_, _, got, errors) in zip(self.right, found)
                if any(wanted.get(f) != v for f, v in got.items())
                or (len(got) < len(wanted) and not errors)]


def try_folder(folders, number, score):
    rng = random.Random(f"damage {OPTIONS.seed} {number}")
    data = folders.lab.copy(folders.whole)
    kind = KINDS[number % len(KINDS)]
    what = getattr(Damage(data, folders.older, folders.other), kind)(rng)
    problems = folders.wrong_answers(data)
    for arguments in (["inspect", "--data", data, "--verify"],
                      ["deadletters", "list", "--data", data],
                      ["run", folders.declaration, "--data", data, "--once"]):
        try:
            done = command.run(*arguments, timeout=_TIME_LIMIT)
            if done.code < 0 or (done.code > 0 and not done.err.strip()):
                problems.append(done)
        except command.Failed as late:
            problems.append(late)
    problems += [f"after a run: {p}" for p in folders.wrong_answers(data)]
    score.check(problems, f"WINDROW={command.find()} python3 {os.path.relpath(__file__)} --seed "
                f"{OPTIONS.seed} --folder {number}   # {kind}: {what}")


def main():
    lab.require()
    score = lab.Score("random_damage")
    print(f"seed {OPTIONS.seed}")
    with lab.Lab("damage") as laboratory:
        folders = Folders(laboratory, OPTIONS.seed)
        numbers = range(OPTIONS.folders) if OPTIONS.folder is None else [OPTIONS.folder]
        for number in numbers:
            try_folder(folders, number, score)
    return score.end(f"folders, {len(KINDS)} kinds of damage")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folders", type=int, default=2 * len(KINDS))
    parser.add_argument("--folder", type=int, help="only this one")
    OPTIONS = parser.parse_args()
    sys.exit(main())
