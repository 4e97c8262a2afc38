"""What flows is measured: a request that comes slowly, an answer that waits for its turn, a broker that acknowledges nothing, one that lacks the
beginning of a log, logins, and pages that follow records."""

import os
import socket
import struct
import tempfile
import time
from pathlib import Path

from confluent_kafka import Consumer, Producer

from harness.cluster import free_ports, wait_until
from harness.command import run
from harness.raw import FETCH, PRODUCE, Raw, batch, text
from harness.suite import Suite
from harness.watched import Watched, dial

SLOW_S, PASSWORD = 0.3, "correct horse"


class Flowing(Watched):
    """Each broker has a listener with logins (sasl_port), too; little may be under way to another broker."""

    def __init__(self, size, folder):
        (folder / "users").write_text(run("user", "hash", "admin", stdin=PASSWORD + "\n").stdout)
        (folder / "users").chmod(0o600)
        super().__init__(
            size,
            **{
                "bootstrap.users.file": folder / "users",
                "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256",
                "connection.failed.authentication.delay.ms": 0,
                "peer.window.bytes": 65536,
                "log.segment.bytes": 65536,
                "log.segment.delete.delay.ms": 0,
                "replica.absent.ms": 0,
                "recovery.bytes.per.second": 20000,
            },
        )
        for broker in self:
            (broker.sasl_port,) = free_ports(1)
            broker.settings = {"listeners": f"PLAINTEXT://127.0.0.1:{broker.port},SASL_PLAINTEXT://127.0.0.1:{broker.sasl_port}"}


def leader_of(cluster, topic, among):
    return wait_until("a leader", lambda: (found := cluster.describe(topic)["partitions"][0]["leader"]) in among and found, 30)


def produce_frame(topic, records, correlation=1):
    head = struct.pack(">hhi", PRODUCE, 7, correlation) + text("raw")
    body = text(None) + struct.pack(">hii", -1, 10000, 1) + text(topic) + struct.pack(">iii", 1, 0, len(records)) + records
    return struct.pack(">i", len(head + body)) + head + body


def stage(cluster, node, name):
    """(how many, seconds in all)"""
    return tuple(cluster.value(node, f"drave_produce_stage_seconds_{what}", stage=name) for what in ("count", "sum"))


def slow_ends(cluster):
    """A request whose second half comes late is slow to read; an answer behind one that waits is slow to leave; others are neither."""
    cluster.create("ends", 1, 3)
    node = leader_of(cluster, "ends", (1, 2, 3))
    with Raw(cluster[node].port) as raw:
        assert raw.produce("ends", 0, batch([(None, b"at once")]))[0] == 0
        wait_until("it to be counted", lambda: stage(cluster, node, "answer")[0] >= 1, 30, 0.2)
        before = {name: stage(cluster, node, name) for name in ("read", "answer")}
        assert before["read"][1] < SLOW_S and before["answer"][1] < SLOW_S, before
        frame = produce_frame("ends", batch([(None, b"slowly")]))
        raw.socket.sendall(frame[:40])
        time.sleep(SLOW_S)
        raw.socket.sendall(frame[40:])
        raw.read_frame()
        wait_until("it to be counted", lambda: stage(cluster, node, "read")[0] == before["read"][0] + 1, 30, 0.2)
        assert stage(cluster, node, "read")[1] >= before["read"][1] + SLOW_S * 0.9, stage(cluster, node, "read")
        # A fetch that waits for more than comes, then produce on the same connection.
        body = struct.pack(">iiiibii", -1, int(SLOW_S * 1000), 1 << 20, 1 << 20, 0, 0, -1) + struct.pack(">i", 1) + text("ends")
        body += struct.pack(">iiiqqi", 1, 0, -1, 2, -1, 1 << 20) + struct.pack(">i", 0) + text("")
        answered = stage(cluster, node, "answer")
        raw.send(FETCH, 11, body)
        raw.socket.sendall(produce_frame("ends", batch([(None, b"behind it")]), 99))
        raw.read_frame()
        assert struct.unpack(">i", raw.read_frame()[:4])[0] == 99
        wait_until("it to be counted", lambda: stage(cluster, node, "answer")[0] == answered[0] + 1, 30, 0.2)
        assert stage(cluster, node, "answer")[1] >= answered[1] + SLOW_S * 0.5, (answered, stage(cluster, node, "answer"))


