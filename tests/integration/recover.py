"""A lost majority, as docs/operations.md walks through it ("A majority is lost"): what is gone is said before anything is done, and what is left goes on. Nothing that was to stay is lost, whoever comes back."""

import shutil
import tempfile
from pathlib import Path

from harness.cluster import Cluster, wait_until
from harness.raw import Raw, batch
from harness.suite import Suite

TOPIC, PARTITIONS = "orders", 3
SETTINGS = {"broker.session.timeout.ms": 4000}


def produce(cluster, topic, partition, count, node=None):
    """So many records, each acknowledged by a majority; the first is numbered by what is there."""
    node = node or cluster.leaders(topic)[partition]
    with Raw(cluster[node].port) as raw:
        for n in range(count):
            error = raw.produce(topic, partition, batch([(None, f"{partition}-{n}".encode())]))[0]
            assert error == 0, error


def read(cluster, topic, partition):
    done = cluster.drave("consume", topic, "-p", partition, "-o", "beginning", "-e", "-f", "%o:%s\\n", timeout=60)
    return [line.split(":", 1) for line in done.stdout.splitlines()]


def plan(cluster):
    told = cluster.drave("recover", "--plan", json_out=True)
    return told["lost_brokers"], {(g["topic"], g["partition"]): g for g in told["lost_majorities"]}


def lose(cluster, aside, *nodes):
    for node in nodes:
        cluster[node].kill()
    for node in nodes:
        shutil.move(cluster[node].data, Path(aside) / str(node))


def whole(cluster, topic, replicas):
    wait_until(
        f"{topic} to be whole",
        lambda: all(len(p["in_sync"]) == len(p["replicas"]) == replicas for p in cluster.describe(topic)["partitions"]),
        60,
        0.2,
    )


def refused(broker):
    """It ends, so that with others it is no majority of what was."""
    assert broker.process.wait(20) == 1
    assert "which took the place of this one for good" in broker.log_text(), broker.log_text()


def two_of_three():
    """Two of three directories are lost: the third goes on with all that it has, also of the metadata; old ones are refused, empty ones take their places."""
    with Cluster(3, settings=SETTINGS) as cluster, tempfile.TemporaryDirectory() as aside:
        cluster.create(TOPIC, PARTITIONS, 3)
        cluster.wait_leaders(TOPIC, in_sync=3)
        for p in range(PARTITIONS):
            produce(cluster, TOPIC, p, 20)
        lost, groups = plan(cluster)
        assert lost == [] and not groups, (lost, groups)
        assert "nothing to recover" in cluster.drave("recover", "--plan").stderr + cluster.drave("recover", "--plan").stdout
        lose(cluster, aside, 2, 3)
        cluster[1].kill()  # all machines lost their power; one of them is back
        cluster[1].start()
        wait_until("broker 1 to answer", lambda: cluster.drave("recover", "--plan", check=False).returncode == 0, 20, 0.2)
        lost, groups = plan(cluster)
        assert lost == [2, 3], lost
        assert set(groups) == {(None, 0)} | {(TOPIC, p) for p in range(PARTITIONS)}, groups
        for p in range(PARTITIONS):
            group = groups[TOPIC, p]
            assert group["broker"] == 1 and group["survivors"] == [1] and group["stays_below"] == 20, group
            assert 0 < group["acknowledged_below"] <= 20 and group["entries_gone"] == 0, group
        text = cluster.drave("recover", "--plan").stdout
        assert "brokers 2, 3 do not answer" in text and "0 to below 20" in text, text
        before = cluster.drave("recover", "--plan", json_out=True)
        assert cluster.drave("recover", "--plan", json_out=True) == before, "a plan changes nothing"
        cluster.drave("recover", "--accept-loss", timeout=120)
        assert plan(cluster) == ([], {}), plan(cluster)
        for p in range(PARTITIONS):
            assert read(cluster, TOPIC, p) == [[str(n), f"{p}-{n}"] for n in range(20)]
            produce(cluster, TOPIC, p, 5, node=1)
        cluster.create("after", 1, 1)
        # The old ones come back, both: they are a majority of what was, and must do nothing with it.
        for node in (2, 3):
            shutil.move(Path(aside) / str(node), cluster[node].data)
            cluster[node].start()
        for node in (2, 3):
            refused(cluster[node])
            shutil.rmtree(cluster[node].data)
        for node in (2, 3):
            cluster[node].start().wait_log(f"drave broker replace {node}", 15)
            cluster.drave("broker", "replace", node, timeout=90)
        whole(cluster, TOPIC, 3)
        cluster[1].kill()  # the others have it all
        cluster.wait_leaders(TOPIC)
        for p in range(PARTITIONS):
            assert [o for o, _ in read(cluster, TOPIC, p)] == [str(n) for n in range(25)]
        cluster[1].start(ready=True)
        whole(cluster, TOPIC, 3)


