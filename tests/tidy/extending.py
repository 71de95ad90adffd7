"""Checks that docs/extending.md and the house agree: `extending.py [ROOT]` prints each offence.

Every file that the recipe for aggregations names is there, and every name in `list.def` has what
the recipe says it has.
"""

import os
import re
import sys

LIST = "schema/aggregation/list.def"
PARTIALS = "storage/window/partials"
#: Where every aggregation is named, beside its own file.
NAMED = ["docs/declarations.md", "docs/limits.md", "schema/CMakeLists.txt",
         "tests/support/aggregations.py", "tests/support/generate.py",
         "tests/storage/random_history.hpp"]
PLACEHOLDERS = {"schema/aggregation/NAME.cpp", "storage/window/partials/PARTIAL.hpp"}


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as source:
        return source.read()


def listed(text, macro):
    return re.findall(rf"^WINDROW_{macro}\((\w+)\)$", text, re.MULTILINE)


def recipe_files(page):
    """Paths in backquotes of the section about aggregations."""
    section = re.search(r"^## Add an aggregation$(.*?)(?=^## |\Z)", page,
                        re.MULTILINE | re.DOTALL)
    if not section:
        return None
    return re.findall(r"`((?:schema|storage|docs|tests)/[\w/.]+\.\w+)`", section.group(1))


def offences(root):
    files = recipe_files(read(root, "docs/extending.md"))
    if files is None:
        return ["docs/extending.md: has no section `Add an aggregation`"]
    found = [f"docs/extending.md: {path} is not there" for path in files
             if path not in PLACEHOLDERS and not os.path.exists(os.path.join(root, path))]
    found += [f"docs/extending.md: does not name {path}"
              for path in [*sorted(PLACEHOLDERS), LIST, *NAMED] if path not in files]
    names = read(root, LIST)
    for name in listed(names, "AGGREGATION"):
        own = f"schema/aggregation/{name}.cpp"
        if not os.path.exists(os.path.join(root, own)):
            found.append(f"{LIST}: {name} has no {own}")
        found += [f"{path}: does not name {name}" for path in NAMED
                  if not re.search(rf"\b{name}\b", read(root, path))]
    headers = "".join(read(root, f"{PARTIALS}/{name}")
                      for name in sorted(os.listdir(os.path.join(root, PARTIALS))))
    found += [f"{LIST}: no header in {PARTIALS} has a `struct {name}`"
              for name in listed(names, "PARTIAL")
              if not re.search(rf"\bstruct {name}\b", headers)]
    every = read(root, f"{PARTIALS}/all.hpp")
    found += [f"{PARTIALS}/all.hpp: does not include {name}"
              for name in sorted(os.listdir(os.path.join(root, PARTIALS)))
              if name not in ("all.hpp", "partial.hpp") and f"{PARTIALS}/{name}" not in every]
    return found


def main():
    found = offences(sys.argv[1] if len(sys.argv) > 1 else ".")
    print("\n".join(found) if found else "the recipe and the house agree")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
