"""drave beside Apache Kafka: same machine, same client (drave bench, librdkafka), same settings, rounds interleaved. tests/run bench

Every row: acks=all, 16 partitions, 3 replicas, half-random payload, no compression by the producer. drave acknowledges after fsync on a
majority; Kafka with flush.messages=1 ("flushed") and without. Medians of ROUNDS rounds with minimum and maximum go to stdout as a table, all
rounds to build/bench/rounds.jsonl. ROWS="peak1k peak100" and SYSTEMS="drave flushed unflushed" choose.
"""

import json
import os
import re
import statistics
import subprocess
import time
from pathlib import Path

from bench import group_rows
from bench.kafka_cluster import KafkaCluster

from harness.cluster import BIN, ROOT, Cluster, wait_until
from harness.suite import Suite

ROUNDS = int(os.environ.get("ROUNDS") or 3)
SECONDS = int(os.environ.get("SECONDS_EACH") or 10)
READS = 5
SYSTEMS = (os.environ.get("SYSTEMS") or "drave flushed unflushed").split()
PEAK = [
    "-c",
    "acks=all",
    "-c",
    "linger.ms=5",
    "-c",
    "batch.size=131072",
    "-c",
    "batch.num.messages=1000000",
    "-c",
    "max.in.flight.requests.per.connection=5",
    "-c",
    "queue.buffering.max.messages=100000",
]
PACED = ["-c", "acks=all", "-c", "linger.ms=0", "-c", "max.in.flight.requests.per.connection=5"]
ROWS = {
    "peak1k": ["produce", "--size", "1024", *PEAK],
    "peak100": ["produce", "--size", "100", *PEAK],
    "rate1000": ["produce", "--size", "1024", "--rate", "1000", *PACED],
    "rate10000": ["produce", "--size", "1024", "--rate", "10000", *PACED],
    "one": ["produce", "--size", "1024", "--sync", *PACED],
    # Produced and consumed at once; latency is the age of a record when a member of the group gets it.
    "grouppeak": ["e2e", "-G", "readers", "--size", "1024", "--connections", "2", *PEAK],
    "grouprate": ["e2e", "-G", "readers", "--size", "1024", "--rate", "10000", "--connections", "2", *PACED],
}
# Transactions of 1,000 records beside the same without them, of as many clients that the machine is busy (one alone waits for the ends of its
# transactions); and one transaction after the other over all 16 partitions, 10 records in each: latency is that of a whole one, from its begin to
# the answer to its commit.
IDEMPOTENT = [*PEAK, "-c", "enable.idempotence=true"]
ROWS |= {
    "idem100": ["produce", "--size", "100", "--connections", "16", *IDEMPOTENT],
    "txn100": ["produce", "--size", "100", "--connections", "16", "--transaction", "1000", *IDEMPOTENT],
    "txn160": ["produce", "--size", "100", "--transaction", "160", *IDEMPOTENT],
}
# 100 MB/s over more and more partitions: what they cost is what is lost from the first to the last. A second of linger, so that 10,000 of them get
# batches of 10 records; the client is the same for all.
SPREAD_RATE, SPREAD = 97656, (10, 1000, 10000)
SPREAD_WORDS = [
    "produce",
    "--size",
    "1024",
    "--rate",
    str(SPREAD_RATE),
    "-c",
    "acks=all",
    "-c",
    "linger.ms=1000",
    "-c",
    "batch.size=131072",
    "-c",
    "queue.buffering.max.messages=1000000",
    "-c",
    "queue.buffering.max.kbytes=2097151",
]


class System:
    def __init__(self, name, cluster, config):
        self.name, self.cluster, self.config, self.filled = name, cluster, config, False

    def pids(self):
        return [p.pid for p in self.cluster.processes] if isinstance(self.cluster, KafkaCluster) else [b.pid for b in self.cluster]

    def disk_bytes(self):
        """What the brokers' reads took from the disk so far."""
        text = [Path(f"/proc/{pid}/io").read_text() for pid in self.pids()]
        return sum(int(re.search(r"^read_bytes: (\d+)", t, re.M)[1]) for t in text)

    def cpu(self):
        return self.cluster.cpu_seconds() if isinstance(self.cluster, KafkaCluster) else sum(b.cpu_seconds() for b in self.cluster)

    def drave(self, *words, check=True):
        done = subprocess.run(
            [str(BIN / "drave"), *words, "-b", self.cluster.bootstrap, "--timeout", "60s"], capture_output=True, text=True
        )
        if check and done.returncode not in (0, 1):
            raise RuntimeError(f"{words}: {done.stderr[-300:]}")
        return done

    def topic(self, name, partitions=16):
        self.drave("topic", "create", name, "-p", str(partitions), "-r", "3", *[x for c in self.config for x in ("-c", c)])
        time.sleep(1)  # replicas of a new topic settle; not measured

    def measure(self, row, topic, seconds):
        cpu = self.cpu()
        done = self.drave("bench", row[0], topic, *row[1:], *(["--seconds", str(seconds)] if row[0] != "consume" else []), "--json")
        result = json.loads(done.stdout)
        gb = result["records"] * result["size"] / 1e9
        return result | {"broker_cpu_s_per_gb": (self.cpu() - cpu) / gb if gb else 0}


