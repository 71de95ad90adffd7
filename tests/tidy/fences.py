"""Checks the fences between folders: `fences.py [ROOT]` prints each offence, exits 1 if any.

The rules are in CONTRIBUTING.md; each function below is one of them and yields
(path, line number, sentence).
"""

import fnmatch
import os
import re
import sys

#: From the top of the house to the bottom: a folder includes itself and those after it.
ORDER = ["tools", "server", "cluster", "node", "actors", "query", "ingest", "sources", "formats",
         "storage", "schema", "base", "include/windrow"]

#: Neighbours that know nothing of each other.
APART = [("query", "ingest"), ("query", "sources"), ("query", "formats"), ("ingest", "sources")]

#: The same inside a folder: a room includes itself and those after it.
ROOMS = {
    "storage": ["storage/folder", "storage/shard", "storage/record", "storage/window",
                "storage/journal", "storage/dedup", "storage/lmdb", "storage"],
    "schema": ["schema", "schema/yaml", "schema/plan", "schema/aggregation", "schema/catalog",
               "schema/expression"],
}

#: These may include everything, and nothing may include them.
OUTSIDE = ["tests", "benchmarks", "examples"]

#: Modules of actors/ and node/ that talk to the actor framework and may read the clock.
EDGES = ["actors/interfaces.*", "actors/messages.*", "actors/type_ids.*", "actors/*actor*",
         "actors/ingester.*", "actors/shard.*", "actors/writer.*", "actors/querier.*",
         "actors/coordinator.*", "actors/source.*", "node/actor_runtime.*"]

#: What a service speaks of: values without behaviour.
NODE_DATA = ["node/dead_letter_listing.hpp", "node/inspection.hpp", "node/node_options.hpp",
             "node/node_progress.hpp", "node/node_stats.hpp", "node/shard_statistics.hpp"]

_INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
_PRINTS = re.compile(
    r"std::(cout|cerr|clog|print|println)\b|\bfmt::(print|println)\s*\(|"
    r"(?<![\w.>])(std::)?(v?f?printf|puts|fputs|putchar|perror)\s*\(|#\s*include\s*<iostream>|"
    r"\bspdlog::")
_EXITS = re.compile(
    r"(?<![\w.>:])(std::|::)?(exit|_exit|_Exit|quick_exit|abort|terminate)\s*\(|"
    r"(?<![\w.>:])(std::|::)?(signal|sigaction)\s*\(")
_CLOCK = re.compile(
    r"::now\s*\(|\babsl::Now\s*\(|(?<![\w.>])(std::)?time\s*\(\s*(nullptr|NULL|0|&)|"
    r"\b(gettimeofday|clock_gettime)\s*\(|\b(wall|steady)_clock\s*\(\s*\)")


def is_output(name):
    """Whether a top folder holds what programs made."""
    return name == "data" or name.startswith("build")


def source_files(root):
    """Paths of C++ files relative to root, without build folders and hidden ones."""
    for at, folders, names in os.walk(root):
        relative = os.path.relpath(at, root)
        folders[:] = sorted(f for f in folders if not f.startswith(".") and not (
            relative == "." and is_output(f)) and f != "__pycache__")
        for name in sorted(names):
            if name.endswith((".hpp", ".cpp", ".h")):
                yield os.path.normpath(os.path.join(relative, name))


def code_lines(text, keep_strings=False):
    """Lines without comments (and strings), so that words in them are not taken for code."""
    def blank(match):
        found = match.group(0)
        if keep_strings and found[0] in "\"'":
            return found
        return "\n" * found.count("\n") if found.startswith("/") else '""'
    pattern = r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\''
    return re.sub(pattern, blank, text, flags=re.DOTALL).splitlines()


class Tree:
    """All C++ files of a repository, read once."""

    def __init__(self, root):
        self.root = root
        self.code, self.includes = {}, {}
        for path in source_files(root):
            with open(os.path.join(root, path), encoding="utf-8", errors="replace") as source:
                text = source.read()
            self.code[path] = code_lines(text)
            # Include names look like strings: they are read with strings kept.
            self.includes[path] = [
                (number, *match.groups())
                for number, found in enumerate(code_lines(text, keep_strings=True), 1)
                if (match := _INCLUDE.match(found))]

    def matches(self, pattern, folders):
        for path, lines in self.code.items():
            if folder_of(path) in folders:
                for number, text in enumerate(lines, 1):
                    if pattern.search(text):
                        yield path, number


