"""Rows of bench.py in which a consumer group reads: a backlog that is in memory or on the disk, and a topic that is being written.

MEMBERS members of one librdkafka process each; the time runs from the first assignment to the last record (how long a group takes to form is a
setting of both systems, and no matter of speed). Cold: nothing of the backlog is in the page cache, and no broker of drave has any of it in memory.
Beside it dd reads the same kind of files, cold as well, from the same disk in the same minute.
"""

import os
import subprocess
import time
from pathlib import Path

from harness.cluster import Cluster
from harness.files import forget_pages, size_of

BACKLOG_GB = float(os.environ.get("BACKLOG_GB") or 3)
MEMBERS = int(os.environ.get("MEMBERS") or 4)
DD_BYTES = 1 << 30


def fill(system, produce):
    """The system's backlog topic, filled once."""
    topic = f"backlog-{system.name}"
    if not system.filled:
        system.topic(topic)
        records = 0
        while records * 1024 < BACKLOG_GB * 1e9:
            records += system.measure(produce, topic, 4)["records"]
        system.filled = True
    return topic


def read(system, topic, group):
    return system.measure(["consume", "-G", group, "--connections", str(MEMBERS)], topic, 0)


def warm(systems, produce, rounds, note):
    """{system: [result]}; each is read once before it is measured: what was written around the page cache is not in it yet."""
    got = {s.name: [] for s in systems}
    for system in systems:
        fill(system, produce)
    for turn in range(rounds):
        for system in systems:
            topic = fill(system, produce)
            read(system, topic, f"first-{turn}")
            got[system.name].append(note("groupwarm", system, turn, read(system, topic, f"warm-{turn}")))
    return got


# ---- Cold ----


def stored(system):
    """Files of the logs, largest first."""
    files = [p for p in Path(system.cluster.directory).rglob("*.log") if p.parent.name != "journal" and size_of(p) > 1 << 20]
    return sorted(files, key=size_of, reverse=True)


def make_cold(system, topic):
    """A broker of drave that starts has nothing in memory; Kafka's keep nothing there."""
    if isinstance(system.cluster, Cluster):
        for broker in system.cluster:
            broker.stop()
        system.cluster.start()
        system.cluster.wait_leaders(topic, in_sync=3, seconds=60)
        time.sleep(3)  # replicas and leaders settle; not measured
    forget_pages(Path(system.cluster.directory))


def dd(system):
    """MB/s at which the disk gives a GB of these files, read one after the other."""
    forget_pages(Path(system.cluster.directory))
    got, began = 0, time.monotonic()
    for path in stored(system):
        subprocess.run(["dd", f"if={path}", "of=/dev/null", "bs=1M"], check=True, capture_output=True)
        got += size_of(path)
        if got >= DD_BYTES:
            break
    return got / 1e6 / (time.monotonic() - began)


def cold(systems, produce, rounds, note):
    got = {s.name: [] for s in systems}
    for system in systems:
        fill(system, produce)
    for turn in range(rounds):
        for system in systems:
            topic = fill(system, produce)
            disk = dd(system)
            make_cold(system, topic)
            before = system.disk_bytes()
            result = read(system, topic, f"cold-{turn}")
            more = {"dd_mb_per_s": disk, "of_dd": result["mb_per_s"] / disk, "from_disk_mb": (system.disk_bytes() - before) / 1e6}
            got[system.name].append(note("groupcold", system, turn, result | more))
    return got
