"""Requests about groups with as many elements as a message may have: the answer, too, is made in pieces, so that no turn of the loop is long.

As in garbage_worst.py, turns are measured by the broker itself, in processor time.
"""

import os
import struct
import time

from harness.cluster import Cluster, wait_until
from harness.raw import Raw, text
from harness.suite import Suite
from harness.turns import Turns, array, worst

TURN_MS = 30 if os.environ.get("CI") else 15  # of processor time; neighbours cost caches
OFFSET_COMMIT, OFFSET_FETCH, FIND_COORDINATOR, JOIN_GROUP, SYNC_GROUP, DESCRIBE_GROUPS, LIST_GROUPS = 8, 9, 10, 11, 14, 15, 16
CREATE_TOPICS, DELETE_GROUPS, OFFSET_DELETE = 19, 42, 47
ALTER_CLIENT_QUOTAS, CONSUMER_GROUP_HEARTBEAT, CONSUMER_GROUP_DESCRIBE, SHARE_OFFSETS = 49, 68, 69, 90
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


def commit(group, topic, partitions=(0,)):
    offsets = array(struct.pack(">iq", p, 1) + text("") for p in partitions)
    return OFFSET_COMMIT, 2, text(group) + struct.pack(">i", -1) + text("") + struct.pack(">q", -1) + array([text(topic) + offsets])


def listing(cluster):
    """20,000 groups, by 100,000 names of states that none is in, and by one that all are in."""
    worst(cluster, [commit(f"listed-{i:05d}-{'g' * 40}", "t") for i in range(20_000)])
    worst(cluster, [(LIST_GROUPS, 4, b"\0" + packed(b"\2x", 100_000) + b"\0")])
    largest = worst(cluster, [(LIST_GROUPS, 4, b"\0" + packed(b"\6Empty", 100_000) + b"\0")])
    assert largest > 20_000 * 50, f"{largest} bytes of 20,000 groups"


def readers(cluster):
    """While the offsets of hundreds of thousands of groups are being told, those of one go, topic after topic."""
    topics = [f"read-{i}" for i in range(100)]
    with Raw(cluster[1].port, timeout=60) as raw:
        made = array(text(t) + struct.pack(">ih", 1, 1) + EMPTY + EMPTY for t in topics)
        raw.ask(CREATE_TOPICS, 2, made + struct.pack(">ib", 60000, 0))
        others = [Raw(cluster[1].port, timeout=60) for _ in range(6)]
        for other in others:
            other.send(OFFSET_FETCH, 8, b"\0" + packed(b"\2g\1\0", 120_000) + b"\0\0")
        for _ in range(15):
            worst(cluster, [commit("read", topic) for topic in topics])
            worst(cluster, [(DELETE_GROUPS, 0, array([text("read")]))])
        for other in others:
            other.receive()
            other.close()


def expiring(group, generation=-1, member=b"\0\0"):
    """Offsets that are kept for a millisecond, which only old versions can say."""
    offsets = array(struct.pack(">iq", p, 1) + text("") for p in range(300))
    return OFFSET_COMMIT, 2, text(group) + struct.pack(">i", generation) + member + struct.pack(">q", 1) + array([TOPIC + offsets])


def is_there(raw, group):
    return b"Dead" not in raw.ask(DESCRIBE_GROUPS, 0, array([text(group)]))


def subscriptions(cluster):
    """A member reads 65,000 topics; what the group has committed for others is to be deleted, one after the other; what it has is too old."""
    said = b"\0\0" + array([TOPIC] + [text(f"{i:010x}") for i in range(65_000)]) + EMPTY
    protocol = text("r") + struct.pack(">i", len(said)) + said
    with Raw(cluster[1].port, timeout=60) as raw:
        joins = text("reads") + struct.pack(">ii", 60_000, 60_000) + text("") + text("consumer") + array([protocol])
        answer = raw.ask(JOIN_GROUP, 2, joins)
        generation, member = struct.unpack(">i", answer[6:10])[0], answer[13 : 15 + struct.unpack(">h", answer[13:15])[0]]
        synced = raw.ask(SYNC_GROUP, 0, text("reads") + struct.pack(">i", generation) + member + array([member + EMPTY]))
        assert synced == b"\0\0" + EMPTY, f"it was not assigned: {synced}"
        turns = Turns(cluster[1])
        turns.new()
        raw.ask(*expiring("reads", generation, member))
        raw.ask(*expiring("behind it"))
        wait_until("what is old has gone", lambda: not is_there(raw, "behind it"))
        turns.assert_short()
    worst(cluster, [(OFFSET_DELETE, 0, text("reads") + array([text(t) + array([EMPTY]) for t in ("read-1", "read-2") * 500]))])


