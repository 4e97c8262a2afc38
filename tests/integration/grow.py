"""A cluster grows from 3 to 5 brokers and shrinks to 3 again, under load, with a kill -9 at a random moment of each step.

tests/run grow [--json] [--seed N], with --short only a part of it: an idempotent and a plain producer on every partition, and a consumer group that commits what it read. The steps are
those of docs/operations.md: brokers are added, every replica of a topic moves (twice), other brokers vote on the metadata, one broker is drained and
removed, one loses its directory and is replaced, one more is drained and removed. Nothing may be lost, doubled or reordered, committed offsets never
go back, and the longest time without an acknowledgement on any partition is told for each step, around its kill and outside of it.
"""

import json
import os
import random
import shutil
import sys
import threading
import time

from confluent_kafka import Consumer, KafkaException, TopicPartition

from harness.cluster import ROOT, Cluster, wait_until
from harness.history import History
from harness.load import QUICK, under_load
from harness.patience import within
from harness.suite import Suite

SHORT = "--short" in sys.argv
TOPIC, PARTITIONS, RATE = "orders", 3 if SHORT else 6, 60
LIMIT_MS, KILL_LIMIT_MS = 1000, 1500
KILL_WINDOW_US = 5_000_000  # how long after a kill a silence counts as of it
SEED = int(os.environ.get("SEED") or 0) or random.randrange(1, 1 << 30)
draw = random.Random(SEED)


def now_us():
    return time.monotonic_ns() // 1000


class Committer:
    """A group that reads and commits; another client of it asks what is committed, and notes each step back."""

    def __init__(self, bootstrap):
        common = {"bootstrap.servers": bootstrap, "group.id": "grow", "enable.auto.commit": False, "log_level": 0, **QUICK}
        self.reader = Consumer({**common, "auto.offset.reset": "earliest"})
        self.asker = Consumer(common)
        self.reader.subscribe([TOPIC])
        self.seen, self.back, self.commits, self.stopping = {}, [], 0, threading.Event()
        self.threads = [threading.Thread(target=f) for f in (self.read, self.ask)]
        for t in self.threads:
            t.start()

    def read(self):
        while not self.stopping.is_set():
            if not self.reader.consume(500, 0.1):
                continue
            try:
                self.reader.commit(asynchronous=False)
                self.commits += 1
            except KafkaException:
                pass  # in a rebalance, or nobody answers: the next one
        self.reader.close()

    def ask(self):
        while not self.stopping.wait(0.3):
            try:
                told = self.asker.committed([TopicPartition(TOPIC, p) for p in range(PARTITIONS)], timeout=5)
            except KafkaException:
                continue
            for t in told:
                if t.error is None and t.offset >= 0:
                    if t.offset < self.seen.get(t.partition, 0):
                        self.back.append([t.partition, self.seen[t.partition], t.offset])
                    self.seen[t.partition] = t.offset
        self.asker.close()

    def stop(self):
        self.stopping.set()
        for t in self.threads:
            t.join()


class Killer:
    """Kills one of these brokers at a random moment within a step, and starts it again."""

    def __init__(self, cluster, nodes, within=2.5):
        self.broker, self.after = cluster[draw.choice([n for n in nodes if n in cluster.brokers])], draw.uniform(0.1, within)
        self.killed_us, self.failed = None, None
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        try:
            time.sleep(self.after)  # the random moment
            self.killed_us = now_us()
            self.broker.kill()
            time.sleep(1)  # how long it is away
            self.broker.start(ready=True)
        except Exception as error:  # told by the step
            self.failed = error

    def end(self):
        self.thread.join()
        if self.failed:
            raise self.failed


def in_sync_everywhere(cluster, topics=(TOPIC, "__consumer_offsets")):
    return all(len(p["in_sync"]) == len(p["replicas"]) == 3 for t in topics for p in cluster.describe(t)["partitions"])


def wait_whole(cluster):
    wait_until("all replicas to be in sync", lambda: in_sync_everywhere(cluster), 120, 0.3)


def grow(cluster):
    for node in (4,) if SHORT else (4, 5):
        newcomer = cluster.newcomer().start()
        newcomer.wait_log(f"drave broker add {node}", 15)
        killer = Killer(cluster, [n for n in range(1, node)])
        cluster.drave("broker", "add", node, "--wait", "60s", timeout=90)
        killer.end()
        wait_whole(cluster)
        yield killer.killed_us


def move(to):
    def step(cluster):
        killer = Killer(cluster, [1, 2, 3, 4, 5])
        cluster.drave("topic", "move", TOPIC, "--to", to, "--wait", "120s", timeout=150)
        killer.end()
        wait_whole(cluster)
        yield killer.killed_us

    return step


def other_voters(cluster):
    killer = Killer(cluster, [1, 2, 3, 4, 5])
    cluster.drave("meta", "voters", "2,4,5", "--wait", "120s", timeout=150)
    killer.end()
    wait_whole(cluster)
    yield killer.killed_us


