"""Requests about groups with as many elements as a message may have: the answer, too, is made in pieces, so that no turn of the loop is long.

As in garbage_worst.py, turns are measured by the broker itself, in processor time.
"""

import os
import struct

from harness.cluster import Cluster
from harness.raw import Raw, text
from harness.suite import Suite
from harness.turns import array, worst

TURN_MS = 30 if os.environ.get("CI") else 15  # of processor time; neighbours cost caches
OFFSET_FETCH, FIND_COORDINATOR, JOIN_GROUP, SYNC_GROUP, DESCRIBE_GROUPS, DELETE_GROUPS, OFFSET_DELETE = 9, 10, 11, 14, 15, 42, 47
CONSUMER_GROUP_DESCRIBE = 69
GROUP, TOPIC, EMPTY, ONE = text("many"), text("t"), struct.pack(">i", 0), struct.pack(">i", 1)


def packed(item, n):
    """n of them, in a flexible version."""
    length, head = n + 1, bytearray()
    while length > 127:
        head.append(length & 127 | 128)
        length >>= 7
    return bytes(head) + bytes([length]) + item * n


def partitions(n):
    return GROUP + array([TOPIC + array([ONE] * n)])


def sync(n):
    return SYNC_GROUP, 0, GROUP + ONE + text("m") + array([text("m") + EMPTY] * n)


def groups(cluster):
    """Hundreds of thousands are described, deleted, or asked for their offsets."""
    worst(cluster, [(DESCRIBE_GROUPS, 0, array([text("g")] * 400_000))])
    worst(cluster, [(CONSUMER_GROUP_DESCRIBE, 1, b"\0" + packed(b"\2g", 500_000) + b"\0\0")])
    worst(cluster, [(DELETE_GROUPS, 0, array([text("g")] * 700_000))])
    worst(cluster, [(OFFSET_FETCH, 8, b"\0" + packed(b"\2g\1\0", 120_000) + b"\0\0")])


def offsets(cluster):
    """Of about a million partitions."""
    worst(cluster, [(OFFSET_FETCH, 2, partitions(900_000))])
    worst(cluster, [(OFFSET_DELETE, 0, partitions(1_400_000))])


def members(cluster):
    """One that names 450,000 protocols; one that assigns to 80,000 others, and to 400,000, which ends the connection."""
    join = GROUP + struct.pack(">ii", 6_000, 6_000) + text("") + text("consumer")
    worst(cluster, [(JOIN_GROUP, 2, join + array([text("r") + EMPTY] * 450_000))])
    worst(cluster, [sync(80_000)])
    try:
        worst(cluster, [sync(400_000)])
        raise AssertionError("400,000 assignments were answered")
    except ConnectionError:
        pass


def clean_end(cluster):
    """Everything was given back."""
    code = cluster[1].stop()
    assert code == 0, f"exit code {code}"
    cluster[1].assert_no_bug()


def main():
    suite = Suite()
    with Cluster(1, settings={"loop.turn.warn.ms": TURN_MS}) as cluster:
        with Raw(cluster[1].port) as raw:
            raw.ask(FIND_COORDINATOR, 1, GROUP + b"\0")
        for test in (groups, offsets, members, clean_end):
            suite.run(test, cluster)
    suite.end()


if __name__ == "__main__":
    main()
