"""Disks without room: a fast producer, somebody else's files, a follower, no inodes. Nothing ends, what makes room goes on, and so does the rest once there is room.

Every broker has a small ext4 image of its own (root; loop devices).
"""

import os
import re
import shutil
import time

from harness.cluster import wait_until
from harness.disks import LIMIT, MIB, STORAGE_ERROR, Disks, Flood, produces
from harness.ext4 import usable
from harness.raw import Raw, batch
from harness.suite import Suite


def until_refused(disks, flood):
    """The least that was free up to a second after the first refusal."""
    lowest, end = disks.free(), None
    began = time.monotonic()
    while end is None or time.monotonic() < end:
        lowest = min(lowest, disks.free())
        if end is None and flood.errors.get(STORAGE_ERROR):
            end = time.monotonic() + 1
        assert time.monotonic() - began < 240, f"nothing was refused; {disks.free() / MIB:.0f} MiB are free; answers {flood.errors}"
        assert flood.broker.alive(), flood.broker.log_text()[-800:]
        time.sleep(0.002)
    return lowest


def fast_producer():
    """However fast it comes, what is accepted fits above disk.min.free.bytes; the topic can be deleted, which makes room, and it goes on by itself."""
    with Disks({1: 400}) as disks:
        cluster, broker = disks.cluster, disks.cluster[1]
        cluster.create("flood", 3)
        cluster.create("other", 1)
        flood = Flood(broker, "flood", 3)
        lowest = until_refused(disks, flood)
        taken = flood.acknowledged * 900_000
        nearly = r"^broker 1: the disk of .* is nearly full: "  # but when what was accepted has just been written
        wait_until("drave info to say it", lambda: re.search(nearly, cluster.drave("info").stdout, re.M), 20, 0.05)

        def in_trouble():
            disk = cluster.drave("info", json_out=True)["brokers"][0]["disk"]
            return disk if disk["trouble"] else None

        disk = wait_until("the same in JSON", in_trouble, 20, 0.05)
        assert (
            disk["path"] == str(broker.data)
            and disk["min_free_bytes"] == LIMIT
            and disk["free_bytes"] < LIMIT + 64 * MIB
            and "drave topic delete" in disk["trouble"]
        ), disk
        assert lowest >= LIMIT - 4 * MIB, (
            f"{lowest / MIB:.0f} MiB were free, the limit is {LIMIT / MIB:.0f}; {taken / MIB:.0f} MiB were acknowledged"
        )
        said = re.search(r"the disk of .*", broker.log_text())
        assert said and str(broker.data) in said[0] and "disk.min.free.bytes is 100 MiB" in said[0] and "drave topic delete" in said[0], (
            said
        )
        began = time.monotonic()
        cluster.drave("topic", "delete", "flood", timeout=10)
        took = time.monotonic() - began
        produces(broker, "other")
        flood.stop()
        broker.wait_log("has room again", 10)
        assert cluster.drave("info", json_out=True)["brokers"][0]["disk"]["trouble"] is None
        assert broker.stop() == 0
    return f"{taken / MIB:.0f} MiB accepted, lowest {lowest / MIB:.0f} MiB, deleted in {took:.1f} s"


def somebody_else_fills_it():
    """Another program takes all of the disk while producers are at it: nothing ends, topics can be deleted, a new start works, and room that comes back is used."""
    with Disks({1: 300}) as disks:
        cluster, broker = disks.cluster, disks.cluster[1]
        cluster.create("flood", 3)
        cluster.create("other", 1)
        produces(broker, "other")
        flood = Flood(broker, "flood", 3)
        wait_until("a little of it", lambda: flood.acknowledged > 10)
        theirs = disks.fill()
        until_refused(disks, flood)
        broker.wait_log(f"the disk of {broker.data} (is nearly full|takes no more)", 5)
        flood.stop()
        disks.fill()  # what was given back since it was refused
        began = time.monotonic()
        cluster.drave("topic", "delete", "other", timeout=10)
        cluster.drave("topic", "create", "another", timeout=10)
        cluster.drave("topic", "delete", "flood", timeout=10)
        took = time.monotonic() - began
        disks.fill()
        for end in (broker.kill, broker.stop):
            end()
            broker.start(ready=True)
        cluster.drave("topic", "create", "third", timeout=10)
        theirs.unlink()
        produces(broker, "third")
        broker.wait_log("has room again", 10)
        assert broker.stop() == 0
    return f"three topics changed on a full disk in {took:.1f} s"


def follower_without_room():
    """The disk of one of three is full: it says so and is out of sync, the others go on; when it has room again it catches up by itself. A leader hands over."""
    with Disks({1: 400, 2: 250, 3: 400}) as disks:
        cluster, small = disks.cluster, disks.cluster[2]
        cluster.create("followed", 3)
        cluster.wait_leaders("followed", in_sync=3)
        for n in range(3):
            produces(cluster[(cluster.leaders("followed")[n])], "followed") if n == 0 else None
        theirs = disks.fill(leave=40 * MIB, node=2)
        small.wait_log(f"the disk of {small.data} is nearly full: .* MiB are free", 10)
        wait_until("others to lead", lambda: 2 not in cluster.leaders("followed").values(), 15, 0.2)

        def in_sync():
            return [sorted(p["in_sync"]) for p in cluster.describe("followed")["partitions"]]

        floods = [Flood(cluster[node], "followed", 3, 3) for node in (1, 3)]
        wait_until("the small one to be out of sync", lambda: all(2 not in s for s in in_sync()), 15, 0.2)
        before = sum(f.acknowledged for f in floods)
        wait_until("more", lambda: sum(f.acknowledged for f in floods) > before + 30, 10)
        for flood in floods:
            flood.stop()
        assert small.alive()
        free = disks.free(2)
        assert free > 20 * MIB, free
        theirs.unlink()
        small.wait_log("has room again", 10)
        wait_until("all in sync", lambda: all(s == [1, 2, 3] for s in in_sync()), 20, 0.2)
        assert [b.stop() for b in cluster] == [0, 0, 0]
    return f"{sum(f.acknowledged for f in floods)} batches without it; {free / MIB:.0f} MiB were free there"


def no_inodes():
    """No inodes, bytes enough: said as that, with what to do; nothing ends, and it goes on when there are some again."""
    with Disks({1: 300}, ["-N", "256"]) as disks:
        cluster, broker = disks.cluster, disks.cluster[1]
        cluster.create("first", 2)
        produces(broker, "first")
        theirs = disks.images[1].mount_point / "theirs"
        theirs.mkdir()
        while disks.inodes() > 0:
            (theirs / str(disks.inodes())).touch()
        said = broker.wait_log(f"the disk of {broker.data} has \\d+ inodes? left.*", 10)[0]
        assert "mkfs.ext4 -N" in said and "MiB are free" in said, said
        cluster.drave("topic", "create", "second", "-p", 20, timeout=10)
        with Raw(broker.port, timeout=5) as raw:
            assert raw.produce("second", 3, batch([(None, b"x")]))[0] == STORAGE_ERROR
        cluster.drave("topic", "delete", "first", timeout=10)
        broker.kill()
        broker.start(ready=True)
        shutil.rmtree(theirs)
        produces(broker, "second")
        assert broker.stop() == 0
    return said[:120]


suite = Suite()
if usable() and not os.environ.get("CI"):
    print(f"# room: not run here: {usable()}")
    suite.end()
for test in (fast_producer, somebody_else_fills_it, follower_without_room, no_inodes):
    suite.run(test)
suite.end()
