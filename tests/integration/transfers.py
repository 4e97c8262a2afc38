"""Transfers between 1,000 accounts and consume-transform-produce over 16 partitions, while clients and brokers are killed and frozen, and all
disks (ext4 images) lose their power at once.

ROUNDS is how many of these things happen (8; 100 take about five minutes). In the end each transaction is there as a whole or not at all, the
accounts sum up to nothing, what was copied is what was to be copied, once and in order; nothing stays open longer than its timeout, and nothing hangs.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition

from harness.cluster import ROOT, wait_until
from harness.disks import Disks
from harness.suite import Suite

ROUNDS = int(os.environ.get("ROUNDS") or 8)
SEED = int(os.environ.get("SEED") or 20261129)
PARTITIONS, ACCOUNTS, TIMEOUT_MS = 16, 1000, 5000
FEED_S = 0.02  # a record to be copied
# What a transaction may stay open: its timeout, and what it takes to find a coordinator again that was killed or frozen.
OPEN_S = TIMEOUT_MS / 1000 + 15
WORKERS = {"t1": "transfer", "t2": "transfer", "t3": "transfer", "c1": "copy", "c2": "copy"}
QUIET = {"log_level": 0}


class Client:
    """A worker, and what it has written; it is started again behind each kill."""

    def __init__(self, cluster, folder, name):
        self.cluster, self.name, self.life, self.process, self.read_to = cluster, name, 0, None, 0
        self.path = folder / f"{name}.events"
        self.log = open(folder / f"{name}.log", "ab")
        self.commits, self.rows, self.frozen_to = 0, [], None

    def start(self):
        self.life += 1
        spec = {
            "what": WORKERS[self.name],
            "name": self.name,
            "life": self.life,
            "seed": SEED,
            "events": str(self.path),
            "bootstrap": self.cluster.bootstrap,
            "timeout_ms": TIMEOUT_MS,
            "accounts": ACCOUNTS,
            "partitions": PARTITIONS,
            "topic": "accounts" if WORKERS[self.name] == "transfer" else "out",
            "source": "in",
        }
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests/transactions/worker.py"), json.dumps(spec)],
            stdout=self.log,
            stderr=self.log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def look(self):
        """How many of its transactions were committed so far."""
        if self.path.exists():
            with open(self.path, "rb") as f:
                f.seek(self.read_to)
                data = f.read()
            data = data[: data.rfind(b"\n") + 1]
            self.read_to += len(data)
            for line in data.splitlines():
                self.rows.append(json.loads(line))
                self.commits += self.rows[-1][0] == "committed"
        return self.commits

    def assert_runs(self):
        assert self.process.poll() is None, f"{self.name} ended: {Path(self.log.name).read_text()[-800:]}"

    def kill(self):
        self.thaw()
        self.process.kill()
        self.process.wait()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)
        self.frozen_to = time.monotonic() + 2 * TIMEOUT_MS / 1000  # its transaction is over, its group has given it up

    def thaw(self, only_due=False):
        if self.frozen_to is not None and (not only_due or time.monotonic() > self.frozen_to):
            self.process.send_signal(signal.SIGCONT)
            self.frozen_to = None


class Feed(threading.Thread):
    """What is to be copied: numbers, each acknowledged."""

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.producer = Producer(
            {"bootstrap.servers": cluster.bootstrap, "enable.idempotence": True, "message.timeout.ms": 300000, "linger.ms": 0, **QUIET}
        )
        self.stopping, self.count, self.wrong = threading.Event(), 0, []

    def run(self):
        while not self.stopping.wait(FEED_S):
            self.producer.produce(
                "in", str(self.count), partition=self.count % PARTITIONS, on_delivery=lambda e, _: self.wrong.append(e) if e else None
            )
            self.count += 1
            self.producer.poll(0)
        left = self.producer.flush(120)
        if left:
            self.wrong.append(f"{left} records to be copied were not acknowledged")


class Watch(threading.Thread):
    """For how long a partition's last stable offset stands still below its end, at most."""

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.cluster, self.stopping = cluster, threading.Event()
        self.since, self.longest, self.where = {}, 0, None

    def run(self):
        while not self.stopping.wait(0.5):
            done = self.cluster.drave("topic", "offsets", "accounts", "out", "--json", "--timeout", "5s", check=False)
            rows = json.loads(done.stdout) if done.returncode == 0 and done.stdout else []
            for row in rows:
                self.look((row["topic"], row["partition"]), row["last_stable"], row["end"])

    def look(self, place, stable, end):
        now = time.monotonic()
        if stable is None or end is None:
            return
        before, since = self.since.get(place, (None, now))
        if stable >= end or stable != before:
            self.since[place] = (stable, now)
        elif now - since > self.longest:
            self.longest, self.where = now - since, place


