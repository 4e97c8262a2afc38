"""drave group why with real clients: each cause is made by a group of its own, all at the same time, and is named with its evidence; none is named in healthy groups.

One partition's records come and go at rates that the test sets: a Flow produces, a Pacer is a member whose commits go on at a pace of their own.
"""

import contextlib
import json
import sys
import threading
import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from harness.cluster import Cluster, wait_until
from harness.command import expect, run
from harness.suite import Suite

TICK = 0.1
ASK_SECONDS = 60  # what takes a second or ten on a quiet machine


def drave(cluster, *words, **more):
    return run(*words, env={"DRAVE_BOOTSTRAP": cluster.bootstrap}, **more)


def why(cluster, group, window):
    """{} of a group that is not there yet."""
    done = drave(cluster, "group", "why", group, "--window", window, "--json")
    assert done.returncode == 0 or "does not exist" in done.stderr, done.stderr
    return json.loads(done.stdout) if done.returncode == 0 else {}


def named(cluster, group, cause, window):
    """Waits until it is named, and returns all that is said."""
    last = {}

    def asked():
        last.update(why(cluster, group, window))
        return last.get("cause") == cause

    try:
        wait_until(f"{cause} of {group}", asked, ASK_SECONDS, 0.2)
    except TimeoutError as e:
        raise TimeoutError(f"{e}; last: {last}") from e
    assert list(last) == ["cause", "since", "evidence", "next", "group", "others"], list(last)
    assert last["group"] == group and last["evidence"], last
    return {e["what"]: e["value"] for e in last["evidence"]} | {"since": last["since"], "next": last["next"]}


class Worker(threading.Thread):
    """Something that goes on until the test of its cause is over."""

    def __init__(self):
        super().__init__(daemon=True)
        self.over = threading.Event()
        self.failed = None

    def run(self):
        try:
            self.work()
        except Exception as e:
            self.failed = e

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, value, trace):
        self.over.set()
        self.join(60)
        assert not self.is_alive(), f"{type(self).__name__} hangs"
        if self.failed and kind is None:
            raise self.failed


class Flow(Worker):
    """Produces so many records a second to each partition; `rates` may be changed meanwhile."""

    def __init__(self, cluster, topic, rates, size=100):
        super().__init__()
        self.rates, self.topic, self.size = dict(rates), topic, size
        self.producer = Producer({"bootstrap.servers": cluster.bootstrap, "linger.ms": 5})

    def work(self):
        began, sent = time.monotonic(), dict.fromkeys(self.rates, 0.0)
        while not self.over.wait(TICK):
            now = time.monotonic()
            for partition, rate in self.rates.items():
                due = rate * (now - began) + sent[partition] % 1
                for _ in range(int(due)):
                    self.producer.produce(self.topic, b"x" * self.size, partition=partition)
                sent[partition] = due
            began = now
            self.producer.poll(0)
        self.producer.flush(30)


def consumer_of(cluster, group, client, protocol="classic", **more):
    classic = {"session.timeout.ms": 6000, "heartbeat.interval.ms": 500}
    return Consumer(
        {
            "bootstrap.servers": cluster.bootstrap,
            "group.id": group,
            "group.protocol": protocol,
            "client.id": client,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 100,
            "log_level": 0,
            **(classic if protocol == "classic" else {}),
            **{k.replace("_", "."): v for k, v in more.items()},
        }
    )


