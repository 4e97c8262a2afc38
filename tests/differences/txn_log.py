"""Cases about what is in the log of transactions: what committed readers get of it at each moment, what DescribeProducers says, and WriteTxnMarkers. See cases.py."""

import struct
import time

from differences.cases import ERRORS, FETCH, INT_MAX, LIST, PRODUCE, case
from differences.transactions import AGAIN, Producer
from differences.versions import leader_of

from harness.raw import NOW, batch

MARKERS, PRODUCERS = 27, 61
BEGUN, HEADER = 0x10, 0x20


def write(c, p, topic, count=1, sequence=0, timestamp=NOW):
    """A batch of p's transaction, of which the partition is told already."""
    records = batch([(None, b"x")] * count, producer=(p.producer, p.epoch, sequence), attributes=BEGUN, timestamp=timestamp)
    for _ in range(200):
        answer = c.ask(
            PRODUCE,
            8,
            False,
            ("s", "h", "i", [("s", [("i", "y")])]),
            (p.name, -1, 10000, [(topic, [(0, records)])]),
            ([("s", [("i", "h", "q", "q", "q", [("i", "s")], "s")])], "i"),
            node=leader_of(c, topic, 0),
        )
        code = ERRORS[answer[0][0][1][0][1]]
        if code not in AGAIN | {"NOT_ENOUGH_REPLICAS", "NOT_LEADER_OR_FOLLOWER"}:
            return code
        time.sleep(0.05)
    raise TimeoutError(code)


def batches(data):
    """Where each lies: 0-1t 2c (t: of a transaction, c: the marker of its end)."""
    said, at = [], 0
    while at + 61 <= len(data):
        base, length = struct.unpack_from(">qi", data, at)
        attributes, last = struct.unpack_from(">hi", data, at + 21)
        where = f"{base}-{base + last}" if last else str(base)
        said.append(where + ("c" if attributes & HEADER else "t" if attributes & BEGUN else ""))
        at += 12 + length
    return " ".join(said) or "nothing"


def read(c, topic, offset=0, committed=True):
    answer = c.ask(
        FETCH,
        11,
        False,
        ("i", "i", "i", "i", "c", "i", "i", [("s", [("i", "i", "q", "q", "i")])], [("s", ["i"])], "s"),
        (-1, 20, 1, INT_MAX, committed, 0, -1, [(topic, [(0, -1, offset, -1, 1 << 20)])], [], ""),
        ("i", "h", "i", [("s", [("i", "h", "q", "q", "q", [("q", "q")], "i", "y")])]),
        node=leader_of(c, topic, 0),
    )
    p = answer[3][0][1][0]
    aborted = "" if p[1] else f", aborted {'none' if p[5] is None else sorted(first for _, first in p[5])}"
    return f"{ERRORS[p[1]]} {p[3]} of {p[2]} from {p[4]}{aborted}: {batches(p[7] or b'')}"


def lies(c, topic, timestamp, committed):
    """ListOffsets: the offset alone, or with the time as it was sent."""
    answer = c.ask(
        LIST,
        8,
        True,
        ("i", "c", [("s", [("i", "i", "q")])]),
        (-1, committed, [(topic, [(0, -1, timestamp)])]),
        ("i", [("s", [("i", "h", "q", "q", "i")])]),
        node=leader_of(c, topic, 0),
    )
    p = answer[1][0][1][0]
    return f"{ERRORS[p[1]]} at {p[3]}"


def producers(c, topic):
    answer = c.ask(
        PRODUCERS,
        0,
        True,
        ([("s", ["i"])],),
        ([(topic, [0])],),
        ("i", [("s", [("i", "h", "s", [("q", "i", "i", "q", "i", "q")])])]),
        node=leader_of(c, topic, 0),
    )
    rows = sorted((r[1], r[2], "known" if r[4] >= 0 else "unknown", r[5]) for r in answer[1][0][1][0][3])
    return "; ".join(f"epoch {e} up to {s}, coordinator {k}, open from {o}" for e, s, k, o in rows) or "nobody"


def ended(p, commit):
    """Both wait for the marker: Kafka's state is complete behind it."""
    said = p.end(commit)
    p.state()
    return said


def crossed(c, name):
    """Records 0-1, of a transaction 2-3 and 8, of another 4-6, and one of none 7."""
    first, second = Producer(c, f"{name}-a"), Producer(c, f"{name}-b", False)
    topic = f"of-{name}-a"
    for p in (first, second):
        p.init()
        second.add([], topics=[(topic, [0])]) if p is second else p.add([0])
    c.put(topic, batch([(None, b"x")] * 2))
    said = [write(c, first, topic, 2), write(c, second, topic, 3)]
    c.put(topic, batch([(None, b"x")]))
    said.append(write(c, first, topic, 1, 2))
    assert said == ["NONE"] * 3, said
    return topic, first, second


@case("Fetch: committed, two transactions that cross")
def _(c):
    topic, first, second = crossed(c, "crossed")
    said = [read(c, topic, offset) for offset in (0, 2, 9, 10)]
    said += [ended(first, False), *(read(c, topic, offset) for offset in (0, 3, 4, 10))]
    said += [ended(second, True), *(read(c, topic, offset) for offset in (0, 3, 8, 9, 10, 11)), read(c, topic, 0, False)]
    return " / ".join(said)


