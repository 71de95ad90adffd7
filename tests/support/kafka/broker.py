#!/usr/bin/env python3
"""One real Kafka broker (KRaft, one process) on loopback, for tests.

    with Broker(folder) as broker:
        broker.create("events", 2)
        broker.produce("events", [{"value": b'{"id": "a"}'}])

or by hand, until standard input closes (with a heap of a gigabyte, for measuring):

    python3 broker.py FOLDER [1024]

The broker's jars are where `setup.sh --tests` puts them. Listeners: PLAINTEXT, SASL_PLAINTEXT, SSL
and SASL_SSL, each with its port in `broker.addresses`. Certificates are made for each broker.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time

VERSION = "3.9.1"
JARS = os.environ.get("WINDROW_KAFKA_JARS") or os.path.join(
    os.path.expanduser("~"), ".cache", "windrow", f"kafka-{VERSION}")
LISTENERS = ("PLAINTEXT", "SASL_PLAINTEXT", "SSL", "SASL_SSL")
USER, PASSWORD = "windrow", "correct-horse-battery"
_CLUSTER = "windrowTestsAAAAAAAAAA"
_ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")


def tool():
    """The path of kafka_tool: environment KAFKA_TOOL, else where the release build puts it."""
    return os.path.abspath(os.environ.get("KAFKA_TOOL", os.path.join(
        _ROOT, "build", "release", "tests", "support", "kafka", "kafka_tool")))


class BrokerFailed(RuntimeError):
    """The broker, or a command about it, did not do what it must."""


def _free_ports(count):
    held = []
    for _ in range(count):
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        held.append(s)
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


def make_certificates(folder, name="ca"):
    """A certificate authority and a server certificate for loopback: ca.pem, server.pem (both)."""
    def openssl(*arguments):
        done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, check=False)
        if done.returncode != 0:
            raise BrokerFailed(done.stderr.decode())
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", f"{name}.key",
            "-out", f"{name}.pem", "-subj", f"/CN=windrow tests {name}")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}-server.key",
            "-out", f"{name}-server.csr", "-subj", "/CN=localhost")
    with open(os.path.join(folder, "san.cnf"), "w", encoding="utf-8") as out:
        out.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", f"{name}-server.csr", "-CA", f"{name}.pem", "-CAkey",
            f"{name}.key", "-CAcreateserial", "-days", "2", "-extfile", "san.cnf",
            "-out", f"{name}-server.crt")
    with open(os.path.join(folder, f"{name}-server.pem"), "w", encoding="utf-8") as out:
        for part in (f"{name}-server.key", f"{name}-server.crt"):
            with open(os.path.join(folder, part), encoding="utf-8") as part_in:
                out.write(part_in.read())


class Broker:
    """Starts on entering, ends on leaving. `folder` holds its data, log and certificates."""

    def __init__(self, folder, heap_mb=320):
        self.folder = os.path.abspath(folder)
        self.heap_mb = heap_mb
        self.process = None
        self.addresses = {}

    def __enter__(self):
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_):
        self.kill()

    # ---- life

    def prepare(self):
        """Ports, certificates, configuration and a formatted data folder."""
        if not os.path.isdir(JARS) or not os.listdir(JARS):
            raise BrokerFailed(f"no Kafka in {JARS}: run ./setup.sh --tests")
        os.makedirs(self.folder, exist_ok=True)
        ports = _free_ports(len(LISTENERS) + 1)
        self.addresses = {name: f"127.0.0.1:{port}" for name, port in zip(LISTENERS, ports)}
        make_certificates(self.folder)
        with open(self._path("server.properties"), "w", encoding="utf-8") as out:
            out.write(self._properties(ports[-1]))
        with open(self._path("log4j.properties"), "w", encoding="utf-8") as out:
            out.write("log4j.rootLogger=WARN, out\n"
                      "log4j.appender.out=org.apache.log4j.ConsoleAppender\n"
                      "log4j.appender.out.layout=org.apache.log4j.PatternLayout\n"
                      "log4j.appender.out.layout.ConversionPattern=%d %p %c{1} %m%n\n")
        done = subprocess.run(
            [*self._java(), "kafka.tools.StorageTool", "format", "-t", _CLUSTER,
             "-c", self._path("server.properties"), "--add-scram",
             f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]"],
            capture_output=True, check=False, timeout=120)
        if done.returncode != 0:
            raise BrokerFailed(done.stdout.decode() + done.stderr.decode())

    def start(self, timeout=90):
        """Starts the broker, on the same ports and data each time, and waits until it answers."""
        with open(self._path("broker.log"), "ab") as log:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                [*self._java(), "kafka.Kafka", self._path("server.properties")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise BrokerFailed(f"the broker ended: {self.log_tail()}")
            if self.tool("ready", 5, check=False).returncode == 0:
                return
        raise BrokerFailed(f"the broker does not answer: {self.log_tail()}")

    def stop(self):
        """Ends it in order."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()
        self.process = None

    def kill(self):
        """kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)
            self.process = None

    def log_tail(self):
        """The end of what the broker has said."""
        with open(self._path("broker.log"), "rb") as log:
            return log.read()[-3000:].decode("utf-8", "replace")

    # ---- use

    @property
    def address(self):
        """host:port without encryption or credentials."""
        return self.addresses["PLAINTEXT"]

    def tool(self, *arguments, stdin=b"", check=True, timeout=120):
        """Runs kafka_tool on this broker."""
        done = subprocess.run([tool(), "-b", self.address, *map(str, arguments)], input=stdin,
                              capture_output=True, check=False, timeout=timeout)
        if check and done.returncode != 0:
            raise BrokerFailed(f"kafka_tool {arguments}: {done.stderr.decode()}")
        return done

    def create(self, topic, partitions, *configs):
        """Makes a topic and waits until it is there."""
        end = time.monotonic() + 30
        while self.tool("create", topic, partitions, *configs, check=False).returncode != 0:
            if time.monotonic() > end:  # one that was deleted just now lingers
                self.tool("create", topic, partitions, *configs)
            time.sleep(0.1)
        while self.tool("watermarks", topic, check=False).returncode != 0:
            if time.monotonic() > end:
                raise BrokerFailed(f"the topic {topic} does not appear")
            time.sleep(0.1)

    def recreate(self, topic, partitions, *configs):
        """Deletes a topic and makes it again."""
        self.tool("delete", topic)
        self.create(topic, partitions, *configs)

    def produce(self, topic, messages, transaction=""):
        """Messages as dicts: value (bytes, None for null), and optionally partition, key (str),
        time (milliseconds), headers (dict)."""
        lines = []
        for m in messages:
            headers = ",".join(f"{k}={v}" for k, v in m.get("headers", {}).items()) or "-"
            value = b"\\N" if m["value"] is None else m["value"]
            lines.append(f"{m.get('partition', 0)}\t{m.get('time', '-')}\t{m.get('key', '-')}\t"
                         f"{headers}\t".encode() + value + b"\n")
        self.tool("produce", topic, *([transaction] if transaction else []), stdin=b"".join(lines),
                  timeout=180)

    def consume(self, topic):
        """Everything in a topic, as dicts with bytes in key, value and headers."""
        out = []
        for line in self.tool("consume", topic).stdout.splitlines():
            m = json.loads(line)
            for name in ("key", "value"):
                m[name] = None if m[name] is None else bytes.fromhex(m[name])
            m["headers"] = {k: bytes.fromhex(v) for k, v in m["headers"].items() if v is not None}
            out.append(m)
        return out

    def watermarks(self, topic):
        """{partition: (low, high)}"""
        lines = self.tool("watermarks", topic).stdout.split(b"\n")
        return {p: (low, high) for p, low, high in
                (map(int, line.split()) for line in lines if line)}

    def committed(self, group, topic, partitions):
        """{partition: offset} as the broker has them for a group; -1001 where it has none."""
        lines = self.tool("committed", group, topic, partitions).stdout.split(b"\n")
        return dict(tuple(map(int, line.split())) for line in lines if line)

    # ---- details

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _java(self):
        # A small one is to start quickly, a large one to run fast.
        compiler = ["-XX:TieredStopAtLevel=1"] if self.heap_mb < 1000 else []
        return ["java", "-Xms64m", f"-Xmx{self.heap_mb}m", "-XX:+UseSerialGC", *compiler,
                f"-Dlog4j.configuration=file:{self._path('log4j.properties')}",
                "-cp", os.path.join(JARS, "*")]

    def _properties(self, controller_port):
        listeners = ",".join(f"{n}://{a}" for n, a in self.addresses.items())
        scram = ("org.apache.kafka.common.security.scram.ScramLoginModule required;")
        plain = ("org.apache.kafka.common.security.plain.PlainLoginModule required "
                 f'user_{USER}="{PASSWORD}";')
        lines = {
            "process.roles": "broker,controller", "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
            "listeners": f"{listeners},CONTROLLER://127.0.0.1:{controller_port}",
            "advertised.listeners": listeners,
            "listener.security.protocol.map":
                ",".join(f"{n}:{n}" for n in LISTENERS) + ",CONTROLLER:PLAINTEXT",
            "controller.listener.names": "CONTROLLER", "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": self._path("data"), "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": "1", "offsets.topic.num.partitions": "1",
            "transaction.state.log.replication.factor": "1", "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "1", "group.initial.rebalance.delay.ms": "0",
            "num.network.threads": "1", "num.io.threads": "2", "log.cleaner.dedupe.buffer.size":
                "2097152",
            "log.retention.ms": "-1",  # times of messages are the tests' own
            "file.delete.delay.ms": "100", "broker.session.timeout.ms": "3000",
            "broker.heartbeat.interval.ms": "500", "log.initial.task.delay.ms": "1000",
            "log.message.timestamp.after.max.ms": "9223372036854775807",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN",
            "ssl.keystore.type": "PEM", "ssl.keystore.location": self._path("ca-server.pem"),
            "ssl.truststore.type": "PEM", "ssl.truststore.location": self._path("ca.pem"),
            "ssl.client.auth": "none",
        }
        for name in ("sasl_plaintext", "sasl_ssl"):
            lines[f"listener.name.{name}.scram-sha-512.sasl.jaas.config"] = scram
            lines[f"listener.name.{name}.plain.sasl.jaas.config"] = plain
        return "".join(f"{k}={v}\n" for k, v in lines.items())


def main():
    """Runs a broker until standard input closes."""
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    with Broker(sys.argv[1], *map(int, sys.argv[2:])) as broker:
        print(json.dumps(broker.addresses), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
