"""Groups of consumers through drave: list, describe with lag, seek in every way, export, import, delete, consume -G, api-versions.

AGAINST=HOST:PORT asks other brokers instead, such as Apache Kafka's: they say what is right.
"""

import json
import os
import subprocess
import time

from confluent_kafka import Consumer

from harness.cluster import BIN, Cluster, wait_until
from harness.command import expect, run
from harness.suite import Suite


class Other:
    """Brokers that this test has not started."""

    def __init__(self, bootstrap):
        self.bootstrap = bootstrap

    def create(self, topic, partitions=1):
        expect(run("topic", "create", topic, "-p", partitions, "-r", 1, env=self.env()), 0)

    def env(self):
        return {"DRAVE_BOOTSTRAP": self.bootstrap}


def drave(cluster, *words, **more):
    return run(*words, env={"DRAVE_BOOTSTRAP": cluster.bootstrap}, **more)


def said(cluster, *words, **more):
    done = drave(cluster, *words, "--json", **more)
    assert done.returncode == 0, f"{words}: {done.returncode} {done.stderr}"
    return json.loads(done.stdout)


def topic(cluster, name, counts, value="x"):
    """A topic with so many records in each partition."""
    name = f"{name}-{os.getpid()}"
    cluster.create(name, len(counts))
    for p, count in enumerate(counts):
        lines = "".join(f"{value}{i}\n" for i in range(count))
        expect(drave(cluster, "produce", name, "-p", p, stdin=lines), 0)
    return name


def offsets(cluster, group):
    """{(topic, partition): committed}"""
    return {(o["topic"], o["partition"]): o["offset"] for o in json.loads(drave(cluster, "group", "export", group).stdout)["offsets"]}


def member(cluster, group, name):
    consumer = Consumer(
        {
            "bootstrap.servers": cluster.bootstrap,
            "group.id": group,
            "client.id": "the-member",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "session.timeout.ms": 6000,
        }
    )
    consumer.subscribe([name])
    wait_until("an assignment", lambda: consumer.poll(0.1) or consumer.assignment(), 30)
    return consumer


def seek(cluster, group, *words):
    return said(cluster, "group", "seek", group, *words, "--yes")


def describes(cluster):
    """A group with a member: who has what, and how far behind; what is not known is null, and is no zero."""
    t = topic(cluster, "seen", [10, 5, 0])
    group = f"g-{t}"
    seek(cluster, group, "--to", "4", "-t", f"{t}:0")
    consumer = member(cluster, group, t)
    try:
        wait_until("a stable group", lambda: said(cluster, "group", "describe", group)["state"] == "Stable")
        row = next(g for g in said(cluster, "group", "list") if g["group"] == group)
        assert row == {"group": group, "type": "classic", "state": "Stable", "members": 1, "coordinator": row["coordinator"]}, row
        seen = said(cluster, "group", "describe", group)
        assert list(seen) == [
            "group",
            "type",
            "state",
            "protocol",
            "coordinator",
            "members",
            "offsets",
            "lag_records",
            "lag_seconds",
            "lag_seconds_arrived",
            "per_topic",
            "per_member",
        ], list(seen)
        for field, name in (("topic", t), ("member", seen["members"][0]["id"])):
            (total,) = seen[f"per_{field}"]
            assert (total[field], total["partitions"], total["lag_records"]) == (name, 3, 6), total
            expect(drave(cluster, "group", "describe", group, "--per", field), 0, f"{field.upper()} +PARTITIONS", f"{name} +3 +6 ")
        assert seen["coordinator"] == row["coordinator"] and seen["protocol"] == "range", seen
        (one,) = seen["members"]
        assert one["client_id"] == "the-member" and one["instance"] is None and "127.0.0.1" in one["host"], one
        assert one["partitions"] == [{"topic": t, "partition": p} for p in range(3)], one
        assert [o["partition"] for o in seen["offsets"]] == [0, 1, 2] and {o["member"] for o in seen["offsets"]} == {one["id"]}
        first, second, third = seen["offsets"]
        assert (first["committed"], first["log_start"], first["high_watermark"], first["last_stable"]) == (4, 0, 10, 10), first
        assert first["lag_records"] == 6 and 0 <= first["lag_seconds"] < 600, first
        for o, end in ((second, 5), (third, 0)):
            assert (o["committed"], o["high_watermark"], o["lag_records"], o["lag_seconds"]) == (None, end, None, None), o
        assert seen["lag_records"] == 6 and seen["lag_seconds"] == first["lag_seconds"], seen
        expect(
            drave(cluster, "group", "describe", group),
            0,
            rf"group {group}: Stable, classic protocol, range, coordinator \d+, lag 6, ",
            "AGE",
        )
        expect(drave(cluster, "group", "describe", group, "--per", "host"), 2, "neither topic nor member")
        assert [g["group"] for g in said(cluster, "group", "list", "--state", "stable") if g["group"] == group] == [group]
        assert group not in [g["group"] for g in said(cluster, "group", "list", "--state", "Empty", "--state", "dead")]
    finally:
        consumer.close()
    wait_until("an empty group", lambda: said(cluster, "group", "describe", group)["state"] == "Empty")
    seek(cluster, group, "--to", "latest", "-t", t)
    seen = said(cluster, "group", "describe", group)
    assert seen["members"] == [] and (seen["lag_records"], seen["lag_seconds"]) == (0, 0), seen
    assert [o["member"] for o in seen["offsets"]] == [None] * 3
    drave(cluster, "produce", t, "-p", "2", stdin="late\n")
    time.sleep(1.1)  # that it has an age to be seen
    seen = said(cluster, "group", "describe", group)
    assert seen["lag_records"] == 1 and 1 <= seen["lag_seconds"] < 60, seen


