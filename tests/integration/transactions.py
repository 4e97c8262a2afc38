"""Transactions on three brokers: committed, aborted, fenced, timed out, with offsets of groups; and while brokers are killed. Of real clients (librdkafka, which
keeps its epoch), and of a producer whose epoch is raised by each end (harness/raising.py, transaction.version 2).
"""

import os
import random
import threading
import time

from confluent_kafka import Consumer, KafkaException, Producer

from harness.cluster import Cluster, wait_until
from harness.exact import PARTITIONS, QUIET, all_decided, assert_exact, read, write
from harness.raising import SAFE_DOWNGRADE, UPGRADE, RaisingProducer, Refused, set_level
from harness.suite import Suite

KILLS = int(os.environ.get("KILLS") or 6)


def producer(cluster, name, timeout_ms=10000):
    made = Producer({"bootstrap.servers": cluster.bootstrap, "transactional.id": name, "transaction.timeout.ms": timeout_ms, **QUIET})
    made.init_transactions(30)
    return made


def ends_are_exact(cluster):
    """Readers of what is committed see all of a transaction that was committed, and nothing of one that was aborted."""
    cluster.create("ends", PARTITIONS)
    made, committed, times = producer(cluster, "ends"), set(), []
    for n in range(60):
        began = time.monotonic()
        made.begin_transaction()
        write(made, "ends", f"v{n}")
        if n % 3 == 0:
            made.flush()
            made.abort_transaction(30)
        else:
            made.commit_transaction(30)
            committed.add(f"v{n}")
            times.append(time.monotonic() - began)
    values, _ = read(cluster, "ends", "read_committed")
    assert_exact(values, committed, set())
    assert len(read(cluster, "ends", "read_uncommitted")[0][0]) == 60
    return f"a cycle in {sorted(times)[len(times) // 2] * 1000:.0f} ms (median)"


def newer_instances_fence(cluster):
    """A second instance with the same id aborts what the first has open; the first can commit nothing any more."""
    cluster.create("twins", PARTITIONS)
    first = producer(cluster, "twin")
    first.begin_transaction()
    write(first, "twins", "of the first")
    first.flush()
    second = producer(cluster, "twin")
    try:
        first.commit_transaction(30)
        raise AssertionError("the first instance was not fenced")
    except KafkaException as e:
        assert e.args[0].fatal(), e
    second.begin_transaction()
    write(second, "twins", "of the second")
    second.commit_transaction(30)
    assert_exact(read(cluster, "twins", "read_committed")[0], {"of the second"}, set())


def abandoned_ones_time_out(cluster):
    """A transaction that nobody ends holds up readers for as long as it said, and is aborted."""
    cluster.create("left", PARTITIONS)
    made = producer(cluster, "leaver", timeout_ms=1500)
    made.begin_transaction()
    write(made, "left", "left behind")
    made.flush()
    wait_until("the end of the transaction", lambda: all_decided(cluster, "left"), 30)
    assert_exact(read(cluster, "left", "read_committed")[0], set(), set())


def ends_raise_the_epoch(cluster):
    """transaction.version 2: partitions are taken in by what is written, each end gives the next epoch, a timeout, too; and who is fenced writes nothing."""
    cluster.create("raised", PARTITIONS)
    made, committed, epochs = RaisingProducer(cluster, "raised", timeout_ms=2000), set(), []
    for n in range(30):
        write(made, "raised", f"r{n}")
        made.end(n % 3 > 0)
        if n % 3 > 0:
            committed.add(f"r{n}")
        epochs.append(made.epoch)
    assert epochs == list(range(1, 31)), epochs
    write(made, "raised", "too late")
    wait_until("the end of the transaction", lambda: all_decided(cluster, "raised"), 30)
    made.end(False)  # it did not hear of it
    assert made.epoch == 31, made.epoch
    write(made, "raised", "in time")
    made.end(True)
    write(made, "raised", "of the first")
    second = RaisingProducer(cluster, "raised")
    for act in (lambda: made.produce("raised", "behind it", 0), lambda: made.end(True)):
        try:
            act()
            raise AssertionError("the first instance was not fenced")
        except Refused as e:
            assert e.error in ("INVALID_PRODUCER_EPOCH", "PRODUCER_FENCED"), e
    write(second, "raised", "of the second")
    second.end(True)
    assert_exact(read(cluster, "raised", "read_committed")[0], committed | {"in time", "of the second"}, set())
    made.close()
    second.close()


class Writer(threading.Thread):
    """Transaction after transaction, whatever happens to the brokers."""

    def __init__(self, cluster, name):
        super().__init__(daemon=True)
        self.cluster, self.name_of, self.stopping = cluster, name, threading.Event()
        self.committed, self.unknown, self.failed = set(), set(), None

    def one(self, made, value, commit):
        made.begin_transaction()
        write(made, "killed", value)
        if commit:
            self.unknown.add(value)  # until it is known
            made.commit_transaction(60)
            self.committed.add(value)
        else:
            made.flush(60)
            made.abort_transaction(60)

    def go_on_after(self, made, error):
        """Whoever is to write from here on."""
        if error.txn_requires_abort():
            try:
                made.abort_transaction(60)
                return made
            except KafkaException:
                pass
        return producer(self.cluster, self.name_of)

    def run(self):
        try:
            made, n = producer(self.cluster, self.name_of), 0
            while not self.stopping.is_set():
                n += 1
                value = f"{self.name_of}-{n}"
                try:
                    self.one(made, value, n % 4 > 0)
                except KafkaException as e:
                    made = self.go_on_after(made, e.args[0])
        except Exception as e:  # told by the test
            self.failed = e


