"""Transactions through drave: produce in them, consume what is committed, list, describe, abort, find those that nobody ends."""

import json
import os
import signal
import socket
import struct
import subprocess
import threading
import time

from confluent_kafka import KafkaException, Producer

from harness.cluster import BIN, Cluster, wait_until
from harness.command import expect, run
from harness.framed import Framed
from harness.suite import Suite


def drave(cluster, *words, **more):
    return run(*words, env={"DRAVE_BOOTSTRAP": cluster.bootstrap}, **more)


def said(cluster, *words, code=0, **more):
    done = drave(cluster, *words, "--json", **more)
    assert done.returncode == code, f"{words}: {done.returncode} {done.stderr}"
    return json.loads(done.stdout)


def values(cluster, topic, *words):
    return drave(cluster, "consume", topic, "-e", *words).stdout.split()


def opened(cluster, topic, name, partitions=1, timeout_ms=60000):
    """A producer with a transaction open, of one record in each partition."""
    made = Producer(
        {"bootstrap.servers": cluster.bootstrap, "transactional.id": name, "transaction.timeout.ms": timeout_ms, "log_level": 0}
    )
    made.init_transactions(30)
    made.begin_transaction()
    for p in range(partitions):
        made.produce(topic, "open", partition=p)
    made.flush()
    return made


def produces(cluster):
    """All of the input in one transaction, or so many records at a time; the report counts both."""
    cluster.create("written", 1)
    expect(
        drave(cluster, "produce", "written", "--transactional-id", "w", stdin="a\nb\nc\n"),
        0,
        r"^3 records committed in .* in 1 transaction$",
    )
    done = drave(cluster, "produce", "written", "--transactional-id", "w", "--commit-every", 2, "--report", stdin="d\ne\nf\ng\nh\n")
    report = json.loads(done.stdout)
    assert (report["transactions"], report["committed"], report["aborted"]) == (3, 5, 0), report
    assert values(cluster, "written", "--read-committed") == list("abcdefgh")
    markers = 4
    (end,) = said(cluster, "topic", "offsets", "written")
    assert end["end"] == 8 + markers, end
    expect(drave(cluster, "produce", "written", "--commit-every", 2, stdin="x"), 2, "--transactional-id")
    expect(drave(cluster, "produce", "written", "--transactional-id", "", stdin="x"), 2, "empty")
    expect(drave(cluster, "produce", "written", "-X", "transactional.id=w", stdin="x"), 2, "--transactional-id")
    expect(drave(cluster, "consume", "written", "--read-committed", "--read-uncommitted"), 2, "exclude")


def fails_as_a_whole(cluster):
    """A line that is no record aborts what is open; what was committed before stays. So does Ctrl-C."""
    cluster.create("torn", 1)
    lines = "".join(json.dumps({"value": f"v{n}"}) + "\n" for n in range(3)) + "no record\n"
    done = drave(cluster, "produce", "torn", "--transactional-id", "t", "--commit-every", 2, "--json", stdin=lines)
    report = json.loads(done.stdout)
    assert done.returncode == 1 and (report["committed"], report["aborted"]) == (2, 1), done
    assert values(cluster, "torn", "--read-committed") == ["v0", "v1"]
    run_ = subprocess.Popen(
        [str(BIN / "drave"), "produce", "torn", "--transactional-id", "t"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ, DRAVE_BOOTSTRAP=cluster.bootstrap),
    )
    run_.stdin.write("late\n")
    run_.stdin.flush()
    wait_until("the line", lambda: "late" in values(cluster, "torn", "--read-uncommitted"), 30)
    assert values(cluster, "torn", "--read-committed") == ["v0", "v1"]
    run_.send_signal(signal.SIGINT)
    _, text = run_.communicate(timeout=30)
    assert run_.returncode == 1 and "aborted" in text, (run_.returncode, text)
    assert values(cluster, "torn", "--read-committed") == ["v0", "v1"]
    wait_until("nothing open", lambda: not said(cluster, "txn", "list", "--state", "Ongoing"), 30)
    stamped = json.dumps({"value": "old", "timestamp": 0}) + "\n"
    expect(drave(cluster, "produce", "torn", "--transactional-id", "t", "--json", stdin=stamped), 1, "timestamp 0")


