"""Plants each offence that `recipes.py` looks for, and expects it to be found."""

import os
import tempfile
import unittest

import recipes

PAGE = """# Extending

## Add a route

1. `server/api/route_table.cpp`, `routes[]`: a line.
2. `server/api/api.hpp`: the handler.
3. `server/body/NAME_json.hpp`: the shape.

## Add a command

1. `tools/main.cpp`: a call.
2. `tools/NAME_command.cpp`: the command.
"""
FILES = {
    "docs/extending.md": PAGE,
    "server/api/route_table.cpp": "routes[] = {&api::catalog, &catalog_shape}",
    "server/api/api.hpp": "response catalog(const call&);",
    "server/body/catalog_json.hpp": "extern const body_shape catalog_shape;",
    "tools/main.cpp": "add_check_command(app);",
    "tools/check_command.cpp": "void add_check_command(app) {}",
}


class Recipes(unittest.TestCase):
    def offences(self, **changes):
        with tempfile.TemporaryDirectory() as root:
            for path, text in {**FILES, **changes.get("files", {})}.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as out:
                    out.write(text)
            return list(recipes.check(root))

    def test_good(self):
        self.assertEqual(self.offences(), [])

    def test_a_file_that_is_not_there(self):
        page = PAGE.replace("tools/main.cpp", "tools/mian.cpp")
        self.assertIn("Add a command: there is no tools/mian.cpp",
                      self.offences(files={"docs/extending.md": page}))

    def test_a_place_that_is_not_there(self):
        page = PAGE.replace("`routes[]`", "`table[]`")
        self.assertEqual(self.offences(files={"docs/extending.md": page}),
                         ["Add a route: server/api/route_table.cpp has no `table[]`"])

    def test_a_file_that_no_step_names(self):
        self.assertEqual(
            self.offences(files={"server/api/extra.cpp": "void f() { add(catalog_shape); }"}),
            ["Add a route: server/api/extra.cpp names catalog_shape, and no step says so"])
        self.assertEqual(
            self.offences(files={"tools/help.cpp": "add_check_command"}),
            ["Add a command: tools/help.cpp names add_check_command, and no step says so"])

    def test_too_many_files(self):
        extra = {f"server/api/e{n}.cpp": "x" for n in range(4)}
        steps = "".join(f"{4 + n}. `{path}`: more.\n" for n, path in enumerate(extra))
        page = PAGE.replace("\n## Add a command", steps + "\n## Add a command")
        self.assertTrue(any("edits 6 product files" in o for o in self.offences(
            files={"docs/extending.md": page, **extra})))


if __name__ == "__main__":
    unittest.main()