class Reading:
    """What is committed, read up to where it ends now; goes on from there."""

    def __init__(self, cluster, topic):
        self.cluster, self.topic, self.next = cluster, topic, [0] * PARTITIONS
        self.rows = [[] for _ in range(PARTITIONS)]

    def go_on(self):
        reader = Consumer(
            {
                "bootstrap.servers": self.cluster.bootstrap,
                "group.id": "judge",
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                **QUIET,
            }
        )
        reader.assign([TopicPartition(self.topic, p, self.next[p]) for p in range(PARTITIONS)])
        ended, until = set(), time.monotonic() + 60
        while len(ended) < PARTITIONS:
            assert time.monotonic() < until, f"{self.topic} was read to the end of {sorted(ended)} alone"
            for m in reader.consume(1000, 0.5):
                if not m.error():
                    self.rows[m.partition()].append((m.key(), m.value()))
                    self.next[m.partition()] = m.offset() + 1
                elif m.error().code() == -191:  # the end
                    ended.add(m.partition())
                else:
                    raise AssertionError(f"{self.topic}-{m.partition()}: {m.error()}")
        reader.close()
        return sum(map(len, self.rows))


class Chaos:
    """One thing at a time happens, each when all that can commit have committed again; all kinds in turn, in another order each time."""

    def __init__(self, disks, clients):
        self.disks, self.cluster, self.clients, self.dice = disks, disks.cluster, clients, random.Random(SEED)
        self.counts, self.next, self.last = Counter(), [], "the start"

    def progress(self):
        seen = {c: c.look() for c in self.clients if c.frozen_to is None}

        def on():
            for c in self.clients:
                c.thaw(only_due=True)
                c.assert_runs()
            return all(c.look() > n for c, n in seen.items())

        try:
            wait_until("a commit of each client that is not frozen", on, 60)
        except TimeoutError as e:
            stuck = [c.name for c, n in seen.items() if c.look() <= n]
            raise AssertionError(f"{e}: {', '.join(stuck)} committed nothing new behind {self.last}") from None

    def kill_broker(self):
        broker = self.cluster[self.dice.randrange(1, 4)]
        broker.kill()
        time.sleep(self.dice.random())
        broker.start(ready=True)

    def cut_power(self):
        """Of all machines. (A librdkafka whose brokers all go and come while it sends offsets to a transaction may wait for ever: it has found the
        transaction's coordinator again, and asks for that of the group no more.)"""
        self.disks.cut_power()
        for client in self.clients:
            client.kill()
        for broker in self.cluster:
            broker.start()
        for broker in self.cluster:
            broker.wait_ready(60)
        for client in self.clients:
            client.start()

    def freeze_broker(self):
        broker = self.cluster[self.dice.randrange(1, 4)]
        broker.pause()
        time.sleep(0.5 + 2.5 * self.dice.random())
        broker.resume()

    def kill_client(self):
        client = self.dice.choice(self.clients)
        client.kill()
        client.start()

    def freeze_client(self):
        client = self.dice.choice(self.clients)
        if client.frozen_to is None:
            client.freeze()

    def happen(self):
        self.progress()
        if not self.next:
            self.next = [self.kill_broker, self.kill_broker, self.freeze_broker, self.cut_power, self.kill_client, self.freeze_client]
            self.dice.shuffle(self.next)
        what = self.next.pop()
        self.last = what.__name__
        self.counts[what.__name__] += 1
        what()


