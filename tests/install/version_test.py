"""`windrow --version`: the commit it was built from, or the version of its package."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSION = os.environ["VERSION"]
PACKAGE_VERSION = os.environ.get("PACKAGE_VERSION", "")


class VersionTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.tree = self.folder / "tree"
        self.tree.mkdir()
        (self.tree / "file").write_text("1\n")
        self.template = self.folder / "version.in"
        self.template.write_text("@version_text@\n")
        self.written = self.folder / "written"

    def git(self, *words):
        return subprocess.run(
            ["git", "-c", "user.name=n", "-c", "user.email=n@example.org", "-C", self.tree, *words],
            check=True, text=True, stdout=subprocess.PIPE).stdout.strip()

    def commit(self):
        self.git("init", "--quiet")
        self.git("add", ".")
        self.git("commit", "--quiet", "--message", "one")
        return self.git("rev-parse", "--short=12", "HEAD")

    def write(self, source=None, package=""):
        subprocess.run(
            [os.environ["CMAKE"], f"-DSOURCE={source or self.tree}", "-DVERSION=1.2.3",
             f"-DPACKAGE_VERSION={package}", f"-DTEMPLATE={self.template}",
             f"-DWRITTEN={self.written}", "-P", ROOT / "cmake/write_version.cmake"], check=True)
        return self.written.read_text().strip()

    def test_the_program_says_it(self):
        said = subprocess.run([os.environ["WINDROW"], "--version"], check=True, text=True,
                              stdout=subprocess.PIPE).stdout
        if PACKAGE_VERSION:
            self.assertEqual(said, f"windrow {PACKAGE_VERSION}\n")
        else:
            commit = r"( \(commit [0-9a-f]{12}(-dirty)?\))"
            repository = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            commit += "?" if repository.returncode else ""
            self.assertRegex(said, rf"^windrow {re.escape(VERSION)}{commit}\n$")

    def test_no_repository(self):
        self.assertEqual(self.write(), "1.2.3")

    def test_a_commit_and_changes_since(self):
        commit = self.commit()
        self.git("tag", "v9")
        self.assertEqual(self.write(), f"1.2.3 (commit {commit})")
        (self.tree / "file").write_text("2\n")
        self.assertEqual(self.write(), f"1.2.3 (commit {commit}-dirty)")

    def test_the_repository_around_it_is_not_its_own(self):
        self.commit()
        inside = self.tree / "inside"
        inside.mkdir()
        self.assertEqual(self.write(source=inside), "1.2.3")

    def test_a_package_has_its_own(self):
        self.commit()
        self.assertEqual(self.write(package="1.2.3-4"), "1.2.3-4")

    def test_nothing_is_written_if_nothing_changed(self):
        self.commit()
        self.write()
        os.utime(self.written, (1, 1))
        self.write()
        self.assertEqual(self.written.stat().st_mtime, 1)


if __name__ == "__main__":
    unittest.main()
