"""Cases about Fetch, and about the largest timestamp: see cases.py."""

import time

from differences.cases import ERRORS, FETCH, INT_MAX, LONG_MAX, case, relative

from harness.raw import batch

SMALL = batch([(None, b"x")])


def prepared(c):
    if c.metadata(["fetched"])[4][0][0] != 0:
        c.make("fetched")
        for _ in range(3):
            c.put("fetched", SMALL)


def fetch(c, parts, topic="fetched", wait=0, least=0, most=INT_MAX, replica=-1, isolation=0, session=0, session_epoch=-1):
    """(partition, epoch, offset, log start, limit) each, by Fetch 11. Batches are told by their number: all have one size."""
    node, _ = c.leader("fetched")
    answer = c.ask(
        FETCH,
        11,
        False,
        ("i", "i", "i", "i", "c", "i", "i", [("s", [("i", "i", "q", "q", "i")])], [("s", ["i"])], "s"),
        (replica, wait, least, most, isolation, session, session_epoch, [(topic, parts)], [], ""),
        ("i", "h", "i", [("s", [("i", "h", "q", "q", "q", [("q", "q")], "i", "y")])]),
        node=node,
    )
    if answer[1] != 0:
        return f"the request: {ERRORS[answer[1]]}"
    return (
        "; ".join(
            f"{ERRORS[p[1]]}, high watermark {p[2]}, stable {p[3]}, start {p[4]}, aborted {'none' if not p[5] else 'some'}, {len(p[7] or b'') / len(SMALL):g} batches"
            for t in answer[3]
            for p in t[1]
        )
        or "no partitions"
    )