def catching_up(cluster):
    """A broker that stands still keeps entries waiting; one that lacks the beginning of a log is offered files; both end."""
    cluster.create("log", 1, 3)
    node = leader_of(cluster, "log", (1, 2, 3))
    away = 3 if node != 3 else 2

    def waited():
        return cluster.value(node, "drave_peer_window_full_seconds_total", peer=str(away))

    def left():  # whoever leads now
        return sum(cluster.value(one, "drave_catch_up_bytes", peer=str(away)) or 0 for one in {1, 2, 3} - {away})

    def produce(count):
        with Raw(cluster[leader_of(cluster, "log", {1, 2, 3} - {away})].port) as raw:
            for _ in range(count):
                error, _ = raw.produce("log", 0, batch([(None, os.urandom(25_000).hex().encode())]))
                assert error == 0, error

    assert left() == 0
    before = waited()
    cluster[away].pause()
    try:
        produce(4)
        wait_until("entries to wait", lambda: waited() > before + 0.3, 30, 0.3)
    finally:
        cluster[away].resume()
    cluster[away].kill()
    produce(20)
    cluster.drave("topic", "trim", "log", "--offset", "10")
    cluster[away].start(ready=True)
    wait_until("files to be offered", lambda: left() > 0, 60, 0.2)
    for broker in cluster:
        cluster.drave("config", "set", f"broker:{broker.node}", "recovery.bytes.per.second=0")
    wait_until("them to be there", lambda: left() == 0, 60, 0.2)
    wait_until("it to be in sync", lambda: len(cluster.describe("log")["partitions"][0]["in_sync"]) == 3, 60, 0.2)
    still = waited()
    time.sleep(1.2)  # two looks: a counter that runs on would show
    assert waited() == still


def logins(cluster):
    """Logins are counted by mechanism, and by what became of them."""
    port = cluster[1].sasl_port

    def counted():
        found = cluster.metrics(1)["drave_logins_total"]
        return {(dict(key)["mechanism"], dict(key)["result"]): int(n) for key, n in found.items()}

    def by_plain(password):
        with socket.create_connection(("127.0.0.1", port), 10) as s:
            answers = []
            for key, version, body in ((17, 1, text("PLAIN")), (36, 0, struct.pack(">i", 7 + len(password)) + b"\0admin\0" + password)):
                frame = struct.pack(">hhih", key, version, 1, -1) + body
                s.sendall(struct.pack(">i", len(frame)) + frame)
                answers.append(s.recv(4096))
            return struct.unpack(">h", answers[1][8:10])[0]

    wait_until("the first user", lambda: by_plain(PASSWORD.encode()) == 0, 30, 0.2)
    wait_until("it to be counted", lambda: counted()["PLAIN", "good"] >= 1, 30, 0.3)
    before = counted()
    assert set(before) == {(m, r) for m in ("PLAIN", "SCRAM-SHA-256") for r in ("good", "failed")}, before
    assert by_plain(b"wrong") != 0 and by_plain(PASSWORD.encode()) == 0
    wait_until("both to be counted", lambda: counted()["PLAIN", "good"] == before["PLAIN", "good"] + 1, 30, 0.3)
    assert counted() == {**before, ("PLAIN", "good"): before["PLAIN", "good"] + 1, ("PLAIN", "failed"): before["PLAIN", "failed"] + 1}


