"""Quotas of clients: set and described, held to by rate, told in answers, no reading meanwhile, Kafka's own tool."""

import json
import os
import struct
import subprocess
import threading
import time

from confluent_kafka import Consumer, Producer, TopicPartition

from harness.cluster import wait_until
from harness.command import expect, run
from harness.patience import slower
from harness.raw import API_VERSIONS, PRODUCE, Raw, batch, text
from harness.suite import Suite
from harness.watched import Watched

DESCRIBE, ALTER = 48, 49
INVALID_REQUEST, UNSUPPORTED_VERSION = 42, 35
PRODUCED, FETCHED = "producer_byte_rate", "consumer_byte_rate"
TIME, CHANGES, CONNECTIONS = "request_percentage", "controller_mutation_rate", "connection_creation_rate"
KEYS = (PRODUCED, FETCHED, TIME, CHANGES, CONNECTIONS)
CREATE_TOPICS, QUOTA_EXCEEDED = 19, 89
MB = 1_000_000


class Quotas(Raw):
    """What asks of quotas, in version 0."""

    @staticmethod
    def entity(parts):
        return struct.pack(">i", len(parts)) + b"".join(text(t) + text(n) for t, n in parts)

    def alter(self, *changes, validate_only=False):
        """Each is (parts, {key: value or None}); returns the error of each."""
        body = struct.pack(">i", len(changes))
        for parts, ops in changes:
            body += self.entity(parts) + struct.pack(">i", len(ops))
            for key, value in ops.items():
                body += text(key) + struct.pack(">d?", 0.0 if value is None else value, value is None)
        answer = self.ask(ALTER, 0, body + struct.pack(">?", validate_only))
        at, errors = 8, []
        for _ in range(struct.unpack(">i", answer[4:8])[0]):
            errors.append(struct.unpack(">h", answer[at : at + 2])[0])
            _, at = self.string(answer, at + 2)
            parts, at = self.parts(answer, at)
        return errors

    def describe(self, *components, strict=False):
        """Each is (type, match type, name); returns the error, and {parts: {key: value}}."""
        body = struct.pack(">i", len(components)) + b"".join(text(t) + struct.pack(">b", m) + text(n) for t, m, n in components)
        answer = self.ask(DESCRIBE, 0, body + struct.pack(">?", strict))
        error = struct.unpack(">h", answer[4:6])[0]
        _, at = self.string(answer, 6)
        count, at, found = struct.unpack(">i", answer[at : at + 4])[0], at + 4, {}
        for _ in range(count):
            parts, at = self.parts(answer, at)
            values = {}
            ops, at = struct.unpack(">i", answer[at : at + 4])[0], at + 4
            for _ in range(ops):
                key, at = self.string(answer, at)
                values[key], at = struct.unpack(">d", answer[at : at + 8])[0], at + 8
            found[tuple(parts)] = values
        return error, found

    @staticmethod
    def string(data, at):
        size = struct.unpack(">h", data[at : at + 2])[0]
        return (None, at + 2) if size < 0 else (data[at + 2 : at + 2 + size].decode(), at + 2 + size)

    def parts(self, data, at):
        count, at, parts = struct.unpack(">i", data[at : at + 4])[0], at + 4, []
        for _ in range(count):
            kind, at = self.string(data, at)
            name, at = self.string(data, at)
            parts.append((kind, name))
        return parts, at


def asked(cluster, node=1):
    return Quotas(cluster[node].port)


def holds(cluster, *changes):
    """The changes, and until each broker has them."""
    with asked(cluster) as one:
        assert one.alter(*changes) == [0] * len(changes)
        wanted = one.describe()
    for broker in cluster:
        with Quotas(broker.port) as other:
            wait_until("all brokers to have the quotas", lambda o=other: o.describe() == wanted)


def clear(cluster):
    with asked(cluster) as one:
        _, found = one.describe()
    holds(cluster, *[(list(parts), dict.fromkeys(values)) for parts, values in found.items()])


# ---- Words ----