def one_that_was_behind():
    """The one that is left was away while others acknowledged: it says from where on they are gone; the metadata has its majority."""
    with Cluster(5, settings=SETTINGS) as cluster, tempfile.TemporaryDirectory() as aside:
        cluster.drave("topic", "create", TOPIC, "-p", 1, "-r", 1)
        cluster.drave("topic", "move", TOPIC, "--to", "3,4,5", "--wait", "60s", timeout=90)
        cluster.drave("topic", "create", "alone", "-p", 1, "-r", 1)
        cluster.drave("topic", "move", "alone", "--to", "4", "--wait", "60s", timeout=90)
        produce(cluster, TOPIC, 0, 10)
        cluster[3].kill()
        cluster.wait_leaders(TOPIC)
        produce(cluster, TOPIC, 0, 10)
        lose(cluster, aside, 4, 5)
        cluster[3].start(ready=True)
        lost, groups = wait_until("both losses to be seen", lambda: len((p := plan(cluster))[1]) > 1 and p, 20, 0.2)
        assert lost == [4, 5] and set(groups) == {(TOPIC, 0), ("alone", 0)}, (lost, groups)
        assert groups[TOPIC, 0]["stays_below"] == 10, groups
        assert groups[TOPIC, 0]["acknowledged_below"] <= 10, groups
        assert groups["alone", 0]["broker"] is None and "no replica is left" in groups["alone", 0]["gone"], groups
        done = cluster.drave("recover", "--accept-loss", check=False, timeout=120)
        assert done.returncode == 1 and "alone-0: no replica is left" in done.stderr, (done.returncode, done.stderr)
        assert read(cluster, TOPIC, 0) == [[str(n), f"0-{n}"] for n in range(10)]
        produce(cluster, TOPIC, 0, 7)
        cluster.drave("topic", "move", TOPIC, "--to", "1,2,3", "--wait", "60s", timeout=90)
        whole(cluster, TOPIC, 3)
        assert [o for o, _ in read(cluster, TOPIC, 0)] == [str(n) for n in range(17)]
        cluster.drave("topic", "delete", "alone")
        for node in (4, 5):  # what has acknowledged more than is left comes back
            shutil.move(Path(aside) / str(node), cluster[node].data)
            cluster[node].start()
            refused(cluster[node])
        assert [o for o, _ in read(cluster, TOPIC, 0)] == [str(n) for n in range(17)]


def one_that_cannot_open_it():
    """A broker that lives and cannot open its replica is not lost, nor waited for, nor to be stopped; it is named, and takes the replica from the one that goes on when it can open it."""
    with Cluster(5, settings=SETTINGS) as cluster, tempfile.TemporaryDirectory() as aside:
        cluster.drave("topic", "create", TOPIC, "-p", 1, "-r", 5)
        cluster.wait_leaders(TOPIC, in_sync=5)
        produce(cluster, TOPIC, 0, 10)
        cluster[2].kill()
        folder = Path(cluster[2].data) / "shard-0" / "groups"
        here = [path.name for path in folder.iterdir()]
        for name in here:
            shutil.move(folder / name, Path(aside) / name)
        (folder / f"{1:016x}" / f"{0:020d}.log").mkdir(parents=True)  # a segment that is none, which nobody can mend
        cluster[2].start(ready=True).wait_log("cannot be opened", 30)
        lose(cluster, aside, 3, 4, 5)
        lost, groups = wait_until("the loss to be seen", lambda: (p := plan(cluster))[1] and p, 30, 0.2)
        assert lost == [3, 4, 5] and set(groups) == {(TOPIC, 0)}, (lost, groups)
        group = groups[TOPIC, 0]
        assert (group["broker"], group["survivors"], group["cannot_open"], group["unheard"]) == (1, [1], 2, None), group
        assert group["gone_from"] == min(group["acknowledged_below"], group["stays_below"]), group
        assert "broker 2 has it and cannot open it" in group["gone"], group
        cluster.drave("recover", "--accept-loss", timeout=120)
        assert read(cluster, TOPIC, 0) == [[str(n), f"0-{n}"] for n in range(group["stays_below"])]
        produce(cluster, TOPIC, 0, 5, node=1)
        assert cluster[2].process.poll() is None
        shutil.rmtree(folder / f"{1:016x}")
        for name in here:
            shutil.move(Path(aside) / name, folder / name)
        wait_until("broker 2 to have it again", lambda: 2 in cluster.describe(TOPIC)["partitions"][0]["in_sync"], 90, 0.2)