def seeks(cluster):
    """Every way to say where; nothing happens without --yes; what a partition does not hold is limited, and said."""
    t = topic(cluster, "sought", [10, 10])
    group = f"g-{t}"
    plan = said(cluster, "group", "seek", group, "--to", "latest", "-t", t)
    assert plan == {
        "group": group,
        "dry_run": True,
        "offsets": [{"topic": t, "partition": p, "from": None, "to": 10} for p in (0, 1)],
    }, plan
    expect(drave(cluster, "group", "describe", group), 1, f'group "{group}" does not exist')
    plan = seek(cluster, group, "--to", "latest", "-t", t)
    assert plan["dry_run"] is False and offsets(cluster, group) == {(t, 0): 10, (t, 1): 10}
    for words, wanted in (
        (["--to", "earliest"], (0, 0)),
        (["--to", "7"], (7, 7)),
        (["--by", "-3"], (4, 4)),
        (["--by", "2", "-t", f"{t}:1"], (4, 6)),
        (["--to", "end", "-t", f"{t}:0"], (10, 6)),
        (["--to", "@-1h"], (0, 0)),
        (["--to", "@now"], (10, 10)),
        (["--by", "-100"], (0, 0)),
    ):
        expect(drave(cluster, "group", "seek", group, *words), 0, "nothing was changed")
        seek(cluster, group, *words)
        now = offsets(cluster, group)
        assert now == {(t, p): wanted[p] for p in (0, 1)}, f"{words}: {now}"
    done = drave(cluster, "group", "seek", group, "--to", "99", "--yes")
    expect(done, 0, rf"{t}-0 has the offsets 0 to 10, not 99; it is 10 instead")
    other = f"{group}-other"
    plan = seek(cluster, other, "--from-group", group, "-t", f"{t}:1")
    assert offsets(cluster, other) == {(t, 1): 10}, plan
    done = drave(cluster, "group", "seek", other, "--from-file", "-", "--yes", stdin=f'{t},0,3\n"{t}",1,4\n')
    expect(done, 0, "COMMITTED")
    assert offsets(cluster, other) == {(t, 0): 3, (t, 1): 4}
    expect(drave(cluster, "group", "seek", group), 2, "--to, --by, --from-group and --from-file")
    expect(drave(cluster, "group", "seek", group, "--to", "1", "--by", "1"), 2, "one of")
    expect(drave(cluster, "group", "seek", group, "--to", "yesterday"), 2, "--to yesterday is not earliest, latest, an offset, or @TIME")
    expect(drave(cluster, "group", "seek", group, "--to", "1", "-t", t + ":9"), 1, f'topic "{t}" has partitions 0 to 1, not 9')
    expect(drave(cluster, "group", "seek", group, "--to", "1", "-t", "nothing-here"), 1, 'topic "nothing-here" does not exist')
    expect(drave(cluster, "group", "seek", f"{group}-new", "--to", "1"), 1, "has no committed offsets; name what is to be set with --topic")
    expect(drave(cluster, "group", "seek", f"{group}-new", "--by", "1", "-t", t), 1, "has no committed offset to move by 1")