@case("ListOffsets: committed, two transactions that cross")
def _(c):
    topic, first, second = crossed(c, "crossed-lies")

    def all_of_it():
        return " ".join(lies(c, topic, time, committed) for time in (-1, -2, -4, 0, NOW) for committed in (True, False))

    return " / ".join([all_of_it(), ended(first, False), all_of_it(), ended(second, True), all_of_it()])


@case("DescribeProducers: two transactions that cross")
def _(c):
    topic, first, second = crossed(c, "crossed-producers")
    return " / ".join([producers(c, topic), ended(first, False), producers(c, topic), ended(second, True), producers(c, topic)])


@case("ListOffsets: committed, by time, while a transaction is open")
def _(c):
    p = Producer(c, "lies-open")
    topic = f"of-{p.name}"
    p.init()
    c.put(topic, batch([(None, b"x")], timestamp=NOW))
    p.add([0])
    said = [write(c, p, topic, timestamp=NOW + 1000)]
    c.put(topic, batch([(None, b"x")], timestamp=NOW + 500))
    times = (NOW, NOW + 1, NOW + 501, NOW + 1001)
    for end in (None, ended):
        said += [end(p, True)] if end else []
        said += [lies(c, topic, time, committed) for time in times[: 3 if end else 4] for committed in (True, False)]
    return " / ".join(said)


@case("ListOffsets: the largest timestamp, which is not committed")
def _(c):
    p = Producer(c, "lies-largest")
    topic = f"of-{p.name}"
    p.init()
    c.put(topic, batch([(None, b"x")], timestamp=NOW))
    p.add([0])
    return " / ".join([write(c, p, topic, timestamp=NOW + 1000), lies(c, topic, -3, True), lies(c, topic, -3, False)])


@case("ListOffsets: the largest timestamp, behind which is a marker")
def _(c):
    p = Producer(c, "lies-marker")
    topic = f"of-{p.name}"
    p.init()
    p.add([0])
    return " / ".join(
        [write(c, p, topic, timestamp=NOW - 1000), ended(p, True), lies(c, topic, -3, False), lies(c, topic, NOW - 500, False)]
    )


@case("DeleteRecords: over the beginning of an open transaction")
def _(c):
    from differences.trims import trim

    topic, first, second = crossed(c, "crossed-trim")
    said = [trim(c, topic, (0, 5)), producers(c, topic), trim(c, topic, (0, -1)), read(c, topic, 9), read(c, topic, 8)]
    said += [lies(c, topic, time, True) for time in (-1, -2)]
    said += [write(c, first, topic, 1, 3), ended(first, False), ended(second, True), read(c, topic, 9), producers(c, topic)]
    return " / ".join(said)


# ---- WriteTxnMarkers ----


def marked(c, topic, *markers, version=1):
    """(producer, epoch, commits, [(topic, partitions)], epoch of the coordinator) each, at the topic's leader."""
    more = ("c",) if version >= 2 else ()
    answer = c.ask(
        MARKERS,
        version,
        True,
        ([("q", "h", "b", [("s", ["i"])], "i", *more)],),
        ([(*marker, *((0,) if more else ())) for marker in markers],),
        ([("q", [("s", [("i", "h")])])],),
        node=leader_of(c, topic, 0),
    )
    rows = sorted((t[0], p[0], ERRORS[p[1]]) for m in answer[0] for t in m[1] for p in t[1])
    return "; ".join(f"{p} {code}" for _, p, code in rows) or "nothing"


def markers():
    tries = {
        "abort, then its own end": lambda p, t: [[(p.producer, p.epoch, False, [(t, [0])], 0)]],
        "epoch -1": lambda p, t: [[(p.producer, -1, False, [(t, [0])], 0)]],
        "what is not there": lambda p, t: [[(p.producer, p.epoch, False, [("never-made", [0]), (t, [0, 5])], 0)]],
        "nothing": lambda p, t: [[]],
        "older coordinators": lambda p, t: [
            [(p.producer, p.epoch, False, [(t, [0])], 1000)],
            [(p.producer, p.epoch, False, [(t, [0])], 999)],
            [(p.producer, p.epoch + 1, True, [(t, [0])], 1000)],
        ],
        "again": lambda p, t: [[(p.producer, p.epoch, False, [(t, [0])], 0)]] * 2,
    }
    for place, (what, asked) in enumerate(tries.items()):
        for version in (1, 2):

            def run(c, place=place, asked=asked, version=version):
                p = Producer(c, f"marked-{place}-{version}")
                topic = f"of-{p.name}"
                p.init()
                p.add([0])
                said = [write(c, p, topic, 2)]
                said += [marked(c, topic, *rows, version=version) for rows in asked(p, topic)]
                said += [read(c, topic), producers(c, topic)]
                if place == 0:
                    said += [ended(p, True), read(c, topic)]
                return " / ".join(said)

            case(f"WriteTxnMarkers: {what} (version {version})")(run)


markers()
