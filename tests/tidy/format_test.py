"""Plants lines that are too long or badly written and expects them to be found, and nothing else."""

import os
import tempfile
import unittest

import format  # pylint: disable=redefined-builtin


class FormatTest(unittest.TestCase):
    def offences(self, text):
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, "storage"))
            here = os.path.dirname(os.path.abspath(__file__))
            with open(os.path.join(here, "../../.clang-format"), encoding="utf-8") as style:
                rules = style.read()
            for path, content in ((".clang-format", rules), ("storage/fold.cpp", text)):
                with open(os.path.join(root, path), "w", encoding="utf-8") as out:
                    out.write(content)
            return list(format.offences(root, format.program()))

    def test_a_good_file(self):
        self.assertEqual(self.offences("int fold(int a) { return a; }\n"), [])

    def test_a_file_that_is_not_formatted(self):
        found = self.offences("int fold( int a ) {return a;}\n")
        self.assertEqual(len(found), 1, found)
        self.assertIn("clang-format -i storage/fold.cpp", found[0])

    def test_a_long_comment(self):
        found = self.offences("// " + "ä" * 97 + "\n// http" + "x" * 100 + "\n")
        self.assertEqual(found, ["storage/fold.cpp:2: 107 characters, 100 are allowed"])

    def test_text_of_others_may_be_long(self):
        self.assertEqual(self.offences('const char* a = R"(\n' + "x" * 200 + '\n)";\n'), [])


if __name__ == "__main__":
    unittest.main()