class Pacer(Worker):
    """A member that commits so many records a second of each of its partitions, and never more than it was given; None: all that it was given."""

    def __init__(self, cluster, group, topic, rates=None, client="pacer", protocol="classic"):
        super().__init__()
        self.consumer = consumer_of(cluster, group, client, protocol)
        self.topic, self.rates = topic, rates or {}
        self.given, self.done = {}, {}

    def take(self):
        for message in self.consumer.consume(10000, TICK):
            if not message.error():
                self.given[message.partition()] = message.offset() + 1

    def commit(self, seconds):
        moved = []
        for partition, given in self.given.items():
            rate = self.rates.get(partition)
            before = self.done.get(partition, 0)
            self.done[partition] = given if rate is None else min(given, before + rate * seconds)
            if int(self.done[partition]) > int(before):
                moved.append(TopicPartition(self.topic, partition, int(self.done[partition])))
        if moved:
            with contextlib.suppress(KafkaException):  # a rebalance
                self.consumer.commit(offsets=moved, asynchronous=False)

    def work(self):
        self.consumer.subscribe([self.topic])
        last = time.monotonic()
        while not self.over.is_set():
            self.take()
            now = time.monotonic()
            self.commit(now - last)
            last = now
        self.consumer.close()


def fill(cluster, topic, partition, count, size=10):
    producer = Producer({"bootstrap.servers": cluster.bootstrap})
    for _ in range(count):
        producer.produce(topic, b"x" * size, partition=partition)
    assert producer.flush(30) == 0


def stand_at(cluster, group, topic, offset=0):
    expect(drave(cluster, "group", "seek", group, "--to", offset, "-t", topic, "--yes"), 0)


# ---- Causes ----


def no_members(cluster):
    """A group whose consumers were stopped, with records behind its last commit."""
    cluster.create("left", 1)
    fill(cluster, "left", 0, 10)
    stand_at(cluster, "left", "left", 3)
    said = named(cluster, "left", "no_members", "1s")
    assert said["lag"].startswith("7 records"), said
    done = drave(cluster, "group", "why", "left", "--window", "1s")
    expect(done, 0, r"group left: it has no members \(no_members\)", r"members +none", r"next: Start its consumers")


def stuck(cluster):
    """A consumer goes back to the same record again and again, because it cannot be processed."""
    cluster.create("poison", 2)
    fill(cluster, "poison", 1, 50)
    stand_at(cluster, "poison", "poison:1", 7)

    class Stuck(Worker):
        def work(self):
            consumer = consumer_of(cluster, "poison", "the-stuck")
            consumer.subscribe(["poison"])
            while not self.over.is_set():
                message = consumer.poll(0.1)
                if message and not message.error():
                    consumer.seek(TopicPartition("poison", 1, 7))
            consumer.close()

    with Stuck():
        said = named(cluster, "poison", "stuck", "1s")
    assert said["offset"] == "7" and "the-stuck" in said["member"] and "poison-1" in said["partition"], said
    assert "drave consume poison -p 1 -o 7" in said["next"] and said["since"] is not None, said


def stuck_by_restarts(cluster):
    """A consumer dies of a record, is started again, and dies of it again."""
    cluster.create("crash", 1)
    fill(cluster, "crash", 0, 50)
    stand_at(cluster, "crash", "crash", 3)

    class Crashing(Worker):
        def work(self):
            while not self.over.is_set():
                consumer = consumer_of(cluster, "crash", "crashing")
                consumer.subscribe(["crash"])
                message = None
                while not self.over.is_set() and not message:
                    message = consumer.poll(0.1)
                consumer.close()

    with Crashing():
        said = named(cluster, "crash", "stuck", "2s")
    assert said["offset"] == "3" and int(said["member came anew"].split()[0]) >= 3, said


def rebalancing(cluster, protocol="classic"):
    """A member comes and goes, so that the other one gets little done."""
    group = f"restless-{protocol}"
    cluster.create(group, 4)
    for p in range(4):
        fill(cluster, group, p, 20000)

    class Flapper(Worker):
        def work(self):
            while not self.over.is_set():
                consumer = consumer_of(cluster, group, "the-flapper", protocol)
                consumer.subscribe([group])
                wait_until("an assignment", lambda c=consumer: self.over.is_set() or c.poll(0.1) or c.assignment(), 30)
                consumer.close()

    with Pacer(cluster, group, group, dict.fromkeys(range(4), 20), protocol=protocol), Flapper():
        said = named(cluster, group, "rebalancing", "4s")
    assert int(said["rebalances"].split()[0]) > 3, said
    assert "the-flapper" in said["who"], said


