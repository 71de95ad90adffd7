"""The manual and the completion against what the program says of itself with `--help`."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

WINDROW = os.environ["WINDROW"]
PACKAGING = pathlib.Path(__file__).resolve().parents[2] / "packaging"
MAN = PACKAGING / "man"


def help_of(*command):
    return subprocess.run([WINDROW, *command, "--help"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def flags_of(text):
    """The flags that a help text explains, each at the beginning of a line."""
    return set(re.findall(r"^  (?:-h,)?(--[a-z-]+)", text, re.MULTILINE))


def commands_of(text):
    _, _, rest = text.partition("Subcommands:\n")
    return re.findall(r"^  ([a-z]+) ", rest.split("\n\n")[0], re.MULTILINE)


def commands():
    """Each command with the commands below it: `{"check": [], "source": ["list", ...]}`."""
    return {c: commands_of(help_of(c)) for c in commands_of(help_of())}


def explained_in(page):
    """What a manual page explains: the bold words that begin a tagged paragraph."""
    tags = re.findall(r"^\.TP\n(.*)$", page, re.MULTILINE)
    plain = [re.sub(r"\\f[BIR]", "", tag).replace(r"\-", "-") for tag in tags]
    return {word for tag in plain for word in re.findall(r"(?:^|, )(--?[a-z-]+|[a-z]+)", tag)}


class ManualTest(unittest.TestCase):
    def page(self, name):
        return (MAN / f"{name}.1").read_text(encoding="utf-8")

    def test_each_command_has_a_page_and_each_page_a_command(self):
        self.assertEqual(sorted(p.name for p in MAN.iterdir()),
                         sorted(["windrow.1", *(f"windrow-{c}.1" for c in commands())]))

    def test_the_first_page_names_every_command_and_flag(self):
        explained = explained_in(self.page("windrow"))
        self.assertEqual({w for w in explained if w.startswith("--")}, flags_of(help_of()))
        self.assertLessEqual(set(commands()), explained)

    def test_a_page_explains_the_flags_of_its_command_and_no_others(self):
        for command, below in commands().items():
            with self.subTest(command):
                flags = flags_of(help_of(command))
                for name in below:
                    flags |= flags_of(help_of(command, name))
                explained = explained_in(self.page(f"windrow-{command}"))
                self.assertEqual({w for w in explained if w.startswith("--")}, flags)
                self.assertLessEqual(set(below), explained)

    def test_the_pages_are_well_formed(self):
        for page in sorted(MAN.iterdir()):
            said = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.assertEqual((said.returncode, said.stdout), (0, ""), page)

    def test_a_page_names_pages_that_there_are(self):
        for page in sorted(MAN.iterdir()):
            for name in re.findall(r"(windrow[a-z\\-]*)\\fR\(1\)", page.read_text()):
                self.assertTrue((MAN / (name.replace("\\", "") + ".1")).exists(), (page, name))


class CompletionTest(unittest.TestCase):
    """`completion.bash` in a bash of its own, in a folder with `state/`, `a.yaml` and `b.txt`."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        os.mkdir(os.path.join(self.folder.name, "state"))
        for name in ("a.yaml", "b.txt"):
            open(os.path.join(self.folder.name, name), "w").close()

    def completions(self, *words):
        """What Tab offers behind these words, the last of which is being written."""
        # The function of the package bash-completion that is used, for words without `=`, `:`.
        script = """
          shopt -s extglob
          compopt() { :; }
          _get_comp_words_by_ref() {
            words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
            current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
          }
          . "$1"; shift
          COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
          _windrow
          printf '%s\\n' "${COMPREPLY[@]}"
        """
        said = subprocess.run(
            ["bash", "--norc", "-c", script, "-", PACKAGING / "completion.bash", WINDROW, *words],
            cwd=self.folder.name, check=True, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        self.assertEqual(said.stderr, "")
        return sorted(said.stdout.split())

    def test_commands(self):
        self.assertEqual(self.completions(""), sorted(commands()))
        self.assertEqual(self.completions("qu"), ["query"])
        for command, below in commands().items():
            if below:
                self.assertEqual(self.completions(command, ""), sorted(below), command)

    def test_flags_are_those_of_the_help(self):
        for command, below in commands().items():
            for name in [(command, b) for b in below] or [(command,)]:
                self.assertEqual(self.completions(*name, "--"), sorted(flags_of(help_of(*name))))
        self.assertEqual(self.completions("query", "--data", "state", "--ent"), ["--entity"])

    def test_values(self):
        self.assertEqual(self.completions("query", "--data", ""), ["state"])
        self.assertEqual(self.completions("run", ""), ["a.yaml", "state"])
        self.assertEqual(self.completions("run", "--tls-key", ""), ["a.yaml", "b.txt", "state"])
        self.assertEqual(self.completions("token", "create", "--role", ""),
                         ["admin", "reader", "writer"])
        self.assertEqual(self.completions("source", "seek", "s", "--to", "e"), ["earliest"])
        self.assertEqual(self.completions("query", "--feature", "x"), [])


if __name__ == "__main__":
    unittest.main()
