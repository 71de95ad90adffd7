"""`/metrics`: what promtool says of it, what it counts, what happens beyond the label limits."""

import os
import re
import shutil
import subprocess

from example import ExampleTest, line
from server_cases import RunningNode

STREAM = "/v1/streams/transaction_stream"
NDJSON = {"Content-Type": "application/x-ndjson"}
DOCS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs")
#: Where `setup.sh --tests` puts it.
PROMTOOL = os.environ.get("WINDROW_PROMTOOL") or shutil.which("promtool") or os.path.expanduser(
    "~/.cache/windrow/promtool/promtool")


def promtool(*arguments, stdin=b""):
    return subprocess.run([PROMTOOL, *arguments], input=stdin, capture_output=True, check=False,
                          timeout=60)


def samples(text):
    """`name{label="value"}` and its value; labels in the order in which they stand."""
    out = {}
    for one in text.splitlines():
        if not one.startswith("#"):
            name, value = one.rsplit(" ", 1)
            out[name] = float(value)
    return out


class MetricTest(RunningNode):
    def scrape(self):
        status, body, headers = self.tcp("GET", "/metrics")
        self.assertEqual(status, 200)
        self.assertEqual(headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        return body.decode()

    def checked(self, text):
        """Without a complaint of promtool."""
        said = promtool("check", "metrics", stdin=text.encode())
        self.assertEqual((said.returncode, said.stdout, said.stderr), (0, b"", b""))

    def test_what_is_counted(self):
        push = (line(id="a") + line(id="b", amount="x") + line(id="c", ts="2099-01-01T00:00:00Z") +
                line(id="d", ts="1999-01-01T00:00:00Z"))
        self.assertEqual(self.tcp("POST", STREAM, push, headers=NDJSON)[0], 200)
        self.assertEqual(self.local("POST", "/v1/checkpoint")[0], 200)
        self.assertEqual(self.tcp("GET", "/v1/entities/User/u1")[0], 200)
        text = self.scrape()
        self.checked(text)
        found = samples(text)

        def of(name, *labels):
            shown = ",".join(f'{k}="{v}"' for k, v in labels)
            return found[name + (f"{{{shown}}}" if shown else "")]
        for source, read in (("transactions", 6), ("users", 2), ("journal", 4)):
            self.assertEqual(of("windrow_messages_read_total", ("source", source)), read)
            self.assertGreater(of("windrow_read_bytes_total", ("source", source)), 30 * read)
            state = "running"
            self.assertEqual(of("windrow_source_state", ("source", source), ("state", state)), 1)
        self.assertEqual(of("windrow_messages_total", ("source", "journal"),
                            ("outcome", "dead_lettered")), 2)
        self.assertEqual(of("windrow_messages_total", ("source", "journal"),
                            ("outcome", "applied")), 2)
        self.assertEqual(of("windrow_messages_total", ("source", "transactions"),
                            ("outcome", "applied")), 6)
        self.assertEqual(of("windrow_dead_letters_total", ("phase", "time"), ("reason", "future")),
                         1)
        self.assertEqual(of("windrow_dead_letters_total", ("phase", "parse"), ("reason", "type")),
                         1)
        self.assertEqual(of("windrow_late_rows_total", ("source", "journal")), 1)
        late = {k: v for k, v in found.items() if k.startswith("windrow_series_late_rows_total{")}
        self.assertEqual(max(late.values()), 1)
        self.assertEqual(of("windrow_source_lag_bytes", ("source", "transactions")), 0)
        self.assertEqual(of("windrow_ingest_to_visible_seconds_count") > 8, True)
        self.assertEqual(of("windrow_entities_in_memory", ("key", "User")), 3)
        buckets = sum(v for k, v in found.items() if k.startswith("windrow_buckets_in_memory{"))
        self.assertGreater(buckets, 5)
        self.assertGreater(of("windrow_checkpoint_duration_seconds_count"), 0)
        self.assertGreater(of("windrow_commit_duration_seconds_count"), 0)
        self.assertGreater(of("windrow_checkpoint_written_bytes_total"), 100)
        self.assertGreater(of("windrow_stored_values"), 3)
        self.assertGreater(of("windrow_last_checkpoint_timestamp_seconds"), 1.7e9)
        self.assertEqual(of("windrow_journal_entries_total"), 1)
        self.assertEqual(of("windrow_journal_waiting_entries"), 0)
        self.assertEqual(of("windrow_failed"), 0)
        self.assertEqual(of("windrow_memory_limit_bytes"), 2 ** 30)
        self.assertGreater(of("windrow_state_memory_limit_bytes"),
                           of("windrow_state_memory_bytes"))
        self.assertEqual(of("windrow_http_requests_total", ("operation", "push"),
                            ("status", "200")), 1)
        self.assertEqual(of("windrow_http_request_duration_seconds_count",
                            ("operation", "entity")), 1)
        self.assertEqual(of("windrow_http_request_duration_seconds_bucket",
                            ("operation", "entity"), ("le", "+Inf")), 1)
        self.assertEqual(of("windrow_http_open_connections"), 1)
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as status:
            anonymous = int(re.search(r"RssAnon:\s+(\d+)", status.read())[1]) * 1024
        self.assertAlmostEqual(of("process_anonymous_memory_bytes"), anonymous, delta=2 ** 24)
        again = samples(self.scrape())
        self.assertEqual([k for k in found if k not in again], [])

    def test_the_documentation_names_each(self):
        there = set(re.findall(r"^# TYPE (\w+) ", self.scrape(), re.MULTILINE))
        with open(os.path.join(DOCS, "operations.md"), encoding="utf-8") as page:
            text = page.read()
        told = set(re.findall(r"`((?:windrow|process)_\w+)(?:\{[\w,]+\})?`", text))
        never_here = {"windrow_dead_letters_total", "windrow_source_lag_messages",
                      "windrow_last_checkpoint_timestamp_seconds"}
        self.assertEqual(there - told, set())
        self.assertEqual(told - there - never_here, set())

    def test_the_alerts(self):
        rules = os.path.join(DOCS, "windrow.rules.yml")
        said = promtool("check", "rules", rules)
        self.assertEqual((said.returncode, said.stderr), (0, b""), said.stdout)
        with open(rules, encoding="utf-8") as text:
            rules = text.read()
        with open(os.path.join(DOCS, "operations.md"), encoding="utf-8") as page:
            told = re.findall(r"^\| `(Windrow\w+)` \|", page.read(), re.MULTILINE)
        self.assertEqual(re.findall(r"alert: (\w+)", rules), told)
        there = set(re.findall(r"^# TYPE (\w+) ", self.scrape(), re.MULTILINE))
        there |= {name + "_bucket" for name in there}
        for name in re.findall(r"\b(?:windrow|process)_\w+", rules):
            self.assertIn(name, there | {"windrow_last_checkpoint_timestamp_seconds"})


class ManyNamesTest(ExampleTest):
    """104 sources and 205 series: the last ones share a label."""

    def test_beyond_the_label_limits(self):
        sources = "".join(f"  s{i:03}: {{ file: e{i:03}.ndjson }}\n" for i in range(104))
        streams = "".join(
            f"  r{i:03}: {{ source: s{i:03}, message: {{ id: str, u: str, a: int }}, output: "
            f"{{ E.id: _.id, E.u: _.u, E.a: _.a }} }}\n" for i in range(104))
        features = "".join(
            f"      f{i:03}: {{ windowed: [1d], expression: \"_.es[_.a, _.a > {i}].sum()\", "
            f"materialization: true }}\n" for i in range(205))
        self.write("features.yaml", (
            "features:\n  E:\n    fields: { id: str, u: str, a: int }\n  U:\n    fields:\n"
            f"      id: str\n      es: {{ has_many: E, join: U.id == E.u }}\n{features}"
            f"sources:\n{sources}streams:\n{streams}").encode())
        for i in range(104):
            self.write(f"e{i:03}.ndjson", b'{"id": "%d", "u": "u", "a": 300}\n' % i)
        node = RunningNode("run")
        node.folder, node.declaration, node.data = self.folder, self.declaration, self.data
        node.applied = lambda: 8
        self.addCleanup(node.doCleanups)
        node.start()
        node.wait_until(lambda: b"\nwindrow_messages_read_total{source=\"other\"} 4\n" in
                        node.tcp("GET", "/metrics")[1])
        text = node.tcp("GET", "/metrics")[1].decode()
        said = promtool("check", "metrics", stdin=text.encode())
        self.assertEqual((said.returncode, said.stdout, said.stderr), (0, b"", b""))
        found = samples(text)
        read = [k for k in found if k.startswith("windrow_messages_read_total{")]
        self.assertEqual(len(read), 102)  # the journal as well
        self.assertIn('windrow_messages_read_total{source="s099"}', read)
        self.assertNotIn('windrow_messages_read_total{source="s100"}', read)
        series = [k for k in found if k.startswith("windrow_series_late_rows_total{")]
        self.assertEqual(len(series), 201)
        self.assertIn('windrow_series_late_rows_total{series="other"}', series)
        self.assertFalse([k for k in found if k.startswith("windrow_source_state{") and
                          "other" in k])
