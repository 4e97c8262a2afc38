"""Share groups through drave: consume --share by one and by several members, with a broker that dies meanwhile; list, describe, offsets, reset, delete."""

import contextlib
import io
import json
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from harness.cluster import BIN, Cluster, wait_until
from harness.command import expect, run
from harness.suite import Suite

LIMIT_S = 120.0  # for what takes seconds on a machine with nothing else to do


def drave(cluster, *words, **more):
    return run(*words, env={"DRAVE_BOOTSTRAP": cluster.bootstrap}, timeout=LIMIT_S, **more)


def said(cluster, *words, **more):
    done = drave(cluster, *words, "--json", **more)
    assert done.returncode == 0, f"{words}: {done.returncode} {done.stderr}"
    return json.loads(done.stdout)


def put(cluster, topic, values, partitions=3):
    """Spread over the partitions."""
    lines = "".join(json.dumps({"partition": i % partitions, "key": f"k{i}", "value": v}) + "\n" for i, v in enumerate(values))
    expect(drave(cluster, "produce", topic, "--json", stdin=lines), 0)


def lines_of(records):
    return "".join(json.dumps({"partition": 0, "key": k, "value": v}) + "\n" for k, v in records)


def prepared(cluster, name, partitions=3):
    """A topic, and a group that begins with its first record."""
    topic, group = f"{name}-{os.getpid()}", f"g-{name}-{os.getpid()}"
    cluster.create(topic, partitions)
    expect(drave(cluster, "config", "set", f"group:{group}", "share.auto.offset.reset=earliest"), 0)
    return topic, group


def taken(cluster, topic, group, *words):
    """What one member gets until nothing is left."""
    done = drave(cluster, "consume", topic, "--share", group, "--json", *words)
    expect(done, 0)
    return [json.loads(line) for line in done.stdout.splitlines()]


def values(records):
    return sorted(r["value"] for r in records)


class Sharer:
    """drave consume --share on its own; what it prints goes into a file, or, `held`, into a pipe that nobody reads so far."""

    def __init__(self, cluster, topic, group, *words, held=False):
        folder = Path(tempfile.mkdtemp(prefix="drave-share-"))
        self.out, self.err = folder / "out", folder / "err"
        self.process = subprocess.Popen(
            [str(BIN / "drave"), "consume", topic, "--share", group, "--json", *words],
            stdout=subprocess.PIPE if held else open(self.out, "wb"),
            stderr=open(self.err, "wb"),
            stdin=subprocess.DEVNULL,
            env=dict(os.environ, DRAVE_BOOTSTRAP=cluster.bootstrap),
        )

    def records(self):
        return [json.loads(line) for line in self.out.read_text().split("\n")[:-1]]

    def told(self):
        return self.err.read_text()

    def wait_assigned(self):
        wait_until("an assignment", lambda: "assigned: " in self.told() or not self.alive(), LIMIT_S)
        assert self.alive(), self.told()

    def alive(self):
        return self.process.poll() is None

    def is_stuck(self):
        return "pipe" in Path(f"/proc/{self.process.pid}/wchan").read_text()

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def end(self):
        self.interrupt()
        code = self.process.wait(LIMIT_S)
        assert code == 0, f"{code}: {self.told()}"

    def kill(self):
        if self.alive():
            self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def sharers(*started):
    try:
        yield started
    finally:
        for one in started:
            one.kill()


def prints_and_accepts(cluster):
    """What was printed is accepted: it comes once, also for who comes later; keys, headers, times and the count of deliveries are there."""
    topic, group = prepared(cluster, "once")
    put(cluster, topic, [f"v{i}" for i in range(30)])
    odd = {"partition": 0, "timestamp": 7, "key": None, "value": None, "headers": [{"key": "h", "value": None}, {"key": "h", "value": ""}]}
    expect(drave(cluster, "produce", topic, "--json", "-z", "gzip", stdin=json.dumps(odd) + "\n"), 0)
    records = taken(cluster, topic, group, "-e")
    assert values(r for r in records if r["value"]) == sorted(f"v{i}" for i in range(30)), records
    assert {r["delivery_count"] for r in records} == {1}, records
    (last,) = [r for r in records if r["value"] is None]
    assert last == {**odd, "topic": topic, "offset": 10, "delivery_count": 1}, last
    assert taken(cluster, topic, group, "-e") == []
    assert said(cluster, "share", "describe", group)["lag_records"] == 0
    put(cluster, topic, ["more"], 1)
    expect(drave(cluster, "consume", topic, "--share", group, "-e", "-f", "%k=%v %h %p@%o\\n"), 0, r"k0=more  0@11")


