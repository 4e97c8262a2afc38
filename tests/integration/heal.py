"""Bits of one of three brokers are flipped at random places, while it runs and while it does not: nothing is lost, nothing wrong is served, and it is mended within a minute and said so.
tests/run heal; ROUNDS (500) places; --short: a few.
"""

import os
import random
import re
import subprocess
import sys
import time

from harness.cluster import Cluster, wait_until
from harness.suite import Suite

SHORT = "--short" in sys.argv
PLACES = 24 if SHORT else int(os.environ.get("ROUNDS") or 500)
AT_ONCE, MINUTE = 3, 60
RECORDS, TOPIC = 1500, "orders"
SETTINGS = {
    "log.segment.bytes": 20000,
    "log.index.interval.bytes": 4096,
    "journal.file.bytes": 65536,
    "journal.max.bytes": 262144,
    "tail.cache.bytes": 0,
    "log.compression": "none",
    "scrub.interval.ms": 1000,
    "scrub.bytes.per.second": 100_000_000,
}


def value(i):
    return f"{i}:{'x' * (60 if i % 100 else 3000)}"


def fill(cluster):
    cluster.create(TOPIC, replicas=3)
    for first in range(0, RECORDS, 100):
        cluster.drave("produce", TOPIC, stdin="".join(value(i) + "\n" for i in range(first, first + 100)))
    cluster.wait_leaders(TOPIC, in_sync=3)
    for broker in cluster:
        wait_until("segments", lambda b=broker: len(list(group_of(b).glob("*.log"))) > 4)


def group_of(broker):
    return sorted((broker.data / "shard-0/groups").iterdir())[1]


def all_is_served(cluster):
    done = cluster.drave("consume", TOPIC, "-o", "beginning", "-e", "-f", "%s\\n", timeout=60)
    assert done.stdout.splitlines() == [value(i) for i in range(RECORDS)], "what is served is not what was produced"


def flip(path, dice):
    """One bit; the place of it."""
    at = dice.randrange(path.stat().st_size)
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1 << dice.randrange(8)]))
    return f"{path.name} at {at}"


def whole_again(broker, before, what):
    """All segments are as they were; the last one may have grown."""

    def same():
        return all(path.read_bytes().startswith(data) for path, data in before.items())

    began = time.monotonic()
    wait_until(f"broker {broker.node} to mend {what}", same, MINUTE, 0.05)
    return time.monotonic() - began


def damage(broker, dice, kinds):
    """AT_ONCE places in files of these kinds; what the segments were before, and the places."""
    group = group_of(broker)
    before = {path: path.read_bytes() for path in group.glob("*.log")}
    paths = [path for kind in kinds for path in sorted(group.glob(kind))]
    return before, ", ".join(flip(dice.choice(paths), dice) for _ in range(AT_ONCE))


def running():
    """Flips in segments of a running broker, which nobody need read: the scrub finds them."""
    dice = random.Random(11)
    longest = 0
    with Cluster(3, settings=SETTINGS) as cluster:
        fill(cluster)
        for _ in range(0, PLACES // 2, AT_ONCE):
            broker = cluster[dice.randrange(3) + 1]
            before, what = damage(broker, dice, ["*.log"])
            all_is_served(cluster)
            longest = max(longest, whole_again(broker, before, what))
        broker.wait_log(r"orders-0: mended \d+ damaged places of its log with \d+ entries of other brokers")
        broker.wait_log("orders-0: this replica is whole again")
        cluster.wait_leaders(TOPIC, in_sync=3)
        all_is_served(cluster)
        mended = sum(len(re.findall(r"mended \d+ damaged places", b.log_text(whole=True))) for b in cluster)
    return f"the longest took {longest:.1f} s; {mended} times said"


def at_a_start():
    """Flips in segments and indexes of a broker that is down; while it is, and when it is back, all is served."""
    dice = random.Random(12)
    longest = 0
    with Cluster(3, settings=SETTINGS) as cluster:
        fill(cluster)
        for _ in range(0, PLACES - PLACES // 2, AT_ONCE):
            broker = cluster[dice.randrange(3) + 1]
            cluster.wait_leaders(TOPIC, in_sync=3)
            assert broker.stop() == 0, f"broker {broker.node} did not end well"
            before, what = damage(broker, dice, ["*.log", "*.index"])
            broker.start(ready=True)
            all_is_served(cluster)
            longest = max(longest, whole_again(broker, before, what))
        cluster.wait_leaders(TOPIC, in_sync=3)
        all_is_served(cluster)
    return f"the longest took {longest:.1f} s"


def only_copy_away():
    """What only a damaged broker and one that is down have: it is not lost, not served wrong, and mended when that one is back."""
    with Cluster(3, settings=SETTINGS) as cluster:
        cluster.create(TOPIC, replicas=3)
        cluster.wait_leaders(TOPIC, in_sync=3)
        cluster[3].kill()
        for first in range(0, RECORDS, 100):
            cluster.drave("produce", TOPIC, stdin="".join(value(i) + "\n" for i in range(first, first + 100)))
        wait_until("segments", lambda: len(list(group_of(cluster[1]).glob("*.log"))) > 4)
        segment = sorted(group_of(cluster[1]).glob("*.log"))[2]
        before = {segment: segment.read_bytes()}
        cluster[2].kill()
        flip_middle(segment)
        cluster[3].start(ready=True)
        cluster[1].wait_log("cannot be read at position")
        served = some_of_it(cluster)
        assert served == [value(i) for i in range(len(served))], "something wrong was served"
        assert segment.read_bytes() != before[segment]
        cluster[2].start(ready=True)
        took = whole_again(cluster[1], before, segment.name)
        cluster.wait_leaders(TOPIC, in_sync=3)
        all_is_served(cluster)
    return f"{took:.1f} s"


def some_of_it(cluster):
    """What is served within some seconds, while nobody has all of it."""
    try:
        done = cluster.drave("consume", TOPIC, "-o", "beginning", "-e", "-f", "%s\\n", timeout=5, check=False)
        return done.stdout.splitlines()
    except subprocess.TimeoutExpired as over:
        return (over.stdout or b"").decode().splitlines()


def flip_middle(path):
    data = path.read_bytes()
    at = next(at for at in range(len(data) // 2, len(data)) if data[at] != 0)
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(bytes([data[at] ^ 0x10]))


def main():
    suite = Suite()
    suite.run(running)
    suite.run(at_a_start)
    suite.run(only_copy_away)
    suite.end()


if __name__ == "__main__":
    main()
