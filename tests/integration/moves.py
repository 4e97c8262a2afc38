"""Replicas that move, as docs/operations.md walks through it ("A topic moves to other brokers"): under load, cancelled, and with a broker that dies."""

import json
import os
import time

from harness.cluster import ROOT, Cluster, wait_until
from harness.history import History
from harness.load import under_load
from harness.raw import Raw, batch
from harness.suite import Suite

TOPIC, PARTITIONS, RATE = "orders", 3, 60


def placed(cluster, topic=TOPIC):
    """Partition -> (replicas in order, in sync), as a client is told."""
    return {p["id"]: (p["replicas"], sorted(p["in_sync"])) for p in cluster.describe(topic)["partitions"]}


def files_on(broker, group):
    return (broker.data / "shard-0" / "groups" / f"{group:016x}").exists()


def groups_of(cluster, topic=TOPIC, partitions=PARTITIONS):
    return [json.loads(cluster.drave("meta", "get", f"/topics/{topic}/partitions/{p}").stdout)["group"] for p in range(partitions)]


def a_topic_moves_under_load():
    """Every replica of a topic goes to other brokers, and one of them dies and is back meanwhile: nothing is lost, and clients hardly notice."""
    history = History(ROOT / "build" / "moves" / "history.jsonl")
    with Cluster(4) as cluster:

        def faults(_):
            cluster.drave("topic", "move", TOPIC, "--to", "1,2,3", "--wait", "60s", timeout=90)
            cluster.drave("topic", "move", TOPIC, "--to", "2,3,4")
            time.sleep(1)
            cluster[3].kill()
            time.sleep(0.5)
            cluster[3].start(ready=True)
            cluster.drave("topic", "move", TOPIC, "--to", "2,3,4", "--wait", "60s", timeout=90)

        _, found = under_load(cluster, history, TOPIC, PARTITIONS, RATE, faults)
        now = placed(cluster)
        assert all(sorted(replicas) == [2, 3, 4] for replicas, _ in now.values()), now
        assert len({replicas[0] for replicas, _ in now.values()}) == 3, f"one broker is preferred for several: {now}"
        cluster.wait_leaders(TOPIC, in_sync=3)
        groups = groups_of(cluster)
        wait_until("the files on broker 1 to go", lambda: not any(files_on(cluster[1], g) for g in groups), 30)
    return f"{found['acknowledged']} acknowledged, lost {found['lost']}"


def a_move_is_cancelled():
    """A move to a broker that is dead does not end; it is cancelled, and everything is where it was."""
    with Cluster(4) as cluster:
        cluster.create(TOPIC, PARTITIONS, 3)
        cluster.drave("topic", "move", TOPIC, "--to", "1,2,3", "--wait", "60s", timeout=90)
        before = {p: sorted(r) for p, (r, _) in placed(cluster).items()}
        cluster[4].kill()
        cluster.drave("topic", "move", TOPIC, "--to", "1,2,4")
        refused = cluster.drave("topic", "move", TOPIC, "--to", "1,2,4", "--wait", "3s", check=False)
        assert refused.returncode == 1 and "are not there yet" in refused.stderr, refused.stderr
        cluster.drave("topic", "move", TOPIC, "--cancel", "--wait", "30s")
        after = {p: sorted(r) for p, (r, _) in placed(cluster).items()}
        assert after == before, (before, after)


def a_move_to_fewer_keeps_the_copies():
    """One replica is to be where there were three, on a broker that is dead: the three stay, so one of them may die, too, and nothing is lost. With Kafka it is so."""
    with Cluster(4) as cluster:
        cluster.create(TOPIC, 1, 3)
        cluster.drave("topic", "move", TOPIC, "--to", "1,2,3", "--wait", "60s", timeout=90)
        cluster.drave("produce", TOPIC, stdin="before\n")
        cluster[4].kill()
        cluster.drave("topic", "move", TOPIC, "--to", "4")
        wait_until("the plan to be told", lambda: 4 in placed(cluster)[0][0], 10)
        end = time.monotonic() + 3  # a step takes 0.1 s
        while time.monotonic() < end:
            assert placed(cluster)[0][1] == [1, 2, 3], placed(cluster)
        cluster[3].kill()
        cluster.drave("produce", TOPIC, stdin="meanwhile\n", timeout=60)
        cluster[4].start(ready=True)
        cluster.drave("topic", "move", TOPIC, "--to", "4", "--wait", "60s", timeout=90)
        assert placed(cluster)[0] == ([4], [4]), placed(cluster)
        read = cluster.drave("consume", TOPIC, "-o", "beginning", "-e").stdout.split()
        assert read == ["before", "meanwhile"], read


