"""The commands as a user would use them, with literal expectations: runs all `*_cases.py`.

    WINDROW=build/release/windrow commands.py                      everything
    commands.py check_cases                                        one file
    commands.py run_cases.RunTest.test_standard_input -v           one test
"""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import example  # noqa: E402,F401  (puts tests/support on the path)
import command  # noqa: E402

MODULES = ["check_cases", "run_cases", "query_cases", "bad_input_cases",
           "example_cases", "source_cases", "server_cases",
           "http_abuse_cases", "limit_cases", "metric_cases", "capnp_cases"]

if __name__ == "__main__":
    command.require()
    names = [a for a in sys.argv[1:] if not a.startswith("-")]
    flags = [a for a in sys.argv[1:] if a.startswith("-")]
    unittest.main(module=None, argv=["commands.py", *flags, *(names or MODULES)])
