"""drave beside Apache Kafka: same machine, same client (drave bench, librdkafka), same settings, rounds interleaved. tests/run bench

Every row: acks=all, 16 partitions, 3 replicas, half-random payload, no compression by the producer. drave acknowledges after fsync on a
majority; Kafka with flush.messages=1 ("flushed") and without. Medians of ROUNDS rounds with minimum and maximum go to stdout as a table, all
rounds to build/bench/rounds.jsonl. ROWS="peak1k peak100" and SYSTEMS="drave flushed unflushed" choose.
"""

import json
import os
import statistics
import subprocess
import time

from bench.kafka_cluster import KafkaCluster
from harness.cluster import BIN, ROOT, Cluster
from harness.suite import Suite

ROUNDS = int(os.environ.get("ROUNDS") or 3)
SECONDS = int(os.environ.get("SECONDS_EACH") or 10)
SYSTEMS = (os.environ.get("SYSTEMS") or "drave flushed unflushed").split()
PEAK = ["-c", "acks=all", "-c", "linger.ms=5", "-c", "batch.size=131072", "-c", "batch.num.messages=1000000", "-c", "max.in.flight.requests.per.connection=5", "-c", "queue.buffering.max.messages=100000"]
PACED = ["-c", "acks=all", "-c", "linger.ms=0", "-c", "max.in.flight.requests.per.connection=5"]
ROWS = {
    "peak1k": ["produce", "--size", "1024", *PEAK],
    "peak100": ["produce", "--size", "100", *PEAK],
    "rate1000": ["produce", "--size", "1024", "--rate", "1000", *PACED],
    "rate10000": ["produce", "--size", "1024", "--rate", "10000", *PACED],
    "one": ["produce", "--size", "1024", "--sync", *PACED],
}
BACKLOG_GB = float(os.environ.get("BACKLOG_GB") or 3)


class System:
    def __init__(self, name, cluster, config):
        self.name, self.cluster, self.config = name, cluster, config

    def cpu(self):
        return self.cluster.cpu_seconds() if isinstance(self.cluster, KafkaCluster) else sum(b.cpu_seconds() for b in self.cluster)

    def drave(self, *words, check=True):
        done = subprocess.run([str(BIN / "drave"), *words, "-b", self.cluster.bootstrap, "--timeout", "60s"], capture_output=True, text=True)
        if check and done.returncode not in (0, 1):
            raise RuntimeError(f"{words}: {done.stderr[-300:]}")
        return done

    def topic(self, name):
        self.drave("topic", "create", name, "-p", "16", "-r", "3", *[x for c in self.config for x in ("-c", c)])
        time.sleep(1)  # replicas of a new topic settle; not measured

    def measure(self, row, topic, seconds):
        cpu = self.cpu()
        done = self.drave("bench", row[0], topic, *row[1:], *(["--seconds", str(seconds)] if row[0] == "produce" else []), "--json")
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


def backlog(systems, out):
    """A warm backlog is filled and then read from the start, ROUNDS times."""
    got = {s.name: [] for s in systems}
    for system in systems:
        system.topic(f"backlog-{system.name}")
        records = 0
        while records * 1024 < BACKLOG_GB * 1e9:
            records += system.measure(ROWS["peak1k"], f"backlog-{system.name}", 4)["records"]
    for turn in range(ROUNDS):
        for system in systems:
            result = system.measure(["consume"], f"backlog-{system.name}", 0)
            got[system.name].append(result)
            out.write(json.dumps({"row": "backlog", "system": system.name, "round": turn} | result) + "\n")
    return got


def cell(results, key, scale=1.0):
    values = [r[key] * scale for r in results]
    return f"{statistics.median(values):.3g} ({min(values):.3g}..{max(values):.3g})" if values else "-"


FIGURES = [("peak1k", "1 KB peak, MB/s", "mb_per_s", 1), ("peak1k", "broker core-seconds per GB", "broker_cpu_s_per_gb", 1), ("peak100", "100 B peak, thousand records/s", "records_per_s", 1e-3),
           ("rate1000", "1,000/s, linger 0: p50, ms", "p50_us", 1e-3), ("rate1000", "1,000/s, linger 0: p99, ms", "p99_us", 1e-3), ("rate10000", "10,000/s, linger 0: p50, ms", "p50_us", 1e-3),
           ("one", "one record in flight: p50, ms", "p50_us", 1e-3), ("backlog", "warm backlog consumed, MB/s", "mb_per_s", 1)]


def bench():
    (ROOT / "build" / "bench").mkdir(parents=True, exist_ok=True)
    wanted = (os.environ.get("ROWS") or " ".join([*ROWS, "backlog"])).split()
    systems, close = open_systems()
    results = {}
    try:
        with open(ROOT / "build" / "bench" / "rounds.jsonl", "a") as out:
            warm_up(systems)
            for row in wanted:
                results[row] = backlog(systems, out) if row == "backlog" else rounds_of(systems, row, out)
    finally:
        close()
    print("| figure | " + " | ".join(s.name for s in systems) + " |\n|---|" + "---|" * len(systems))
    for row, title, key, scale in FIGURES:
        if row in results:
            print(f"| {title} | " + " | ".join(cell(results[row][s.name], key, scale) for s in systems) + " |", flush=True)
    return f"{ROUNDS} rounds each; all of them in build/bench/rounds.jsonl"


suite = Suite()
suite.run(bench)
suite.end()