def open_systems():
    drave, kafka = Cluster(3).start(), None
    systems = [System("drave", drave, [])] if "drave" in SYSTEMS else []
    if {"flushed", "unflushed"} & set(SYSTEMS):
        kafka = KafkaCluster().start()
        systems += [System(n, kafka, c) for n, c in (("flushed", ["flush.messages=1"]), ("unflushed", [])) if n in SYSTEMS]
    return systems, lambda: (drave.close(), kafka and kafka.close())


def warm_up(systems):
    """A JVM compiles what is hot for its first half minute; what a machine gave it until then is not measured."""
    for system in systems:
        system.topic(f"warm-{system.name}")
        system.measure(ROWS["peak1k"], f"warm-{system.name}", 10)
        system.measure(ROWS["peak100"], f"warm-{system.name}", 10)
        system.drave("topic", "delete", f"warm-{system.name}")


def rounds_of(systems, row, out):
    got = {s.name: [] for s in systems}
    for turn in range(ROUNDS):
        for system in systems:
            topic = f"{row}-{system.name}-{turn}"
            system.topic(topic)
            system.measure(ROWS[row], topic, 3)  # warm
            result = system.measure(ROWS[row], topic, SECONDS)
            got[system.name].append(result)
            out.write(json.dumps({"row": row, "system": system.name, "round": turn} | result) + "\n")
            out.flush()
            system.drave("topic", "delete", topic)
    return got


def leaders_of(system, topic, partitions):
    got = system.drave("topic", "describe", topic, "--json", check=False)
    return got.returncode == 0 and sum(p["leader"] is not None for p in json.loads(got.stdout)["partitions"]) == partitions


def spread(systems, out):
    """{system: {partitions: [result]}}; every round has topics of its own, because directories and files that are there already cost less."""
    got = {s.name: {n: [] for n in SPREAD} for s in systems}
    for turn in range(ROUNDS):
        for system in systems:
            for partitions in SPREAD:
                topic = f"spread-{partitions}-{turn}"
                system.topic(topic, partitions)
                wait_until("leaders", lambda: leaders_of(system, topic, partitions), 120, 0.5)
                system.measure(SPREAD_WORDS, topic, 3)  # warm
                result = system.measure(SPREAD_WORDS, topic, SECONDS)
                got[system.name][partitions].append(result)
                out.write(json.dumps({"row": "spread", "partitions": partitions, "system": system.name, "round": turn} | result) + "\n")
                out.flush()
                system.drave("topic", "delete", topic)
    return got


def show_spread(systems, got):
    for partitions in SPREAD:
        print(
            f"| 100 MB/s over {partitions:,} partitions, MB/s | "
            + " | ".join(cell(got[s.name][partitions], "mb_per_s") for s in systems)
            + " |"
        )
    for system in systems:
        first, last = (statistics.median(r["mb_per_s"] for r in got[system.name][n]) for n in (SPREAD[0], SPREAD[-1]))
        lost = 100 * (1 - last / first)
        print(f"# {system.name} loses {lost:.0f} % of {first:.0f} MB/s from {SPREAD[0]} to {SPREAD[-1]:,} partitions", flush=True)


def noting(out):
    def note(row, system, turn, result):
        out.write(json.dumps({"row": row, "system": system.name, "round": turn} | result) + "\n")
        out.flush()
        return result

    return note


def backlog(systems, out):
    """A warm backlog is filled and then read from the start, ROUNDS times."""
    got, note = {s.name: [] for s in systems}, noting(out)
    for system in systems:
        group_rows.fill(system, ROWS["peak1k"])
    for turn in range(ROUNDS):
        for system in systems:
            topic = group_rows.fill(system, ROWS["peak1k"])
            got[system.name].append(note("backlog", system, turn, system.measure(["consume"], topic, 0)))
    return got


def group_warm(systems, out):
    return group_rows.warm(systems, ROWS["peak1k"], ROUNDS, noting(out))