def one_dead_and_one_that_cannot_open_it():
    """Of three replicas one is dead and one cannot be opened, by a broker that is connected: nobody leads, and that is a loss."""
    with Cluster(3, settings=SETTINGS) as cluster, tempfile.TemporaryDirectory() as aside:
        cluster.create(TOPIC, 1, 3)
        cluster.wait_leaders(TOPIC, in_sync=3)
        produce(cluster, TOPIC, 0, 10)
        cluster[2].kill()
        folder = Path(cluster[2].data) / "shard-0" / "groups"
        for path in list(folder.iterdir()):
            shutil.move(path, Path(aside) / path.name)
        (folder / f"{1:016x}" / f"{0:020d}.log").mkdir(parents=True)
        cluster[2].start(ready=True).wait_log("cannot be opened", 30)
        lose(cluster, aside, 3)
        lost, groups = wait_until("the loss to be seen", lambda: (p := plan(cluster))[1] and p, 60, 0.5)
        assert lost == [3] and set(groups) == {(TOPIC, 0)}, (lost, groups)
        assert (groups[TOPIC, 0]["broker"], groups[TOPIC, 0]["cannot_open"]) == (1, 2), groups
        cluster.drave("recover", "--accept-loss", timeout=120)
        assert plan(cluster) == ([], {}), plan(cluster)
        assert read(cluster, TOPIC, 0) == [[str(n), f"0-{n}"] for n in range(10)]
        produce(cluster, TOPIC, 0, 5, node=1)


def ids_that_are_not_known():
    """Of a producer's id the metadata that goes on never heard, and the producer lives on: nobody else gets the same one, whose records would be taken for repetitions."""

    def given(raw):
        return wait_until("a producer's id", lambda: (told := raw.init_producer_id())[0] == 0 and told[1:], 20, 0.2)

    with Cluster(3, settings=SETTINGS) as cluster, tempfile.TemporaryDirectory() as aside:
        cluster.create(TOPIC, 1, 3)
        cluster.wait_leaders(TOPIC, in_sync=3)
        cluster[1].kill()
        with Raw(cluster[2].port) as raw:
            old = given(raw)
        lose(cluster, aside, 2, 3)
        cluster[1].start()
        wait_until("broker 1 to answer", lambda: cluster.drave("recover", "--plan", check=False).returncode == 0, 20, 0.2)
        cluster.drave("recover", "--accept-loss", timeout=120)
        cluster.wait_leaders(TOPIC)
        with Raw(cluster[1].port) as raw:
            new = given(raw)
            for name, producer in ("old", old), ("new", new):
                error = raw.produce(TOPIC, 0, batch([(None, name.encode())], producer=(*producer, 0)))[0]
                assert error == 0, (name, producer, error)
        assert [value for _, value in read(cluster, TOPIC, 0)] == ["old", "new"], (old, new, read(cluster, TOPIC, 0))


def what_is_refused():
    """Neither or both; and a majority that is there."""
    with Cluster(3, settings=SETTINGS) as cluster:
        for words in ((), ("--plan", "--accept-loss")):
            done = cluster.drave("recover", *words, check=False)
            assert done.returncode == 2 and "say --plan" in done.stderr, done.stderr
        cluster.create(TOPIC, 1, 3)
        cluster[2].kill()
        assert plan(cluster) == ([], {})
        cluster.drave("recover", "--accept-loss")
        assert cluster.leaders(TOPIC)[0] in (1, 3)
        cluster[2].start(ready=True)
        whole(cluster, TOPIC, 3)


suite = Suite()
suite.run(what_is_refused)
suite.run(ids_that_are_not_known)
suite.run(two_of_three)
suite.run(one_that_was_behind)
suite.run(one_that_cannot_open_it)
suite.run(one_dead_and_one_that_cannot_open_it)
suite.end()
