"""Cases about the newest versions of requests, and about DescribeTopicPartitions: see cases.py."""

import time

from differences.cases import CLUSTER, ERRORS, INT_MAX, LIST, METADATA, PAGES, case, relative

from harness.raw import batch

# ---- ListOffsets: tiered storage ----


def list_offsets(c, version, timestamp):
    if c.metadata(["tiers"])[4][0][0] != 0:
        c.make("tiers")
        for _ in range(3):
            c.put("tiers", batch([(None, b"x")]))
    node, present = c.leader("tiers")
    timeout = version >= 10
    answer = c.ask(
        LIST,
        version,
        True,
        ("i", "c", [("s", [("i", "i", "q")])], *(["i"] if timeout else [])),
        (-1, 0, [("tiers", [(0, -1, timestamp)])], *([5000] if timeout else [])),
        ("i", [("s", [("i", "h", "q", "q", "i")])]),
        node=node,
    )
    p = answer[1][0][1][0]
    return f"{ERRORS[p[1]]}, time {p[2]}, offset {p[3]}, epoch {relative(p[4], present)}"


for version, timestamp in ((8, -4), (8, -5), (9, -5), (9, -6), (10, -6), (11, -1), (11, -4), (11, -5), (11, -6), (11, -7)):
    case(f"ListOffsets: {timestamp} in version {version}")(lambda c, v=version, t=timestamp: list_offsets(c, v, t))


# ---- Metadata, DescribeCluster ----


@case("Metadata: the newest version (13)")
def _(c):
    answer = c.ask(
        METADATA,
        13,
        True,
        ([("u", "s")], "b", "b"),
        ([(bytes(16), "never-made")], False, False),
        ("i", [("i", "s", "i", "s")], "s", "i", [("h", "s", "u", "b", [("h", "i", "i", "i", ["i"], ["i"], ["i"])], "i")], "h"),
    )
    return f"{ERRORS[answer[5]]}, {len(answer[1])} brokers, {ERRORS[answer[4][0][0]]}"


@case("DescribeCluster: with fenced brokers (version 2)")
def _(c):
    answer = c.ask(CLUSTER, 2, True, ("b", "c", "b"), (False, 1, True), ("i", "h", "s", "c", "s", "i", [("i", "s", "i", "s", "b")], "i"))
    return f"{ERRORS[answer[1]]}, fenced {[bool(b[4]) for b in answer[6]]}"


# ---- DescribeTopicPartitions ----


def pages(c, topics, limit=2000, cursor=None):
    for name, partitions in (("pages-b", 5), ("pages-a", 3), ("pages-c", 1)):
        if c.metadata([name])[4][0][0] != 0:
            c.make(name, partitions)
    answer = c.ask(
        PAGES,
        0,
        True,
        ([("s",)], "i", {("s", "i")}),
        ([(t,) for t in topics], limit, cursor),
        ("i", [("h", "s", "u", "b", [("h", "i", "i", "i", ["i"], ["i"], ["i"], ["i"], ["i"])], "i")], {("s", "i")}),
    )
    return answer[1], answer[2]


def told(topics, cursor):
    shown = [f"{t[1]!r} {ERRORS[t[0]]} {[p[1] for p in t[4]]}" for t in topics]
    return "; ".join(shown or ["no topics"]) + ("" if cursor is None else f"; next {cursor[0]} {cursor[1]}")


NAMED = ["pages-c", "pages-a", "pages-b"]
for what, arguments in {
    "all of them, sorted": dict(topics=NAMED),
    "one named twice": dict(topics=["pages-a", "pages-a"]),
    "an unknown one, an impossible one": dict(topics=["never-made", "a b"]),
    "an empty name": dict(topics=["", "pages-a"]),
    "a limit of 4": dict(topics=NAMED, limit=4),
    "a limit of 3, where a topic ends": dict(topics=NAMED, limit=3),
    "a limit of 8, where the next has one": dict(topics=NAMED, limit=8),
    "a limit of 0": dict(topics=NAMED, limit=0),
    "a limit of -1": dict(topics=NAMED, limit=-1),
    "a limit of 2^31-1": dict(topics=NAMED, limit=INT_MAX),
    "a limit of 1 before unknown ones": dict(topics=["never-made", "pages-c", "zz-never-made"], limit=1),
    "a cursor within a topic": dict(topics=NAMED, cursor=("pages-b", 2)),
    "a cursor behind a topic's end": dict(topics=NAMED, cursor=("pages-b", 9)),
    "a cursor at 2^31-1": dict(topics=NAMED, cursor=("pages-b", INT_MAX)),
    "a cursor of an unknown topic": dict(topics=NAMED, cursor=("pages-ab", 1)),
    "a cursor of a topic that is not named": dict(topics=["pages-c"], cursor=("pages-a", 1)),
    "a cursor behind all": dict(topics=NAMED, cursor=("pages-d", 0)),
    "a cursor at partition -1": dict(topics=NAMED, cursor=("pages-b", -1)),
    "a cursor with an empty name": dict(topics=["pages-c"], cursor=("", 0)),
}.items():
    case(f"DescribeTopicPartitions: {what}")(lambda c, arguments=arguments: told(*pages(c, **arguments)))


@case("DescribeTopicPartitions: of all topics, from a cursor on")
def _(c):
    topics, cursor = pages(c, [], 2, ("pages-b", 3))
    return told(topics, cursor)


@case("DescribeTopicPartitions: of all topics, a cursor of an unknown one")
def _(c):
    topics, cursor = pages(c, [], 1, ("pages-ab", 3))
    return told(topics, cursor)


@case("DescribeTopicPartitions: of all topics, a cursor at partition -1")
def _(c):
    topics, cursor = pages(c, [], 2, ("pages-b", -1))
    return told(topics, cursor)


@case("DescribeTopicPartitions: what is told of a partition")
def _(c):
    for _ in range(100):
        topic = pages(c, ["pages-c"])[0][0]
        if len(topic[4][0][5]) == 3:
            break
        time.sleep(0.1)  # a replica of a busy machine may be behind when the topic is new
    error, index, leader, epoch, replicas, in_sync, eligible, last, offline = topic[4][0]
    present = c.leader("pages-c")
    return (
        f"{ERRORS[error]}, leader {'right' if leader == present[0] else leader}, epoch {relative(epoch, present[1])}, {len(replicas)} replicas, "
        f"{len(in_sync)} in sync, eligible {eligible}, last known {last}, offline {offline}, internal {topic[3]}, operations {topic[5] & 2**32 - 1:#x}"
    )