def folder_of(path):
    path = path.replace(os.sep, "/")
    if path.startswith(("include/windrow/", "windrow/")):
        return "include/windrow"
    return path.split("/")[0]


def is_edge(path):
    return any(fnmatch.fnmatch(path, pattern) for pattern in EDGES)


def direction(tree):
    """A folder includes itself and those below it, by path from the root."""
    for path, includes in tree.includes.items():
        here = folder_of(path)
        if here in OUTSIDE or here not in ORDER:
            continue
        for number, kind, name in includes:
            there = folder_of(name)
            if there in OUTSIDE:
                yield path, number, f"{here} includes {name}: nothing includes {there}"
            elif there in ORDER and ORDER.index(there) < ORDER.index(here):
                yield path, number, f"{here} includes {name}: {there} is above {here}"
            elif kind == '"' and there not in ORDER and not name.endswith(".capnp.h"):
                yield path, number, f'"{name}": write the path from the root of the repository'


def apart(tree):
    """Neighbours do not include each other."""
    for path, includes in tree.includes.items():
        for number, _, name in includes:
            if (folder_of(path), folder_of(name)) in APART:
                yield path, number, f"{folder_of(path)} includes {name}: they are neighbours"


def rooms(tree):
    """The rooms of a folder include each other in one direction, too."""
    for path, includes in tree.includes.items():
        order = ROOMS.get(folder_of(path))
        here = os.path.dirname(path)
        if not order or here not in order:
            continue
        for number, _, name in includes:
            there = os.path.dirname(name)
            if there in order and order.index(there) < order.index(here):
                yield path, number, f"{here} includes {name}: {there} is above {here}"


def service(tree):
    """Server and commands stand on cluster/service.hpp: of a node they know data alone."""
    for path, includes in tree.includes.items():
        if folder_of(path) not in ("server", "tools"):
            continue
        for number, _, name in includes:
            if name.startswith("node/") and name not in NODE_DATA:
                yield path, number, f"{name} is behind the service (cluster/service.hpp)"


def public_headers(tree):
    """include/windrow uses the standard library only."""
    for path, includes in tree.includes.items():
        if folder_of(path) != "include/windrow":
            continue
        for number, kind, name in includes:
            standard = kind == "<" and re.fullmatch(r"[a-z0-9_]+", name)
            if not standard and not name.startswith("windrow/"):
                yield path, number, f"{name}: include/windrow uses the standard library only"


def _library(tree, prefixes, allowed, where):
    for path, includes in tree.includes.items():
        for number, _, name in includes:
            if name.startswith(prefixes) and not allowed(path):
                yield path, number, f"<{name}> belongs in {where}"


def libraries(tree):
    """Each library has its place."""
    def outside(path):
        return folder_of(path) in OUTSIDE

    yield from _library(tree, ("lmdb.h",), lambda p: fnmatch.fnmatch(p, "storage/lmdb/lmdb.*"),
                        "storage/lmdb/lmdb.*")
    yield from _library(tree, ("caf/",), lambda p: outside(p) or is_edge(p),
                        "the edges of actors/ and node/ (EDGES in tests/tidy/fences.py)")
    yield from _library(tree, ("librdkafka/",), lambda p: fnmatch.fnmatch(
        p, "sources/kafka_*") or outside(p), "sources/kafka_*")
    yield from _library(tree, ("boost/beast", "boost/asio"), lambda p: folder_of(p) in (
        "server", *OUTSIDE), "server/")
    yield from _library(tree, ("prometheus/",), lambda p: fnmatch.fnmatch(p, "server/*metric*"),
                        "the metrics of server/")

    def codec(path):
        return "codec" in os.path.basename(path) and path.endswith(".cpp")

    # cmake/ mends the library's headers for one compiler.
    yield from _library(tree, ("capnp/", "kj/"), lambda p: codec(p) or folder_of(p) == "cmake",
                        "codecs (*codec*.cpp)")
    for path, includes in tree.includes.items():
        for number, _, name in includes:
            if name.endswith(".capnp.h") and not codec(path):
                yield path, number, f"{name} belongs in codecs (*codec*.cpp)"