def ends_after_some(cluster):
    """-n takes no more than that many: the others are given to somebody else for the first time. Patterns take the topics that are there."""
    topic, group = prepared(cluster, "some", 1)
    put(cluster, topic, [f"v{i}" for i in range(30)], 1)
    assert values(taken(cluster, "some-*", group, "-n", 5)) == sorted(f"v{i}" for i in range(5))
    (one,) = said(cluster, "share", "offsets", group)
    assert (one["topic"], one["partition"], one["start"], one["lag_records"]) == (topic, 0, 5, 25), one
    rest = taken(cluster, topic, group, "-e")
    assert [r["offset"] for r in rest] == list(range(5, 30)) and {r["delivery_count"] for r in rest} == {1}, rest


def releases_what_is_not_printed(cluster):
    """Ctrl-C while stdout takes nothing more: what was written whole is accepted, all else is given to somebody again, at once."""
    topic, group = prepared(cluster, "released", 1)
    wanted = [f"{i:04d}" + "x" * 1000 for i in range(400)]
    put(cluster, topic, wanted, 1)
    with sharers(Sharer(cluster, topic, group, held=True)) as (one,):
        wait_until("a full pipe", one.is_stuck, LIMIT_S)
        one.interrupt()
        written = one.process.stdout.read().decode().split("\n")
        one.process.wait(LIMIT_S)
    first = [json.loads(line)["value"] for line in written[:-1]]
    assert 0 < len(first) < len(wanted), len(first)
    rest = taken(cluster, topic, group, "-e")
    assert sorted(first + [r["value"] for r in rest]) == wanted, (len(first), len(rest))
    assert rest[0]["delivery_count"] == 2, rest[0]


def ends_with_its_reader(cluster):
    """| head -1 ends it quietly, and what head never got to see is not lost."""
    topic, group = prepared(cluster, "head", 1)
    wanted = [f"{i:04d}" + "x" * 1000 for i in range(400)]
    put(cluster, topic, wanted, 1)
    with sharers(Sharer(cluster, topic, group, held=True)) as (one,):
        wait_until("a full pipe", one.is_stuck, LIMIT_S)
        line = one.process.stdout.readline()
        one.process.stdout.close()
        assert one.process.wait(LIMIT_S) == 0, one.told()
    rest = taken(cluster, topic, group, "-e")
    most = (65536 + io.DEFAULT_BUFFER_SIZE) // len(line) + 2  # that fit into the pipe and into what readline took
    assert len(wanted) - len(rest) <= most, f"{len(wanted) - len(rest)} are accepted, {most} can have been written"


def two_share(cluster):
    """Two members of a group: each record goes to one of them, and both get some; both are seen."""
    topic, group = prepared(cluster, "two")
    with sharers(Sharer(cluster, topic, group), Sharer(cluster, topic, group)) as members:
        for m in members:
            m.wait_assigned()
        wait_until("both in the group", lambda: len(said(cluster, "share", "describe", group)["members"]) == 2, LIMIT_S)
        seen = said(cluster, "share", "describe", group)
        assert list(seen) == [
            "group",
            "state",
            "assignor",
            "coordinator",
            "epoch",
            "assignment_epoch",
            "members",
            "offsets",
            "lag_records",
        ], seen
        assert (seen["state"], seen["assignor"]) == ("Stable", "simple") and len({m["id"] for m in seen["members"]}) == 2, seen
        assert all(m["topics"] == [topic] and "127.0.0.1" in m["host"] and m["client_id"] == "drave" for m in seen["members"]), seen
        owned = [p["partition"] for m in seen["members"] for p in m["partitions"]]
        assert sorted(set(owned)) == [0, 1, 2], seen
        (row,) = [g for g in said(cluster, "share", "list") if g["group"] == group]
        assert row == {"group": group, "type": "share", "state": "Stable", "members": 2, "coordinator": seen["coordinator"]}, row
        assert row in said(cluster, "group", "list")
        expect(drave(cluster, "share", "describe", group), 0, f"group {group}: Stable, simple, coordinator ", "MEMBER", "START +LAG")
        for words in (("reset", group, "--to", "earliest"), ("delete", group)):
            expect(drave(cluster, "share", *words, "--yes"), 1, "has members", "drave share describe")
        wanted, got = [], []
        while not all(m.records() for m in members):  # each is given some sooner or later
            more = [f"v{len(wanted) + i:06d}" for i in range(30)]
            put(cluster, topic, more)
            wanted += more
        wait_until("all records", lambda: sum(len(m.records()) for m in members) >= len(wanted), LIMIT_S)
        for m in members:
            m.end()
            got += m.records()
            assert "records read" in m.told(), m.told()
    assert values(got) == wanted, (len(got), len(wanted))
    wait_until("an empty group", lambda: said(cluster, "share", "describe", group)["state"] == "Empty", LIMIT_S)