def table(cluster):
    """Quotas are set at one broker and described at all; filters and refusals are Kafka's; what is only looked at changes nothing."""
    clear(cluster)
    alice, both, default = [("user", "alice")], [("user", "alice"), ("client-id", "a")], [("client-id", None)]
    with asked(cluster) as one:
        assert one.alter((alice, {PRODUCED: 1000.0}), validate_only=True) == [0]
        assert one.describe() == (0, {})
        holds(cluster, (alice, {PRODUCED: 1000.0, FETCHED: 2000.0}), (both, {PRODUCED: 10.0}), (default, {FETCHED: 5.0}))
        everything = {tuple(alice): {PRODUCED: 1000.0, FETCHED: 2000.0}, tuple(both): {PRODUCED: 10.0}, tuple(default): {FETCHED: 5.0}}
        assert one.describe() == (0, everything)
        assert set(one.describe(("user", 0, "alice"))[1]) == {tuple(alice), tuple(both)}
        assert set(one.describe(("user", 0, "alice"), strict=True)[1]) == {tuple(alice)}
        assert set(one.describe(("client-id", 1, None))[1]) == {tuple(default)}
        assert set(one.describe(("client-id", 2, None))[1]) == {tuple(both), tuple(default)}
        refused = [
            ([("planet", "mars")], {PRODUCED: 1.0}),
            ([], {PRODUCED: 1.0}),
            ([("user", "")], {PRODUCED: 1.0}),
            ([("user", "a"), ("user", "b")], {PRODUCED: 1.0}),
            ([("ip", "10.0.0.1"), ("user", "a")], {PRODUCED: 1.0}),
            ([("user", "c")], {"no_such_rate": 1.0}),
            ([("user", "d")], {PRODUCED: 0.0}),
            ([("user", "e")], {PRODUCED: 1.5}),
            ([("user", "f")], {CONNECTIONS: 10.0}),
            ([("ip", "10.0.0.1")], {TIME: 10.0}),
            ([("ip", "10.0.0.01")], {CONNECTIONS: 10.0}),
        ]
        good, twice = ([("user", "good")], {PRODUCED: 1.0}), ([("user", "twice")], {PRODUCED: 1.0})
        assert one.alter(twice, *refused, good, twice) == [INVALID_REQUEST] * (len(refused) + 1) + [0, INVALID_REQUEST]
        assert one.describe(("user", 0, "twice")) == (0, {})
        assert one.describe(("user", 0, "good")) == (0, {(("user", "good"),): {PRODUCED: 1.0}})
        assert one.describe(("planet", 2, None))[0] == UNSUPPORTED_VERSION
    text = "".join(broker.log_text(whole=True) for broker in cluster)
    assert "has set producer_byte_rate of user 'alice' client-id 'a' to 10 [quotas_changed]" in text
    clear(cluster)


def kept(cluster):
    """A restart keeps them."""
    clear(cluster)
    holds(cluster, ([("client-id", "kept")], {PRODUCED: 77.0}))
    cluster[2].stop()
    cluster[2].start(ready=True)
    with asked(cluster, 2) as one:
        wait_until("the quota", lambda: one.describe()[1] == {(("client-id", "kept"),): {PRODUCED: 77.0}})
    clear(cluster)


# ---- Rates ----


class Load(threading.Thread):
    """Produces values of 10,000 bytes as fast as it may; `sent` are (time, bytes) that were acknowledged."""

    def __init__(self, cluster, client, topic, rate=None):
        super().__init__(daemon=True)
        self.sent, self.errors, self.ends, self.rate, self.topic = [], [], threading.Event(), rate, topic
        self.producer = Producer(
            {
                "bootstrap.servers": cluster.bootstrap,
                "client.id": client,
                "linger.ms": 5,
                "queue.buffering.max.kbytes": 1024,
                "batch.size": 25000,
                "max.in.flight": 1,
            }
        )

    def acknowledged(self, error, message):
        if error:
            self.errors.append(error)
        else:
            self.sent.append((time.monotonic(), len(message.value())))

    def run(self):
        value, began, count = os.urandom(10_000), time.monotonic(), 0
        while not self.ends.is_set():
            if self.rate and count * len(value) > self.rate * (time.monotonic() - began):
                self.producer.poll(0.005)
                continue
            try:
                self.producer.produce(self.topic, value, callback=self.acknowledged)
                count += 1
                self.producer.poll(0)
            except BufferError:
                self.producer.poll(0.02)
        self.producer.flush(30)

    def between(self, begin, end):
        return sum(size for at, size in self.sent if begin <= at < end) / (end - begin)