def lists_and_describes(cluster):
    """What is open, since when, with which partitions; a name that is not there is answered with the nearest."""
    cluster.create("shown", 3)
    made = opened(cluster, "shown", "shown-1", 3)
    row = said(cluster, "txn", "describe", "shown-1")
    assert (row["id"], row["state"], row["timeout_ms"], row["producer_epoch"]) == ("shown-1", "Ongoing", 60000, 0), row
    assert row["partitions"] == [{"topic": "shown", "partition": p} for p in range(3)] and 0 <= row["open_seconds"] < 60, row
    assert abs(time.time() * 1000 - row["start_ms"]) < 60000, row
    listed = {r["id"]: r for r in said(cluster, "txn", "list")}
    assert listed["shown-1"]["producer_id"] == row["producer_id"] and listed["shown-1"]["coordinator"] == row["coordinator"], listed
    assert set(listed) >= {"shown-1", "w", "t"} and listed["w"]["state"] == "CompleteCommit" and listed["w"]["open_seconds"] is None, listed
    assert [r["id"] for r in said(cluster, "txn", "list", "--state", "Ongoing")] == ["shown-1"]
    assert said(cluster, "txn", "list", "--longer", "1h") == []
    wait_until("a second", lambda: [r["id"] for r in said(cluster, "txn", "list", "--longer", "1s")] == ["shown-1"], 30)
    expect(drave(cluster, "txn", "list"), 0, "TRANSACTIONAL ID +STATE +OPEN", r"shown-1 +Ongoing +\S+ s +1 m 0 s +3 ")
    expect(drave(cluster, "txn", "describe", "shown-1"), 0, "shown-1: Ongoing, open for", "shown +2")
    expect(drave(cluster, "txn", "describe", "shown-2"), 1, 'did you mean "shown-1"')
    expect(drave(cluster, "txn", "list", "--state", "Open"), 2, "Ongoing")
    expect(drave(cluster, "group", "seek", "readers", "--to", "earliest", "-t", "shown", "--yes"), 0)
    (first, *_) = said(cluster, "group", "describe", "readers")["offsets"]
    assert (first["lag_records"], first["lag_records_stable"], first["last_stable"]) == (1, 0, 0), first
    expect(drave(cluster, "group", "describe", "readers"), 0, "MEMBER +STABLE")
    made.commit_transaction(30)
    # Its markers may still be on their way.
    wait_until("nothing held back", lambda: "STABLE" not in drave(cluster, "group", "describe", "readers").stdout, 30)


def aborts(cluster):
    """An id's transaction is aborted and its producer fenced, with --yes only; what is not open is refused."""
    cluster.create("ended", 2)
    made = opened(cluster, "ended", "ended-1", 2)
    expect(drave(cluster, "txn", "abort", "ended-1"), 0, "would be aborted", "nothing was changed")
    assert said(cluster, "txn", "abort", "ended-1", "--yes", "--dry-run")["dry_run"] is True
    assert said(cluster, "txn", "describe", "ended-1")["state"] == "Ongoing"
    expect(drave(cluster, "txn", "abort", "-t", "ended:0", "-o", 0, "--yes"), 1, "drave txn abort ended-1")
    expect(drave(cluster, "txn", "abort", "ended-1", "--yes"), 0, "in 2 partitions, is aborted, and its producer fenced")
    row = said(cluster, "txn", "describe", "ended-1")
    assert row["state"] != "Ongoing" and row["timeout_ms"] == 60000, row
    assert values(cluster, "ended", "--read-committed") == [] and values(cluster, "ended") == ["open", "open"]
    try:
        made.commit_transaction(30)
        raise AssertionError("its producer was not fenced")
    except KafkaException as e:
        assert e.args[0].fatal(), e
    expect(drave(cluster, "txn", "abort", "ended-1", "--yes"), 1, "no transaction open")
    expect(drave(cluster, "txn", "abort", "ended-9", "--yes"), 1, "does not exist")
    expect(drave(cluster, "txn", "abort"), 2, "which transaction")
    expect(drave(cluster, "txn", "abort", "-t", "ended", "-o", 0), 2, "TOPIC:PARTITION")


