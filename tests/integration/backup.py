"""A backup, as docs/operations.md walks through it: copies of all directories become another cluster, beside the one that was copied."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from harness.cluster import BIN, Cluster
from harness.raw import Raw, batch
from harness.suite import Suite

TOPIC, PARTITIONS, RECORDS = "orders", 3, 20


def adopt(*directories, code=0):
    done = subprocess.run([BIN / "draved", "backup", "adopt", *directories, "--json"], capture_output=True, text=True, timeout=60)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return json.loads(done.stdout) if code == 0 else done.stderr


def produce(cluster, count):
    for partition, node in cluster.leaders(TOPIC).items():
        with Raw(cluster[node].port) as raw:
            assert raw.produce(TOPIC, partition, batch([(None, b"x")] * count))[0] == 0


def ends(cluster):
    return [p["high_watermark"] for p in cluster.describe(TOPIC)["partitions"]]


def cluster_id(cluster):
    return cluster.drave("info", json_out=True)["cluster_id"]


def copy(cluster, place, nodes=(1, 2, 3)):
    for node in nodes:
        shutil.copytree(cluster[node].data, place / str(node), ignore=shutil.ignore_patterns("lock"))
    return [place / str(node) for node in nodes]


def copies_beside_the_original():
    """Stopped, copied, adopted: both clusters run at one time, with the same records and groups and other ids, and go on by themselves."""
    with tempfile.TemporaryDirectory() as aside, Cluster(3) as first:
        place = Path(aside)
        first.create(TOPIC, PARTITIONS, 3)
        first.wait_leaders(TOPIC, in_sync=3)
        produce(first, RECORDS)
        first.drave("consume", TOPIC, "-G", "readers", "-n", RECORDS, timeout=60)
        assert "is in use by pid" in adopt(*(b.data for b in first), code=1)
        for broker in first:
            broker.stop()
        copies = copy(first, place)
        told = adopt(*copies)
        assert told["brokers"] == [1, 2, 3], told
        assert adopt(*copies)["cluster_id"] != told["cluster_id"], "again: another one"
        for broker in first:
            broker.start()
        for broker in first:
            broker.wait_ready()
        with Cluster(3, data=lambda node: place / str(node)) as second:
            assert cluster_id(second) != cluster_id(first)
            second.wait_leaders(TOPIC, in_sync=3)
            first.wait_leaders(TOPIC, in_sync=3)
            assert ends(second) == ends(first) == [RECORDS] * PARTITIONS
            assert [g["group"] for g in second.drave("group", "list", json_out=True)] == ["readers"]
            produce(first, 1)
            produce(second, 5)
            first.create("of-the-first", 1, 3)
            assert ends(first) == [RECORDS + 1] * PARTITIONS and ends(second) == [RECORDS + 5] * PARTITIONS
            assert "of-the-first" not in second.drave("topic", "list").stdout
            second[1].stop()  # one that dials the other cluster, in which its place is free, is let in by nobody
            first[1].stop()
            ports = {node: second[node].told_peer_port for node in (2, 3)}
            for node in ports:
                second[node].told_peer_port = first[node].peer_port
            second[1].start().wait_log("refused the connection: .*cluster", 20)
            second[1].kill()
            for node, port in ports.items():
                second[node].told_peer_port = port
            second[1].start(ready=True)
            first[1].start(ready=True)
            second.wait_leaders(TOPIC, in_sync=3)
            assert ends(second) == [RECORDS + 5] * PARTITIONS


def what_is_refused():
    """Copies of several moments, of two clusters, twice of one broker, of nothing; nothing is changed."""
    with tempfile.TemporaryDirectory() as aside, Cluster(3) as cluster, Cluster(1) as other:
        place = Path(aside)
        cluster.create(TOPIC, PARTITIONS, 3)
        cluster.wait_leaders(TOPIC, in_sync=3)
        cluster[1].stop()
        copy(cluster, place / "old", (1,))
        cluster[1].start(ready=True)
        cluster.wait_leaders(TOPIC, in_sync=3)
        produce(cluster, RECORDS)
        cluster[1].stop()  # the others hear how far its journal is when it is back
        cluster[1].start(ready=True)
        cluster.wait_leaders(TOPIC, in_sync=3)
        heard = time.monotonic()
        while time.monotonic() < heard + 3:  # they write it down within a second, with what is written anyway
            produce(cluster, RECORDS)
        for broker in [*cluster, *other]:
            broker.stop()
        copies = copy(cluster, place / "new")
        before = [(c / "drave.meta").read_bytes() for c in copies]
        said = adopt(place / "old" / "1", copies[1], copies[2], code=1)
        assert "is older than" in said and str(place / "old" / "1") in said, said
        assert "are both of broker 1" in adopt(place / "old" / "1", *copies, code=1)
        assert "of cluster" in adopt(*copies, other[1].data, code=1)
        assert "cannot read" in adopt(*copies, place / "nothing", code=1)
        assert [(c / "drave.meta").read_bytes() for c in copies] == before
        journal = next(copies[0].glob("shard-0/journal/*.journal")).relative_to(copies[0])
        for name in ("drave.meta", "lock", journal):  # of what is no file nothing is waited for
            odd = place / "odd"
            shutil.copytree(copies[0], odd)
            (odd / name).unlink(missing_ok=True)
            os.mkfifo(odd / name)
            assert "a FIFO, a socket or a device stands in its place" in adopt(odd, *copies[1:], code=1)
            shutil.rmtree(odd)
        done = subprocess.run([BIN / "draved", "backup", "adopt", *copies[:2]], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and "no copy of broker 3 is among them" in done.stderr, done


suite = Suite()
suite.run(what_is_refused)
suite.run(copies_beside_the_original)
suite.end()
