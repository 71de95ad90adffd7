"""Plants what a newcomer may forget in a small tree and expects `extending.py` to say so."""

import os
import tempfile
import unittest

import extending

SECTION = "# x\n\n## Add an aggregation\n\n" + "\n".join(
    f"`{path}`" for path in [*sorted(extending.PLACEHOLDERS), extending.LIST, *extending.NAMED,
                             "storage/window/partials/all.hpp"]) + "\n\n## Add a route\n"
GOOD = {
    "docs/extending.md": SECTION,
    extending.LIST: "WINDROW_AGGREGATION(mode)\n\nWINDROW_PARTIAL(tally)\n",
    "schema/aggregation/mode.cpp": "",
    "storage/window/partials/all.hpp": '#include "storage/window/partials/tallies.hpp"\n',
    "storage/window/partials/tallies.hpp": "struct tally : plain {};\n",
    **{path: "aggregation/mode.cpp mode" for path in extending.NAMED},
}


class ExtendingTest(unittest.TestCase):
    def offences(self, **changed):
        with tempfile.TemporaryDirectory() as root:
            for path, text in {**GOOD, **changed.get("files", {})}.items():
                if text is None:
                    continue
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as out:
                    out.write(text)
            return extending.offences(root)

    def finds(self, path, text, says):
        found = self.offences(files={path: text})
        self.assertEqual(len(found), 1, found)
        self.assertIn(says, found[0])

    def test_a_good_tree(self):
        self.assertEqual(self.offences(), [])

    def test_a_file_that_is_forgotten(self):
        self.finds("schema/aggregation/mode.cpp", None, "mode has no schema/aggregation/mode.cpp")
        self.finds("storage/window/partials/tallies.hpp", "struct other {};\n", "`struct tally`")
        self.finds("storage/window/partials/all.hpp", "\n", "does not include tallies.hpp")

    def test_a_place_that_is_forgotten(self):
        for path in extending.NAMED:
            self.finds(path, "model", f"{path}: does not name mode")

    def test_a_recipe_that_is_out_of_date(self):
        self.finds("docs/extending.md", SECTION.replace("all.hpp", "every.hpp"),
                   "storage/window/partials/every.hpp is not there")
        self.finds("docs/extending.md", SECTION.replace(f"`{extending.LIST}`", ""),
                   f"does not name {extending.LIST}")
        self.finds("docs/extending.md", "# x\n", "no section")


if __name__ == "__main__":
    unittest.main()