def crowd(cluster):
    """A group of KIP-848 with 1,500 members, each of which reads 1,000 topics: it is described, also while they leave."""

    def string(value):
        return bytes([len(value) + 1]) + value.encode()

    def beat(i, epoch):
        said = b"\0\0" + struct.pack(">i", 60_000 if epoch == 0 else -1) + (names if epoch == 0 else b"\0")
        return CONSUMER_GROUP_HEARTBEAT, 1, b"\0" + string("crowd") + string(f"m{i}") + struct.pack(">i", epoch) + said + b"\0\0\1\0"

    names = packed(b"", 1_000) + b"".join(string(f"n{i:04d}") for i in range(1_000))
    described = CONSUMER_GROUP_DESCRIBE, 1, b"\0" + packed(string("crowd"), 2) + b"\0\0"
    with Raw(cluster[1].port, timeout=60) as raw:
        for i in range(1_500):
            raw.ask(*beat(i, 0))
    largest = worst(cluster, [described] * 5)
    assert largest > 2 * 1_500 * 5_000, f"{largest} bytes of 1,500 members"
    worst(cluster, [described] * 5 + [beat(i, -1) for i in range(1_000)])


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


def too_many(cluster):
    """Offsets of half a million share groups, and a quota of one entity of 400,000 parts: nothing of it is answered."""
    offsets = b"\0" + packed(b"\2g\0\0", 500_000) + b"\0"
    quota = b"\0" + packed(packed(b"\5user\2u\0", 400_000) + b"\1\0", 1) + b"\0\0"
    for request in ((SHARE_OFFSETS, 0, offsets), (ALTER_CLIENT_QUOTAS, 1, quota)):
        try:
            worst(cluster, [request])
            raise AssertionError(f"request {request[0]} was answered")
        except ConnectionError:
            assert not (found := Turns(cluster[1]).new()), f"request {request[0]}: {found[-1]}"


def unread(cluster):
    """60 clients ask for 12 MB each and take none of it: the memory for answers (128 MiB, and half of that in reserve) holds for all of them."""
    with Raw(cluster[1].port, timeout=60) as raw:
        for first in range(0, 300, 100):
            offsets = array(struct.pack(">iq", p, 1) + text("m" * 4_000) for p in range(first, first + 100))
            raw.ask(OFFSET_COMMIT, 2, text("deaf") + struct.pack(">i", -1) + text("") + struct.pack(">q", -1) + array([TOPIC + offsets]))
    before = cluster[1].rss_bytes()
    clients = [Raw(cluster[1].port) for _ in range(60)]
    for client in clients:
        client.send(OFFSET_FETCH, 8, b"\0" + packed(b"\5deaf\0\0", 10) + b"\0\0")
    most, end = 0, time.monotonic() + 4
    while time.monotonic() < end:
        most = max(most, cluster[1].rss_bytes() - before)
        time.sleep(0.02)
    for client in clients:
        client.close()
    assert most < 400 << 20, f"{most >> 20} MiB more than before"
    return f"{most >> 20} MiB more than before"


def clean_end(cluster):
    """Everything was given back."""
    code = cluster[1].stop()
    assert code == 0, f"exit code {code}"
    cluster[1].assert_no_bug()


def main():
    suite = Suite()
    with Cluster(
        1, settings={"loop.turn.warn.ms": TURN_MS, "offsets.topic.num.partitions": 1, "offsets.retention.check.interval.ms": 1000}
    ) as cluster:
        with Raw(cluster[1].port) as raw:
            raw.ask(CREATE_TOPICS, 2, array([TOPIC + struct.pack(">ih", 300, 1) + EMPTY + EMPTY]) + struct.pack(">ib", 60000, 0))
            raw.ask(FIND_COORDINATOR, 1, GROUP + b"\0")
        for test in (groups, listing, readers, subscriptions, crowd, offsets, members, too_many, unread, clean_end):
            suite.run(test, cluster)
    suite.end()


if __name__ == "__main__":
    main()