def rebalancing_by_epochs(cluster):
    """The same in a group of KIP-848."""
    rebalancing(cluster, "consumer")


def not_polling(cluster, protocol="classic"):
    """A member heartbeats and asks for nothing, because its application is busy."""
    group = f"busy-{protocol}"
    cluster.create(group, 1)
    fill(cluster, group, 0, 200, 10000)
    consumer = consumer_of(cluster, group, "the-busy", protocol, queued_min_messages=1, fetch_message_max_bytes=20000)
    consumer.subscribe([group])
    first = wait_until("a record", lambda: consumer.poll(0.1), 30)
    consumer.commit(message=first, asynchronous=False)
    said = named(cluster, group, "not_polling", "2s")
    assert "the-busy" in said["member"] and "ago" in said["last heartbeat"], said
    consumer.close()


def not_polling_by_epochs(cluster):
    """The same in a group of KIP-848."""
    not_polling(cluster, "consumer")


def uncommitted(cluster):
    """A member reads everything and commits nothing."""
    cluster.create("silent", 1)
    fill(cluster, "silent", 0, 100)

    class Reader(Worker):
        def work(self):
            consumer = consumer_of(cluster, "silent", "the-silent")
            consumer.subscribe(["silent"])
            while not self.over.is_set():
                consumer.consume(1000, 0.1)
            consumer.close()

    with Reader():
        said = named(cluster, "silent", "uncommitted", "2s")
        assert said["fetched up to"] == "100 of 100" and said["last commit"] == "none", said
    stand_at(cluster, "silent", "silent", 10)
    with Reader():
        said = named(cluster, "silent", "uncommitted", "2s")
    assert said["lag by what is fetched"] == "0 records" and said["lag"].startswith("90 records"), said


def hot_partition(cluster):
    """Most records go to one partition; the others of its member keep up."""
    cluster.create("hot", 4)
    with Flow(cluster, "hot", {0: 300, 1: 20, 2: 20, 3: 20}), Pacer(cluster, "hot", "hot", {0: 50}):
        said = named(cluster, "hot", "hot_partition", "2s")
    assert "hot-0" in said["partition"], said


def rates(cluster, group, pace, flow, cause, slow=None, fast=None):
    """All goes evenly, for as long as rates are compared with; then the members slow down, or more comes."""
    cluster.create(group, 1)
    with Flow(cluster, group, {0: flow}) as comes, Pacer(cluster, group, group, {0: pace}) as goes:
        if slow or fast:
            wait_until("commits", lambda: goes.done, 30)
            assert not goes.over.wait(11), "nothing ends it"  # ten windows: the time is what the test is about
            comes.rates[0], goes.rates[0] = fast or flow, slow or pace
        return named(cluster, group, cause, "1s")


def consumers_slower(cluster):
    """As many records come as before, and the members take fewer."""
    said = rates(cluster, "slower", 1000, 100, "consumers_slower", slow=20)
    assert "records/s" in said["consumed before"], said


def producers_faster(cluster):
    """More records come than before, and the members take as many as they did."""
    said = rates(cluster, "faster", 120, 100, "producers_faster", fast=600)
    assert "records/s" in said["produced before"], said


def idle_members(cluster):
    """More members than partitions, and what comes is more than one of them can take."""
    cluster.create("crowd", 1)
    pacers = [Pacer(cluster, "crowd", "crowd", {0: 20}, f"pacer-{i}") for i in range(3)]
    with contextlib.ExitStack() as stack:
        stack.enter_context(Flow(cluster, "crowd", {0: 200}))
        for pacer in pacers:
            stack.enter_context(pacer)
        said = named(cluster, "crowd", "idle_members", "2s")
    assert said["members"] == "3, 2 of them without a partition", said