def fetches():
    far = 1 << 20
    tries = {
        "all": dict(parts=[(0, -1, 0, -1, far)]),
        "the end": dict(parts=[(0, -1, 3, -1, far)]),
        "above the end": dict(parts=[(0, -1, 4, -1, far)]),
        "far above the end": dict(parts=[(0, -1, LONG_MAX, -1, far)]),
        "offset -1": dict(parts=[(0, -1, -1, -1, far)]),
        "offset -2^63": dict(parts=[(0, -1, -LONG_MAX - 1, -1, far)]),
        "partition limit 0": dict(parts=[(0, -1, 0, -1, 0)]),
        "partition limit -1": dict(parts=[(0, -1, 0, -1, -1)]),
        "partition limit -2^31": dict(parts=[(0, -1, 0, -1, -INT_MAX - 1)]),
        "partition limit 1": dict(parts=[(0, -1, 0, -1, 1)]),
        "partition limit of one batch and a half": dict(parts=[(0, -1, 0, -1, len(SMALL) * 3 // 2)]),
        "limit 0": dict(parts=[(0, -1, 0, -1, far)], most=0),
        "limit -1": dict(parts=[(0, -1, 0, -1, far)], most=-1),
        "limit 1": dict(parts=[(0, -1, 0, -1, far)], most=1),
        "limit of one batch and a half": dict(parts=[(0, -1, 0, -1, far)], most=len(SMALL) * 3 // 2),
        "least -1": dict(parts=[(0, -1, 0, -1, far)], least=-1),
        "wait -1": dict(parts=[(0, -1, 3, -1, far)], wait=-1, least=1),
        "least above the limit": dict(parts=[(0, -1, 0, -1, far)], least=INT_MAX, most=1000, wait=100),
        "an unknown partition": dict(parts=[(7, -1, 0, -1, far)]),
        "partition -1": dict(parts=[(-1, -1, 0, -1, far)]),
        "an unknown topic": dict(parts=[(0, -1, 0, -1, far)], topic="never-made"),
        "an impossible topic name": dict(parts=[(0, -1, 0, -1, far)], topic="a b"),
        "an empty topic name": dict(parts=[(0, -1, 0, -1, far)], topic=""),
        "a newer epoch": dict(parts=[(0, INT_MAX, 0, -1, far)]),
        "epoch -2": dict(parts=[(0, -2, 0, -1, far)]),
        "isolation level 1": dict(parts=[(0, -1, 0, -1, far)], isolation=1),
        "isolation level 9": dict(parts=[(0, -1, 0, -1, far)], isolation=9),
        "log start 2": dict(parts=[(0, -1, 0, 2, far)]),
        "no partitions": dict(parts=[]),
        "twice in a request": dict(parts=[(0, -1, 0, -1, far)] * 2),
        "twice in a request, other offsets": dict(parts=[(0, -1, 2, -1, far), (0, -1, 1, -1, far)]),
        "session 5": dict(parts=[(0, -1, 0, -1, far)], session=5, session_epoch=1),
        "session 5, epoch 0": dict(parts=[(0, -1, 0, -1, far)], session=5, session_epoch=0),
        "session 5, epoch -1": dict(parts=[(0, -1, 0, -1, far)], session=5, session_epoch=-1),
        "session epoch -5": dict(parts=[(0, -1, 0, -1, far)], session_epoch=-5),
        "replica id -2": dict(parts=[(0, -1, 0, -1, far)], replica=-2),
    }
    for what, arguments in tries.items():

        def run(c, arguments=arguments):
            prepared(c)
            return fetch(c, **arguments)

        case(f"Fetch: {what}")(run)

    @case("Fetch: from a broker that does not lead")
    def _(c):
        prepared(c)
        leader, _ = c.leader("fetched")
        answer = c.ask(
            FETCH,
            11,
            False,
            ("i", "i", "i", "i", "c", "i", "i", [("s", [("i", "i", "q", "q", "i")])], [("s", ["i"])], "s"),
            (-1, 0, 0, INT_MAX, 0, 0, -1, [("fetched", [(0, -1, 4, -1, far)])], [], ""),
            ("i", "h", "i", [("s", [("i", "h", "q", "q", "q", [("q", "q")], "i", "y")])]),
            node=leader % 3 + 1,
        )
        return "; ".join(f"{ERRORS[p[1]]}, high watermark {p[2]}" for t in answer[3] for p in t[1])

    for what, (offset, epoch) in {
        "last epoch right": (1, 0),
        "last epoch newer": (1, 1),
        "last epoch -1": (1, None),
        "last epoch right, above the end": (4, 0),
        "last epoch right, far above the end": (LONG_MAX, 0),
    }.items():

        def run(c, offset=offset, epoch=epoch):
            prepared(c)
            node, present = c.leader("fetched")
            last = -1 if epoch is None else present + epoch
            answer = c.ask(
                FETCH,
                12,
                True,
                ("i", "i", "i", "i", "c", "i", "i", [("s", [("i", "i", "q", "i", "q", "i")])], [("s", ["i"])], "s"),
                (-1, 0, 0, INT_MAX, 0, 0, -1, [("fetched", [(0, -1, offset, last, -1, far)])], [], ""),
                ("i", "h", "i", [("s", [("i", "h", "q", "q", "q", [("q", "q")], "i", "y")])]),
                node=node,
            )
            return "; ".join(
                f"{ERRORS[p[1]]}, high watermark {p[2]}, start {p[4]}, {len(p[7] or b'') / len(SMALL):g} batches"
                for t in answer[3]
                for p in t[1]
            )

        case(f"Fetch: {what} (version 12)")(run)


fetches()


# ---- The largest timestamp ----


def largest():
    now = int(time.time() * 1000) - 60_000
    tries = {
        "of nothing": [],
        "of one batch": [[0]],
        "of rising ones": [[0], [1000], [2000]],
        "of falling ones": [[2000], [1000], [0]],
        "twice, in two batches": [[1000], [2000], [2000], [0]],
        "twice, in one batch": [[0, 2000, 2000, 1000]],
        "first in its batch": [[2000, 1000, 0]],
        "in the middle of its batch": [[0], [0, 2000, 1000], [500]],
        "of none given": [[None], [None]],
        "of one given and one not": [[0], [None]],
        "negative beside none": [[None, None]],
    }
    for codec in ("none", "gzip"):
        for place, (what, batches) in enumerate(tries.items()):

            def run(c, what=what, batches=batches, name=f"largest-{codec}-{place}", codec=codec):
                c.make(name)
                for times in batches:
                    base = -1 if times[0] is None else now
                    c.put(name, batch([(None, b"x", 0 if t is None else t) for t in times], codec, timestamp=base))
                node, present = c.leader(name)
                answer = c.ask(
                    2,
                    7,
                    True,
                    ("i", "c", [("s", [("i", "i", "q")])]),
                    (-1, 0, [(name, [(0, -1, -3)])]),
                    ("i", [("s", [("i", "h", "q", "q", "i")])]),
                    node=node,
                )
                p = answer[1][0][1][0]
                return f"{ERRORS[p[1]]}, time {p[2] if p[2] < 0 else p[2] - now}, offset {p[3]}, epoch {relative(p[4], present)}"

            case(f"ListOffsets: largest timestamp {what}{', gzip' if codec == 'gzip' else ''}")(run)
    times = {"exactly that of the second": 1000, "between the first and the second": 500, "above the last": 3000, "below the first": -1000}
    for what, at in times.items():

        def run(c, at=at):
            if c.metadata(["by-time"])[4][0][0] != 0:
                c.make("by-time")
                for t in (0, 1000, 1000, 500, 2000):
                    c.put("by-time", batch([(None, b"x", t)], timestamp=now))
            p = c.list_at(c.leader("by-time")[0], "by-time", timestamp=now + at)
            return f"{ERRORS[p[1]]}, time {p[2] if p[2] < 0 else p[2] - now}, offset {p[3]}"

        case(f"ListOffsets: a time {what}")(run)


largest()