def a_broker_dies(cluster):
    """Brokers are killed one after the other while two members share, and come back: every record is printed, and accepted in the end."""
    topic, group = prepared(cluster, "dying")
    wanted = []

    def put_more():
        more = [f"v{len(wanted) + i:06d}" for i in range(100)]
        expect(drave(cluster, "produce", topic, stdin="".join(f"{v}\n" for v in more)), 0)
        wanted.extend(more)

    def all_printed():
        return {r["value"] for m in members for r in m.records()} == set(wanted)

    with sharers(Sharer(cluster, topic, group), Sharer(cluster, topic, group)) as members:
        for m in members:
            m.wait_assigned()
        for broker in cluster:  # each leads something, or coordinates the group
            put_more()
            broker.kill()
            put_more()
            wait_until("all records without a broker", all_printed, LIMIT_S)
            broker.start(ready=True)
            cluster.wait_leaders(topic, in_sync=3, seconds=LIMIT_S)
        wait_until("all accepted", lambda: said(cluster, "share", "describe", group)["lag_records"] == 0, LIMIT_S)
        for m in members:
            m.end()
        twice = sum(len(m.records()) for m in members) - len(wanted)
    assert taken(cluster, topic, group, "-e") == []
    return f"{twice} printed twice"


def moves_and_deletes(cluster):
    """reset and delete show what they would do, and do it with --yes; what is not there, and another kind of group, is said."""
    topic, group = prepared(cluster, "moved")
    put(cluster, topic, [f"v{i}" for i in range(30)])
    assert len(taken(cluster, topic, group, "-e")) == 30
    plan = said(cluster, "share", "reset", group, "--to", "4", "-t", f"{topic}:1")
    assert plan == {"group": group, "dry_run": True, "offsets": [{"topic": topic, "partition": 1, "from": 10, "to": 4}]}, plan
    expect(drave(cluster, "share", "reset", group, "--to", "4"), 0, "nothing was changed; with --yes the group begins there", "START +NEW")
    assert said(cluster, "share", "describe", group)["lag_records"] == 0
    expect(drave(cluster, "share", "reset", group), 2, "--to")
    expect(drave(cluster, "share", "reset", group, "--to", "99", "-t", topic), 0, "has the offsets 0 to 10, not 99")
    assert not said(cluster, "share", "reset", group, "--to", "4", "-t", f"{topic}:1", "--yes")["dry_run"]
    again = taken(cluster, topic, group, "-e")
    assert [(r["partition"], r["offset"]) for r in again] == [(1, o) for o in range(4, 10)], again
    said(cluster, "share", "reset", f"{group}-new", "--to", "latest", "-t", topic, "--yes")
    assert [o["start"] for o in said(cluster, "share", "offsets", f"{group}-new")] == [10, 10, 10]

    expect(drave(cluster, "share", "delete", group, "-t", topic), 0, "would be deleted; nothing was changed")
    assert len(said(cluster, "share", "offsets", group)) == 3
    expect(drave(cluster, "share", "delete", group, "-t", f"{topic}-not", "--yes"), 1, "has begun in no partition of topic")
    assert said(cluster, "share", "delete", group, "-t", topic, "--yes") == [{"group": group, "topic": topic, "dry_run": False}]
    assert said(cluster, "share", "offsets", group) == []
    expect(drave(cluster, "share", "delete", group, f"{group}-new"), 0, f'group "{group}" would be deleted', f'"{group}-new" would')
    expect(drave(cluster, "share", "delete", group, "--yes"), 0, f'group "{group}" is deleted')
    expect(drave(cluster, "share", "describe", group), 1, "does not exist")


def kinds_of_groups(cluster):
    """Commands for one kind of group say which are for the other."""
    topic, group = prepared(cluster, "kinds", 1)
    put(cluster, topic, ["v"], 1)
    assert len(taken(cluster, topic, group, "-e")) == 1
    assert said(cluster, "group", "describe", group)["type"] == "share"
    assert said(cluster, "group", "why", group)["cause"] is None
    for words in (("export",), ("seek", "--to", "0", "-t", topic, "--yes")):
        expect(drave(cluster, "group", words[0], group, *words[1:]), 1, "is a share group; drave share describe")
    expect(drave(cluster, "consume", topic, "-G", group, "-n", 1), 1)
    other = f"{group}-classic"
    said(cluster, "group", "seek", other, "--to", "0", "-t", topic, "--yes")
    for words in (("describe", other), ("offsets", other), ("delete", other, "--yes"), ("reset", other, "--to", "0", "-t", topic, "--yes")):
        expect(drave(cluster, "share", *words), 1, "is a classic group; drave group describe")
    expect(drave(cluster, "consume", topic, "--share", other, "-n", 1), 1, "is a classic group; drave group describe")
    assert other not in [g["group"] for g in said(cluster, "share", "list")]
    assert [g["group"] for g in said(cluster, "share", "list", "--state", "empty") if g["group"] == group] == [group]


