"""Each limit of the HTTP server at another value than its own (`--limit`), and what is answered."""

import json
import os
import socket
import threading
import time

import command
from example import ExampleTest, line
from server_cases import RunningNode

JSON = {"Content-Type": "application/json"}
NDJSON = {"Content-Type": "application/x-ndjson"}
STREAM = "/v1/streams/transaction_stream"
HEAD = b"POST /v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def limits(**named):
    out = []
    for name, value in named.items():
        out += ["--limit", f"{name.replace('_', '-')}={value}"]
    return tuple(out)


class LimitTest(RunningNode):
    def assert_refused(self, raw, status, code):
        """What came on a socket: one answer, a problem of that status and code."""
        head, _, body = raw.partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 %d " % status), raw)
        self.assertIn(b"\r\nContent-Type: application/problem+json\r\n", head)
        self.assertEqual(json.loads(body)["code"], code)
        return head

    def begin_body(self, declared, sent, address="127.0.0.1"):
        """A connection whose request is under way, with so much of its body."""
        s = socket.create_connection(("127.0.0.1", self.port), 20, (address, 0))
        self.addCleanup(s.close)
        s.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % declared)
        self.assertTrue(s.recv(100).startswith(b"HTTP/1.1 100 "))  # it is being received now
        s.sendall(b" " * sent)
        return s

    def until_refused(self, ask, status, workers=8, timeout=60):
        """Several clients ask again and again until one is refused: the answer."""
        found, end = [], time.monotonic() + timeout

        def work():
            while not found and time.monotonic() < end:
                answer = ask()
                if answer[0] == status:
                    found.append(answer)
                else:
                    self.assertEqual(answer[0], 200, answer)
        threads = [threading.Thread(target=work) for _ in range(workers)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertTrue(found, f"no {status} in {timeout} s")
        return found[0]


class SizeTest(LimitTest):
    arguments = limits(header_bytes="2K", body_bytes="8K", bodies_bytes="12K", query_rows=3,
                       push_rows=3, body_grace="30s")

    def test_headers(self):
        def asked(n):
            return (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nA: " +
                    b"x" * n + b"\r\n\r\n")
        self.assertTrue(self.raw(asked(1_500)).startswith(b"HTTP/1.1 200 "))
        self.assert_refused(self.raw(asked(2_100)), 431, "header_too_large")

    def test_a_body_and_rows(self):
        rows = [{"class": "User", "key": f"u{i}"} for i in range(4)]
        asked = {"entities": rows[:3], "features": ["name"]}
        self.assertEqual(self.tcp("POST", "/v1/query", asked)[0], 200)
        self.assert_problem(self.tcp("POST", "/v1/query", {**asked, "entities": rows}), 413,
                            "too_large")
        padded = json.dumps(asked) + " " * 8_000
        self.assertEqual(self.tcp("POST", "/v1/query", padded, headers=JSON)[0], 200)
        self.assert_problem(self.tcp("POST", "/v1/query", padded + " " * 200, headers=JSON), 413,
                            "too_large")
        self.assertEqual(self.tcp("POST", STREAM, line() * 3, headers=NDJSON)[0], 200)
        self.assert_problem(self.tcp("POST", STREAM, line() * 4, headers=NDJSON), 413,
                            "too_large")

    def test_all_bodies_together(self):
        first = self.begin_body(8_000, 7_000)
        end = time.monotonic() + 20
        while time.monotonic() < end:  # until what was sent has arrived
            got = self.raw(HEAD + b"Connection: close\r\nContent-Length: 8000\r\n\r\n" +
                           b" " * 8_000)
            if got.startswith(b"HTTP/1.1 503 "):
                break
        self.assertIn(b"\r\nRetry-After: ", self.assert_refused(got, 503, "busy"))
        first.sendall(b" " * 1_000)
        self.assertTrue(first.recv(65536).startswith(b"HTTP/1.1 400 "))  # it is only spaces


class TimeTest(LimitTest):
    arguments = limits(header_time="300ms", body_grace="300ms", body_rate="1M", idle_time="400ms",
                       apply_time="0s")

    def took(self, sent):
        began = time.monotonic()
        got = self.raw(sent, timeout=20)
        return got, time.monotonic() - began

    def test_headers_that_come_slowly(self):
        got, took = self.took(b"GET /healthz HTTP/1.1\r\nHost: loc")
        self.assert_refused(got, 408, "too_slow")
        self.assertLess(took, 4)

    def test_a_body_that_pauses(self):
        got, took = self.took(HEAD + b"Content-Length: 100\r\n\r\n{")
        self.assert_refused(got, 408, "too_slow")
        self.assertLess(took, 4)

    def test_a_body_that_trickles(self):
        s = self.begin_body(1_000_000, 0)
        s.settimeout(0.05)
        got, end = b"", time.monotonic() + 20
        while not got and time.monotonic() < end:
            s.sendall(b" " * 100)
            try:
                got = s.recv(65536)
            except TimeoutError:
                pass
        self.assert_refused(got, 408, "too_slow")

    def test_a_connection_without_requests(self):
        got, took = self.took(b"")
        self.assertEqual(got, b"")
        self.assertTrue(0.3 < took < 5, took)

    def test_a_push_does_not_wait_to_be_applied(self):
        def push():
            status, body, _ = self.tcp("POST", STREAM, line(), headers=NDJSON)
            return (status if json.loads(body)["applied"] else "not applied", body)
        self.until_refused(push, "not applied")


class ConnectionTest(LimitTest):
    arguments = limits(connections=4, connections_per_address=3, requests=1, workers=1,
                       pushes_waiting=1, body_grace="60s", drain_time="300ms", wrong_tokens=2)

    def threads(self):
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    def test_of_an_address_and_in_all(self):
        for _ in range(3):
            self.begin_body(100, 1)
        self.assertTrue(self.raw(b"").startswith(b"HTTP/1.1 503 "))
        # Another address has places of its own, as long as there are any.
        self.begin_body(100, 1, "127.0.0.2")
        with socket.create_connection(("127.0.0.1", self.port), 20, ("127.0.0.3", 0)) as s:
            self.assertTrue(s.recv(100).startswith(b"HTTP/1.1 503 "))
        # The socket's are nobody else's.
        self.assertEqual(self.local("GET", "/healthz")[0], 200)

    def test_a_connection_that_waits_gives_its_place(self):
        waiting = [socket.create_connection(("127.0.0.1", self.port), timeout=20)
                   for _ in range(3)]
        for s in waiting:
            self.addCleanup(s.close)
        self.assertEqual(self.tcp("GET", "/healthz")[0], 200)
        self.assertEqual(waiting[0].recv(100), b"")

    def test_requests(self):
        asked = {"entities": [{"class": "User", "key": f"u{i}"} for i in range(5_000)],
                 "features": ["name", "item_count"]}
        answer = self.until_refused(lambda: self.tcp("POST", "/v1/query", asked), 503, workers=3)
        self.assert_problem(answer, 503, "busy")
        self.assertEqual(answer[2]["Retry-After"], "1")

    def test_pushes_that_are_not_applied(self):
        answer = self.until_refused(self.quick_push, 429, workers=3)
        self.assert_problem(answer, 429, "behind")
        self.assertEqual(answer[2]["Retry-After"], "1")

    def quick_push(self):
        while True:
            try:
                answer = self.local("POST", STREAM + "?wait=durable", line() * 1_000,
                                    headers=NDJSON)
            except ConnectionError:
                continue  # the place of the connection before is not free yet
            if answer[0] != 503:
                return answer

    def test_wrong_tokens(self):
        def ask():
            return self.tcp("GET", "/v1/catalog", headers={"Authorization": "Bearer wdr_x_y"})
        for _ in range(2):
            self.assert_problem(ask(), 401, "unauthorized")
        answer = ask()
        self.assert_problem(answer, 429, "too_many_tokens")
        self.assertIn("Retry-After", answer[2])

    def test_workers_and_the_end_of_a_request_that_does_not_come(self):
        one = self.threads()
        self.begin_body(100, 1)
        began = time.monotonic()
        self.assertEqual(self.stop(), 0)
        self.assertLess(time.monotonic() - began, 8)
        self.start("--limit", "workers=7")
        self.assertEqual(self.threads(), one + 6)


class AnswerTest(LimitTest):
    arguments = limits(write_grace="300ms", write_rate="1G")

    def sockets(self):
        names = f"/proc/{self.process.pid}/fd"
        return sum(os.readlink(os.path.join(names, n)).startswith("socket:")
                   for n in os.listdir(names))

    def test_an_answer_that_nobody_takes(self):
        before = self.sockets()
        asked = json.dumps({"entities": [{"class": "User", "key": "u1"}] * 10_000,
                            "features": ["name", "item_count", "sum_transaction_amount"]}).encode()
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            s.settimeout(20)
            s.connect(("127.0.0.1", self.port))
            s.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(asked) + asked)
            s.recv(1)
            self.wait_until(lambda: self.sockets() == before)
            got = b""
            try:
                while more := s.recv(65536):
                    got += more
            except ConnectionError:
                pass
        declared = int(got.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
        self.assertLess(len(got), declared)


class WrongLimitTest(ExampleTest):
    def test_what_is_refused(self):
        for given, said in (("conections=4", "did you mean `connections`?"),
                            ("connections=0", "it is from 1 to 1000000"),
                            ("header-time=fast", "write a duration such as 5s"),
                            ("body-bytes", "write it as in --limit body-bytes=64M"),
                            ("bodies-bytes=1M", "raise bodies-bytes")):
            with self.subTest(given):
                result = command.run("run", self.declaration, "--data", self.data, "--limit",
                                     given)
                self.assertEqual(result.code, 2, result)
                self.assertIn(said, result.err)
                self.assertFalse(os.path.exists(self.data))

    def test_help_lists_them(self):
        shown = command.run("run", "--help", check=True).out
        self.assertIn("\n  connections-per-address=256   of them, from one address\n", shown)