def exports_and_imports(cluster):
    """What is exported from one group is what another gets."""
    t = topic(cluster, "kept", [5, 5, 5])
    group = f"g-{t}"
    seek(cluster, group, "--to", "2", "-t", t)
    seek(cluster, group, "--to", "3", "-t", f"{t}:1")
    text = drave(cluster, "group", "export", group).stdout
    assert json.loads(text)["group"] == group
    plan = json.loads(drave(cluster, "group", "import", "-", "-G", f"{group}-copy", "--json", stdin=text).stdout)
    assert plan["dry_run"] and [o["to"] for o in plan["offsets"]] == [2, 3, 2], plan
    expect(drave(cluster, "group", "export", f"{group}-copy"), 1, "does not exist")
    expect(drave(cluster, "group", "import", "-", "-G", f"{group}-copy", "--yes", stdin=text), 0)
    assert offsets(cluster, f"{group}-copy") == offsets(cluster, group) == {(t, 0): 2, (t, 1): 3, (t, 2): 2}
    expect(drave(cluster, "group", "import", "-", stdin=f"{t},0,1\n"), 2, "does not say which group it is for; name it with -G")
    expect(drave(cluster, "group", "import", "/not/there"), 1, "/not/there cannot be read: ")
    expect(drave(cluster, "group", "import", "-", "-G", "x", stdin=f"{t},0,1\nwhat\n"), 1, "-, line 2: that is not topic,partition,offset")


def deletes(cluster):
    """A group with members stays; the offsets of one topic go alone; a name that is not there is answered with the nearest."""
    t, u = topic(cluster, "gone", [3]), topic(cluster, "stays", [3])
    group = f"g-{t}"
    for name in (t, u):
        seek(cluster, group, "--to", "1", "-t", name)
    consumer = member(cluster, group, u)
    try:
        expect(drave(cluster, "group", "delete", group), 1, f'group "{group}" has members; stop its consumers first')
        expect(drave(cluster, "group", "delete", group, "--dry-run"), 1, "has members")
        expect(drave(cluster, "group", "seek", group, "--to", "2", "--yes"), 1, "has members; stop its consumers first")
        expect(drave(cluster, "group", "seek", group, "--to", "2"), 0, "once the group's members have stopped")
        expect(drave(cluster, "group", "delete", group, "-t", u), 1, f'has members that read topic "{u}"')
        expect(drave(cluster, "group", "delete", group, "-t", t), 0, f'the offsets of topic "{t}" in group "{group}" are deleted')
        assert offsets(cluster, group) == {(u, 0): 1}
    finally:
        consumer.close()
    wait_until("an empty group", lambda: said(cluster, "group", "describe", group)["state"] == "Empty")
    expect(drave(cluster, "group", "delete", group[:-1] + "x"), 1, f'does not exist; did you mean "{group}"?')
    expect(drave(cluster, "group", "delete", group, "--dry-run"), 0, "would be deleted with its offsets; nothing was changed")
    done = said(cluster, "group", "delete", group)
    assert done == [{"group": group, "topic": None, "dry_run": False}], done
    assert group not in [g["group"] for g in said(cluster, "group", "list")]
    expect(drave(cluster, "group", "describe", group), 1, f'group "{group}" does not exist')