def streams(cluster):
    """A page that follows records is counted while it is open."""
    assert cluster.value(1, "drave_http_streams") == 0
    with dial(cluster) as s:
        s.sendall(b"GET /api/tail?topic=ends HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert s.recv(100).startswith(b"HTTP/1.1 200")
        wait_until("the stream", lambda: cluster.value(1, "drave_http_streams") == 1, 30, 0.2)
    wait_until("its end", lambda: cluster.value(1, "drave_http_streams") == 0, 30, 0.2)


def causes(cluster):
    """The strongest cause of a group's lag, also where other brokers lead: nobody is there, offsets are not committed, nobody polls; none of a group that
    keeps up."""
    cluster.create("caused", 6, 1)
    cluster.wait_leaders("caused")
    for partition in range(6):
        cluster.drave("produce", "caused", "-p", partition, stdin="x\n" * 100)

    def told():
        found = [dict(key) for n in cluster.brokers for key, one in cluster.metrics(n).get("drave_group_cause", {}).items() if one == 1]
        return {one["group"]: one["cause"] for one in found}

    def member(group):
        consumer = Consumer(
            {
                "bootstrap.servers": cluster.bootstrap,
                "group.id": group,
                "client.id": group,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "queued.min.messages": 1,
                "fetch.message.max.bytes": 100,
                "fetch.queue.backoff.ms": 1000,
            }
        )
        consumer.subscribe(["caused"])
        wait_until(f"a record for {group}", lambda: consumer.poll(0.1), 60)
        return consumer

    for group, at in (("left", 3), ("silent", 10), ("busy", 1), ("well", 100)):
        cluster.drave("group", "seek", group, "--to", at, "-t", "caused", "--yes")
    silent, busy = member("silent"), member("busy")
    wanted = {"left": "no_members", "silent": "uncommitted", "busy": "not_polling"}

    def as_wanted():
        silent.consume(1000, 0.2)  # and commits nothing
        return told() == wanted

    try:
        wait_until("the causes", as_wanted, 120, 0.5)
    except TimeoutError as e:
        raise TimeoutError(f"{e}: {told()}") from e
    for consumer in (silent, busy):
        consumer.close()
    for group in wanted:
        cluster.drave("group", "seek", group, "--to", "latest", "-t", "caused", "--yes")
    wait_until("nothing to be told of any more", lambda: told() == {}, 60, 0.5)


def delays(cluster):
    """Records that wait for their time: how many, until when; then what became of them, counted once, by whoever leads."""
    cluster.create("later", 2, 3, **{"delay.enable": "true"})
    cluster.wait_leaders("later", in_sync=3)
    producer, began = Producer({"bootstrap.servers": cluster.bootstrap, "linger.ms": 0}), time.time()

    def send(partition, **headers):
        producer.produce("later", "x" * 100, partition=partition, headers={k.replace("_", "-"): v for k, v in headers.items()})
        assert producer.flush(30) == 0

    def summed(name):
        return sum(cluster.value(n, f"drave_delayed_{name}") or 0 for n in cluster.brokers)

    def next_due():
        found = [cluster.metrics(n).get("drave_delayed_next_due_timestamp_seconds", {}).get(()) for n in cluster.brokers]
        return min((one - began for one in found if one), default=None)

    assert summed("records") == summed("bytes") == 0 and next_due() is None
    send(0, deliver_in="PT1H")
    send(1, deliver_in="PT2H")
    wait_until("what waits", lambda: summed("records") == 2, 30, 0.3)
    assert summed("bytes") >= 200 and 3599 < next_due() < 3660, (summed("bytes"), next_due())
    send(0, deliver_cancel="0")
    wait_until("what was called off", lambda: summed("records") == 1, 30, 0.3)
    assert summed("canceled_total") == 1 and 7199 < next_due() < 7260, (summed("canceled_total"), next_due())
    send(0, deliver_in="PT1S")
    wait_until("what was delivered", lambda: summed("delivered_total") == 1, 30, 0.3)
    assert summed("late_seconds_count") == 1 and 0 <= summed("late_seconds_sum") < 20, summed("late_seconds_sum")
    assert (summed("records"), summed("canceled_total")) == (1, 1)
    cluster.drave("topic", "delete", "later")
    wait_until("nothing that waits", lambda: summed("records") == 0 and next_due() is None, 30, 0.3)


suite = Suite()
with tempfile.TemporaryDirectory(prefix="drave-test-flow-") as name, Flowing(3, Path(name)) as shared:
    for test in (slow_ends, catching_up, logins, streams, causes, delays):
        suite.run(test, shared)
suite.end()