def a_log_without_its_beginning():
    """A replica that was away when the beginning of its log went is given files, and so is one on a broker that had nothing of it."""
    settings = {"log.segment.bytes": 65536, "log.segment.delete.delay.ms": 0, "replica.absent.ms": 0}
    values = [os.urandom(25_000).hex() for _ in range(20)]
    with Cluster(4, settings=settings) as cluster:
        cluster.create(TOPIC, 1, 3)
        cluster.drave("topic", "move", TOPIC, "--to", "1,2,3", "--wait", "60s", timeout=90)
        cluster[3].kill()
        wait_until("broker 1 or 2 to lead", lambda: cluster.describe(TOPIC)["partitions"][0]["leader"] in (1, 2), 30)
        with Raw(cluster[cluster.describe(TOPIC)["partitions"][0]["leader"]].port) as raw:
            for value in values:
                error, _ = raw.produce(TOPIC, 0, batch([(None, value.encode())]))
                assert error == 0, error
        cluster.drave("topic", "trim", TOPIC, "--offset", "8")
        start = f"shard-0/groups/{groups_of(cluster, partitions=1)[0]:016x}/start"
        for id in (1, 2):
            wait_until(f"broker {id} to let the beginning go", lambda b=cluster[id]: (b.data / start).exists(), 30)
        cluster[3].start(ready=True)
        wait_until("broker 3 to begin anew", lambda: "its log begins anew behind entry" in cluster[3].log_text(), 30)
        wait_until("broker 3 to write where its log begins", (cluster[3].data / start).exists, 30)
        wait_until("broker 3 to be in sync", lambda: placed(cluster)[0][1] == [1, 2, 3], 30)
        cluster.drave("topic", "move", TOPIC, "--to", "4", "--wait", "60s", timeout=90)
        read = cluster.drave("consume", TOPIC, "-o", "beginning", "-e", "-f", "%o %s\\n").stdout.split("\n")
        assert read[:-1] == [f"{8 + i} {value}" for i, value in enumerate(values[8:])], [line[:20] for line in read]


def what_is_refused():
    """Brokers that do not exist, or twice; nothing to cancel; a partition that does not exist."""
    with Cluster(3) as cluster:
        cluster.create(TOPIC, PARTITIONS, 3)
        for words, sentence in (
            (("--to", "1,2,9"), "broker 9 has never registered"),
            (("--to", "1,1"), "broker 1 is named twice"),
            (("--to", "1,2", "-p", "7"), "has partitions 0 to 2"),
            (("--cancel", "-p", "0"), "no replica of this partition is being moved"),
        ):
            done = cluster.drave("topic", "move", TOPIC, *words, check=False)
            assert done.returncode == 1 and sentence in done.stderr, (words, done.returncode, done.stderr)
        done = cluster.drave("topic", "move", TOPIC, check=False)
        assert done.returncode == 2, done.stderr
        cluster.drave("topic", "move", TOPIC, "--to", "2", "--wait", "30s")  # fewer replicas
        assert all(r == [2] for r, _ in placed(cluster).values()), placed(cluster)
        cluster.drave("topic", "move", TOPIC, "--to", "2,3,1", "--wait", "60s", timeout=90)  # and more
        cluster.wait_leaders(TOPIC, in_sync=3)


suite = Suite()
suite.run(what_is_refused)
suite.run(a_move_is_cancelled)
suite.run(a_move_to_fewer_keeps_the_copies)
suite.run(a_log_without_its_beginning)
suite.run(a_topic_moves_under_load)
suite.end()
