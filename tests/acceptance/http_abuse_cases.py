"""What is pushed to a running node, who may ask it, and what slow and hostile clients can do."""

import http.client
import json
import os
import re
import socket
import ssl
import subprocess
import threading
import time
import unittest

import command
from example import NOW, line
from server_cases import RunningNode

NDJSON = {"Content-Type": "application/x-ndjson"}
STREAM = "/v1/streams/transaction_stream"


class PushTest(RunningNode):
    def push(self, body, headers=None, target=STREAM):
        status, answer, _ = self.tcp("POST", target, body, headers={**NDJSON, **(headers or {})})
        return status, json.loads(answer)

    def value(self, feature, key="u1"):
        answer = self.tcp("GET", f"/v1/entities/User/{key}?feature={feature}&now={NOW}")
        return list(json.loads(answer[1])["features"].values())[0]["value"]

    def test_an_answered_push_can_be_read_and_survives_a_kill(self):
        status, answer = self.push(line(id="p1", user_id="p", amount=2.0, items=3) * 2)
        self.assertEqual((status, answer["messages"], answer["applied"], answer["errors"]),
                         (200, 2, True, []))
        self.assertEqual(self.value("item_count", "p"), 6)
        self.assertEqual(self.push(line(user_id="p", items=1), target=STREAM + "?wait=durable")[0],
                         200)
        command.kill(self.process)
        self.start()
        self.assertEqual(self.value("item_count", "p"), 7)

    def test_rows_that_cannot_be_used_are_said_and_kept(self):
        status, answer = self.push(line(user_id="q", items=3) + b"{\n" + line(amount="x"))
        self.assertEqual((status, answer["messages"]), (200, 3))
        self.assertEqual([(e["message"], e["phase"]) for e in answer["errors"]],
                         [(2, "parse"), (3, "parse")])
        self.assertEqual(self.value("item_count", "q"), 3)
        kept = json.loads(self.local("GET", "/v1/dead-letters")[1])
        self.assertEqual([l["push"] for l in kept["letters"]], [answer["position"]["journal"]] * 2)

    def test_a_producer_that_repeats_itself(self):
        pushed = line(user_id="r", items=2)
        who = {"Windrow-Producer": "till-7", "Windrow-Sequence": "1"}
        self.assertFalse(self.push(pushed, who)[1]["duplicate"])
        self.assertTrue(self.push(pushed, who)[1]["duplicate"])
        self.assertEqual(self.value("item_count", "r"), 2)
        self.assertEqual(self.push(line(user_id="r", items=9), who)[0], 409)
        self.assertEqual(self.push(pushed, {**who, "Windrow-Sequence": "5"})[0], 409)
        self.assertEqual(self.push(pushed, {"Windrow-Producer": "till-7"})[0], 400)

    def test_many_clients_at_once_count_exactly(self):
        def pushing(name):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            for n in range(20):
                connection.request("POST", STREAM, line(user_id="m", items=1) * 5, {
                    **NDJSON, "Windrow-Producer": name, "Windrow-Sequence": str(n + 1)})
                answer = connection.getresponse()
                self.assertEqual(answer.status, 200, answer.read())
                answer.read()
            connection.close()
        threads = [threading.Thread(target=pushing, args=(f"p{i}",)) for i in range(6)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(self.value("item_count", "m"), 600)

    def test_the_document_names_what_there_is(self):
        document = json.loads(self.tcp("GET", "/v1/openapi.json")[1])
        self.assertEqual(document["openapi"], "3.1.0")
        for path, operations in document["paths"].items():
            for method in operations:
                target = path.replace("{class}", "User").replace("{key}", "u1")
                target = target.replace("{stream}", "transaction_stream")
                target = target.replace("{source}", "transactions")
                status = self.local(method.upper(), target)[0]
                self.assertNotIn(status, (404, 405), f"{method} {path}")


class TokenTest(RunningNode):
    arguments = ("--limit", "wrong-tokens=1000")  # asked until the node has seen what changed

    def token(self, *arguments):
        return command.run("token", "create", "--data", self.data, *arguments,
                           check=True).out.strip()

    def ask(self, token, method="GET", target="/v1/catalog", body=None):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.tcp(method, target, body, headers=headers)

    def wait_for_answer(self, status, token, target="/v1/catalog"):
        self.wait_until(lambda: self.ask(token, target=target)[0] == status)

    def test_roles_scopes_rotation_and_the_audit_log(self):
        self.assertEqual(self.ask(None)[0], 200)
        reader = self.token("--role", "reader")
        self.wait_for_answer(401, None)
        self.assert_problem(self.ask(None), 401, "unauthorized")
        self.assertEqual(self.ask(None, target="/healthz")[0], 200)
        self.assertEqual(self.ask(reader)[0], 200)
        self.assert_problem(self.ask(reader, "POST", "/v1/checkpoint"), 403, "forbidden")
        self.assert_problem(self.ask(reader + "0"), 401)
        scoped = self.token("--role", "reader", "--class", "Transaction")
        admin = self.token("--role", "admin", "--expires", "1h")
        self.wait_for_answer(200, admin)
        self.assert_problem(self.ask(scoped, target="/v1/entities/User/u1"), 403)
        self.assert_problem(self.ask(scoped), 403)
        self.assertEqual(self.ask(scoped, target="/v1/entities/Transaction/t1")[0], 200)
        self.assertEqual(self.ask(admin, "POST", "/v1/checkpoint")[0], 200)
        command.run("token", "revoke", reader.split("_")[1], "--data", self.data, check=True)
        self.wait_for_answer(401, reader)
        self.assert_problem(self.ask(reader), 401)
        listed = command.run("token", "list", "--data", self.data, check=True).out
        self.assertIn("revoked", listed)
        file = self.path("token")
        with open(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as out:
            out.write(admin + "\n")
        by_file = command.run("inspect", "--connect", f"http://127.0.0.1:{self.port}",
                              "--token-file", file, "--json")
        self.assertEqual(by_file.code, 0, by_file)
        os.chmod(file, 0o644)
        self.assertIn("chmod 600", command.run(
            "inspect", "--connect", f"http://127.0.0.1:{self.port}", "--token-file", file).err)
        with open(os.path.join(self.data, "audit.log"), encoding="utf-8") as text:
            lines = [json.loads(l) for l in text]
        self.assertEqual({(l["status"], l["result"]) for l in lines},
                         {(401, "Unauthorized"), (403, "Forbidden"), (200, "done")})
        secrets = [t.rsplit("_", 1)[1] for t in (reader, scoped, admin)]
        kept = self.local("GET", "/metrics")[1]
        for name in (os.path.join(self.data, "tokens"), os.path.join(self.data, "audit.log"),
                     self.log, f"/proc/{self.process.pid}/cmdline"):
            with open(name, "rb") as text:
                kept += text.read()
        for secret in secrets:
            self.assertNotIn(secret.encode(), kept)


    def test_a_class_that_does_not_exist(self):
        for _ in ("running", "stopped"):
            refused = command.run("token", "create", "--data", self.data, "--role", "reader",
                                  "--class", "User", "--class", "Usr")
            self.assertEqual((refused.code, refused.out), (1, ""), refused)
            self.assertIn("unknown class `Usr`", refused.err)
            self.assertFalse(os.path.exists(os.path.join(self.data, "tokens")))
            if self.process.poll() is None:
                self.assertEqual(self.stop(), 0)
        self.start()
        # Named as in queries: the class, or its namespace.
        token = self.token("--role", "reader", "--class", "user")
        self.wait_for_answer(200, token, target="/v1/entities/User/u1")
        self.assert_problem(self.ask(token, target="/v1/entities/Transaction/t1"), 403)


class TlsTest(RunningNode):
    arguments = TokenTest.arguments

    def setUp(self):
        self.keys = {}
        super().setUp()

    def start(self, *more):
        self.certificate, self.key = self.path("cert.pem"), self.path("key.pem")
        if not os.path.exists(self.key):
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                 "-nodes", "-keyout", self.key, "-out", self.certificate, "-days", "2", "-subj",
                 "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
                check=True, capture_output=True)
        super().start("--tls-cert", self.certificate, "--tls-key", self.key, *more)

    def https(self, method, target, token=None, **context_options):
        context = ssl.create_default_context(cafile=self.certificate)
        for name, value in context_options.items():
            setattr(context, name, value)
        connection = http.client.HTTPSConnection("localhost", self.port, timeout=20,
                                                 context=context)
        try:
            return self.exchange(connection, method, target, headers={
                "Authorization": f"Bearer {token}"} if token else {})
        finally:
            connection.close()

    def test_by_tls_with_a_token(self):
        self.assertEqual(self.https("GET", "/healthz")[0], 200)
        self.assert_problem(self.https("GET", "/v1/catalog"), 401)
        token = command.run("token", "create", "--data", self.data, "--role", "reader",
                            check=True).out.strip()
        self.wait_until(lambda: self.https("GET", "/v1/catalog", token)[0] == 200)
        with self.assertRaises((ssl.SSLError, OSError)):
            self.https("GET", "/healthz", maximum_version=ssl.TLSVersion.TLSv1_1)
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            self.assertEqual(self.https("GET", "/healthz", minimum_version=version,
                                        maximum_version=version)[0], 200)
        self.assertNotIn(b"200 OK", self.raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        for ciphers in ("NULL", "aNULL", "eNULL"):
            shown = subprocess.run(
                ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-tls1_2", "-cipher",
                 f"{ciphers}:@SECLEVEL=0"], capture_output=True, check=False, input=b"",
                timeout=20)
            self.assertIn(b"Cipher is (NONE)", shown.stdout + shown.stderr, ciphers)
        self.assertEqual(self.https("GET", "/healthz")[0], 200)

    def test_commands_speak_tls(self):
        token = self.path("token")
        made = command.run("token", "create", "--data", self.data, "--role", "admin", check=True)
        with open(os.open(token, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as out:
            out.write(made.out)
        self.wait_until(lambda: self.https("GET", "/v1/catalog", made.out.strip())[0] == 200)

        def ask(host, *more):
            return command.run("inspect", "--json", "--connect", f"https://{host}:{self.port}",
                               "--token-file", token, *more)
        for host in ("localhost", "127.0.0.1"):
            answered = ask(host, "--ca-file", self.certificate)
            self.assertEqual(answered.code, 0, answered)
            self.assertEqual(json.loads(answered.out)["path"], self.data)
        for answered, said in (
                (ask("localhost"), "is not trusted: self"),  # nobody vouches for it
                (ask("127.1", "--ca-file", self.certificate), "is not trusted: "),  # another name
                (ask("localhost", "--ca-file", self.path("none")), "cannot use "),
                (command.run("inspect", "--connect", f"http://localhost:{self.port}"), "")):
            self.assertEqual(answered.code, 1, answered)
            self.assertEqual(answered.out, "")
            self.assertIn(said, answered.err)

    def test_what_is_not_started(self):
        def refused(*arguments):
            result = command.run("run", self.declaration, "--data", self.path("other"), "--once",
                                 *arguments)
            self.assertEqual(result.code, 1, result)
            return result.err
        pair = ("--tls-cert", self.certificate, "--tls-key", self.key)
        self.assertIn("tokens", refused("--listen", "0.0.0.0:0", *pair))
        self.assertIn("both", refused("--listen", "127.0.0.1:0", "--tls-cert", self.certificate))
        self.assertIn("cannot use", refused("--listen", "127.0.0.1:0", "--tls-cert",
                                            self.certificate, "--tls-key", self.path("none")))
        os.chmod(self.key, 0o644)
        self.assertIn("chmod 600", refused("--listen", "127.0.0.1:0", *pair))
        os.chmod(self.key, 0o600)
        command.run("token", "create", "--data", self.path("other"), "--role", "reader", check=True)
        result = command.run("run", self.declaration, "--data", self.path("other"), "--once",
                             "--listen", "0.0.0.0:0", *pair)
        self.assertEqual(result.code, 0, result)


class SlowClientTest(RunningNode):
    def test_slow_ones_end_and_harm_nobody(self):
        began = time.monotonic()
        slow = []
        try:
            for i in range(600):
                s = socket.create_connection(("127.0.0.1", self.port), timeout=20)
                slow.append(s)
                try:
                    s.sendall(b"GET /healthz HTTP/1.1\r\nHost: loc" if i % 2 else b"")
                except OSError:
                    pass
            times = []
            for _ in range(200):
                asked = time.monotonic()
                self.assertEqual(self.tcp("GET", "/v1/entities/User/u1")[0], 200)
                times.append(time.monotonic() - asked)
            self.assertLess(sorted(times)[int(len(times) * 0.99)], 1.0)
            # The newest one that began a request is answered when its time is over.
            last = slow[-1]
            last.settimeout(20)
            self.assertTrue(last.recv(65536).startswith(b"HTTP/1.1 408 "))
            self.assertLess(time.monotonic() - began, 30)
        finally:
            for s in slow:
                s.close()

    def test_a_body_that_does_not_come(self):
        got = self.raw(b"POST /v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                       b"application/json\r\nContent-Length: 100\r\n\r\n{", timeout=20)
        self.assertTrue(got.startswith(b"HTTP/1.1 408 "), got)


if __name__ == "__main__":
    unittest.main()