def group_cold(systems, out):
    return group_rows.cold(systems, ROWS["peak1k"], ROUNDS, noting(out))


def txn_read(systems, out):
    """What transactions of 1,000 records wrote, read from the start by both isolation levels in turn; medians of READS each."""
    got, note = {s.name: [] for s in systems}, noting(out)
    for system in systems:
        system.topic(f"txnread-{system.name}")
        system.measure(ROWS["txn100"], f"txnread-{system.name}", 2 * SECONDS)
    for turn in range(ROUNDS):
        for system in systems:
            levels = {"read_uncommitted": [], "read_committed": []}
            for _ in range(READS):
                for level, results in levels.items():
                    row = ["consume", "-X", f"isolation.level={level}"]
                    results.append(system.measure(row, f"txnread-{system.name}", 0)["records_per_s"])
            both = {level: statistics.median(results) for level, results in levels.items()}
            both["share"] = both["read_committed"] / both["read_uncommitted"]
            got[system.name].append(note("txnread", system, turn, both))
    return got


def cell(results, key, scale=1.0):
    values = [r[key] * scale for r in results]
    return f"{statistics.median(values):.3g} ({min(values):.3g}..{max(values):.3g})" if values else "-"


FIGURES = [
    ("peak1k", "1 KB peak, MB/s", "mb_per_s", 1),
    ("peak1k", "broker core-seconds per GB", "broker_cpu_s_per_gb", 1),
    ("peak100", "100 B peak, thousand records/s", "records_per_s", 1e-3),
    ("rate1000", "1,000/s, linger 0: p50, ms", "p50_us", 1e-3),
    ("rate1000", "1,000/s, linger 0: p99, ms", "p99_us", 1e-3),
    ("rate10000", "10,000/s, linger 0: p50, ms", "p50_us", 1e-3),
    ("one", "one record in flight: p50, ms", "p50_us", 1e-3),
    ("backlog", "warm backlog consumed, MB/s", "mb_per_s", 1),
    ("groupwarm", "warm backlog consumed by a group, MB/s", "mb_per_s", 1),
    ("groupwarm", "broker core-seconds per GB", "broker_cpu_s_per_gb", 1),
    ("groupcold", "cold backlog consumed by a group, MB/s", "mb_per_s", 1),
    ("groupcold", "read from the disk for it, MB", "from_disk_mb", 1),
    ("groupcold", "dd of such files, MB/s", "dd_mb_per_s", 1),
    ("groupcold", "consumed / dd", "of_dd", 1),
    ("grouppeak", "group end to end, 1 KB peak, MB/s", "mb_per_s", 1),
    ("grouprate", "group end to end, 10,000/s: age p50, ms", "p50_us", 1e-3),
    ("grouprate", "group end to end, 10,000/s: age p99, ms", "p99_us", 1e-3),
]


FIGURES += [
    ("idem100", "100 B idempotent, thousand records/s", "records_per_s", 1e-3),
    ("txn100", "100 B in transactions of 1,000, thousand records/s", "records_per_s", 1e-3),
    ("txn160", "a transaction of 10 records in each of 16 partitions: p50, ms", "p50_us", 1e-3),
    ("txn160", "the same: p99, ms", "p99_us", 1e-3),
    ("txnread", "read_committed, thousand records/s", "read_committed", 1e-3),
    ("txnread", "read_committed / read_uncommitted", "share", 1),
]
SPECIAL = {"txnread": txn_read, "backlog": backlog, "groupwarm": group_warm, "groupcold": group_cold, "spread": spread}


def bench():
    (ROOT / "build" / "bench").mkdir(parents=True, exist_ok=True)
    wanted = (os.environ.get("ROWS") or " ".join([*ROWS, *SPECIAL])).split()
    systems, close = open_systems()
    results = {}
    try:
        with open(ROOT / "build" / "bench" / "rounds.jsonl", "a") as out:
            warm_up(systems)
            for row in wanted:
                results[row] = SPECIAL[row](systems, out) if row in SPECIAL else rounds_of(systems, row, out)
    finally:
        close()
    print("| figure | " + " | ".join(s.name for s in systems) + " |\n|---|" + "---|" * len(systems))
    for row, title, key, scale in FIGURES:
        if row in results:
            print(f"| {title} | " + " | ".join(cell(results[row][s.name], key, scale) for s in systems) + " |", flush=True)
    if "spread" in results:
        show_spread(systems, results["spread"])
    return f"{ROUNDS} rounds each; all of them in build/bench/rounds.jsonl"


suite = Suite()
suite.run(bench)
suite.end()
