"""Writes the code of a recipe in docs/extending.md: `recipe.py ROOT PAGE SECTION OUT`.

A block of C++ begins with a comment that names its file. A file that is there already is copied to
OUT with the block put in: includes behind the first one, the rest at the end of the file's table of
kinds. Any other file is new, and is the block.
"""

import os
import re
import sys

TABLE = re.compile(r"(constexpr std::array \w+\{\n(?:    .*\n)+?)(\};)")


def blocks(page, section):
    """(file, code) of each block of C++ below the heading, in order."""
    parts = re.split(r"^## (.*)$", page, flags=re.MULTILINE)
    text = dict(zip(parts[1::2], parts[2::2]))[section]
    for code in re.findall(r"^```cpp\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL):
        name, rest = code.split("\n", 1)
        if not name.startswith("// "):
            raise ValueError(f"a block does not begin with the name of its file: {name}")
        yield name[3:].strip(), rest


def put_in(text, code):
    includes = "".join(line + "\n" for line in code.splitlines() if line.startswith("#include"))
    lines = "".join(line + "\n" for line in code.splitlines()
                    if line and not line.startswith("#include"))
    end = text.index("\n", text.index('#include "')) + 1
    text, found = TABLE.subn(lambda m: m[1] + lines + m[2], text[:end] + includes + text[end:],
                             count=1)
    if found != 1:
        raise ValueError("there is no table to put a line into")
    return text


def main(root, page, section, out):
    with open(os.path.join(root, page), encoding="utf-8") as file:
        found = list(blocks(file.read(), section))
    for name, code in found:
        at = os.path.join(root, name)
        if os.path.exists(at):
            with open(at, encoding="utf-8") as file:
                code = put_in(file.read(), code)
        to = os.path.join(out, name)
        os.makedirs(os.path.dirname(to), exist_ok=True)
        with open(to, "w", encoding="utf-8") as file:
            file.write(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