def settled(rate):
    """Nobody comes to more; on a machine that others use a client may ask too late to come to all of it."""
    assert rate < 1.05 * MB, f"{rate:.0f} bytes a second for a quota of {MB}"
    assert rate > 0.95 * MB / slower(), f"{rate:.0f} bytes a second for a quota of {MB}"


def producer_rate(cluster):
    """A producer that would send twice its quota comes to it within 5 %; another client on the same topic is not disturbed."""
    clear(cluster)
    cluster.create("rated", 1, 3)
    holds(cluster, ([("client-id", "greedy")], {PRODUCED: 1.0 * MB}))
    greedy, modest = Load(cluster, "greedy", "rated", 2 * MB), Load(cluster, "modest", "rated", 0.5 * MB)
    began = time.monotonic()
    greedy.start()
    modest.start()
    time.sleep(20)  # a rate is a matter of time
    for load in (greedy, modest):
        load.ends.set()
    rate, other = greedy.between(began + 4, began + 19), modest.between(began + 4, began + 19)
    for load in (greedy, modest):
        load.join(60)
    assert not greedy.errors and not modest.errors, (greedy.errors[:1], modest.errors[:1])
    settled(rate)
    assert other > 0.45 * MB / slower(), f"another client came to {other:.0f} bytes a second"
    clear(cluster)
    return f"{rate / 1000:.0f} kB/s of 1000, {other / 1000:.0f} of 500 beside it"


def consumer_rate(cluster):
    """A consumer comes to its quota within 5 %."""
    clear(cluster)
    cluster.create("read", 1, 3)
    load = Load(cluster, "filler", "read")
    load.start()
    wait_until("enough to read", lambda: sum(size for _, size in load.sent) > 40 * MB, 120, 0.2)
    load.ends.set()
    load.join(60)
    holds(cluster, ([("client-id", "reader")], {FETCHED: 1.0 * MB}))
    reader = Consumer(
        {
            "bootstrap.servers": cluster.bootstrap,
            "client.id": "reader",
            "group.id": "r",
            "fetch.message.max.bytes": 50_000,
            "queued.max.messages.kbytes": 512,
        }
    )
    reader.assign([TopicPartition("read", 0, 0)])
    got, began = [], time.monotonic()
    while time.monotonic() < began + 20:
        for message in reader.consume(100, 0.1):
            got.append((time.monotonic(), len(message.value())))
    reader.close()
    beside = 1.01  # of a record and its batch, which count, too
    rate = beside * sum(size for at, size in got if began + 4 <= at < began + 19) / 15
    settled(rate)
    clear(cluster)
    return f"{rate / 1000:.0f} kB/s of 1000"


# ---- On the wire ----


def produce_body(topic, records, acks):
    head = text(None) + struct.pack(">hii", acks, 10000, 1) + text(topic)
    return head + struct.pack(">iii", 1, 0, len(records)) + records


def forgotten(cluster, leader):
    """Without quotas, and without what was counted for the last ones, which goes with the next request."""
    clear(cluster)
    with Raw(leader.port) as raw:
        assert raw.produce("wire", 0, batch([(None, b"x")]))[0] == 0


def waits_ms(raw, began):
    """How long it took until the broker reads what comes next."""
    raw.ask(API_VERSIONS, 0, b"")
    return (time.monotonic() - began) * 1000


