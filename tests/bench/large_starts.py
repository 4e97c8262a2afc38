"""How long a broker takes from its start, behind a kill -9, to the first record that it acknowledges, with SIZES (1,10) GB in PARTITIONS (1000). tests/run starts

One broker; all partitions are written to when it is killed, so the journal is full of what no segment has. Each size is started STARTS (5) times:
as the kill left it, and with none of its files in the page cache. A start ends with the first acknowledgement of one partition, which is asked
for all the time; when all partitions are led is shown, too. Needs about 1.2 times the largest size on the disk of TMPDIR. JSON=1: an object for each size.
"""

import json
import os
import statistics
import threading
import time

from harness.cluster import Cluster, wait_until
from harness.files import forget_pages
from harness.raw import Raw, batch
from harness.suite import Suite

SIZES = [float(s) for s in (os.environ.get("SIZES") or "1,10").split(",")]
PARTITIONS = int(os.environ.get("PARTITIONS") or 1000)
STARTS = int(os.environ.get("STARTS") or 5)
LIMIT_S = float(os.environ.get("LIMIT_S") or 1)
WRITERS, ASKED = 4, PARTITIONS // 2


def write(broker, gigabytes, batch_bytes=250_000):
    """All partitions in turn, so that each has its share, also of what is in the journal alone."""
    body = batch([(None, os.urandom(batch_bytes))])
    rounds, failed = int(gigabytes * 1e9 / len(body) / PARTITIONS), []

    def one(n):
        try:
            with Raw(broker.port, timeout=120) as raw:
                for _ in range(rounds):
                    for partition in range(n, PARTITIONS, WRITERS):
                        error, _ = raw.produce("large", partition, body, timeout_ms=60000)
                        assert error == 0, error
        except Exception as e:
            failed.append(e)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed[0]


class Trickle:
    """Small records to all partitions, one after the other, until the broker is gone."""

    def __init__(self, broker):
        self.broker, self.acknowledged = broker, 0
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        body = batch([(None, b"small")])
        try:
            with Raw(self.broker.port, timeout=20) as raw:
                while True:
                    self.acknowledged += raw.produce("large", self.acknowledged % PARTITIONS, body)[0] == 0
        except OSError:
            return


def first_acknowledgement(broker, began):
    body = batch([(None, b"first")])
    while True:
        try:
            with Raw(broker.port, timeout=20) as raw:
                while time.monotonic() - began < 60:
                    if raw.produce("large", ASKED, body)[0] == 0:
                        return time.monotonic() - began
                    time.sleep(0.005)
                raise AssertionError("nothing is acknowledged within a minute")
        except OSError:
            assert broker.alive(), broker.log_text()[-800:]
            time.sleep(0.005)


def all_led(cluster):
    return sum(b["leaders"] for b in cluster.drave("info", json_out=True)["brokers"]) == PARTITIONS


def start(cluster, cold):
    broker = cluster[1]
    trickle = Trickle(broker)
    wait_until("records in all partitions", lambda: trickle.acknowledged > PARTITIONS, 60)
    broker.kill()
    trickle.thread.join(30)
    if cold:
        forget_pages(broker.data)
    began = time.monotonic()
    broker.start()
    first = first_acknowledgement(broker, began)
    broker.wait_ready()
    wait_until("leaders", lambda: all_led(cluster), 60, 0.1)
    return first, time.monotonic() - began


def with_size(gigabytes):
    """Starts with so many gigabytes: none takes longer than the limit."""
    with Cluster(1) as cluster:
        cluster.create("large", PARTITIONS)
        cluster.wait_leaders("large")
        write(cluster[1], gigabytes)
        took = {cold: [start(cluster, cold) for _ in range(STARTS)] for cold in (False, True)}
    first = {cold: [f for f, _ in times] for cold, times in took.items()}
    report = {
        "gigabytes": gigabytes,
        "first_s": statistics.median(first[False]),
        "first_worst_s": max(first[False]),
        "cold_first_s": statistics.median(first[True]),
        "cold_worst_s": max(first[True]),
        "led_s": statistics.median(led for _, led in took[False]),
    }
    if os.environ.get("JSON"):
        print(json.dumps(report), flush=True)
    note = (
        f"{gigabytes:g} GB: first acknowledgement after {report['first_s']:.2f} s (worst {report['first_worst_s']:.2f}), without page cache "
        f"{report['cold_first_s']:.2f} s (worst {report['cold_worst_s']:.2f}); all led after {report['led_s']:.2f} s"
    )
    print(f"# {note}", flush=True)
    assert max(first[False]) < LIMIT_S, note
    medians[gigabytes] = report["first_s"]
    return note


def does_not_grow():
    """With the largest size it takes no longer than with the least, but for a fifth of a second."""
    assert len(medians) == len(SIZES), "some size was not measured"
    least, largest = medians[min(SIZES)], medians[max(SIZES)]
    assert largest < least + 0.2, f"{largest:.2f} s, and {least:.2f} s with less"
    return f"{least:.2f} s, {largest:.2f} s"


medians = {}
suite = Suite()
for size in SIZES:
    suite.run(with_size, size, name=f"start with {size:g} GB")
suite.run(does_not_grow)
suite.end()
