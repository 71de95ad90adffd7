"""The installed tree: what is in it, what the library exports, and that an outside project builds with it."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = os.environ["BUILD"]
CMAKE = os.environ["CMAKE"]
CXX = os.environ["CXX"]
VERSION = os.environ["VERSION"]
#: Until 1.0 each minor version is an interface of its own.
MAJOR, MINOR, _ = VERSION.split(".")
INTERFACE = f"{MAJOR}.{MINOR}" if MAJOR == "0" else MAJOR

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]


def run(*command, **options):
    """What a command printed; its errors are in the message of what it raises."""
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          **options)
    if done.returncode:
        raise AssertionError(f"{command}: exit {done.returncode}\n{done.stdout}")
    return done.stdout


class TreeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="windrow-install-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.prefix = cls.folder / "installed"
        # Another prefix than that of the configuration, and moved afterwards: nothing may know it.
        run(CMAKE, "--install", BUILD, "--prefix", str(cls.folder / "first"))
        (cls.folder / "first").rename(cls.prefix)
        cls.library, = cls.prefix.glob(f"lib*/**/libwindrow.so.{VERSION}")
        cls.environment = {**os.environ, "LD_LIBRARY_PATH": str(cls.library.parent),
                           "PKG_CONFIG_PATH": str(cls.library.parent / "pkgconfig")}

    def expect_example(self, program, name):
        """The example prints what its pushes add up to, twice."""
        example = ROOT / "examples/embedded"
        run(CMAKE, f"-DPROGRAM={program}", f"-DDECLARATIONS={example / 'features.yaml'}",
            f"-DFOLDER={self.folder / name}", "-P", str(example / "expect.cmake"),
            env=self.environment)

    def test_what_is_installed(self):
        library = self.library.parent.relative_to(self.prefix)
        found = {str(p.relative_to(self.prefix)) for p in self.prefix.rglob("*") if not p.is_dir()}
        headers = {f"include/windrow/{p.name}" for p in (ROOT / "include/windrow").glob("*.hpp")}
        pages = {f"share/man/man1/{p.name}" for p in (ROOT / "packaging/man").iterdir()}
        targets = {p for p in found if re.search(r"/windrowTargets(-[a-z]+)?\.cmake$", p)}
        self.assertGreaterEqual(len(targets), 2)
        self.assertEqual(found - targets, {
            "bin/windrow", "share/bash-completion/completions/windrow",
            "lib/systemd/system/windrow.service", "lib/sysusers.d/windrow.conf",
            f"{library}/libwindrow.so", f"{library}/libwindrow.so.{INTERFACE}",
            f"{library}/libwindrow.so.{VERSION}", f"{library}/pkgconfig/windrow.pc",
            f"{library}/cmake/windrow/windrowConfig.cmake",
            f"{library}/cmake/windrow/windrowConfigVersion.cmake"} | headers | pages)

    def test_the_program_needs_no_library_of_ours(self):
        said = run("readelf", "--dynamic", str(self.prefix / "bin/windrow"))
        self.assertNotIn("libwindrow", said)
        self.assertNotRegex(said, "RPATH|RUNPATH")
        run(str(self.prefix / "bin/windrow"), "--version")

    def test_the_library_has_a_soname_and_no_network(self):
        said = run("readelf", "--dynamic", str(self.library))
        self.assertIn(f"Library soname: [libwindrow.so.{INTERFACE}]", said)
        self.assertNotRegex(said, "RPATH|RUNPATH|TEXTREL")
        needed = re.findall(r"Shared library: \[(\w+)", said)
        self.assertFalse({"libssl", "libcrypto", "libprometheus"} & set(needed), needed)

    def test_the_library_exports_its_interface_and_nothing_else(self):
        said = run("nm", "--dynamic", "--defined-only", "--demangle", "--format=posix",
                   str(self.library))
        versioned = [re.fullmatch(rf"(.*)@@windrow_{re.escape(INTERFACE)} [TWVBDRi]\b.*", line)
                     for line in said.splitlines() if not line.startswith("windrow_")]
        self.assertNotIn(None, versioned, said)
        exported = sorted({found.group(1).replace("[abi:cxx11]", "") for found in versioned})
        wanted = (ROOT / "tests/install/exports.txt").read_text().splitlines()
        self.assertEqual(exported, [line for line in wanted if not line.startswith("#")],
                         "an interface that others have built against changed: see "
                         "docs/library.md, then tests/install/exports.txt")

    def test_each_header_stands_alone_without_a_warning(self):
        for header in sorted((self.prefix / "include/windrow").iterdir()):
            run(CXX, "-std=c++20", *WARNINGS, "-fsyntax-only", "-x", "c++",
                f"-I{self.prefix / 'include'}", "-include", str(header), "/dev/null")

    def test_a_project_finds_it_with_cmake(self):
        at = self.folder / "found"
        run(CMAKE, "-S", str(ROOT / "examples/embedded"), "-B", str(at), "-G", "Ninja",
            f"-DCMAKE_CXX_COMPILER={CXX}", f"-DCMAKE_PREFIX_PATH={self.prefix}",
            "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON")
        run(CMAKE, "--build", str(at))
        commands = (at / "compile_commands.json").read_text()
        self.assertRegex(commands, r"-std=(gnu|c)\+\+20")
        self.assertNotRegex(commands, "-W(all|extra|error)|-fvisibility|WINDROW")
        self.expect_example(at / "embedded", "found-data")

    def test_cmake_refuses_another_interface(self):
        for version, fits in ((VERSION, True), (f"{MAJOR}.{MINOR}", True),
                              (f"{MAJOR}.{int(MINOR) + 1}", False), (f"{int(MAJOR) + 1}.0", False)):
            at = self.folder / f"asks-{version}"
            at.mkdir()
            (at / "CMakeLists.txt").write_text(
                "cmake_minimum_required(VERSION 3.25)\nproject(asks LANGUAGES CXX)\n"
                f"find_package(windrow {version} REQUIRED)\n")
            said = subprocess.run(
                [CMAKE, "-S", str(at), "-B", str(at / "build"), "-G", "Ninja",
                 f"-DCMAKE_CXX_COMPILER={CXX}", f"-DCMAKE_PREFIX_PATH={self.prefix}"],
                text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.assertEqual(said.returncode == 0, fits, (version, said.stdout))

    def test_a_program_finds_it_with_pkg_config(self):
        flags = run("pkg-config", "--cflags", "--libs", "windrow", env=self.environment).split()
        self.assertEqual(run("pkg-config", "--modversion", "windrow", env=self.environment).strip(),
                         VERSION)
        program = self.folder / "by_hand"
        run(CXX, "-std=c++20", *WARNINGS, str(ROOT / "examples/embedded/main.cpp"), *flags,
            "-o", str(program), env=self.environment)
        self.expect_example(program, "by-hand-data")

    def test_a_module_that_is_loaded_late_works(self):
        """As an interpreter loads one: the library comes and goes with dlopen and dlclose."""
        module, loader = self.folder / "module.so", self.folder / "loader"
        flags = run("pkg-config", "--cflags", "--libs", "windrow", env=self.environment).split()
        run(CXX, "-std=c++20", "-shared", "-fPIC", "-Dmain=entry",
            str(ROOT / "examples/embedded/main.cpp"), *flags, "-o", str(module),
            env=self.environment)
        (self.folder / "loader.c").write_text("""
            #include <dlfcn.h>
            #include <stdio.h>
            int main(int count, char** words) {
              void* module = dlopen(MODULE, RTLD_NOW | RTLD_LOCAL);
              if (!module) return puts(dlerror()), 1;
              int (*entry)(int, char**) = (int (*)(int, char**))dlsym(module, "_Z5entryiPPc");
              return entry ? entry(count, words) : 1;
            }""")
        run("cc", f'-DMODULE="{module}"', str(self.folder / "loader.c"), "-ldl", "-o", str(loader))
        self.expect_example(loader, "module-data")


if __name__ == "__main__":
    unittest.main()