def muted(cluster):
    """The answer that tells of the wait leaves at once; the next request is not read until then; acks 0 waits, too; other connections do not."""
    cluster.create("wire", 1, 3)
    leader = cluster[cluster.leaders("wire")[0]]
    records = batch([(None, os.urandom(40_000))])  # of which 10,000 are free
    for acks in (1, 0):
        forgotten(cluster, leader)
        holds(cluster, ([("client-id", None)], {PRODUCED: 10_000.0}))
        with Raw(leader.port) as raw, Raw(leader.port) as other:
            end = other.list_offset("wire", 0, -1)[2]
            began, wait_ms = time.monotonic(), 3000
            raw.send(PRODUCE, 7, produce_body("wire", records, acks))
            if acks:
                wait_ms = struct.unpack(">i", raw.receive()[1][-4:])[0]
                assert 2900 < wait_ms < 3200, f"told to wait for {wait_ms} ms"
                assert waits_ms(other, began) < wait_ms * 0.9, "the answer, or another connection, waited"
            else:  # it is counted when it is stored; what was read before that is served
                wait_until("the records", lambda o=other, e=end: o.list_offset("wire", 0, -1)[2] > e)
            waited_ms = waits_ms(raw, began)
            assert waited_ms > wait_ms * 0.95, f"{waited_ms:.0f} ms for {wait_ms}"
    clear(cluster)
    told = {key: cluster.value(leader.node, "drave_throttle_seconds_total", quota=key) for key in KEYS}
    assert told[PRODUCED] > 5.5 and told["controller_mutation_rate"] == 0, told  # twice three seconds


def loop_time(cluster):
    """Who uses more of the loop than its part is told to wait in whatever it is answered, a second at the most; others are not."""
    leader = cluster[1]
    forgotten(cluster, cluster[cluster.leaders("wire")[0]])
    holds(cluster, ([("client-id", "raw")], {TIME: 0.001}))
    with Raw(leader.port) as raw:
        began, told = time.monotonic(), 0
        while not told and time.monotonic() < began + 30:
            answer = raw.ask(API_VERSIONS, 1, b"")  # ends with the time
            told = struct.unpack(">i", answer[-4:])[0]
        began = time.monotonic()
        assert 0 < told <= 1000, told
        raw.ask(API_VERSIONS, 0, b"")
        assert time.monotonic() - began > told / 1000 * 0.9, f"told {told} ms, read after {time.monotonic() - began:.3f} s"
    with Raw(leader.port, client="other") as other:
        assert struct.unpack(">i", other.ask(API_VERSIONS, 1, b"")[-4:])[0] == 0
    clear(cluster)
    wait_until("the metric", lambda: cluster.value(1, "drave_throttle_seconds_total", quota=TIME) > 0)


def create_topic(raw, version, name, partitions):
    """(throttle_time_ms, error) of CreateTopics."""
    if version >= 5:  # flexible: compact texts and arrays
        topic = bytes([len(name) + 1]) + name.encode() + struct.pack(">ihBBB", partitions, 1, 1, 1, 0)
        answer = raw.ask(CREATE_TOPICS, version, bytes([2]) + topic + struct.pack(">i?B", 10000, False, 0), flexible=True)
        at = 1 + 4 + 1 + 1 + len(name)  # tags, time, count, name
        at += 16 if version >= 7 else 0
        return struct.unpack(">i", answer[1:5])[0], struct.unpack(">h", answer[at : at + 2])[0]
    topic = text(name) + struct.pack(">ihii", partitions, 1, 0, 0)
    answer = raw.ask(CREATE_TOPICS, version, struct.pack(">i", 1) + topic + struct.pack(">i?", 10000, False))
    at = 4 + 4 + 2 + len(name)
    return struct.unpack(">i", answer[:4])[0], struct.unpack(">h", answer[at : at + 2])[0]


