"""A cluster whose brokers serve http.listen: what they tell there, and a broker whose event loop is stopped."""

import contextlib
import ctypes
import json
import os
import re
import socket
import urllib.error
import urllib.request

from harness.cluster import Cluster, free_ports

SAMPLE = re.compile(r'^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\]|\\.)*",?)*)\})? (\S+)$')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


class Watched(Cluster):
    """A cluster whose brokers serve http.listen, each on a port of its own."""

    def __init__(self, size, **settings):
        super().__init__(size, settings={"broker.session.timeout.ms": 2000, "broker.heartbeat.interval.ms": 500, **settings})
        self.http = dict(zip(range(1, size + 1), free_ports(size), strict=True))
        for broker in self:
            plain = broker.arguments
            broker.arguments = lambda plain=plain, node=broker.node: [*plain(), "--set", f"http.listen=127.0.0.1:{self.http[node]}"]

    def get(self, node, path, timeout=10):
        """(status, type, body)"""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http[node]}{path}", timeout=timeout) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.headers["Content-Type"], answer.read().decode()

    def health(self, node, what):
        status, _, body = self.get(node, f"/health/{what}")
        found = json.loads(body)
        assert found["ok"] == (status == 200), (status, body)
        return found["ok"], [r["code"] for r in found["reasons"]]

    def metrics(self, node):
        """{name: {labels as a tuple of pairs: number}}; every line is one that Prometheus would take."""
        status, kind, text = self.get(node, "/metrics")
        assert status == 200 and kind == "text/plain; version=0.0.4; charset=utf-8", (status, kind)
        return parse(text)

    def value(self, node, name, **labels):
        return self.metrics(node).get(name, {}).get(tuple(sorted(labels.items())))


def dial(cluster, node=1):
    s = socket.create_connection(("127.0.0.1", cluster.http[node]), 10)
    s.settimeout(20)
    return s


def read_all(s):
    data = b""
    with contextlib.suppress(ConnectionError):
        while piece := s.recv(65536):
            data += piece
    return data


def parse(text):
    found, families, family = {}, set(), None
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split()[2]
            assert family not in families, f"{family} comes twice"
            families.add(family)
        elif not line.startswith("# TYPE "):
            match = SAMPLE.match(line)
            assert match, f"not a sample: {line}"
            name, labels, number = match.groups()
            assert re.fullmatch(family + "(_bucket|_sum|_count)?", name), f"{name} stands under {family}"
            key = tuple(sorted(LABEL.findall(labels or "")))
            assert key not in found.setdefault(name, {}), f"{line} comes twice"
            found[name][key] = float(number)
    return found


def total(metrics, name):
    return sum(metrics.get(name, {}).values())


SEIZE, INTERRUPT, DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000


@contextlib.contextmanager
def stopped_loop(broker):
    """Only the thread of the event loop is stopped, as a debugger does; the others go on."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]

    def call(what):
        if libc.ptrace(what, broker.pid, None, None) != 0:
            raise OSError(ctypes.get_errno(), "ptrace")

    call(SEIZE)
    try:
        call(INTERRUPT)
        os.waitpid(broker.pid, WALL)
        yield
    finally:
        call(DETACH)
