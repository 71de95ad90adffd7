"""A running node: commands that find its socket, and HTTP with Python's own client and raw bytes."""

import http.client
import json
import os
import re
import socket
import stat
import subprocess
import threading
import time
import unittest

import command
from example import NOW, ExampleTest


class SocketConnection(http.client.HTTPConnection):
    """HTTP by way of a Unix socket."""

    def __init__(self, path, timeout=30):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        # A path may be longer than the name of a socket.
        folder = os.open(os.path.dirname(self.path), os.O_PATH)
        try:
            self.sock.connect(f"/proc/self/fd/{folder}/{os.path.basename(self.path)}")
        finally:
            os.close(folder)


class RunningNode(ExampleTest):
    """`windrow run` on the example, with all of it applied, and `--listen` on a free port."""

    arguments = ()
    #: Messages of the files, which are all applied once it is there.
    read_first = 8

    def setUp(self):
        super().setUp()
        self.start()

    def start(self, *more):
        self.log = self.path(f"log-{time.monotonic_ns()}")
        self.process = command.start("run", self.declaration, "--data", self.data, "--listen",
                                     "127.0.0.1:0", *self.arguments, *more, log=self.log)
        self.addCleanup(self.end)
        self.port = int(self.wait_for(r"listening on port (\d+)"))
        self.wait_until(lambda: self.applied() == self.read_first)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(30)

    def stop(self):
        """SIGTERM, and the exit code."""
        self.process.terminate()
        return self.process.wait(60)

    def wait_for(self, pattern):
        found = []

        def look():
            with open(self.log, encoding="utf-8") as text:
                found[:] = re.findall(pattern, text.read())
            return bool(found)
        self.wait_until(look)
        return found[0]

    def wait_until(self, condition, timeout=30):
        end = time.monotonic() + timeout
        while not condition():
            if self.process.poll() is not None or time.monotonic() > end:
                with open(self.log, encoding="utf-8") as text:
                    self.fail(f"it did not come to it: {text.read()[-2000:]}")
            time.sleep(0.02)

    def applied(self):
        """Messages whose rows can be seen: 6 transactions in windows and 2 users, by their keys."""
        users = self.local("POST", "/v1/query", {
            "entities": [{"class": "User", "key": k} for k in ("u1", "u2", "u3")],
            "features": ["item_count[1h]", "sum_transaction_amount[1h]", "name"], "now": NOW})[1]
        rows = json.loads(users)["rows"]
        windows = [r["features"]["user.sum_transaction_amount__3600__"]["events"] for r in rows]
        named = [r["key"] for r in rows[:2] if any(
            p.endswith("users.ndjson") or "users" in p for p in r["position"])]
        return sum(windows) + len(named)

    @staticmethod
    def exchange(connection, method, target, body=None, headers=None):
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers = {"Content-Type": "application/json", **(headers or {})}
        connection.request(method, target, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.getheaders())

    def local(self, *what, **more):
        connection = SocketConnection(os.path.join(self.data, "socket"))
        try:
            return self.exchange(connection, *what, **more)
        finally:
            connection.close()

    def tcp(self, *what, **more):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            return self.exchange(connection, *what, **more)
        finally:
            connection.close()

    def raw(self, sent, timeout=15):
        """Sends bytes as they are; what comes back until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as s:
            try:
                s.sendall(sent)
            except OSError:
                pass
            got = b""
            while True:
                try:
                    more = s.recv(65536)
                except OSError:
                    return got
                if not more:
                    return got
                got += more

    def assert_problem(self, answer, status, code=None):
        self.assertEqual(answer[0], status, answer[1])
        problem = json.loads(answer[1])
        self.assertEqual(answer[2]["Content-Type"], "application/problem+json")
        self.assertEqual(problem["status"], status)
        self.assertTrue(problem["detail"])
        if code:
            self.assertEqual(problem["code"], code)
        return problem


class CommandsOnARunningNode(RunningNode):
    ASKING = (["query", "--entity", "User=u1", "--entity", "User=nobody", "--feature", "name",
               "--feature", "sum_transaction_amount", "--now", NOW],
              ["explain", "--entity", "User=u1", "--feature", "sum_transaction_amount[1h]",
               "--now", NOW],
              ["aggregate", "list"],
              ["deadletters", "list"],
              ["deadletters", "show", "--raw"])

    def test_they_answer_as_on_the_stopped_folder(self):
        bad = b'{"id": "t7", "user_id": "u1", "amount": "\xff"}\n'
        self.append("transactions.ndjson", bad)
        self.wait_until(lambda: b'"found": 1' in self.local("GET", "/v1/dead-letters")[1])
        plain = [command.run(*a, "--data", self.data, check=True).out for a in self.ASKING]
        as_json = [command.run(*a, "--data", self.data, "--json", check=True).out
                   for a in self.ASKING]
        self.assertEqual(self.stop(), 0)
        for arguments, text, whole in zip(self.ASKING, plain, as_json):
            with self.subTest(arguments):
                stopped = command.run(*arguments, "--data", self.data, check=True).out
                self.assertEqual(text, stopped)
                stopped = command.run(*arguments, "--data", self.data, "--json", check=True).out
                self.assertEqual(whole, stopped)
        self.assertEqual(plain[-1].encode("utf-8"), b'{"id": "t7", "user_id": "u1", "amount": "'
                         b'\xef\xbf\xbd"}\n')

    def test_inspect(self):
        found = json.loads(command.run("inspect", "--data", self.data, "--json", check=True).out)
        self.assertEqual(found["path"], self.data)
        refused = command.run("inspect", "--verify", "--data", self.data)
        self.assertEqual(refused.code, 1)
        self.assertIn("stop it first", refused.err)

    def test_connect_names_the_node(self):
        for address in (f"http://127.0.0.1:{self.port}", os.path.join(self.data, "socket")):
            result = command.run("query", "--connect", address, "--entity", "User=u1",
                                 "--feature", "item_count", "--now", NOW, "--json", check=True)
            self.assertEqual(json.loads(result.out)["rows"][0]["features"][
                "user.item_count__3600__"]["value"], 12)

    def test_errors_are_the_same(self):
        asked = ["query", "--data", self.data, "--entity", "Nobody=1", "--feature", "name"]
        running = command.run(*asked)
        self.assertEqual(self.stop(), 0)
        stopped = command.run(*asked)
        self.assertEqual((running.code, running.err), (stopped.code, stopped.err))
        self.assertEqual(stopped.code, 1)

    def test_nobody_there(self):
        for address in ("http://127.0.0.1:1", self.path("none")):
            result = command.run("aggregate", "list", "--connect", address)
            self.assertEqual(result.code, 1)
            self.assertIn("no node answers", result.err)
        self.assertEqual(command.run("aggregate", "list").code, 2)
        self.assertEqual(command.run("aggregate", "list", "--connect", "ftp://x").code, 1)

    def test_a_path_that_is_too_long_for_a_socket(self):
        self.assertEqual(self.stop(), 0)
        self.data = self.path("d" * 150)
        self.start()
        result = command.run("query", "--data", self.data, "--entity", "User=u1", "--feature",
                             "item_count", "--now", NOW, "--json", check=True)
        self.assertIn('"value": 12', result.out)


class SocketTest(RunningNode):
    def test_it_is_the_owners_and_goes_with_the_node(self):
        path = os.path.join(self.data, "socket")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertEqual(self.stop(), 0)
        self.assertFalse(os.path.exists(path))

    def test_a_socket_that_was_left_is_replaced(self):
        command.kill(self.process)
        self.assertTrue(os.path.exists(os.path.join(self.data, "socket")))
        self.start()
        self.assertEqual(self.local("GET", "/healthz")[0], 200)

    def test_commands_pass_over_one_that_was_left(self):
        command.kill(self.process)
        self.assertTrue(os.path.exists(os.path.join(self.data, "socket")))
        result = command.run("inspect", "--data", self.data, "--json", check=True)
        self.assertEqual(json.loads(result.out)["path"], self.data)
        refused = command.run("inspect", "--connect", os.path.join(self.data, "socket"))
        self.assertEqual(refused.code, 1)
        self.assertIn("no node answers", refused.err)

    def test_other_machines_are_not_listened_to(self):
        result = command.run("run", self.declaration, "--data", self.path("other"), "--listen",
                             "0.0.0.0:0", "--once")
        self.assertEqual(result.code, 1)
        self.assertIn("needs TLS", result.err)


class HttpTest(RunningNode):
    def test_one_entity(self):
        status, body, headers = self.tcp(
            "GET", f"/v1/entities/User/u1?feature=sum_transaction_amount%5B%221h%22%5D&now={NOW}")
        self.assertEqual((status, headers["Content-Type"]), (200, "application/json"))
        found = json.loads(body)
        self.assertEqual(set(found), {"now", "catalog_version", "entity", "key", "position",
                                      "features", "errors"})
        self.assertEqual(found["features"]["user.sum_transaction_amount__3600__"]["value"], 124.5)

    def test_every_feature_of_an_entity(self):
        found = json.loads(self.tcp("GET", "/v1/entities/user/u1")[1])
        self.assertIn("user.name", found["features"])
        self.assertEqual(len([f for f in found["features"] if "sum_transaction" in f]), 3)

    def test_a_query_is_what_the_command_prints(self):
        asked = {"entities": [{"class": "User", "key": "u1"}], "features": ["name", "largest"],
                 "now": NOW}
        body = self.tcp("POST", "/v1/query", asked)[1]
        printed = command.run("query", "--data", self.data, "--entity", "User=u1", "--feature",
                              "name", "--feature", "largest", "--now", NOW, "--json", check=True)
        self.assertEqual(body.decode(), printed.out)

    def test_rows_with_times_of_their_own(self):
        found = json.loads(self.tcp("POST", "/v1/query", {
            "entities": [{"class": "User", "key": "u1", "now": "2024-03-01T12:30:30Z"},
                         {"class": "User", "key": "u1"},
                         {"class": "User", "key": "u1", "now": NOW}],
            "features": ["card_payments[1h]"], "now": NOW})[1])
        counts = [r["features"]["user.card_payments__3600__"]["value"] for r in found["rows"]]
        self.assertEqual(counts, [2, 3, 3])
        self.assertEqual([r.get("now") for r in found["rows"]],
                         ["2024-03-01T12:30:30Z", None, NOW])

    def test_what_is_declared(self):
        found = json.loads(self.tcp("GET", "/v1/catalog")[1])
        self.assertEqual({s["stream"] for s in found["streams"]},
                         {"user_stream", "transaction_stream"})
        self.assertIn("User", {c["class"] for c in found["classes"]})

    def test_a_checkpoint(self):
        self.assertEqual(self.local("POST", "/v1/checkpoint")[0], 200)

    def test_what_is_wrong_with_a_request(self):
        json_type = {"Content-Type": "application/json"}
        for status, method, target, body, headers in (
                (404, "GET", "/v2/query", None, {}), (404, "GET", "/", None, {}),
                (404, "GET", "/v1/entities/Nobody/1", None, {}),
                (404, "GET", "/v1/entities/User/1?feature=nothing", None, {}),
                (404, "GET", "/v1/entities/User/../../etc/passwd", None, {}),
                (405, "DELETE", "/v1/query", None, {}), (405, "GET", "/v1/query", None, {}),
                (400, "GET", "/v1/entities/User/1?features=name", None, {}),
                (400, "GET", "/v1/entities/User/1?now=soon", None, {}),
                (400, "GET", "/v1/entities/User/1?now=1&now=2", None, {}),
                (400, "GET", "/v1/entities/User/%zz", None, {}),
                (400, "GET", "/v1/explain?class=User&key=u1", None, {}),
                (400, "POST", "/v1/query", "{", json_type),
                (400, "POST", "/v1/query", "[" * 100_000, json_type),
                (400, "POST", "/v1/query", '{"entities": [], "features": ["name"]}', json_type),
                (400, "POST", "/v1/query", '{"entities": 1e400}', json_type),
                (415, "POST", "/v1/query", "{}", {"Content-Type": "text/plain"}),
                (415, "POST", "/v1/query", "{}", {}),
                (415, "GET", "/v1/catalog", "{}", json_type),
                (413, "POST", "/v1/query", b" " * (17 << 20), json_type),
                (403, "GET", "/v1/inspect", None, {}), (403, "POST", "/v1/checkpoint", None, {}),
                (403, "GET", "/v1/catalog", None, {"Origin": "http://evil.example"}),
                (421, "GET", "/v1/catalog", None, {"Host": "evil.example"})):
            with self.subTest(f"{status} {method} {target}", headers=headers):
                try:
                    answer = self.tcp(method, target, body, headers=headers)
                except (BrokenPipeError, ConnectionResetError):
                    self.assertEqual(status, 413)  # it may close while the client still sends
                    continue
                self.assert_problem(answer, status)
        self.assertEqual(self.tcp("GET", "/healthz")[0], 200)

    def test_bytes_that_are_no_request(self):
        host = b"Host: localhost\r\n"
        big = b"POST /v1/query HTTP/1.1\r\n" + host + b"Content-Type: application/json\r\n"
        after = b"GET /v1/checkpoint HTTP/1.1\r\n" + host + b"\r\n"
        for sent, status in (
                (b"garbage\r\n\r\n", 400), (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
                (b"GET / HTTP/9.9\r\n\r\n", 505), (b"GET /\0 HTTP/1.1\r\n" + host + b"\r\n", 400),
                (b"GET / HTTP/1.1\r\nA: " + b"x" * 40_000 + b"\r\n\r\n", 431),
                (big + b"Content-Length: 1073741824\r\n\r\n{", 413),
                (big + b"Content-Length: -1\r\n\r\n", 400),
                (big + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}   " + after, 400),
                (big + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + after,
                 400),
                (big + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + after,
                 400),
                (big + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n" + after, 400)):
            with self.subTest(sent[:80]):
                got = self.raw(sent)
                self.assertEqual(got.count(b"HTTP/1.1 "), 1, got)
                self.assertTrue(got.startswith(b"HTTP/1.1 %d " % status), got)
                self.assertIn(b"Connection: close", got)
        self.assertEqual(self.tcp("GET", "/healthz")[0], 200)

    def test_chunks_keep_alive_and_expect(self):
        body = json.dumps({"entities": [{"class": "User", "key": "u1"}], "features": ["name"]})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        for _ in range(3):
            connection.request("POST", "/v1/query", iter([body[:10].encode(), body[10:].encode()]),
                               {"Content-Type": "application/json"}, encode_chunked=True)
            answer = connection.getresponse()
            self.assertEqual((answer.status, json.loads(answer.read())["rows"][0]["key"]),
                             (200, "u1"))
        connection.close()
        done = subprocess.run(
            ["curl", "-sS", "-H", "Expect: 100-continue", "-H", "Content-Type: application/json",
             "--data-binary", body, f"http://127.0.0.1:{self.port}/v1/query"],
            capture_output=True, check=True, timeout=30)
        self.assertEqual(json.loads(done.stdout)["rows"][0]["key"], "u1")

    def test_head_has_no_body(self):
        got = self.raw(b"HEAD /v1/catalog HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        self.assertTrue(got.startswith(b"HTTP/1.1 200 OK"), got)
        self.assertTrue(got.endswith(b"\r\n\r\n"), got)

    def test_requests_in_a_row_are_answered_in_order(self):
        asked = b"".join(
            b"GET /v1/entities/User/%s?feature=name HTTP/1.1\r\nHost: localhost\r\n%s\r\n" %
            (key, b"Connection: close\r\n" if key == b"u3" else b"") for key in
            (b"u1", b"u2", b"u3"))
        keys = re.findall(rb'"key": "(u\d)"', self.raw(asked))
        self.assertEqual(keys, [b"u1", b"u2", b"u3"])

    def test_stopping_answers_what_was_asked(self):
        """Clients that never stop asking: each request that was sent is answered, to the end."""
        answered, lost, refused = [0], [], threading.Event()

        def ask_on():
            while not refused.is_set():
                try:
                    s = socket.create_connection(("127.0.0.1", self.port), timeout=20)
                except OSError:
                    refused.set()
                    return
                with s:
                    try:
                        s.sendall(b"GET /v1/entities/User/u1 HTTP/1.1\r\nHost: localhost\r\n"
                                  b"Connection: close\r\n\r\n")
                        got = b""
                        while more := s.recv(65536):
                            got += more
                    except OSError as error:
                        got = repr(error).encode()
                    if b'"key": "u1"' in got:
                        answered[0] += 1
                    else:
                        lost.append(got)
        clients = [threading.Thread(target=ask_on) for _ in range(4)]
        for client in clients:
            client.start()
        self.wait_until(lambda: answered[0] > 200)
        self.assertEqual(self.stop(), 0)
        for client in clients:
            client.join(30)
        # The system may have taken a connection in the instant in which we stopped listening.
        self.assertLessEqual(len(lost), 2, lost)


if __name__ == "__main__":
    unittest.main()
