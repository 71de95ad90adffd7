"""A recording of what a program did to its folder (faulty.c), and what a power cut leaves of it.

At a moment of the recording everything that was synced is on the disk; each write since is lost,
kept, or torn at 512 bytes. Names (created, renamed, removed) are kept up to some point after the
last sync of their directory, in order, as a journaling file system does.
"""

import os
import shutil
import struct
from dataclasses import dataclass

NAME, CREATE, WRITE, WRITTEN, TRUNCATE, SYNC_BEGIN, SYNC_END = range(1, 8)
RENAME, UNLINK, MKDIR, MARK = range(8, 12)
_DURABLE = 1
_SECTOR = 512
_HEADER = struct.Struct("<IIQQQ")


@dataclass
class Event:
    kind: int
    file: int
    offset: int
    data: bytes
    flags: int


def read(path):
    """All events of a recording, in order."""
    with open(path, "rb") as log:
        raw = log.read()
    events, at = [], 0
    while at + _HEADER.size <= len(raw):
        kind, file, offset, length, flags = _HEADER.unpack_from(raw, at)
        at += _HEADER.size
        events.append(Event(kind, file, offset, raw[at:at + length], flags))
        at += length
    return events


def acknowledged(events, cut):
    """The newest batch acknowledged before a cut."""
    said = b"".join(e.data for e in events[:cut] if e.kind == MARK)
    return max((int(line.split()[1]) for line in said.splitlines() if line.startswith(b"ack ")),
               default=0)


class _Content:
    """A file's bytes on the disk, and the changes that no sync has reached yet."""

    def __init__(self, data=b""):
        self.disk, self.waiting, self.names_lost = bytearray(data), [], False

    def apply(self, change):
        kind, offset, data = change
        if kind == "cut":
            del self.disk[offset:]
            self.disk.extend(bytes(offset - len(self.disk)))
            return
        if len(self.disk) < offset:
            self.disk.extend(bytes(offset - len(self.disk)))
        self.disk[offset:offset + len(data)] = data

    def sync(self, changes):
        """The first `changes` that wait are on the disk."""
        for change in self.waiting[:changes]:
            self.apply(change)
        del self.waiting[:changes]

    def settle(self, rng, drop):
        """What a power cut leaves of the changes that wait."""
        for kind, offset, data in self.waiting:
            fate = rng.random()
            if fate < drop:
                continue
            if kind == "cut" or fate < drop + (1 - drop) / 2:
                self.apply((kind, offset, data))
                continue
            end = offset + len(data)
            for start in range(offset - offset % _SECTOR, end, _SECTOR):
                if rng.random() < 0.5:
                    low, high = max(start, offset), min(start + _SECTOR, end)
                    self.apply(("put", low, data[low - offset:high - offset]))
        self.waiting = []


class Disk:
    """The folder as a recording left it, event by event."""

    def __init__(self, base=None):
        self.path_of = {}           # file number of the recording -> path
        self.files = {}             # path -> _Content, as the program sees it
        self.folders = {"."}
        self.durable = None         # names on the disk: {path: _Content}, set below
        self.pending = {}           # directory -> changes of names that no sync has reached
        self.syncs = {}             # sync under way -> (content or directory, changes)
        for at, folders, names in os.walk(base) if base else []:
            here = os.path.relpath(at, base)
            self.folders.update(os.path.normpath(os.path.join(here, f)) for f in folders)
            for name in names:
                with open(os.path.join(at, name), "rb") as file:
                    path = os.path.normpath(os.path.join(here, name))
                    self.files[path] = _Content(file.read())
        self.durable, self.durable_folders = dict(self.files), set(self.folders)

    def _rename(self, how, path, content=None):
        self.pending.setdefault(os.path.dirname(path) or ".", []).append((how, path, content))

    def step(self, event):
        kind, path = event.kind, self.path_of.get(event.file)
        if kind == NAME:
            self.path_of[event.file] = os.path.normpath(event.data.decode())
        elif kind == CREATE:
            self.files[path] = _Content()
            self._rename("put", path, self.files[path])
        elif kind == WRITE:
            change = ("put", event.offset, event.data)
            self.files[path].waiting.append(change)
        elif kind == WRITTEN:
            self._written(self.files[path], event)
        elif kind == TRUNCATE:
            self.files[path].waiting.append(("cut", event.offset, b""))
        elif kind == SYNC_BEGIN:
            what = self.files.get(path, path)
            waits = what.waiting if isinstance(what, _Content) else self.pending.get(what, [])
            self.syncs[event.offset] = (what, list(waits))
        elif kind == SYNC_END:
            self._synced(*self.syncs.pop(event.offset))
        elif kind == RENAME:
            old, new = (os.path.normpath(p) for p in event.data.decode().split("\0"))
            content = self.files.pop(old, None)
            if content is None:
                return  # no file: a socket
            self.files[new] = content
            self._rename("move", new, (old, content))
        elif kind == UNLINK:
            old = os.path.normpath(event.data.decode().split("\0")[0])
            self.files.pop(old, None)
            self._rename("drop", old)
        elif kind == MKDIR:
            new = os.path.normpath(event.data.decode().split("\0")[0])
            self.folders.add(new)
            self._rename("folder", new)

    @staticmethod
    def _written(content, event):
        """A write through O_DSYNC has returned: its own bytes are on the disk."""
        for i, change in enumerate(content.waiting):
            if change[:2] == ("put", event.offset) and len(change[2]) == event.flags:
                content.apply(change)
                del content.waiting[i]
                return

    def _synced(self, what, changes):
        if isinstance(what, _Content):
            for change in changes:
                for i, waiting in enumerate(what.waiting):
                    if waiting is change:
                        what.apply(change)
                        del what.waiting[i]
                        break
            return
        waiting = self.pending.get(what, [])
        for change in changes:
            if waiting and waiting[0] is change:
                self._name(waiting.pop(0))

    def _name(self, change):
        how, path, content = change
        if how == "put":
            self.durable[path] = content
        elif how == "move":
            self.durable.pop(content[0], None)
            self.durable[path] = content[1]
        elif how == "drop":
            self.durable.pop(path, None)
        else:
            self.durable_folders.add(path)

    def cut_power(self, rng, into):
        """Writes what a power cut now would leave; the disk cannot be used afterwards."""
        for waiting in self.pending.values():
            for change in waiting[:rng.randint(0, len(waiting))]:
                self._name(change)
        drop = rng.choice([0.2, 0.5, 0.9, 1.0])
        shutil.rmtree(into, ignore_errors=True)
        os.makedirs(into)
        for folder in sorted(self.durable_folders):
            os.makedirs(os.path.join(into, folder), exist_ok=True)
        for path, content in self.durable.items():
            parent = os.path.dirname(path) or "."
            if parent not in self.durable_folders or path.endswith("lock.mdb"):
                continue  # LMDB's lock file is made anew by whoever opens first
            content.settle(rng, drop)
            with open(os.path.join(into, path), "wb") as out:
                out.write(content.disk)
