"""What `debian/` says against what it repeats: the project's version, and what the build needs."""

import os
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSION = os.environ["VERSION"]
#: Needed by the tests and benchmarks alone.
TESTS_ONLY = {"libgtest-dev", "libgmock-dev", "libabsl-dev"}


class DebianTest(unittest.TestCase):
    def setUp(self):
        self.control = (ROOT / "debian/control").read_text(encoding="utf-8")

    def test_the_packages_have_the_version_of_the_project(self):
        first = (ROOT / "debian/changelog").read_text(encoding="utf-8").splitlines()[0]
        self.assertEqual(first.split()[1], f"({VERSION})")

    def test_the_library_package_has_the_name_of_its_soname(self):
        major, minor, _ = VERSION.split(".")
        interface = f"{major}.{minor}" if major == "0" else major
        self.assertIn(f"\nPackage: libwindrow{interface}\n", self.control)

    def test_the_build_asks_for_what_setup_installs(self):
        setup = (ROOT / "setup.sh").read_text(encoding="utf-8")
        listed = re.search(r"^packages=\((.*?)^\)", setup, re.MULTILINE | re.DOTALL).group(1)
        needed = set(re.findall(r"\blib[a-z0-9+-]+-dev\b", re.sub(r"#.*", "", listed)))
        needed |= {f"libboost{v}-dev" for v in re.findall(r"\bboost=([0-9.]+)", setup)}
        asked = re.search(r"^Build-Depends:(.*?)^\S", self.control,
                          re.MULTILINE | re.DOTALL).group(1)
        asked = set(re.findall(r"\blib[a-z0-9.+-]+-dev\b", asked))
        self.assertEqual(asked, needed - TESTS_ONLY)
        self.assertGreaterEqual(len(asked), 12)


if __name__ == "__main__":
    unittest.main()
