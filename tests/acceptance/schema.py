"""The API against its own description: schemathesis sends what `/v1/openapi.json` allows, and what
it does not, to a running node, and judges each answer.

    schema.py                     a few seconds, the same every time
    schema.py --time 300          for so long, with a seed of its own
    schema.py --seed 7 --examples 200

First with names that nobody has declared, then with the example's: so that valid requests get as
far as their answers.
"""

import argparse
import os
import random
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import example  # noqa: E402,F401  (puts tests/support on the path)
import command  # noqa: E402
from server_cases import RunningNode  # noqa: E402

VERSION = "4.32.5"  # that of setup.sh
SCHEMATHESIS = os.environ.get("WINDROW_SCHEMATHESIS") or os.path.expanduser(
    f"~/.cache/windrow/schemathesis-{VERSION}/bin/schemathesis")
#: Names that the example declares, as parameters of paths.
DECLARED = {"path.class": "User", "path.stream": "transaction_stream", "path.source": "users",
            "query.source": "users"}
#: What a description cannot say: two headers that belong together, features and keys that are not
#: of the class, places that are not in a file. Such a request is refused though it is well formed.
CONFIG = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 400, 403, 404, 409, 422]

[[operations]]
include-operation-id = ["health", "readiness", "metrics", "openapi", "catalog", "aggregates",
  "sources", "checkpoint"]
checks.positive_data_acceptance.expected-statuses = ["2xx"]

[[operations]]
include-operation-id = ["inspect", "dead_letters", "replay_dead_letters", "drop_dead_letters",
  "pause_source", "resume_source", "reset_source"]
checks.positive_data_acceptance.expected-statuses = ["2xx", 404, 409]
"""


def attack(node, token, seed, examples, seconds, names):
    config = node.path(f"schemathesis-{len(names)}.toml")
    with open(config, "w", encoding="utf-8") as out:
        if names:
            out.write("[parameters]\n")
            out.writelines(f'"{k}" = "{v}"\n' for k, v in names.items())
        out.write(CONFIG)
    arguments = [SCHEMATHESIS, "--config-file", config, "run",
                 f"http://127.0.0.1:{node.port}/v1/openapi.json", "--header",
                 f"Authorization: Bearer {token}", "--seed", str(seed), "--max-examples",
                 str(examples), "--phases", "examples,coverage,fuzzing", "--continue-on-failure",
                 "--warnings", "off", "--no-color"]
    if seconds:
        arguments += ["--max-time", str(seconds)]
    done = subprocess.run(arguments, cwd=node.folder, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    text = done.stdout.decode("utf-8", "replace")
    if done.returncode != 0:
        print(text)
        sys.exit(f"the API is not as it is described: schema.py --seed {seed} "
                 f"--examples {examples}")
    print("\n".join(text.splitlines()[-8:]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int)
    parser.add_argument("--examples", type=int, default=10)
    parser.add_argument("--time", type=int, default=0, help="seconds; otherwise a round")
    given = parser.parse_args()
    command.require()
    if not os.access(SCHEMATHESIS, os.X_OK):
        sys.exit(f"no schemathesis at {SCHEMATHESIS}: ./setup.sh --tests fetches it")
    seed = given.seed or (random.randrange(1, 10 ** 6) if given.time else 1)
    print(f"seed {seed}")
    node = RunningNode("run")
    # It tries wrong tokens too, which would close the address to the right one.
    node.arguments = ("--limit", "wrong-tokens=1000000")
    try:
        node.setUp()
        token = command.run("token", "create", "--data", node.data, "--role", "admin",
                            check=True).out.strip()
        node.wait_until(lambda: node.tcp("GET", "/v1/catalog")[0] == 401)
        began = time.monotonic()
        for names in ({}, DECLARED):
            attack(node, token, seed, given.examples, given.time // 2, names)
        node.assertIsNone(node.process.poll())
        node.assertEqual(node.local("GET", "/healthz")[0], 200)
        node.assertEqual(node.stop(), 0)
        print(f"{time.monotonic() - began:.1f} s")
    finally:
        node.doCleanups()


if __name__ == "__main__":
    main()
