"""Plants each offence in a small tree and expects the fences to find it, and nothing else."""

import os
import tempfile
import unittest

import fences

GOOD = {
    "include/README.md": "", "schema/README.md": "", "storage/README.md": "",
    "actors/README.md": "", "tools/README.md": "", "tests/README.md": "",
    "include/windrow/value.hpp": "#include <vector>\n#include \"windrow/result.hpp\"\n",
    "schema/plan/plan.hpp": "#include \"windrow/value.hpp\"\n",
    "schema/catalog/catalog_codec.cpp": "#include <capnp/message.h>\n#include \"schema/catalog/catalog.capnp.h\"\n",
    "storage/lmdb/lmdb.cpp": "#include <lmdb.h>\n#include \"schema/plan/plan.hpp\"\n",
    "storage/fold.cpp": "// std::cout << now(); exit(1)\nauto s = \"printf(\";\nsnprintf(a);\n"
                        "self.exit(); x.time(0); expired_at(now);\n",
    "actors/shard.cpp": "#include <caf/all.hpp>\nauto t = clock::now();\n",
    "actors/fan_out.cpp": "#include \"storage/fold.hpp\"\n",
    "tools/main.cpp": "#include <iostream>\nint main() { std::cout << 1; exit(0); }\n",
    "tests/storage/fold_test.cpp": "#include <caf/all.hpp>\n",
    "schema/CMakeLists.txt": "add_library(s catalog/catalog_codec.cpp)\n",
    "storage/CMakeLists.txt": "add_library(t STATIC\n  lmdb/lmdb.cpp fold.cpp)\n",
    "actors/CMakeLists.txt": "add_library(a shard.cpp fan_out.cpp)\n",
    "tools/CMakeLists.txt": "add_executable(w main.cpp)\n",
    "tests/CMakeLists.txt": "windrow_test(t storage/fold_test.cpp)\n",
}


