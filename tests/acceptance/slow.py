"""Slow clients: slowhttptest against a running node, in its three ways, while others ask.

    slow.py                              a few seconds, 500 connections each
    slow.py --connections 2000 --seconds 30

The attack comes from one address. Three others ask one entity after the other all the while: by TCP
from another address, by the Unix socket, and with a new connection for each request. None may fail,
their p99 stays within twice what it is without an attack (or within `--floor`, which noise of the
machine reaches), and the node's memory within its limit.
"""

import argparse
import http.client
import os
import re
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import example  # noqa: E402,F401  (puts tests/support on the path)
import command  # noqa: E402
from server_cases import RunningNode, SocketConnection  # noqa: E402

MEMORY = 64 << 20
TARGET = "/v1/entities/User/u1?feature=sum_transaction_amount"
ELSEWHERE = ("127.0.0.2", 0)
#: What slowhttptest does, beside how often and how long. Slow reading asks for much at once.
WAYS = {
    "slow headers": ["-H", "-i", "1", "-x", "24", "-t", "GET"],
    "slow body": ["-B", "-i", "1", "-x", "24", "-s", "8192", "-t", "POST", "-f",
                  "application/json"],
    "slow read": ["-X", "-w", "512", "-y", "1024", "-n", "1", "-z", "32", "-k", "10"],
}
PATHS = {"slow headers": "/v1/catalog", "slow body": "/v1/query",
         "slow read": "/v1/openapi.json"}


class Client(threading.Thread):
    """Asks again and again; `times` are seconds, `failures` what went wrong."""

    def __init__(self, connect, keep):
        super().__init__(daemon=True)
        self.connect, self.keep = connect, keep
        self.times, self.failures, self.done = [], [], threading.Event()

    def run(self):
        connection = None
        while not self.done.is_set():
            began = time.monotonic()
            try:
                connection = connection or self.connect()
                connection.request("GET", TARGET)
                answer = connection.getresponse()
                body = answer.read()
                if answer.status != 200 or b'"key": "u1"' not in body:
                    self.failures.append((answer.status, body[:200]))
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection = None
            self.times.append(time.monotonic() - began)
            if connection and not self.keep:
                connection.close()
                connection = None
            self.done.wait(0.005)


def clients(node):
    def elsewhere():
        return http.client.HTTPConnection("127.0.0.1", node.port, timeout=20,
                                          source_address=ELSEWHERE)

    def local():
        return SocketConnection(os.path.join(node.data, "socket"))
    return {"another address": Client(elsewhere, True), "the socket": Client(local, True),
            "new connections": Client(elsewhere, False)}


def asking(node, during):
    """Asks while `during` runs: p99 of each client, in seconds."""
    asked = clients(node)
    for one in asked.values():
        one.start()
    during()
    for one in asked.values():
        one.done.set()
        one.join(30)
    for name, one in asked.items():
        if one.failures:
            sys.exit(f"a client by {name} failed {len(one.failures)} times: {one.failures[0]}")
    return {name: sorted(one.times)[int(len(one.times) * 0.99)] for name, one in asked.items()}


def anonymous_memory(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return int(re.search(r"RssAnon:\s+(\d+)", status.read())[1]) << 10


def attack(node, way, given):
    """Runs slowhttptest to its end; the most connections it had open, and the node's memory."""
    url = f"http://127.0.0.1:{node.port}{PATHS[way]}"
    most_memory = 0
    # All of them within a third of the time: at once would be a flood, which is something else.
    rate = given.connections // max(2, given.seconds // 3)
    with subprocess.Popen(
            ["slowhttptest", "-c", str(given.connections), "-r", str(rate), "-l",
             str(given.seconds), "-p", "5", "-u", url, *WAYS[way]], cwd=node.folder,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
        said = []
        reader = threading.Thread(target=lambda: said.append(running.stdout.read()))
        reader.start()
        while running.poll() is None:
            most_memory = max(most_memory, anonymous_memory(node.process.pid))
            time.sleep(0.1)
        reader.join()
    opened = [int(n) for n in re.findall(r"connected:[^\n]*?(\d+)$", said[0], re.MULTILINE)]
    if not opened or max(opened) == 0:
        sys.exit(f"slowhttptest did not connect:\n{said[0][-2000:]}")
    return max(opened), most_memory


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--connections", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--floor", type=float, default=1000, help="milliseconds")
    given = parser.parse_args()
    command.require()
    node = RunningNode("run")
    node.arguments = ("--memory", str(MEMORY))
    wrong = []
    try:
        node.setUp()
        quiet = asking(node, lambda: time.sleep(min(given.seconds, 10)))
        for way in WAYS:
            saw = []
            under = asking(node, lambda: saw.append(attack(node, way, given)))
            opened, memory = saw[0]
            print(f"{way}: {opened} of {given.connections} connections open at most, "
                  f"{memory >> 20} MiB")
            for name, p99 in under.items():
                print(f"  {name}: p99 {p99 * 1e3:.2f} ms, quiet {quiet[name] * 1e3:.2f} ms")
                if p99 > max(2 * quiet[name], given.floor / 1e3):
                    wrong.append(f"{way}: the p99 of {name}")
            if memory > MEMORY:
                wrong.append(f"{way}: {memory} bytes of memory")
        node.assertIsNone(node.process.poll())
        node.assertEqual(node.stop(), 0)
    finally:
        node.doCleanups()
    if wrong:
        sys.exit("beyond what is promised: " + "; ".join(wrong))


if __name__ == "__main__":
    main()