def judge_transfers(clients, reading):
    """All or nothing of each, by what the clients were told."""
    outcome = {}
    for client in clients:
        for what, which in client.rows:
            if what in ("committing", "committed", "aborted"):
                outcome[which] = what
    seen, balance = defaultdict(list), Counter()
    for rows in reading.rows:
        for key, value in rows:
            row = json.loads(value)
            seen[row["id"]].append(row["change"])
            balance[key] += row["change"]
    for which, changes in seen.items():
        assert len(changes) == 2 and sum(changes) == 0, f"transfer {which} is there as {changes}"
        assert outcome.get(which) in ("committing", "committed"), f"transfer {which} is read; its end: {outcome.get(which)}"
    lost = [w for w, what in outcome.items() if what == "committed" and w.startswith("t") and w not in seen]
    assert not lost, f"{len(lost)} committed transfers are lost: {lost[:5]}"
    assert sum(balance.values()) == 0, f"the accounts sum up to {sum(balance.values())}"
    return len(seen)


def judge_copies(feed, reading):
    for p in range(PARTITIONS):
        wanted = [str(n) for n in range(p, feed.count, PARTITIONS)]
        found = [value.decode() for _, value in reading.rows[p]]
        assert found == wanted, (
            f"partition {p}: {len(found)} copies of {len(wanted)}, first difference at {next((i for i, (a, b) in enumerate(zip(found, wanted, strict=False)) if a != b), 'the end')}"
        )


def chaos_keeps_them_exact(disks, folder):
    """Transfers and copies while clients and brokers are killed and frozen, and the power fails."""
    cluster = disks.cluster
    for topic in ("accounts", "in", "out"):
        cluster.create(topic, PARTITIONS)
    clients = [Client(cluster, folder, name) for name in WORKERS]
    feed, watch, chaos = Feed(cluster), Watch(cluster), Chaos(disks, clients)
    for c in clients:
        c.start()
    feed.start()
    watch.start()
    try:
        for _ in range(ROUNDS):
            chaos.happen()
        for c in clients:
            c.thaw()
        chaos.progress()
        feed.stopping.set()
        feed.join(150)
        assert not feed.is_alive() and not feed.wrong, feed.wrong
        out = Reading(cluster, "out")
        wait_until("all copies", lambda: out.go_on() >= feed.count, 90, 1)
        watch.stopping.set()
    finally:
        for c in clients:
            c.kill()
            c.look()
    wait_until(
        "the end of all transactions",
        lambda: not cluster.drave(*"txn list --state Ongoing --state PrepareCommit --state PrepareAbort".split(), json_out=True),
        OPEN_S + 15,
    )
    assert cluster.drave("txn", "find-hanging", json_out=True) == []
    accounts = Reading(cluster, "accounts")
    accounts.go_on()
    out.go_on()
    transfers = judge_transfers(clients, accounts)
    judge_copies(feed, out)
    assert watch.longest < OPEN_S, f"{watch.where} was held up for {watch.longest:.1f} s"
    happened = ", ".join(f"{n} {what.replace('_', ' ')}" for what, n in sorted(chaos.counts.items()))
    failed = sum(row[0] == "failed" for c in clients for row in c.rows)
    return f"{transfers} transfers, {feed.count} copies; {happened}; {failed} failed; held up {watch.longest:.1f} s at most"


suite = Suite()
with Disks(dict.fromkeys((1, 2, 3), 4096)) as disks, tempfile.TemporaryDirectory(prefix="drave-transfers-") as folder:
    suite.run(chaos_keeps_them_exact, disks, Path(folder))
suite.end()