def plain_modules(tree):
    """A plain module of actors/ or node/ does not include an edge either."""
    for path, includes in tree.includes.items():
        if folder_of(path) in ("actors", "node") and not is_edge(path):
            for number, _, name in includes:
                brings = any(n.startswith("caf/") for _, _, n in tree.includes.get(name, []))
                if is_edge(name) and brings:
                    yield path, number, f"{path} is a plain module and includes the edge {name}"


def printing(tree):
    """Only tools print, exit or install signal handlers."""
    below = [f for f in ORDER if f != "tools"]
    for path, number in tree.matches(_PRINTS, below):
        yield path, number, "printing belongs in tools/: return what there is to say"
    for path, number in tree.matches(_EXITS, below):
        yield path, number, "exiting and signal handlers belong in tools/: return an error"


def clock(tree):
    """Time is an argument; base/clock reads it, and only edges, node, cluster,
    server and tools ask it."""
    for path, number in tree.matches(_CLOCK, ["include/windrow", "base", "schema", "storage",
                                              "formats", "sources", "ingest", "query", "actors"]):
        if not is_edge(path) and not path.startswith("base/clock."):
            yield path, number, "time is an argument here: only edges read a clock"


def listed(tree):
    """Every .cpp is named in a CMakeLists.txt of its folder or one above it; no globbing."""
    texts = {}
    for at, folders, names in os.walk(tree.root):
        relative = os.path.relpath(at, tree.root)
        folders[:] = [f for f in folders if not f.startswith(".") and not (
            relative == "." and is_output(f))]
        if "CMakeLists.txt" in names:
            with open(os.path.join(at, "CMakeLists.txt"), encoding="utf-8") as source:
                text = re.sub(r"#[^\n]*", "", source.read())
            texts[os.path.normpath(relative)] = text
            if re.search(r"file\s*\(\s*GLOB", text):
                yield os.path.join(relative, "CMakeLists.txt"), 1, "sources are listed, not globbed"
    for path in tree.code:
        if not path.endswith(".cpp"):
            continue
        folder = os.path.dirname(path) or "."
        while True:
            name = os.path.relpath(path, folder)
            words = re.split(r'[\s()"]+', texts.get(folder, ""))
            if any(re.sub(r"^\$\{\w+\}/", "", w) in (name, path) for w in words):
                break
            if folder == ".":
                yield path, 1, "is in no CMakeLists.txt"
                break
            folder = os.path.dirname(folder) or "."


def readmes(tree):
    """Every top folder has a README."""
    for name in sorted(os.listdir(tree.root)):
        path = os.path.join(tree.root, name)
        if os.path.isdir(path) and not name.startswith(".") and not is_output(name):
            if not any(f.startswith("README") for f in os.listdir(path)):
                yield name, 0, "has no README"


_SCOPE = re.compile(r"\bnamespace\b\s*([\w:]*)\s*$")
_TYPE = re.compile(r"(?:struct|class|union|enum(?: class| struct)?)\s+(\w+)(?!\s*<)")
_CALLABLE = re.compile(r"(?<![\w:])(\w+)\s*\(")
_PLAIN = re.compile(r"(?<![\w:])(\w+)\s*(?:\[[^\]]*\]\s*)*$")


def _heads(lines):
    """What unnamed namespaces declare, up to its body: (the namespace around it, line, text)."""
    scopes, text, begun, nested = [], "", 1, 0
    for number, line in enumerate(lines, 1):
        for char in "" if line.lstrip().startswith("#") else line + " ":
            if not text.strip():
                text, begun = "", number
            nested += (char in "([") - (char in ")]")
            if nested or char not in "{};":
                text += char
                continue
            scope = _SCOPE.search(text) if char == "{" else None
            if scopes[-1:] == [""] and not scope and char != "}" and text.strip():
                yield "::".join(filter(None, scopes)), begun, " ".join(text.split())
            if char == "{":
                scopes.append(scope.group(1) if scope else None)
            elif char == "}" and scopes:
                scopes.pop()
            text = ""


def _types_of(text, begin):
    """The types of the parameters whose list begins there, as they are written."""
    given, nested = [""], 0
    for char in text[begin:]:
        nested += (char in "(<[{") - (char in ")>]}")
        if nested < 0:
            break
        if char == "," and not nested:
            given.append("")
        else:
            given[-1] += char
    return tuple(re.sub(r"(?<=[\s&*])\w+$", "", g.split("=")[0].strip()).strip() for g in given)