def healthy(cluster):
    """Nothing is wrong with a group that keeps up, nor with one that has nothing to do; and that is said with evidence."""
    cluster.create("well", 3)
    cluster.create("idle", 1)
    fill(cluster, "idle", 0, 5)
    with (
        Flow(cluster, "well", dict.fromkeys(range(3), 50)),
        Pacer(cluster, "well", "well") as one,
        Pacer(cluster, "well", "well") as other,
        Pacer(cluster, "idle", "idle") as third,
    ):
        wait_until("commits", lambda: one.done and other.done and third.done, 60)
        for window in ("60s", "20s"):
            for group in ("well", "idle"):
                said = why(cluster, group, window)
                assert said["cause"] is None and said["others"] == [], said
                assert {"lag", "members"} <= {e["what"] for e in said["evidence"]}, said
        expect(drave(cluster, "group", "why", "idle"), 0, "group idle: nothing is wrong", "lag +0 records", "members +1, Stable")
        seen = json.loads(drave(cluster, "group", "describe", "idle", "--json").stdout)
        assert (seen["lag_records"], seen["lag_seconds"], seen["lag_seconds_arrived"]) == (0, 0, 0), seen
    expect(drave(cluster, "group", "why", "wel"), 1, 'group "wel" does not exist; did you mean "well"')
    expect(drave(cluster, "group", "why", "well", "--window", "0s"), 2, "--window")


def arrivals(cluster):
    """Lag in seconds by when records came, whatever their timestamps say, and also behind a change of leaders."""
    cluster.create("dated", 1)
    producer = Producer({"bootstrap.servers": cluster.bootstrap})
    producer.produce("dated", b"old", timestamp=int(time.time() * 1000) - 3600000)
    producer.flush(30)
    began = time.monotonic()
    stand_at(cluster, "dated", "dated")

    def described():
        (one,) = json.loads(drave(cluster, "group", "describe", "dated", "--json").stdout)["offsets"]
        return one

    one = described()
    assert one["lag_records"] == 1 and one["lag_seconds"] > 3500, one
    assert 0 <= one["lag_seconds_arrived"] <= time.monotonic() - began + 1 and one["lag_seconds_arrived_at_least"] is False, one
    producer.produce("dated", b"new")
    producer.flush(30)
    stand_at(cluster, "dated", "dated", 1)
    before = cluster.leaders("dated")[0]
    old = wait_until("an age to be seen", lambda: (o := described())["lag_seconds_arrived"] > 3 and o, 60, 0.1)
    asked = time.monotonic()
    cluster[before].kill()
    wait_until("another leader", lambda: cluster.leaders("dated")[0] not in (None, before), 30, 0.1)
    again = time.monotonic()
    one = wait_until("an age", lambda: (o := described())["lag_seconds_arrived"] is not None and o, 30, 0.1)
    least = old["lag_seconds_arrived"] + again - asked - 2  # a follower hears a little later
    assert one["lag_seconds_arrived"] >= least and not one["lag_seconds_arrived_at_least"], (old, one, least)
    cluster[before].start(ready=True)
    consumer = consumer_of(cluster, "dated", "ahead")
    consumer.commit(offsets=[TopicPartition("dated", 0, 5)], asynchronous=False)
    one = described()
    assert (one["ahead"], one["lost"], one["lag_records"]) == (3, 0, 0), one


CAUSES = (
    no_members,
    stuck,
    stuck_by_restarts,
    rebalancing,
    rebalancing_by_epochs,
    not_polling,
    not_polling_by_epochs,
    uncommitted,
    hot_partition,
    consumers_slower,
    producers_faster,
    idle_members,
    healthy,
)


def all_causes(suite, cluster):
    """At the same time, for most of them wait."""
    threads = [threading.Thread(target=suite.run, args=(cause, cluster)) for cause in CAUSES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


suite = Suite()
with Cluster(3, settings={"group.initial.rebalance.delay.ms": 0, "offsets.topic.num.partitions": 4}) as cluster:
    all_causes(suite, cluster)
    suite.run(arrivals, cluster)
sys.stdout.flush()
suite.end()
