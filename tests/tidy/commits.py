"""Checks the subjects of the newest commits: `commits.py [ROOT]` prints each offence, exits 1 if any.

A subject has at most 72 characters, merges included, and the second line of a message is empty. A
tree without history has nothing to check.
"""

import os
import subprocess
import sys

SUBJECT = 72
COMMITS = 20


def messages(root):
    """(short hash, lines of the message) of the newest commits; none if there is no history."""
    if not os.path.exists(os.path.join(root, ".git")):
        return []
    try:
        done = subprocess.run(["git", "log", f"-{COMMITS}", "--format=%h%n%B%x00"], cwd=root,
                              capture_output=True, text=True, check=False)
    except OSError:
        return []
    records = [r.strip("\n").split("\n") for r in done.stdout.split("\0") if r.strip()]
    return [(lines[0], lines[1:]) for lines in records]


def offences(root):
    """All offences of the newest commits, as sentences."""
    for name, lines in messages(root):
        subject = lines[0] if lines else ""
        if len(subject) > SUBJECT:
            yield f"{name}: a subject of {len(subject)} characters, {SUBJECT} are allowed: {subject}"
        if len(lines) > 1 and lines[1].strip():
            yield f"{name}: the line after the subject is not empty: {subject}"


if __name__ == "__main__":
    found = list(offences(sys.argv[1] if len(sys.argv) > 1 else "."))
    print("\n".join(found) if found else "the newest commits have short subjects")
    sys.exit(1 if found else 0)
