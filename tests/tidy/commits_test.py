"""Makes commits with good and bad subjects and expects the bad ones to be found."""

import os
import subprocess
import tempfile
import unittest

import commits


class CommitsTest(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.root = holder.name

    def git(self, *words):
        subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@example.invalid",
                        "-c", "commit.gpgsign=false", *words], cwd=self.root, check=True,
                       capture_output=True, env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull})

    def commit(self, message):
        self.git("commit", "--allow-empty", "--cleanup=verbatim", "-m", message)

    def found(self):
        return list(commits.offences(self.root))

    def test_a_tree_without_history(self):
        self.assertEqual(self.found(), [])

    def test_a_repository_without_commits(self):
        self.git("init", "-q")
        self.assertEqual(self.found(), [])

    def test_subjects(self):
        self.git("init", "-q")
        self.commit("storage: " + "ä" * (72 - 9) + "\n\nWhy, in lines as long as it takes: " + "y" * 80)
        self.assertEqual(self.found(), [])
        self.commit("storage: " + "x" * (73 - 9))
        self.assertEqual(len(self.found()), 1)
        self.assertIn("73 characters", self.found()[0])
        self.commit("storage: one\nand more")
        self.assertIn("the line after the subject", self.found()[0])

    def test_merges_count(self):
        self.git("init", "-q", "-b", "main")
        self.commit("one")
        self.git("checkout", "-q", "-b", "side")
        self.commit("two")
        self.git("checkout", "-q", "main")
        self.git("merge", "-q", "--no-ff", "-m", "m" * 80, "side")
        self.assertEqual(len(self.found()), 1)

    def test_only_the_newest(self):
        self.git("init", "-q")
        self.commit("x" * 80)
        for number in range(commits.COMMITS):
            self.commit(f"storage: {number}")
        self.assertEqual(self.found(), [])


if __name__ == "__main__":
    unittest.main()