def consumes(cluster):
    """What was printed is committed, and nothing else; another member goes on there; a pattern, two members, and what makes no sense."""
    t = topic(cluster, "read", [6, 6])
    group = f"g-{t}"
    done = drave(cluster, "consume", t, "-G", group, "-n", "4", "-f", "%p %o\\n")
    expect(done, 0, f"group {group}: assigned: {t} .0., {t} .1.")
    first = done.stdout.split("\n")[:-1]
    assert len(first) == 4, first
    assert sum(offsets(cluster, group).values()) == 4, offsets(cluster, group)
    rest = drave(cluster, "consume", t, "-G", group, "-e", "-f", "%p %o\\n").stdout.split("\n")[:-1]
    assert sorted(first + rest) == sorted(f"{p} {o}" for p in (0, 1) for o in range(6)), (first, rest)
    assert offsets(cluster, group) == {(t, 0): 6, (t, 1): 6}
    drave(cluster, "produce", t, "-p", "1", stdin="late\n")
    records = [json.loads(line) for line in drave(cluster, "consume", t, "-G", group, "-e", "--json").stdout.splitlines()]
    assert [(r["partition"], r["offset"], r["value"]) for r in records] == [(1, 6, "late")], records
    found = drave(cluster, "consume", t[:-2] + "*", "-G", f"{group}-all", "-e").stdout.splitlines()
    assert len(found) == 13, found
    new = drave(cluster, "consume", t, "-G", f"{group}-new", "-o", "end", "-e")
    assert new.returncode == 0 and new.stdout == "", new
    expect(drave(cluster, "consume", t, "-G", group, "-o", "3"), 2, "drave group seek " + group)
    expect(drave(cluster, "consume", t, "-G", group, "-p", "0"), 2, "the group shares the partitions out")
    expect(drave(cluster, "consume", t, "--protocol", "classic"), 2, "name the group with -G")
    expect(drave(cluster, "consume", t, "-G", group, "--protocol", "new"), 2, "is not classic or consumer")
    expect(drave(cluster, "consume", "not-there", "-G", group, "-e", "--timeout", "5s"), 1, '"not-there" does not exist')


def two_consume(cluster):
    """Two of them share the partitions; when one is killed, the other gets all again."""
    t = topic(cluster, "shared", [0, 0])
    group = f"g-{t}"
    command = [str(BIN / "drave"), "consume", t, "-G", group, "-X", "session.timeout.ms=6000", "-X", "heartbeat.interval.ms=500"]
    env = dict(os.environ, DRAVE_BOOTSTRAP=cluster.bootstrap)
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env, text=True) for _ in range(2)]

    def shares():
        done = drave(cluster, "group", "describe", group, "--json")
        return sorted(len(m["partitions"]) for m in json.loads(done.stdout)["members"]) if done.returncode == 0 else None

    try:
        wait_until("two members with a partition each", lambda: shares() == [1, 1], 30, 0.2)
        both[0].kill()
        wait_until("one member with both", lambda: shares() == [2], 40, 0.2)
        drave(cluster, "produce", t, "-p", "0", stdin="zero\n")
        drave(cluster, "produce", t, "-p", "1", stdin="one\n")
        assert {both[1].stdout.readline(), both[1].stdout.readline()} == {"zero\n", "one\n"}
        both[1].terminate()
        assert both[1].wait(20) == 0
        assert offsets(cluster, group) == {(t, 0): 1, (t, 1): 1}
    finally:
        for p in both:
            p.kill()
            p.wait()


def tells_versions(cluster):
    """What each broker serves, and which clients fit, with the evidence."""
    seen = said(cluster, "api-versions")
    produce = next(a for a in seen["apis"] if a["key"] == 0)
    assert produce["name"] == "Produce" and produce["brokers"][0]["to"] >= 9, produce
    fits = {(c["client"].split()[0], c["use"]): c for c in seen["clients"]}
    assert fits["librdkafka", "groups"]["fits"] and fits["kafkajs", "groups"]["fits"] and fits["kafka-clients", "groups"]["fits"], fits
    assert all(c["evidence"] for c in seen["clients"]), seen["clients"]
    expect(drave(cluster, "api-versions"), 0, r"Metadata +0-1\d", r"librdkafka .* groups +yes")


TESTS = (describes, seeks, exports_and_imports, deletes, consumes, two_consume, tells_versions)
suite = Suite()
if os.environ.get("AGAINST"):
    for test in TESTS:
        suite.run(test, Other(os.environ["AGAINST"]))
else:
    with Cluster(3, settings={"group.initial.rebalance.delay.ms": 0}) as shared:
        for test in TESTS:
            suite.run(test, shared)
suite.end()
