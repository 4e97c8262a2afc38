"""Hostile frames of clients that have logged in, over TLS: garbage_secured.py [--frames N] [--seed N].

What is sent is in tests/garbage/, each frame on a connection of SASL_SSL. An honest producer beside it, over SASL_SSL too, sees no error and loses
nothing, no broker ends, and when it is over files are what they were.
"""

import argparse
import json
import tempfile
import threading
from pathlib import Path

from confluent_kafka import Consumer, Producer

from harness.cluster import BIN, Cluster, free_ports, wait_until
from harness.command import run
from harness.hostile import SETTINGS, TOPICS, make_topics, run_behind_others
from harness.secured import Authority
from harness.suite import Suite

PASSWORD, FILES_SLACK = "correct horse", 64
EVERY = 100  # each frame that closes its connection costs a login


class Secured(Cluster):
    """Three brokers with PLAINTEXT, and SASL_SSL (secured_port)."""

    def __init__(self, folder):
        super().__init__(3, settings={**SETTINGS, "sasl.enabled.mechanisms": "PLAIN", "bootstrap.users.file": str(folder / "users")})
        self.authority = Authority(folder / "tls")
        for broker, port in zip(self, free_ports(3), strict=True):
            broker.secured_port = port
            broker.settings = {
                "listeners": f"PLAINTEXT://127.0.0.1:{broker.port},SASL_SSL://127.0.0.1:{port}",
                "ssl.keystore.location": self.authority.issue(f"broker-{broker.node}"),
            }

    @property
    def client(self):
        return {
            "bootstrap.servers": ",".join(f"127.0.0.1:{b.secured_port}" for b in self),
            "security.protocol": "sasl_ssl",
            "ssl.ca.location": str(self.authority.ca),
            "sasl.mechanism": "PLAIN",
            "sasl.username": "admin",
            "sasl.password": PASSWORD,
        }


class Honest:
    """Produces until it is ended."""

    def __init__(self, cluster):
        self.wrong, self.sent, self.over = [], 0, threading.Event()
        self.producer = Producer({**cluster.client, "enable.idempotence": True, "linger.ms": 5})
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.over.wait(0.025):
            self.producer.produce("honest", str(self.sent), callback=lambda e, _: self.wrong.append(str(e)) if e else None)
            self.sent += 1
            self.producer.poll(0)

    def end(self):
        self.over.set()
        self.thread.join()
        assert self.producer.flush(30) == 0 and not self.wrong, self.wrong


def frames(cluster, arguments, folder):
    """All of it is answered or closed; the honest one has no error, and all that it sent is there."""
    make_topics(cluster, 3)
    cluster.create("honest", 3, 3)
    wait_until("the first user", lambda: Producer(cluster.client).list_topics(timeout=5).topics, 30, 0.2)
    honest = Honest(cluster)
    before = {b.node: b.descriptors()[1] for b in cluster}
    command = [str(BIN / "garbage"), "--ports", ",".join(str(b.secured_port) for b in cluster)]
    command += ["--login", f"admin:{PASSWORD}", "--frames", str(arguments.frames), "--seed", str(arguments.seed), "--every", str(EVERY)]
    done = run_behind_others([*command, "--suspects", str(folder / "suspects.hex")])
    honest.end()
    assert done.stdout, f"garbage ended with {done.returncode}: {done.stderr}"
    counts = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0, f"{counts['why']} (--seed {arguments.seed})"
    assert counts["answered"] > counts["frames"] / 10, counts
    assert all(b.alive() for b in cluster)
    wait_until(
        "files to be closed", lambda: all(b.descriptors()[1] <= before[b.node] + FILES_SLACK + 4 * len(TOPICS) for b in cluster), 60, 0.5
    )
    consumer = Consumer({**cluster.client, "group.id": "honest", "auto.offset.reset": "earliest"})
    consumer.subscribe(["honest"])
    seen = set()
    wait_until("all that was sent", lambda: seen.update(m.value() for m in consumer.consume(500, 1)) or len(seen) == honest.sent, 60, 0)
    consumer.close()
    return f"{counts['frames']} frames, {counts['answered']} answered, {counts['closed']} closed; {honest.sent} records beside them"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--frames", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    suite = Suite(only=[])
    with tempfile.TemporaryDirectory(prefix="drave-test-garbage-") as name:
        folder = Path(name)
        (folder / "users").write_text(run("user", "hash", "admin", stdin=PASSWORD + "\n").stdout)
        (folder / "users").chmod(0o600)
        with Secured(folder) as cluster:
            suite.run(frames, cluster, arguments, folder)
    suite.end()


main()