def take_out(node, others):
    def step(cluster):
        killer = Killer(cluster, others)
        cluster.drave("broker", "drain", node, "--wait", "240s", timeout=270)
        killer.end()
        wait_whole(cluster)
        wait_until("its vote to go", lambda: node not in voters(cluster), 60, 0.3)
        cluster[node].stop()
        cluster.drave("broker", "remove", node)
        yield killer.killed_us

    return step


def voters(cluster):
    rows = cluster.drave("meta", "voters", json_out=True)
    return sorted(r["broker"] for r in rows if r["votes"])


def lose_a_directory(cluster):
    """The kill is that of the broker that loses it; the new one is killed while it is brought up."""
    broker = cluster[4]
    killed_us = now_us()
    broker.kill()
    shutil.rmtree(broker.data)
    broker.start().wait_log("drave broker replace 4", 15)
    cluster.drave("broker", "replace", 4, timeout=90)
    killer = Killer(cluster, [4])
    killer.end()
    cluster.drave("broker", "replace", 4, "--wait", "120s", timeout=150, check=False)  # nobody asks any more: it was replaced
    wait_whole(cluster)
    yield killed_us
    yield killer.killed_us


STEPS = {
    "grow": grow,
    "move": move("3,4,5"),
    "other_voters": other_voters,
    "move_again": move("1,2,4"),
    "drain_2": take_out(2, [1, 3, 4, 5]),
    "replace_4": lose_a_directory,
    "drain_5": take_out(5, [1, 3, 4]),
}

if SHORT:
    STEPS = {"grow": grow, "move": move("1,3,4"), "drain_2": take_out(2, [1, 3, 4])}


def silences(history, begin_us, end_us):
    """(from, to) of every pause of 50 ms between acknowledgements of one partition in the window."""
    with history.lock:
        oks = [(t, p) for t, op, _, p, _, _ in history.ops if op == "ok" and begin_us <= t <= end_us]
    for partition in range(PARTITIONS):
        times = [begin_us] + sorted(t for t, p in oks if p == partition) + [end_us]
        yield from ((a, b) for a, b in zip(times, times[1:]) if b - a > 50_000)


def longest(history, begin_us, end_us, kills):
    """Longest silence in ms, of those around a kill and of the others."""
    around = outside = 0
    for a, b in silences(history, begin_us, end_us):
        if any(a <= k + KILL_WINDOW_US and b >= k for k in kills):
            around = max(around, b - a)
        else:
            outside = max(outside, b - a)
    return round(around / 1e3), round(outside / 1e3)


def grows_and_shrinks():
    """3 to 5 brokers (--short: 4) and back to 3 others, every step under load and with a kill -9."""
    history = History(ROOT / "build" / "grow" / "history.jsonl")
    report["seed"] = SEED
    with Cluster(3, settings={"offsets.topic.num.partitions": PARTITIONS, "broker.session.timeout.ms": 4000}) as cluster:

        def steps(_):
            committer = Committer(cluster.bootstrap)
            try:
                for name, step in STEPS.items():
                    began = now_us()
                    kills = list(step(cluster))
                    around, outside = longest(history, began, now_us(), kills)
                    report[name] = {"seconds": round((now_us() - began) / 1e6, 1), "gap_at_kill_ms": around, "gap_ms": outside}
                    print(f"# {name}: {report[name]}", flush=True)
            finally:
                committer.stop()
            return committer

        committer, found = under_load(cluster, history, TOPIC, PARTITIONS, RATE, steps)
        left = json.loads(cluster.drave("meta", "get", "/cluster").stdout)["brokers"]
        assert left == 3 and voters(cluster) == sorted(voters(cluster)) and len(voters(cluster)) == 3, (left, voters(cluster))
        assert set(voters(cluster)) <= {1, 3, 4}, voters(cluster)
    assert not committer.back, f"committed offsets went back: {committer.back[:5]}"
    assert committer.commits > 20 and len(committer.seen) == PARTITIONS, (committer.commits, committer.seen)
    found.pop("gap_ms")
    report.update(found, commits=committer.commits)
    late = [
        f"{name} {r['gap_ms']}"
        for name, r in report.items()
        if isinstance(r, dict) and not within(r.get("gap_ms", 0) / 1000, LIMIT_MS / 1000)
    ]
    late += [
        f"{name} at a kill {r['gap_at_kill_ms']}"
        for name, r in report.items()
        if isinstance(r, dict) and not within(r.get("gap_at_kill_ms", 0) / 1000, KILL_LIMIT_MS / 1000)
    ]
    assert not late, f"gaps in ms: {late}; limits {LIMIT_MS}, at a kill {KILL_LIMIT_MS}"
    worst = max(r["gap_at_kill_ms"] for r in report.values() if isinstance(r, dict) and "gap_at_kill_ms" in r)
    return f"{found['acknowledged']} acknowledged, lost {found['lost']}, {committer.commits} commits, longest gap at a kill {worst} ms"


report = {}
suite = Suite()
suite.run(grows_and_shrinks)
if os.environ.get("JSON") == "1":
    print(json.dumps(report), flush=True)
suite.end()
