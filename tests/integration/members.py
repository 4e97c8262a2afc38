"""Brokers that come to a cluster while it runs, as docs/operations.md walks through it ("A broker more"): admitted, filled, killed, under load."""

import json
import shutil
import tempfile
from pathlib import Path

from harness.cluster import ROOT, Cluster, wait_until
from harness.history import History
from harness.load import under_load
from harness.suite import Suite

TOPIC, PARTITIONS, RATE = "orders", 3, 60


def brokers(cluster):
    """Those that the cluster knows, alive or not."""
    listed = cluster.drave("meta", "ls", "/brokers/ids").stdout
    return sorted(int(line.split()[0]) for line in listed.splitlines() if line.split()[:1] and line.split()[0].isdigit())


def placed(cluster, topic=TOPIC):
    return {p["id"]: sorted(p["replicas"]) for p in cluster.describe(topic)["partitions"]}


def a_broker_more():
    """A fourth broker waits until it is admitted, gets new partitions and replicas that were there, dies and is back; nothing is lost."""
    history = History(ROOT / "build" / "members" / "history.jsonl")
    with Cluster(3) as cluster:

        def grow(_):
            four = cluster.newcomer().start()
            four.wait_log("is not admitted yet: drave broker add 4", 15)
            assert brokers(cluster) == [1, 2, 3], brokers(cluster)
            cluster.drave("broker", "add", "4", "--wait", "30s")
            four.wait_ready()
            assert brokers(cluster) == [1, 2, 3, 4], brokers(cluster)
            cluster.create("more", 8, 3)
            assert any(4 in replicas for replicas in placed(cluster, "more").values()), placed(cluster, "more")
            cluster.drave("topic", "move", TOPIC, "--to", "2,3,4")
            four.kill()
            four.start(ready=True)
            cluster.drave("topic", "move", TOPIC, "--to", "2,3,4", "--wait", "60s", timeout=90)
            for node in (1, 2, 3):  # the first with the new list, the others likewise
                cluster[node].stop()
                cluster[node].start(ready=True)

        _, found = under_load(cluster, history, TOPIC, PARTITIONS, RATE, grow)
        assert all(replicas == [2, 3, 4] for replicas in placed(cluster).values()), placed(cluster)
        cluster.wait_leaders(TOPIC, in_sync=3)
        cluster.wait_leaders("more", in_sync=3)
    return f"{found['acknowledged']} acknowledged, lost {found['lost']}"


def the_first_of_several():
    """A cluster of one grows to three: new topics have three replicas, and what was there is moved."""
    with Cluster(1, grows=True) as cluster:
        cluster.create(TOPIC, PARTITIONS, 1)
        for node in (2, 3):
            cluster.newcomer().start().wait_log("is not admitted yet", 15)
            cluster.drave("broker", "add", node, "--wait", "30s")
        cluster.drave("topic", "move", TOPIC, "--to", "1,2,3", "--wait", "60s", timeout=90)
        cluster.create("more", 2, 3)
        cluster.wait_leaders("more", in_sync=3)
        cluster.wait_leaders(TOPIC, in_sync=3)


def draining(cluster, node):
    """What is left of it, as both lists tell it; None: it is not drained."""
    listed, known = cluster.drave("broker", "list", json_out=True), cluster.drave("info", json_out=True)["brokers"]
    told = [next(b["draining"] for b in rows if b["id"] == node) for rows in (listed, known)]
    assert (told[0] is None) == (told[1] is None), told
    return told[1]


