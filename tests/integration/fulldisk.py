"""A data directory of 1 GiB (loop-mounted) that producers fill: with retention.bytes they go on as before, without it they are refused until somebody makes room.
tests/run fulldisk; --short: a smaller disk, some seconds, and no look at latencies. SECONDS (600) of producing, at full speed.

Needs root and loop devices.
"""

import os
import sys
import threading
import time

from harness.cluster import wait_until
from harness.disks import LIMIT, MIB, STORAGE_ERROR, Disks, Flood, produces
from harness.ext4 import usable
from harness.raw import Raw, batch
from harness.suite import Suite

SHORT = "--short" in sys.argv
SECONDS = 8 if SHORT else int(os.environ.get("SECONDS") or 600)
DISK = 500 if SHORT else 1024
KEPT = 32 * MIB
PARTITIONS = 2
SEGMENT = 8 * MIB
SETTINGS = {"journal.max.bytes": 128 * MIB}
WINDOW = min(60, SECONDS / 4)


class Timed:
    """Producers as fast as they can be, one batch in flight each; when each batch was acknowledged, and how long that took."""

    def __init__(self, broker, topic, connections=4):
        self.broker, self.topic = broker, topic
        self.bytes = batch([(None, os.urandom(200_000))])
        self.began, self.over, self.acknowledged, self.errors = time.monotonic(), False, [], []
        self.threads = [threading.Thread(target=self.run, args=(n,), daemon=True) for n in range(connections)]
        for thread in self.threads:
            thread.start()

    def run(self, n):
        with Raw(self.broker.port, timeout=60) as raw:
            while not self.over:
                sent = time.monotonic()
                error, _ = raw.produce(self.topic, n % PARTITIONS, self.bytes, timeout_ms=30000)
                done = time.monotonic()
                if error:
                    self.errors.append((round(done - self.began, 1), error))
                    time.sleep(0.1)
                else:
                    self.acknowledged.append((done - self.began, done - sent))

    def stop(self):
        self.over = True
        for thread in self.threads:
            thread.join(70)

    def p99_ms(self, start, end):
        took = sorted(t for at, t in self.acknowledged if start <= at < end)
        assert len(took) > 200, f"{len(took)} batches between {start:.0f} and {end:.0f} s"
        return 1000 * took[int(len(took) * 0.99)]


def size_of(cluster, topic):
    return sum(p["size_bytes"] for p in cluster.describe(topic)["partitions"])


def with_retention():
    """What comes goes on at full speed, however often it fills the disk: nothing is refused, the topic stays as large as it may be, latencies stay as they were."""
    with Disks({1: DISK}, settings=SETTINGS) as disks:
        cluster, broker = disks.cluster, disks.cluster[1]
        cluster.create("flow", PARTITIONS, **{"retention.bytes": KEPT, "segment.bytes": SEGMENT})
        timed = Timed(broker, "flow")
        lowest, largest = disks.free(), 0

        def cut_everywhere():
            return min(p["start_offset"] for p in cluster.describe("flow")["partitions"]) > 0

        # In short until retention has taken something of each partition, however slow the disk is.
        while time.monotonic() - timed.began < SECONDS or (SHORT and not cut_everywhere()):
            assert time.monotonic() - timed.began < SECONDS + 240, "retention has taken nothing of some partition"
            lowest = min(lowest, disks.free())
            largest = max(largest, size_of(cluster, "flow"))
            assert broker.alive(), broker.log_text()[-800:]
            time.sleep(0.5)
        timed.stop()
        # Seconds are too short to tell a disk that is busy with somebody else's work from a pace that is too slow.
        assert SHORT or not timed.errors, timed.errors[:5]
        taken = len(timed.acknowledged) * len(timed.bytes)
        first, last = (0, 0) if SHORT else (timed.p99_ms(0, WINDOW), timed.p99_ms(SECONDS - WINDOW, SECONDS))
        note = f"{taken / MIB:.0f} MiB on {DISK} MiB; p99 {first:.1f} ms, at the end {last:.1f} ms; {lowest / MIB:.0f} MiB free at least; the topic had {largest / MIB:.0f} MiB at most"
        # A segment above the limit in each partition, one that is written, what the journal alone has, and what is under way.
        assert largest < PARTITIONS * (KEPT + 3 * SEGMENT) + SETTINGS["journal.max.bytes"], note
        if not SHORT:
            assert lowest > LIMIT, note
            assert taken > 5 * DISK * MIB, note
            assert last < 2 * max(first, 5), note
        start = [p["start_offset"] for p in cluster.describe("flow")["partitions"]]
        assert min(start) > 0, start
        with Raw(broker.port) as raw:
            assert raw.fetch("flow", 0, start[0])[0] == 0
        assert broker.stop() == 0
    return note


def without_retention():
    """Without it they are refused, what is there is read, and it goes on by itself when retention is lowered, or when a topic is deleted."""
    with Disks({1: DISK}, settings=SETTINGS) as disks:
        cluster, broker = disks.cluster, disks.cluster[1]
        cluster.create("flood", PARTITIONS, **{"retention.ms": -1, "segment.bytes": SEGMENT})
        cluster.create("other", 1)
        took = {}
        for cure in ("retention", "deletion"):
            flood = Flood(broker, "flood", PARTITIONS)
            wait_until("a refusal", lambda: flood.errors.get(STORAGE_ERROR, 0) > 0, 60)
            flood.stop()
            with Raw(broker.port) as raw:
                start = cluster.describe("flood")["partitions"][0]["start_offset"]
                assert raw.fetch("flood", 0, start)[0] == 0
            began = time.monotonic()
            if cure == "retention":
                cluster.drave("topic", "alter", "flood", "-c", f"retention.bytes={KEPT}", timeout=10)
            else:
                cluster.drave("topic", "delete", "flood", timeout=10)
            broker.wait_log("has room again", 30)
            produces(broker, "other")
            took[cure] = time.monotonic() - began
            if cure == "retention":
                wait_until("the files to go", lambda: size_of(cluster, "flood") < PARTITIONS * (KEPT + 2 * SEGMENT), 30, 0.2)
                cluster.drave("topic", "alter", "flood", "-d", "retention.bytes", timeout=10)
                broker.log_mark = broker.log_path.stat().st_size
        assert broker.stop() == 0
    return f"with retention {took['retention']:.1f} s, with a deletion {took['deletion']:.1f} s"


suite = Suite()
if usable() and not os.environ.get("CI"):
    print(f"# fulldisk: not run here: {usable()}")
    suite.end()
for test in (with_retention, without_retention):
    suite.run(test)
suite.end()