class FencesTest(unittest.TestCase):
    def offences(self, **changed):
        with tempfile.TemporaryDirectory() as root:
            for path, text in {**GOOD, **changed.get("files", {})}.items():
                if text is None:
                    continue
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as out:
                    out.write(text)
            return fences.offences(root)

    def finds(self, path, text, says):
        found = self.offences(files={path: text})
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(path), found)
        self.assertIn(says, found[0])

    def test_a_good_tree(self):
        self.assertEqual(self.offences(), [])

    def test_an_include_upwards(self):
        self.finds("schema/plan/plan.hpp", '#include "storage/fold.hpp"\n', "storage is above schema")

    def test_an_include_of_a_neighbour(self):
        found = self.offences(files={"query/README.md": "", "query/ask.hpp": '#include "ingest/take.hpp"\n'})
        self.assertEqual(len(found), 1, found)
        self.assertIn("neighbours", found[0])

    def test_an_include_of_a_room_above(self):
        found = self.offences(files={
            "storage/lmdb/lmdb.hpp": '#include "storage/journal/journal.hpp"\n'})
        self.assertEqual(len(found), 1, found)
        self.assertIn("storage/journal is above storage/lmdb", found[0])

    def test_a_reach_through_the_service(self):
        found = self.offences(files={"server/README.md": "",
                                     "server/api.hpp": '#include "node/push_service.hpp"\n'})
        self.assertEqual(len(found), 1, found)
        self.assertIn("behind the service", found[0])
        self.assertEqual(self.offences(files={
            "server/README.md": "", "server/api.hpp": '#include "node/node_stats.hpp"\n'}), [])

    def test_an_include_of_tests(self):
        self.finds("schema/plan/plan.hpp", '#include "tests/support/oracle.hpp"\n', "nothing includes")

    def test_an_include_that_is_not_from_the_root(self):
        self.finds("schema/plan/plan.hpp", '#include "column.hpp"\n', "from the root")

    def test_a_library_in_the_public_headers(self):
        self.finds("include/windrow/value.hpp", "#include <fmt/core.h>\n", "standard library")

    def test_lmdb_elsewhere(self):
        self.finds("storage/fold.cpp", "#include <lmdb.h>\n", "storage/lmdb/lmdb")

    def test_capnp_elsewhere(self):
        self.finds("storage/fold.cpp", "#include <kj/string.h>\n", "codec")

    def test_generated_headers_elsewhere(self):
        self.finds("storage/fold.cpp", '#include "schema/catalog/catalog.capnp.h"\n', "codec")

    def test_caf_in_a_plain_module(self):
        self.finds("actors/fan_out.cpp", "#include <caf/actor.hpp>\n", "edges")

    def test_caf_below_actors(self):
        self.finds("storage/fold.cpp", "#include <caf/actor.hpp>\n", "edges")

    def test_a_plain_module_that_includes_an_edge(self):
        found = self.offences(files={"actors/interfaces.hpp": "#include <caf/all.hpp>\n",
                                     "actors/fan_out.cpp": '#include "actors/interfaces.hpp"\n'})
        self.assertEqual(len(found), 1, found)
        self.assertIn("plain module", found[0])

    def test_printing(self):
        for text in ("std::cerr << 1;", 'fmt::print("x");', 'printf("x");', 'std::puts("x");'):
            with self.subTest(text):
                self.finds("storage/fold.cpp", text + "\n", "printing")

    def test_exiting(self):
        for text in ("exit(1);", "std::abort();", "std::terminate();", "std::signal(2, f);"):
            with self.subTest(text):
                self.finds("storage/fold.cpp", text + "\n", "exiting")

    def test_clocks(self):
        for path, text in (("storage/fold.cpp", "std::chrono::system_clock::now();"),
                           ("actors/fan_out.cpp", "clock::now();"),
                           ("storage/fold.cpp", "const auto now = wall_clock();"),
                           ("storage/fold.cpp", "std::time(nullptr);")):
            with self.subTest(text):
                self.finds(path, text + "\n", "time is an argument")

    def test_a_source_in_no_list(self):
        self.finds("storage/extra.cpp", "\n", "CMakeLists")

    def test_a_glob(self):
        found = self.offences(files={"tools/CMakeLists.txt": "file(GLOB s *.cpp)\n# main.cpp\n"})
        self.assertEqual(len(found), 2, found)

    def helpers(self, one, other):
        """What is found where two files of one target have those helpers."""
        files = {"storage/CMakeLists.txt": "add_library(t lmdb/lmdb.cpp fold.cpp keep.cpp)\n"}
        for path, text in (("storage/fold.cpp", one), ("storage/keep.cpp", other)):
            files[path] = f"namespace windrow {{\nnamespace {{\n{text}\n}}  // namespace\n}}\n"
        return self.offences(files=files)

    def test_helpers_of_one_name(self):
        pairs = [("int half(int n) { return n / 2; }",
                  "long half(int of) noexcept {\n  return 1;\n}"),
                 ("constexpr int few = 2;", "const std::size_t few{3};"),
                 ("struct row { int a; };", "class row {};"),
                 ("int few() { return 1; }", "constexpr int few = 2;"),
                 ("struct few {};", "int few(int a, int b = 2);"),
                 ("using key = int;", "using key = long;"),
                 ("template <class T>\nbool is(const T& a) { return a; }",
                  "template <class T>\n[[nodiscard]] bool is(const T&) { return {}; }"),
                 ("const char* names[] = {a, b};", "constexpr std::array<int, 3> names = {1};")]
        for one, other in pairs:
            with self.subTest(one + other):
                found = self.helpers(one, other)
                self.assertEqual(len(found), 1, found)
                self.assertIn("share it, or say which it is", found[0])
                self.assertIn(":3:", found[0])

    def test_helpers_that_may_share_a_name(self):
        pairs = [("int half(int n) { return n; }", "int half(const std::string& n) { return 1; }"),
                 ("int half(int n) { int few = 2; return few; }", "constexpr int few = 2;"),
                 ("using key = int;", "using key = int;"),
                 ("using schema::none;", "using schema::none;"),
                 ("namespace fs = std::filesystem;", "namespace fs = std::filesystem;"),
                 ("template <>\nstruct of<int> {};", "template <>\nstruct of<long> {};"),
                 ("}\nint half(int n) { return n; }\nnamespace {", "int half(int n) { return n; }")]
        for one, other in pairs:
            with self.subTest(one + other):
                self.assertEqual(self.helpers(one, other), [])

    def test_helpers_of_two_targets(self):
        text = "namespace {\nint half(int n) { return n; }\n}\n"
        found = self.offences(files={"storage/fold.cpp": text, "actors/fan_out.cpp": text})
        self.assertEqual(found, [])

    def test_a_table_of_files(self):
        page = "| file | holds |\n|---|---|\n| `fold` | rows |\n| `gone` | nothing |\n"
        found = self.offences(files={"storage/README.md": page, "storage/fold.hpp": "",
                                     "storage/window/tile.hpp": ""})
        self.assertEqual(found, ["storage/README.md:0: names `gone`, which is not there",
                                 "storage/window/tile.hpp:0: is not in the table of storage/README.md"])

    def test_a_folder_without_readme(self):
        self.assertEqual(self.offences(files={"schema/README.md": None}), ["schema:0: has no README"])


if __name__ == "__main__":
    unittest.main()