def says_what_makes_no_sense(cluster):
    """Options of consume that a share group has no use for, and topics that are not there."""
    topic, group = prepared(cluster, "sense", 1)
    for words, pattern in (
        (("-G", "g"), "two kinds of groups"),
        (("-p", "0"), "shares the partitions out"),
        (("-o", "end"), "share.auto.offset.reset"),
        (("--read-committed",), "share.isolation.level"),
        (("-X", "fetch.wait.max.ms=1"), "librdkafka"),
    ):
        expect(drave(cluster, "consume", topic, "--share", group, *words), 2, pattern)
    expect(drave(cluster, "consume", f"{topic[:-1]}", "--share", group), 1, "does not exist", "did you mean")
    expect(run("consume", topic, "--share", group, "-b", "127.0.0.1:1"), 3, "no broker is reachable")
    done = drave(cluster, "consume", topic, "--share", group, "-n", 1, "--timeout", "1s")
    expect(done, 1, "nothing came for 1.0 s, and not everything was read")


def lives_for_a_time(cluster):
    """Of a topic with message.ttl.ms nobody gets what is older, nor what says by a header that its time is over; and nobody has to ask, so that it is over."""
    topic, group = prepared(cluster, "ttl", 1)
    expect(drave(cluster, "config", "set", f"topic:{topic}", "message.ttl.ms=600000"), 0)
    now = int(time.time() * 1000)
    sent = [("old", 3600000, None), ("short", 1000, "1"), ("long", 3600000, "7200000"), ("young", 0, None)]
    for value, age, ttl in sent:
        headers = [] if ttl is None else [{"key": "ttl-ms", "value": ttl}]
        line = json.dumps({"partition": 0, "timestamp": now - age, "value": value, "headers": headers})
        expect(drave(cluster, "produce", topic, "--json", stdin=line + "\n"), 0)
    assert values(taken(cluster, topic, group, "-e")) == ["long", "young"]
    line = json.dumps({"partition": 0, "timestamp": now - 3600000, "value": "late"})
    expect(drave(cluster, "produce", topic, "--json", stdin=line + "\n"), 0)
    wait_until("it is over, though nobody asks", lambda: said(cluster, "share", "describe", group)["lag_records"] == 0, LIMIT_S)
    expect(drave(cluster, "config", "set", f"topic:{topic}", "message.ttl.ms=-2"), 1, "message.ttl.ms")


def keeps_keys_in_order(cluster):
    """share.order=key: while one member holds records of a key the others get those of other keys; what comes back comes in order."""
    topic, group = prepared(cluster, "keys", 1)
    expect(drave(cluster, "config", "set", f"group:{group}", "share.order=key"), 0)
    sent = [("hot", f"{i:04d}" + "x" * 1000) for i in range(400)]
    expect(drave(cluster, "produce", topic, "--json", stdin=lines_of(sent)), 0)
    with sharers(Sharer(cluster, topic, group, held=True)) as (one,):
        wait_until("a full pipe", one.is_stuck, LIMIT_S)
        more = [("hot" if i % 2 else f"cold{i}", f"more{i}") for i in range(20)]
        expect(drave(cluster, "produce", topic, "--json", stdin=lines_of(more)), 0)
        others = taken(cluster, topic, group, "-n", 10)
        assert [r["value"] for r in others] == [f"more{i}" for i in range(0, 20, 2)], others
        one.interrupt()
        written = one.process.stdout.read().decode().split("\n")
        one.process.wait(LIMIT_S)
    first = [json.loads(line)["value"] for line in written[:-1]]
    rest = [r["value"] for r in taken(cluster, topic, group, "-e")]
    assert first + rest == [v for _, v in sent] + [f"more{i}" for i in range(1, 20, 2)], (len(first), rest[:3], rest[-3:])
    expect(drave(cluster, "config", "set", f"group:{group}", "share.order=keys"), 1, "share.order")


suite = Suite()
with Cluster(3) as cluster:
    for test in (
        prints_and_accepts,
        ends_after_some,
        releases_what_is_not_printed,
        ends_with_its_reader,
        two_share,
        moves_and_deletes,
        kinds_of_groups,
        says_what_makes_no_sense,
        lives_for_a_time,
        keeps_keys_in_order,
        a_broker_dies,
    ):
        suite.run(test, cluster)
suite.end()
