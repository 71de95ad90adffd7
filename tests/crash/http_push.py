"""A producer that pushes by HTTP as docs/api.md says: batches numbered from 1, each repeated as it was
until it is answered. It has nothing from the product."""

import http.client
import json
import os
import socket
import threading
import time


class Refused(AssertionError):
    """An answer that no right node gives."""


class SocketConnection(http.client.HTTPConnection):
    """HTTP by way of the Unix socket of a data folder."""

    def __init__(self, data, timeout=10):
        super().__init__("localhost", timeout=timeout)
        self.path = os.path.join(data, "socket")

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Producer(threading.Thread):
    """Pushes batches from `first` on until all are taken or `stop` is called; where the node is not
    there, it tries again."""

    def __init__(self, data, stream, batches, first, known, wait="applied", name="till"):
        super().__init__(daemon=True)
        self.data, self.batches, self.next, self.known = data, batches, first, known
        self.target = f"/v1/streams/{stream}?wait={wait}"
        self.name_of_producer = name
        self.taken = first - 1      # the newest batch that was answered with 200
        self.problem, self.stopped, self.connection = None, False, None

    def run(self):
        try:
            while self.next <= len(self.batches) and not self.stopped:
                self.push()
        except Refused as refused:
            self.problem = str(refused)

    def stop(self):
        self.stopped = True
        self.join(30)

    def push(self):
        """One batch once; nothing is known where the connection is lost."""
        try:
            if self.connection is None:
                self.connection = SocketConnection(self.data)
            self.connection.request("POST", self.target, self.batches[self.next - 1], {
                "Content-Type": "application/x-ndjson",
                "Windrow-Producer": self.name_of_producer, "Windrow-Sequence": str(self.next)})
            answer = self.connection.getresponse()
            status, body = answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            if self.connection is not None:
                self.connection.close()
            self.connection = None
            time.sleep(0.002)
            return
        if status in (429, 503):
            time.sleep(0.002)
            return
        if status != 200:
            raise Refused(f"batch {self.next}: {status} {body[:300]!r}")
        said = json.loads(body)
        if said["duplicate"] is not True and self.next <= self.known:
            raise Refused(f"batch {self.next} of {self.known} known ones is no duplicate: {body!r}")
        self.taken = self.next
        self.next += 1