def what_is_refused():
    """Nobody has asked; two say the same id; an id that is taken, by an empty directory."""
    with Cluster(3) as cluster, tempfile.TemporaryDirectory() as other:
        for words, code, sentence in (
            (("9",), 1, "broker 9 has not asked broker"),
            (("x",), 2, "is no id of a broker"),
        ):
            done = cluster.drave("broker", "add", *words, check=False)
            assert done.returncode == code and sentence in done.stderr, (words, done.returncode, done.stderr)
        four = cluster.newcomer().start()
        four.wait_log("is not admitted yet", 15)
        ports = four.data, four.log_path
        four.kill()
        four.data, four.log_path = Path(other) / "data", Path(other) / "log"
        four.start().wait_log("is not admitted yet", 15)
        done = cluster.drave("broker", "add", "4", check=False)
        if done.returncode == 1:  # the first one was heard within ten seconds
            assert "two brokers ask to be admitted as broker 4" in done.stderr, done.stderr
        wait_until("the first to be forgotten", lambda: cluster.drave("broker", "add", "4", check=False).returncode == 0, 20, 0.5)
        four.wait_ready()
        four.kill()
        four.data, four.log_path = ports  # the directory that was not admitted
        four.start()
        four.wait_log("drave broker replace 4", 15)
        assert json.loads(cluster.drave("meta", "get", "/cluster").stdout)["brokers"] == 4


def a_broker_less():
    """A broker is drained, stopped and removed under load; one that holds replicas, is alive or votes on the metadata is not removed."""
    history = History(ROOT / "build" / "members" / "less.jsonl")
    with Cluster(4) as cluster:

        def refused(words, sentence):
            done = cluster.drave("broker", *words, check=False)
            assert done.returncode == 1 and sentence in done.stderr, (words, done.returncode, done.stderr)

        def shrink(_):
            cluster.create("wide", 2, 4)  # nobody can take its place there
            cluster.drave("topic", "move", TOPIC, "--to", "2,3,4", "--wait", "60s", timeout=90)
            refused(("remove", "4"), "holds ")
            told = cluster.drave("broker", "drain", "4", "--dry-run", json_out=True)
            assert told["stay"] == 2 < told["replicas"] and not told["drained"], told
            assert "2 have nowhere to go, such as that of wide-0" in cluster.drave("broker", "drain", "4", "--dry-run").stderr
            refused(("drain", "4", "--wait", "3s"), "to leave broker 4")
            wait_until("the rest to have gone", lambda: draining(cluster, 4)["replicas"] == 2, 30)
            assert draining(cluster, 4).items() >= {"replicas": 2, "votes": False}.items(), draining(cluster, 4)
            for words in (("broker", "list"), ("info",)):
                assert "broker 4 is being drained: 2 replicas are left" in cluster.drave(*words).stdout, words
            cluster.drave("broker", "drain", "4", "--undo")
            assert draining(cluster, 4) is None
            cluster.drave("topic", "delete", "wide")
            cluster.drave("broker", "drain", "4", "--wait", "60s", timeout=90)
            assert all(replicas == [1, 2, 3] for replicas in placed(cluster).values()), placed(cluster)
            refused(("remove", "4"), "is alive; stop it first")
            refused(("remove", "3"), "holds ")
            cluster[4].stop()
            wait_until(
                "broker 4 to be fenced",
                lambda: not json.loads(cluster.drave("meta", "get", "/brokers/ids/4").stdout)["alive"],
                30,
            )
            cluster.drave("broker", "remove", "4", "--dry-run")
            assert brokers(cluster) == [1, 2, 3, 4], brokers(cluster)
            cluster.drave("broker", "remove", "4")
            assert brokers(cluster) == [1, 2, 3], brokers(cluster)

        _, found = under_load(cluster, history, TOPIC, PARTITIONS, RATE, shrink)
        refused(("add", "4"), "has not asked")
        refused(("drain", "4"), "there is no broker 4")
        cluster[4].start().wait_log("broker 4 was removed from the cluster", 15)
        cluster[4].kill()
        cluster[1].kill()  # three are left, and two of them are a majority of all that vote
        cluster.create("after", 1, 2)
        cluster[1].start(ready=True)
    return f"{found['acknowledged']} acknowledged, lost {found['lost']}"


def voters(cluster):
    return sorted(row["broker"] for row in cluster.drave("meta", "voters", json_out=True) if row["votes"])