def changes(cluster):
    """Partitions are made up to the quota and once beyond it; then 89, as of version 6, or done and waited for behind the answer; one that is 89 was not made."""
    forgotten(cluster, cluster[cluster.leaders("wire")[0]])
    holds(cluster, ([("client-id", "raw")], {CHANGES: 1.0}))  # of windows of two samples: two at once
    with Raw(cluster[1].port) as raw:
        assert create_topic(raw, 7, "changes-1", 5) == (0, 0)
        wait_ms, error = create_topic(raw, 7, "changes-2", 1)
        assert error == QUOTA_EXCEEDED and 1000 < wait_ms <= 3000, (error, wait_ms)
        began = time.monotonic()
        later_ms, error = create_topic(raw, 4, "changes-3", 1)  # was not read meanwhile
        assert error == 0 and later_ms > 0 and time.monotonic() - began > wait_ms / 1000 * 0.9, (error, later_ms)
    with Raw(cluster[1].port, client="other") as other:
        assert create_topic(other, 7, "changes-4", 9) == (0, 0)
    clear(cluster)
    topics = run("-b", cluster.bootstrap, "topic", "list").stdout
    assert "changes-3" in topics and "changes-2" not in topics, topics
    assert cluster.value(1, "drave_throttle_seconds_total", quota=CHANGES) > 0


def connections(cluster):
    """Connections of an address beyond its rate are closed without an answer, within a second; later ones come in."""
    clear(cluster)
    with asked(cluster) as one:
        assert one.alter(([("ip", "127.0.0.1")], {CONNECTIONS: 5.0})) == [0]
        answered = 0
        for _ in range(30):
            began = time.monotonic()
            try:
                with Raw(cluster[1].port) as raw:
                    raw.ask(API_VERSIONS, 0, b"")
                answered += 1
            except OSError:
                assert time.monotonic() - began < 3 * slower()
        assert one.alter(([("ip", "127.0.0.1")], {CONNECTIONS: None})) == [0]
    assert 5 <= answered < 30, f"{answered} of 30"
    wait_until("to be let in", lambda: asked(cluster).close() is None)
    assert cluster.value(1, "drave_connections_refused_total", cause="quota") > 0
    clear(cluster)
    return f"{answered} of 30 let in"


def left(cluster):
    """A client that leaves while it is not read is gone at once."""
    leader = cluster[cluster.leaders("wire")[0]]
    forgotten(cluster, leader)
    holds(cluster, ([("client-id", None)], {PRODUCED: 100.0}))

    def connections():
        return sum(row["client_id"] == "raw" for row in leader_clients())

    def leader_clients():
        return json.loads(run("-b", f"127.0.0.1:{leader.port}", "client", "list", "--json").stdout)

    with Raw(leader.port) as raw:
        raw.produce("wire", 0, batch([(None, os.urandom(100_000))]))
        assert connections() == 1, leader_clients()
    wait_until("the client to be gone", lambda: connections() == 0, 20)
    clear(cluster)


# ---- Kafka's tool ----