class RaisingWriter(Writer):
    """The same with transaction.version 2."""

    def run(self):
        try:
            made, n = RaisingProducer(self.cluster, self.name_of), 0
            while not self.stopping.is_set():
                n += 1
                value, commit = f"{self.name_of}-{n}", n % 4 > 0
                try:
                    write(made, "killed", value)
                    if commit:
                        self.unknown.add(value)
                    made.end(commit)
                    if commit:
                        self.committed.add(value)
                except Refused:  # its time was over while brokers were away
                    made.init()
            made.close()
        except Exception as e:  # told by the test
            self.failed = e


def kills_keep_them_exact(cluster):
    """Brokers die and come back, coordinators and leaders among them, and transaction.version goes down and up again: each transaction is there as a whole, or not
    at all."""
    cluster.create("killed", PARTITIONS)
    writers = [kind(cluster, f"{kind.__name__}{n}") for n in range(2) for kind in (Writer, RaisingWriter)]
    for w in writers:
        w.start()
    dice = random.Random(20261129)
    for kill in range(KILLS):
        set_level(cluster, *((0, SAFE_DOWNGRADE) if kill % 3 == 1 else (2, UPGRADE)))
        seen = sum(len(w.committed) for w in writers)
        wait_until("five more transactions", lambda seen=seen: sum(len(w.committed) for w in writers) >= seen + 5, 60)
        victim = cluster[dice.randrange(1, 4)]
        victim.kill()
        time.sleep(0.5)
        victim.start(ready=True)
    set_level(cluster, 2, UPGRADE)
    for w in writers:
        w.stopping.set()
    for w in writers:
        w.join(120)
        assert not w.is_alive() and w.failed is None, f"{w.name_of}: {w.failed}"
    wait_until("the end of all transactions", lambda: all_decided(cluster, "killed"), 60)
    committed = set().union(*(w.committed for w in writers))
    assert_exact(read(cluster, "killed", "read_committed")[0], committed, set().union(*(w.unknown for w in writers)))
    assert all(len(w.committed) >= KILLS for w in writers), [len(w.committed) for w in writers]
    raised = sum(len(w.committed) for w in writers if isinstance(w, RaisingWriter))
    return f"{len(committed)} transactions through {KILLS} kills, {raised} of them with an epoch of their own"


def transform(cluster, source, target, name, stop, kill_at=None):
    """Reads, writes and commits offsets in transactions, until nothing comes any more and `stop` says so; every third one is aborted. Ends with number
    `kill_at` open. Returns how many there were, and who wrote."""
    made, ends, read = producer(cluster, name), 0, 0
    reader = Consumer(
        {
            "bootstrap.servers": cluster.bootstrap,
            "group.id": "copiers",
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            **QUIET,
        }
    )
    reader.subscribe([source])
    until = time.monotonic() + 90
    while True:
        assert time.monotonic() < until, f"{read} records were read, and nothing more came"
        messages = [m for m in reader.consume(7, 0.5) if not m.error()]
        if not messages:
            if stop():
                break
            continue
        read += len(messages)
        made.begin_transaction()
        for m in messages:
            made.produce(target, m.value(), partition=m.partition())
        made.send_offsets_to_transaction(reader.position(reader.assignment()), reader.consumer_group_metadata(), 30)
        ends += 1
        if ends == kill_at:
            break  # dies with its transaction open
        if ends % 3 == 0:
            made.abort_transaction(30)
            back = reader.committed(reader.assignment(), 30)
            for place in back:
                place.offset = max(place.offset, 0)
                reader.seek(place)
        else:
            made.commit_transaction(30)
    reader.close()
    return ends, made


def offsets_go_with_them(cluster):
    """What is read, written and committed in one transaction is written once, whatever is aborted, and whoever is fenced in the middle of it."""
    cluster.create("source", PARTITIONS)
    cluster.create("target", PARTITIONS)
    made = producer(cluster, "filler")
    made.begin_transaction()
    for n in range(200):
        made.produce("source", f"s{n}", partition=n % PARTITIONS)
    made.commit_transaction(30)

    def copied():
        return sum(map(len, read(cluster, "target", "read_committed")[0].values())) >= 200

    _, first = transform(cluster, "source", "target", "copier", lambda: False, kill_at=5)
    ends, _ = transform(cluster, "source", "target", "copier", copied)
    values, _ = read(cluster, "target", "read_committed")
    for p in range(PARTITIONS):
        assert values[p] == [f"s{n}" for n in range(p, 200, PARTITIONS)], f"partition {p}: {values[p]}"
    try:
        first.commit_transaction(30)
        raise AssertionError("who was fenced has committed offsets")
    except KafkaException as e:
        assert e.args[0].fatal(), e
    return f"{ends} transactions"


suite = Suite()
with Cluster(3) as cluster:
    for test in (
        ends_are_exact,
        newer_instances_fence,
        abandoned_ones_time_out,
        ends_raise_the_epoch,
        offsets_go_with_them,
        kills_keep_them_exact,
    ):
        suite.run(test, cluster)
suite.end()
