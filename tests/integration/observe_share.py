"""Metrics and causes of share groups: each moves when it must, and drave group why says what holds a group up."""

import contextlib
import json
import os
import re
import signal
import subprocess
from pathlib import Path

from harness.cluster import BIN, wait_until
from harness.suite import Suite
from harness.watched import Watched

LIMIT_S = 120.0


def prepared(cluster, name, records=30, partitions=3, **settings):
    """A topic with records, and a group that begins with the first of them."""
    cluster.create(name, partitions)
    cluster.wait_leaders(name, in_sync=3)
    group = f"g-{name}"
    words = [f"{key}={value}" for key, value in {"share.auto.offset.reset": "earliest", **settings}.items()]
    cluster.drave("config", "set", f"group:{group}", *words)
    cluster.drave(
        "produce",
        name,
        "--json",
        stdin="".join(json.dumps({"partition": i % partitions, "value": f"v{i}" + "x" * 2000}) + "\n" for i in range(records)),
    )
    return group


def summed(cluster, name, group, **labels):
    return sum(cluster.value(n, f"drave_share_group_{name}", group=group, **labels) or 0 for n in cluster.brokers)


def ended(cluster, group, outcome):
    return summed(cluster, "deliveries_total", group, outcome=outcome)


def taken(cluster, topic, group):
    return len(cluster.drave("consume", topic, "--share", group, "--json", "-e").stdout.splitlines())


@contextlib.contextmanager
def stuck(cluster, topic, group):
    """A member that has records and does nothing with them: nobody reads what it prints."""
    process = subprocess.Popen(
        [str(BIN / "drave"), "consume", topic, "--share", group, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=dict(os.environ, DRAVE_BOOTSTRAP=cluster.bootstrap),
    )
    try:
        wait_until("a full pipe", lambda: "pipe" in Path(f"/proc/{process.pid}/wchan").read_text(), LIMIT_S)
        yield process
    finally:
        process.kill()
        process.wait()


def why(cluster, group):
    return json.loads(cluster.drave("group", "why", group, "--window", "1s", "--json").stdout)


def accepting(cluster):
    """What is not done with, and what is; groups are listed and described with their kind."""
    group = prepared(cluster, "accepting")
    assert taken(cluster, "accepting", group) == 30
    wait_until("what was accepted", lambda: ended(cluster, group, "accepted") == 30, LIMIT_S, 0.3)
    assert summed(cluster, "lag_records", group) == summed(cluster, "acquired_records", group) == 0
    assert ended(cluster, group, "rejected") == 0 and summed(cluster, "exhausted_records_total", group) == 0
    cluster.drave("produce", "accepting", stdin="more\n" * 5)
    wait_until("the lag", lambda: summed(cluster, "lag_records", group) == 5, LIMIT_S, 0.3)
    rows = {g["group"]: g["type"] for g in json.loads(cluster.drave("group", "list", "--json").stdout)}
    assert rows[group] == "share", rows
    told = json.loads(cluster.drave("group", "describe", group, "--json").stdout)
    assert told["type"] == "share" and told["lag_records"] == 5 and told["members"] == [], told
    assert {one["acquired"] for one in told["offsets"]} == {0}, told
    wait_until("a cause", lambda: why(cluster, group)["cause"] == "no_members", LIMIT_S, 0.3)
    assert re.search("it has no members .no_members.", cluster.drave("group", "why", group, "--window", "1s").stdout)


def holding(cluster):
    """A member that hangs: its locks end by their time, and what was given too often is archived. In one partition: so the second gets the same."""
    group = prepared(
        cluster, "holding", records=300, partitions=1, **{"share.record.lock.duration.ms": 1000, "share.delivery.count.limit": 2}
    )
    with stuck(cluster, "holding", group) as process:
        process.send_signal(signal.SIGSTOP)
        wait_until("locks that end", lambda: ended(cluster, group, "timed_out") > 0, LIMIT_S, 0.3)
        wait_until("nothing held", lambda: summed(cluster, "acquired_records", group) == 0, LIMIT_S, 0.3)
        one = max(json.loads(cluster.drave("share", "offsets", group, "--json").stdout), key=lambda one: one["retried"])
        assert one["retried"] > 0 and one["deliveries"] == 1 and one["deliveries_most"] == 2, one
        process.send_signal(signal.SIGCONT)
    with stuck(cluster, "holding", group) as process:
        process.send_signal(signal.SIGSTOP)
        wait_until("what is given no more", lambda: summed(cluster, "exhausted_records_total", group) > 0, LIMIT_S, 0.3)


def releasing(cluster):
    """A member that goes gives back what it holds."""
    group = prepared(cluster, "releasing", records=300)
    with stuck(cluster, "releasing", group) as process:
        wait_until("locks", lambda: summed(cluster, "acquired_records", group) > 0, LIMIT_S, 0.3)
        process.send_signal(signal.SIGKILL)
        wait_until("what is given back", lambda: ended(cluster, group, "released") > 0, LIMIT_S, 0.3)
    assert ended(cluster, group, "timed_out") == 0


def full(cluster):
    """Members that hold as many records as they may."""
    group = prepared(cluster, "full", records=900, **{"share.partition.max.record.locks": 100})
    with stuck(cluster, "full", group):
        wait_until("the cause", lambda: why(cluster, group)["cause"] == "locks_full", LIMIT_S, 0.5)
        found = why(cluster, group)
        evidence = {one["what"]: one["value"] for one in found["evidence"]}
        assert "100 records, 100 at the most" in evidence["held by members"] and evidence["members"] == "1", evidence
        assert "share.partition.max.record.locks" in found["next"], found


def causes(cluster):
    """The metric names the cause that drave group why names, also where other brokers lead; none where a group is done."""
    left, held = prepared(cluster, "left"), prepared(cluster, "held", records=900, **{"share.partition.max.record.locks": 100})
    well = prepared(cluster, "well")
    assert taken(cluster, "well", well) == taken(cluster, "left", left) == 30
    cluster.drave("produce", "left", stdin="more\n" * 30)

    def told():
        found = [dict(key) for n in cluster.brokers for key, one in cluster.metrics(n).get("drave_group_cause", {}).items() if one == 1]
        return {one["group"]: one["cause"] for one in found if one["group"] in (left, held, well)}

    with stuck(cluster, "held", held):
        wait_until("the causes", lambda: told() == {left: "no_members", held: "locks_full"}, LIMIT_S, 0.5)
        for group, cause in told().items():
            assert json.loads(cluster.drave("group", "why", group, "--json").stdout)["cause"] == cause, group
        assert len(set(cluster.leaders("left").values())) > 1, "one broker leads all"
    assert taken(cluster, "left", left) == 30
    wait_until("no cause of what is done", lambda: left not in told(), LIMIT_S, 0.5)


suite = Suite()
with Watched(3) as shared:
    for test in (accepting, holding, releasing, full, causes):
        suite.run(test, shared)
suite.end()