def _helper(text):
    """The name that a declaration makes, with what may share it: types of parameters, or a type
    that an alias says; None where it is a member, a specialization or something else."""
    text = re.sub(r"\[\[[^\]]*\]\]\s*", "", text)
    while template := re.match(r"template\s*<", text):
        if re.match(r"template\s*<\s*>", text):
            return None
        at, nested = template.end(), 1
        while at < len(text) and nested:
            nested += (text[at] == "<") - (text[at] == ">")
            at += 1
        text = text[at:].strip()
    left = re.split(r"(?<![=<>!])=(?!=)", text)[0] if not re.search(r"\boperator\b", text) else text
    if alias := re.match(r"(?:using|namespace)\s+(\w+)\s*=", text):
        return alias.group(1), text
    if not re.match(r"(?!(?:using|friend|static_assert|requires|extern)\b)\w", text):
        return None
    if (kind := _TYPE.match(text)) and "(" not in left:
        return kind.group(1), None
    if (call := _CALLABLE.search(left)) and call.start() > 0:
        return call.group(1), _types_of(text, call.end())
    found = _PLAIN.search(left)
    return (found.group(1), None) if found and "(" not in left and found.start() > 0 else None


def helpers(tree):
    """Files of one target are compiled together, so their unnamed namespaces share their names;
    functions may share one if they differ in what they take, as it is written."""
    known = {}
    for path, lines in tree.code.items():
        if folder_of(path) in OUTSIDE or not path.endswith(".cpp"):
            continue
        for scope, number, text in _heads(lines):
            if not (made := _helper(text)):
                continue
            for other, before in known.setdefault((folder_of(path), scope, made[0]), []):
                overloads = isinstance(made[1], tuple) and isinstance(before, tuple)
                alike = isinstance(made[1], str) and made[1] == before
                if other != path and not alike and (not overloads or made[1] == before):
                    yield path, number, f"{other} has a helper `{made[0]}` too: share it, or " \
                                        "say which it is"
                    break
            known[folder_of(path), scope, made[0]].append((path, made[1]))


_TABLE = re.compile(r"^\| file \|.*\n((?:\|.*\n)+)", re.MULTILINE)
_ROW = re.compile(r"^\|([^|]*)\|", re.MULTILINE)


def _named(folder, text):
    """What the tables of a page name: (name as written, pattern below the folder)."""
    rows = "".join(_TABLE.findall(text))
    for cell in _ROW.findall(rows):
        room = ""
        for name in re.findall(r"`([^`]+)`", cell):
            # `room/a`, `b`: b is in the same room.
            room = os.path.dirname(name) + "/" if "/" in name else room
            yield name, room + os.path.basename(name) if name[-1] != "/" else name + "*"


def tables(tree):
    """The table of a folder's README names the headers of the folder, and nothing else."""
    for folder in ORDER:
        page = os.path.join(tree.root, folder, "README.md")
        if not os.path.exists(page):
            continue
        with open(page, encoding="utf-8") as source:
            text = source.read()
        if not _TABLE.search(text):
            continue
        here = [os.path.relpath(path, folder) for path in tree.code if path.startswith(folder + "/")]
        stems = {os.path.splitext(path)[0] for path in here}
        patterns = list(_named(folder, text))
        for name, pattern in patterns:
            exists = os.path.exists(os.path.join(tree.root, folder, pattern))
            if not exists and not fnmatch.filter(stems, pattern) and not fnmatch.filter(
                    (os.path.basename(s) for s in stems), pattern):
                yield folder + "/README.md", 0, f"names `{name}`, which is not there"
        for path in here:
            stem = os.path.splitext(path)[0]
            if path.endswith(".hpp") and not any(
                    fnmatch.fnmatch(stem, p) or fnmatch.fnmatch(os.path.basename(stem), p)
                    for _, p in patterns):
                yield os.path.join(folder, path), 0, f"is not in the table of {folder}/README.md"


RULES = [direction, apart, rooms, service, public_headers, libraries, plain_modules, printing,
         clock, listed, readmes, helpers, tables]


def offences(root):
    """All offences of the repository at `root`, as sentences."""
    tree = Tree(root)
    return [f"{path}:{number}: {says}" for rule in RULES for path, number, says in rule(tree)]


def main():
    found = offences(sys.argv[1] if len(sys.argv) > 1 else ".")
    for sentence in found:
        print(sentence)
    print(f"{len(found)} offences against {len(RULES)} fences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