LIST_TRANSACTIONS = 66


class Forgetful:
    """Between clients and a broker: once `forgets` is set, coordinators have no transactions. A transaction that really hangs would be a bug."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.broker_port, self.forgets = None, False
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.carry, args=(Framed.of(client), Framed("127.0.0.1", self.broker_port, 60)), daemon=True).start()

    def carry(self, client, broker):
        try:
            while True:
                asked = client.read_frame()
                key, _, correlation = struct.unpack(">hhi", asked[:8])
                if key == LIST_TRANSACTIONS and self.forgets:
                    client.write_frame(struct.pack(">ibihbbb", correlation, 0, 0, 0, 1, 1, 0))
                    continue
                broker.write_frame(asked)
                client.write_frame(broker.read_frame())
        except OSError:
            client.close()
            broker.close()


def finds_hanging():
    """What a partition has open and no coordinator knows is found, and aborted by its place; what a coordinator has open is not."""
    forgetful = Forgetful()
    with Cluster(1, settings={"advertised.listeners": f"PLAINTEXT://127.0.0.1:{forgetful.port}"}) as cluster:
        forgetful.broker_port = cluster[1].port
        cluster.create("hung", 2)
        cluster.create("other", 1)
        expect(drave(cluster, "produce", "hung", "-p", 1, stdin="a\nb\n"), 0)
        made = opened(cluster, "hung", "hung-1", 2)
        expect(drave(cluster, "txn", "find-hanging"), 0, "no transaction hangs")
        assert said(cluster, "txn", "find-hanging", "hung") == []
        place = ("txn", "abort", "-t", "hung:1", "-o")
        expect(drave(cluster, *place, 2, "--yes"), 1, "its coordinator knows", "drave txn abort hung-1")
        forgetful.forgets = True
        rows = said(cluster, "txn", "find-hanging", code=1)
        assert [(r["topic"], r["partition"], r["first_offset"], r["id"]) for r in rows] == [("hung", 0, 0, None), ("hung", 1, 2, None)], (
            rows
        )
        assert said(cluster, "txn", "find-hanging", "oth*") == []
        assert said(cluster, "txn", "find-hanging", "--longer", "1h") == []
        expect(
            drave(cluster, "txn", "find-hanging", "hung", "hun*"), 1, r"hung +0 +0 +\d+ +0 ", r"hung +1 +2 +\d+ +0 ", "-t hung:0 -o 0 --yes"
        )
        expect(drave(cluster, "txn", "find-hanging", "hang"), 1, "hung")
        expect(drave(cluster, *place, 2), 0, "would be aborted")
        expect(drave(cluster, *place, 1, "--yes"), 1, "no transaction is open since offset 1")
        expect(drave(cluster, *place, 2, "--yes"), 0, "is aborted")
        assert [r["partition"] for r in said(cluster, "txn", "find-hanging", code=1)] == [0]
        assert values(cluster, "hung", "--read-committed") == ["a", "b"]
        forgetful.forgets = False
        made.abort_transaction(30)
        expect(drave(cluster, "txn", "find-hanging"), 0)
    forgetful.listener.close()


suite = Suite()
with Cluster(3) as cluster:
    for test in (produces, fails_as_a_whole, lists_and_describes, aborts):
        suite.run(test, cluster)
suite.run(finds_hanging)
suite.end()