def commands(cluster):
    """drave quota: set, listed, taken away; a dry run changes nothing, and what is wrong is said."""
    clear(cluster)
    drave = lambda *words: run("-b", cluster.bootstrap, "quota", *words)  # noqa: E731
    listed = lambda *words: json.loads(drave("list", "--json", *words).stdout)  # noqa: E731
    expect(
        drave("set", "user:alice", f"{PRODUCED}=1048576", f"{FETCHED}=2e6", "--dry-run"),
        0,
        "would be set: user:alice producer_byte_rate is 1048576",
    )
    assert listed() == []
    expect(drave("set", "user:alice", f"{PRODUCED}=1048576", f"{FETCHED}=2e6"), 0, "consumer_byte_rate is 2000000 at each broker")
    expect(drave("set", "client-id:*", f"{PRODUCED}=5"), 0)
    expect(drave("set", "user:*", "client-id:app", f"{PRODUCED}=7"), 0)
    alice = {"entity": {"user": "alice"}, "quotas": {PRODUCED: 1048576, FETCHED: 2000000}}
    both = {"entity": {"user": None, "client-id": "app"}, "quotas": {PRODUCED: 7}}
    assert sorted(listed(), key=str) == sorted([alice, {"entity": {"client-id": None}, "quotas": {PRODUCED: 5}}, both], key=str), listed()
    assert listed("user:alice") == [alice] and listed("user:*", "client-id:app") == [both] and listed("user:*") == []
    expect(drave("list"), 0, r"user:\* client-id:app +producer_byte_rate +7")
    for words, code, said in (
        (("set", "alice", f"{PRODUCED}=1"), 2, "'alice' does not say whom"),
        (("set", "user:alice", PRODUCED), 2, "is no quota; write"),
        (("set", "user:alice", f"{PRODUCED}=1x"), 2, "is no quota; write"),
        (("set", "user:alice", f"{PRODUCED}=0"), 1, "greater than 0"),
        (("set", "user:alice", f"{PRODUCED}=5e-7"), 1, "1 at the least"),
        (("set", "user:alice", "rate=1"), 1, "producer_byte_rate"),
        (("set", "ip:host.example.com", "connection_creation_rate=1"), 1, "is an address"),
        (("set", "user:alice", "user:bob", f"{PRODUCED}=1"), 1, "a type twice"),
        (("unset", "user:bob"), 1, "user:bob has no quota"),
        (("unset", "user:alice", "request_percentage"), 1, "has no quota 'request_percentage'"),
        (("unset", "user:alice", "--dry-run"), 0, "would be taken away: producer_byte_rate of user:alice"),
    ):
        expect(drave(*words), code, said)
    assert listed("user:alice") == [alice]
    expect(drave("unset", "user:alice", FETCHED), 0, "consumer_byte_rate of user:alice is taken away")
    assert listed("user:alice") == [{"entity": {"user": "alice"}, "quotas": {PRODUCED: 1048576}}]
    for whom in (("user:alice",), ("client-id:*",), ("user:*", "client-id:app")):
        expect(drave("unset", *whom), 0)
    assert listed() == []


def kafka_configs(cluster):
    """Apache Kafka's kafka-configs sets, shows and takes away quotas of users and clients."""
    jars = os.environ.get("KAFKA_JARS")
    if not jars:
        return "left out: KAFKA_JARS names no folder of Kafka's jars"
    clear(cluster)
    command = ["java", "-Xmx128m", "-cp", f"{jars}/*", "kafka.admin.ConfigCommand", "--bootstrap-server", cluster.bootstrap]

    def tool(*words):
        done = subprocess.run([*command, *words], capture_output=True, text=True, timeout=120)
        return done.stdout + done.stderr

    users, clients = ("--entity-type", "users", "--entity-name", "bob"), ("--entity-type", "clients", "--entity-default")
    assert "Completed updating" in tool("--alter", *users, "--add-config", f"{PRODUCED}=1024,{FETCHED}=2048")
    assert "Completed updating" in tool("--alter", *clients, "--add-config", f"{FETCHED}=4096")
    with asked(cluster) as one:
        assert one.describe() == (0, {(("user", "bob"),): {PRODUCED: 1024.0, FETCHED: 2048.0}, (("client-id", None),): {FETCHED: 4096.0}})
    shown = tool("--describe", *users)
    assert f"{PRODUCED}=1024.0" in shown and f"{FETCHED}=2048.0" in shown, shown
    assert "Completed updating" in tool("--alter", *users, "--delete-config", f"{PRODUCED},{FETCHED}")
    assert "Completed updating" in tool("--alter", *clients, "--delete-config", FETCHED)
    with asked(cluster) as one:
        assert one.describe() == (0, {})
    return None


suite = Suite()
with Watched(3, **{"quota.window.num": "2"}) as shared:  # short ones: a rate is even then, and not one of bursts
    with asked(shared) as first:
        wait_until("all brokers to know quotas", lambda: first.alter(([("user", "x")], {PRODUCED: None})) == [0])
    for test in (table, commands, kept, muted, loop_time, changes, connections, left, kafka_configs, producer_rate, consumer_rate):
        suite.run(test, shared)
suite.end()
