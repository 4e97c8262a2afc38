"""Cases about DeleteRecords: see cases.py."""

from differences.cases import ERRORS, INT_MAX, LONG_MAX, case
from differences.offsets import coordinator

from harness.raw import NOW, batch

DELETE_RECORDS = 21
RECORDS = 10


def trim(c, topic, *parts, node=None, timeout_ms=15000):
    """Per partition: error and the new start."""
    answer = c.ask(
        DELETE_RECORDS,
        1,
        False,
        ([("s", [("i", "q")])], "i"),
        ([(topic, list(parts))], timeout_ms),
        ("i", [("s", [("i", "q", "h")])]),
        node=c.leader(topic)[0] if node is None else node,
    )
    rows = sorted(p for t in answer[1] for p in t[1])
    return "; ".join(f"{p[0]}: {ERRORS[p[2]]}, start {p[1]}" for p in rows) or "nothing"


def filled(c, name, **configs):
    c.make(name, configs=[(key.replace("_", "."), value) for key, value in configs.items()])
    c.put(name, batch([(None, b"x")] * RECORDS))
    return name


def starts():
    tries = {
        "to the middle of a batch": 4,
        "to the end": RECORDS,
        "to -1, the end": -1,
        "to 0": 0,
        "beyond the end": RECORDS + 1,
        "to -2": -2,
        "to 2^63-1": LONG_MAX,
    }
    for place, (what, offset) in enumerate(tries.items()):
        case(f"DeleteRecords: {what}")(lambda c, place=place, offset=offset: trim(c, filled(c, f"trim-{place}"), (0, offset)))


starts()


@case("DeleteRecords: back, below the start")
def _(c):
    trim(c, filled(c, "trim-back"), (0, 6))
    return f"{trim(c, 'trim-back', (0, 3))}; then {trim(c, 'trim-back', (0, -1))}"


@case("DeleteRecords: what readers see")
def _(c):
    trim(c, filled(c, "trim-seen"), (0, 4))
    by_time = c.list_offsets("trim-seen", 0, 0).replace(str(NOW), "as sent")
    return f"{c.list_offsets('trim-seen', 0, -2)}; {c.list_offsets('trim-seen', 0, -1)}; {by_time}"


@case("DeleteRecords: an empty topic")
def _(c):
    c.make("trim-empty")
    return f"{trim(c, 'trim-empty', (0, 0))}; {trim(c, 'trim-empty', (0, -1))}; {trim(c, 'trim-empty', (0, 1))}"


@case("DeleteRecords: a partition twice")
def _(c):
    return trim(c, filled(c, "trim-twice"), (0, 2), (0, 5))


@case("DeleteRecords: partitions that are not there")
def _(c):
    return trim(c, filled(c, "trim-absent"), (0, 2), (1, 0), (INT_MAX, 0), (-1, 0))


@case("DeleteRecords: a topic that is not there")
def _(c):
    return trim(c, "never-made", (0, 0), node=c.leader(filled(c, "trim-there"))[0])


@case("DeleteRecords: at a broker that does not lead it")
def _(c):
    leader = c.leader(filled(c, "trim-elsewhere"))[0]
    return trim(c, "trim-elsewhere", (0, 2), node=next(node for node in sorted(c.addresses) if node != leader))


@case("DeleteRecords: the topic of groups")
def _(c):
    coordinator(c, "trim-group")
    return trim(c, "__consumer_offsets", (0, 0))


@case("DeleteRecords: a topic of which nothing is cleaned")
def _(c):
    return trim(c, filled(c, "trim-uncleaned", cleanup_policy=""), (0, 2))