def others_vote():
    """Other brokers vote on the metadata, one change after the other, also in the place of the one that leads it; a broker that is drained gives its vote away."""
    with Cluster(3) as cluster:
        four = cluster.newcomer().start()
        four.wait_log("is not admitted yet", 15)
        cluster.drave("broker", "add", "4", "--wait", "30s")
        assert voters(cluster) == [1, 2, 3], voters(cluster)
        for words, sentence in ((("1,2,9",), "there is no broker 9"), (("1,1",), "named twice"), (("1,x",), "no list of brokers")):
            done = cluster.drave("meta", "voters", *words, check=False)
            assert done.returncode in (1, 2) and sentence in done.stderr, done.stderr
        leader = cluster.drave("info", json_out=True)["metadata_leader"]
        others = ",".join(str(n) for n in (1, 2, 3, 4) if n != leader)
        cluster.drave("meta", "voters", others, "--dry-run")
        cluster.drave("meta", "voters", others, "--wait", "60s", timeout=90)
        assert cluster.drave("info", json_out=True)["metadata_leader"] != leader
        cluster[leader].kill()  # it is not needed any more, and one of the three may be missing besides
        gone = next(n for n in (1, 2, 3) if n != leader)
        cluster[gone].kill()
        cluster.create("without", 1, 2)
        cluster[gone].start(ready=True)
        cluster[leader].start(ready=True)
        cluster.drave("broker", "drain", "4", "--wait", "60s", timeout=90)
        wait_until("its vote to go", lambda: voters(cluster) == [1, 2, 3], 60, 0.3)
        four.stop()
        wait_until("it to be removed", lambda: cluster.drave("broker", "remove", "4", check=False).returncode == 0, 30, 0.3)


def a_lost_directory():
    """A broker is killed and its directory gone; an empty one takes its place under load, with a leader and the new one killed on the way. All is whole, nothing lost; the old directory is refused."""
    history = History(ROOT / "build" / "members" / "lost.jsonl")
    with Cluster(3) as cluster, tempfile.TemporaryDirectory() as aside:
        old = Path(aside) / "old"

        def replace(_):
            two = cluster[2]
            cluster.create("wide", 12, 3)
            cluster.create("single", 1, 1)
            holder = placed(cluster, "single")[0][0]
            two.kill()
            shutil.move(two.data, old)
            two.start().wait_log("drave broker replace 2", 15)
            if holder == 2:
                done = cluster.drave("broker", "replace", "2", check=False)
                assert done.returncode == 1 and "have no majority" in done.stderr, done.stderr
                cluster.drave("topic", "delete", "single")
            cluster.drave("broker", "replace", "2")
            two.kill()  # in the middle of being brought up
            two.start()
            leader = cluster.leaders(TOPIC)[0]
            cluster[leader].kill()
            cluster[leader].start(ready=True)
            two.wait_ready()
            whole()

        def whole():
            def all_in_sync():
                topics = [t for t in (TOPIC, "wide") for p in cluster.describe(t)["partitions"] if len(p["in_sync"]) < 3]
                return not topics

            wait_until("all replicas to be in sync", all_in_sync, 90, 0.5)

        _, found = under_load(cluster, history, TOPIC, PARTITIONS, RATE, replace)
        cluster[1].kill()  # now the new one is needed
        cluster.create("needed", 2, 2)
        cluster[1].start(ready=True)
        whole()
        cluster[2].stop()
        shutil.move(cluster[2].data, Path(aside) / "new")
        shutil.move(old, cluster[2].data)
        cluster[2].start().wait_log("which took the place of this one for good", 20)
        cluster[2].kill()
        shutil.move(cluster[2].data, Path(aside) / "older")
        shutil.move(Path(aside) / "new", cluster[2].data)
        cluster[2].start(ready=True)
        whole()
    return f"{found['acknowledged']} acknowledged, lost {found['lost']}"


suite = Suite()
suite.run(what_is_refused)
suite.run(the_first_of_several)
suite.run(a_broker_more)
suite.run(a_broker_less)
suite.run(others_vote)
suite.run(a_lost_directory)
suite.end()
