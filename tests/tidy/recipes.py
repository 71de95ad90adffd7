"""Follows docs/extending.md: `recipes.py [ROOT]` prints each step that leads nowhere, exits 1 if any.

A recipe is a section of that page; each numbered step begins with the file it edits or makes, in
backquotes; other files in its words are where it may be done as well. Every route and every command there is must have been made by its recipe: what names it
stands in the files of the steps, build lists apart, and in no other.
"""

import os
import re
import sys

PRODUCT = ("base", "schema", "storage", "formats", "sources", "ingest", "query", "actors", "node",
           "cluster", "server", "tools", "include")
#: More product files than these are not edited for one of a kind (new ones and build lists apart).
EDITED_MOST = 4


def recipes(text):
    """{title: [(file, what to do)]} of the page."""
    found = {}
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title, body = section.split("\n", 1)
        steps = re.findall(r"^\d+\. `([^`]+)`(.*?)(?=^\d+\. |^\S|\Z)", body,
                           flags=re.MULTILINE | re.DOTALL)
        found[title.strip()] = [(path, " ".join(rest.split())) for path, rest in steps]
    return found


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as source:
        return source.read()


def product_files(root):
    for top in PRODUCT:
        for at, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                if name.endswith((".cpp", ".hpp")):
                    yield os.path.relpath(os.path.join(at, name), root).replace(os.sep, "/")


def naming(files, pattern):
    """The product files with a word of the pattern in them."""
    sought = re.compile(pattern)
    return sorted(path for path, text in files.items() if sought.search(text))


def covered(path, steps):
    """Whether a step is about the file: `server/body/NAME_json.cpp` stands for any name."""
    named = [step for step, _ in steps]
    for _, what in steps:
        named += re.findall(r"`([\w/]+\.[ch]pp)`", what)
    return any(re.fullmatch(re.escape(step).replace("NAME", r"\w+"), path) for step in named)


def edited(root, steps):
    """Files of the steps that are there already: the others are new ones or build lists."""
    return sorted(path for path, _ in steps
                  if path.startswith(PRODUCT) and "NAME" not in path and
                  os.path.basename(path) != "CMakeLists.txt" and
                  os.path.exists(os.path.join(root, path)))


def steps_that_lead_nowhere(root, title, steps):
    for path, what in steps:
        if "NAME" in path:
            continue
        if not os.path.exists(os.path.join(root, path)):
            yield f"{title}: there is no {path}"
            continue
        text = read(root, path)
        for place in re.findall(r"`([^`]+)`", what.split(":")[0]):
            if "NAME" not in place and place not in text:
                yield f"{title}: {path} has no `{place}`"
    if len(edited(root, steps)) > EDITED_MOST:
        yield f"{title}: edits {len(edited(root, steps))} product files: {edited(root, steps)}"


def strays(title, things, files, steps, pattern):
    """Files that name one of the things and are in no step of its recipe."""
    if not things:
        yield f"{title}: found none that was made by it"
    for name in things:
        for path in naming(files, pattern.format(name)):
            if not covered(path, steps):
                yield f"{title}: {path} names {name}, and no step says so"


def check(root):
    page = recipes(read(root, "docs/extending.md"))
    files = {path: read(root, path) for path in product_files(root)}
    for title, steps in page.items():
        yield from steps_that_lead_nowhere(root, title, steps)
    table = files["server/api/route_table.cpp"]
    route, command = page.get("Add a route", []), page.get("Add a command", [])
    yield from strays("Add a route", re.findall(r"&api::(\w+)", table), files, route,
                      r"\bapi::{0}\b|\bresponse {0}\(const call&")
    yield from strays("Add a route", set(re.findall(r"&(\w+_shape)", table)), files, route,
                      r"\b{0}\b")
    yield from strays("Add a command", re.findall(r"\b(add_\w+_command)\(", files["tools/main.cpp"]),
                      files, command, r"\b{0}\b")


if __name__ == "__main__":
    offences = list(check(sys.argv[1] if len(sys.argv) > 1 else "."))
    print("\n".join(offences))
    sys.exit(1 if offences else 0)
