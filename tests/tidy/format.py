"""Checks how C++ files are written: `format.py [ROOT]` prints each offence, exits 1 if any.

Lines have at most 100 characters (text in raw strings apart, which is somebody's input or output),
and the files are as clang-format 14 leaves them with the .clang-format of the root. Other versions
of clang-format differ, so `setup.sh --tests` fetches that one; CLANG_FORMAT names another place.
"""

import os
import re
import subprocess
import sys

import fences

COLUMNS = 100
VERSION = "14.0.6"
_RAW = re.compile(r'R"(\w*)\(.*?\)\1"', re.DOTALL)
_STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')


def program():
    """Where clang-format is; None if it is not there."""
    home = os.environ.get("HOME", "/root")
    for path in (os.environ.get("CLANG_FORMAT"),
                 os.path.join(home, f".cache/windrow/clang-format-{VERSION}/bin/clang-format")):
        if path and os.access(path, os.X_OK):
            return path
    return None


def long_lines(text):
    """Numbers of the lines that are too long. A string that nobody can break does not count."""
    blank = _RAW.sub(lambda m: '""' + "\n" * m.group(0).count("\n"), text)
    for number, line in enumerate(blank.splitlines(), 1):
        if len(line) > COLUMNS and len(_STRING.sub('""', line)) > COLUMNS // 2:
            yield number, len(line)


def offences(root, clang_format):
    """All offences of the files under `root`, as sentences."""
    files = list(fences.source_files(root))
    for path in files:
        with open(os.path.join(root, path), encoding="utf-8") as source:
            for number, length in long_lines(source.read()):
                yield f"{path}:{number}: {length} characters, {COLUMNS} are allowed"
    if not files:
        return
    done = subprocess.run([clang_format, "--dry-run", *files], cwd=root, text=True,
                          capture_output=True, check=False)
    wrong = sorted(set(re.findall(r"^([^:\n]+):\d+:\d+: warning: .*clang-format", done.stderr,
                                  re.MULTILINE)))
    for path in wrong:
        yield f"{path}: is not as clang-format writes it: run `clang-format -i {path}`"
    if done.returncode != 0:
        yield f"clang-format failed: {done.stderr.strip()}"


def main():
    clang_format = program()
    if clang_format is None:
        print(f"clang-format {VERSION} is not there: run ./setup.sh --tests")
        return 1
    found = list(offences(sys.argv[1] if len(sys.argv) > 1 else ".", clang_format))
    for sentence in found:
        print(sentence)
    print(f"{len(found)} offences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
