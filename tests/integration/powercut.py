"""Durability that a killed process cannot prove, because it keeps its page cache. tests/run powercut [--rounds N]

power cut: every data directory on its own ext4 image, all of them lose power at once under load, again and again.
kill all: kill -9 of all three brokers at once under load.
slow disk: fsync delayed by 300 ms on any two brokers: no acknowledgement before 300 ms; on any one: under 250 ms.
lying disk: the same power cut with flushes taken out must lose something, or the first test proves nothing.
"""

import os
import subprocess
import sys
import time
from itertools import combinations
from pathlib import Path

from confluent_kafka import Producer

from harness import ext4
from harness.checker import check
from harness.cluster import ROOT, Cluster, wait_until
from harness.disks import Disks
from harness.history import History
from harness.load import QUICK, Load, drain
from harness.suite import Suite

PARTITIONS, RATE, TOPIC = 6, 100, "power"
ROUNDS = int(os.environ.get("ROUNDS") or 10)
DELAY_MS, FAST_MS = 300, 250
DISKS = dict.fromkeys((1, 2, 3), 2048)


def loaded_rounds(cluster, history, rounds, fault):
    cluster.create(TOPIC, PARTITIONS)
    cluster.wait_leaders(TOPIC, in_sync=3)
    for turn in range(rounds):
        load = Load(history, cluster.bootstrap, TOPIC, PARTITIONS, RATE, clients=(f"idempotent{turn}", f"plain{turn}")).start()
        try:
            wait_until("acknowledgements on every partition", lambda: all(n > 30 + 20 * (turn % 3) for n in load.acked.values()))
            fault()
            for broker in cluster:
                broker.start()
            for broker in cluster:
                broker.wait_ready(60)
        finally:
            load.stop()
    cluster.wait_leaders(TOPIC)
    drain(history, cluster.bootstrap, TOPIC, PARTITIONS)


def judged(history):
    history.close()
    report = check(history.ops)
    if report["anomalies"]:
        raise AssertionError(str(report["anomalies"]))
    return f"{ROUNDS} rounds, {report['acknowledged']} acknowledged, lost 0"


def power_cut():
    """What was acknowledged survives when all disks lose power at the same moment."""
    history = History(ROOT / "build" / "powercut" / "history.jsonl")
    with Disks(DISKS) as disks:
        loaded_rounds(disks.cluster, history, ROUNDS, disks.cut_power)
    return judged(history)


def kill_all():
    """What was acknowledged survives kill -9 of every broker at once."""
    history = History(ROOT / "build" / "powercut" / "history-killall.jsonl")
    with Cluster(3) as cluster:
        loaded_rounds(cluster, history, ROUNDS, lambda: [b.kill() for b in cluster])
    return judged(history)


def lies(disks, history):
    """What keeps the brokers from starting behind the power cut; None: they do."""
    disks.cluster.create(TOPIC, PARTITIONS)
    disks.cluster.wait_leaders(TOPIC, in_sync=3)
    load = Load(history, disks.cluster.bootstrap, TOPIC, PARTITIONS, RATE, settings={"message.timeout.ms": 5000}).start()
    wait_until("acknowledgements", lambda: all(n > 100 for n in load.acked.values()))
    disks.cut_power()
    load.stop()
    try:
        for broker in disks.cluster:
            broker.start()
        for broker in disks.cluster:
            broker.wait_ready(15)
        disks.cluster.wait_leaders(TOPIC, seconds=15)
        drain(history, disks.cluster.bootstrap, TOPIC, PARTITIONS, seconds=30)
    except (RuntimeError, TimeoutError) as e:
        return str(e).splitlines()[0][:100]
    return None


def lying_disk():
    """With the flushes taken out the same test finds a loss (or brokers that cannot start): it can fail."""
    library = ROOT / "build" / "powercut" / "no_flush.so"
    library.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(ROOT / "tests/integration/no_flush.c"), "-ldl"], check=True)
    history = History(ROOT / "build" / "powercut" / "history-lying.jsonl")
    os.environ["LD_PRELOAD"] = str(library)
    try:
        with Disks(DISKS) as disks:
            del os.environ["LD_PRELOAD"]
            found = lies(disks, history)
    finally:
        os.environ.pop("LD_PRELOAD", None)
    if found:
        return f"found: {found}"
    lost = check(history.ops)["lost"]
    if lost == 0:
        raise AssertionError("flushes were taken out and nothing was lost: the power-cut test is blind")
    return f"found: {lost} acknowledged records lost"


def latencies_ms(bootstrap, topic, rounds):
    """Acknowledgement times of single records, one in flight per partition."""
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0, "acks": "all", **QUICK})
    times = []
    for _ in range(rounds):
        for partition in range(PARTITIONS):
            begin = time.monotonic()
            producer.produce(
                topic,
                b"x",
                partition=partition,
                on_delivery=lambda e, m, b=begin: times.append((time.monotonic() - b) * 1e3) if e is None else None,
            )
            producer.flush(20)
    assert len(times) == rounds * PARTITIONS, "a record was not acknowledged"
    return times


def slow_disk():
    """An acknowledgement waits for a majority's fsync: not before it, and not for the slowest disk."""
    notes = []
    with Cluster(3) as cluster:
        cluster.create(TOPIC, PARTITIONS)
        cluster.wait_leaders(TOPIC, in_sync=3)
        latencies_ms(cluster.bootstrap, TOPIC, 1)
        for slow in [*combinations((1, 2, 3), 2), (1,), (2,), (3,)]:
            tracers = [
                subprocess.Popen(
                    [
                        "strace",
                        "-q",
                        "-f",
                        "-p",
                        str(cluster[n].pid),
                        "-o",
                        "/dev/null",
                        "-e",
                        "trace=fdatasync,fsync,pwritev2,fadvise64",
                        "-e",
                        f"inject=fdatasync,fsync,pwritev2:delay_enter={DELAY_MS * 1000}",
                    ],
                    stderr=subprocess.PIPE,
                )
                for n in slow
            ]
            try:
                for n in slow:
                    wait_until("strace to attach", lambda n=n: "TracerPid:\t0" not in Path(f"/proc/{cluster[n].pid}/status").read_text())
                times = latencies_ms(cluster.bootstrap, TOPIC, 3)
            finally:
                for t in tracers:
                    t.terminate()
                    t.wait()
            notes.append(f"{'+'.join(map(str, slow))}: {min(times):.0f}..{max(times):.0f} ms")
            if len(slow) == 2 and min(times) < DELAY_MS:
                raise AssertionError(f"brokers {slow} sync in {DELAY_MS} ms, but an acknowledgement came after {min(times):.0f} ms")
            if len(slow) == 1 and max(times) >= FAST_MS:
                raise AssertionError(f"only broker {slow[0]} is slow, but an acknowledgement took {max(times):.0f} ms")
    return "; ".join(notes)


if ext4.usable():
    print(f"# {ext4.usable()}")
    sys.exit(77)
suite = Suite()
suite.run(kill_all)
suite.run(slow_disk)
suite.run(power_cut)
suite.run(lying_disk)
suite.end()
