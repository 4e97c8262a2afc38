"""Cases about features of the cluster, and about transactions with transaction.version 2 (KIP-890): see cases.py."""

import time

from differences.cases import ERRORS, PRODUCE, VERSIONS, case
from differences.transactions import Producer
from differences.txn_offsets import COMMIT_IN, asked

from harness.raw import batch

UPDATE, FEATURE = 57, "transaction.version"
UP, SAFE, UNSAFE = 1, 2, 3

# ---- Levels ----


def told(c, version):
    """(supported, level, epoch) of the feature."""
    answer = c.ask(
        VERSIONS,
        version,
        True,
        ("s", "s"),
        ("hand", "1"),
        ("h", [("h", "h", "h")], "i", {0: [("s", "h", "h")], 1: "q", 2: [("s", "h", "h")]}),
    )
    tags = answer[-1]
    supported = [(low, high) for name, low, high in tags.get(0, []) if name == FEATURE]
    levels = [(low, high) for name, high, low in tags.get(2, []) if name == FEATURE]
    return supported, levels, tags.get(1, -1)


def settled(c):
    """A new cluster has its level when its brokers are known."""
    for _ in range(200):
        if told(c, 4)[1]:
            return
        time.sleep(0.05)


def update(c, *updates, version=2, validate=False):
    settled(c)
    if version == 0:
        request, values = ("i", [("s", "h", "b")]), (10000, [(n, level, kind != UP) for n, level, kind in updates])
    else:
        request, values = ("i", [("s", "h", "c")], "b"), (10000, list(updates), validate)
    results = ([("s", "h", "s")],) if version < 2 else ()
    answer = c.ask(UPDATE, version, True, request, values, ("i", "h", "s", *results))
    each = "".join(f", {name} {ERRORS[code]}" for name, code, _ in sorted(answer[3])) if version < 2 else ""
    return ERRORS[answer[1]] + each + (", with a sentence" if answer[2] else "")


for version in (3, 4):

    @case(f"ApiVersions: {FEATURE} in version {version}")
    def _(c, version=version):
        settled(c)
        supported, levels, epoch = told(c, version)
        return f"supported {supported}, at {levels}, epoch known {epoch >= 0}"


TRIES = {
    "the present level": [(FEATURE, 2, UP)],
    "a level that nobody knows": [(FEATURE, 3, UP)],
    "level -1": [(FEATURE, -1, UP)],
    "an unknown feature": [("never.made", 1, UP)],
    "an unknown feature to 0": [("never.made", 0, UNSAFE)],
    "nothing": [],
    "a name that is empty": [("", 1, UP)],
    "down as an upgrade": [(FEATURE, 1, UP)],
    "down as an upgrade to 0": [(FEATURE, 0, UP)],
    "a downgrade to the present level": [(FEATURE, 2, SAFE)],
    "a downgrade to a level that nobody knows": [(FEATURE, 3, SAFE)],
    "kind 0": [(FEATURE, 2, 0)],
    "kind 4": [(FEATURE, 2, 4)],
    "one that may be and one that may not": [(FEATURE, 2, UP), ("never.made", 1, UP)],
}
for what, updates in TRIES.items():
    case(f"UpdateFeatures: {what}")(lambda c, updates=updates: update(c, *updates))
    case(f"UpdateFeatures: {what} in version 1, only checked")(lambda c, updates=updates: update(c, *updates, version=1, validate=True))


@case("UpdateFeatures: down, and up again")
def _(c):
    said = []
    for level, kind, version in ((1, SAFE, 1), (0, UNSAFE, 2), (1, UP, 1), (2, UP, 0)):
        before = told(c, 4)[2]
        said.append(update(c, (FEATURE, level, kind), version=version))
        for _ in range(100):  # Kafka's brokers learn it a little later
            _, levels, epoch = told(c, 4)
            if epoch > before:
                break
            time.sleep(0.05)
        said.append(f"at {levels}, epoch above {epoch > before}")
    return " / ".join(said)


# ---- Transactions ----


def written(c, p, version=12, partition=0, epoch=0, sequence=0, producer=None, name=None):
    """What a leader says to a batch of a transaction; Kafka says at once what drave waits for."""
    topic = f"of-{p.name}"
    who = (p.producer if producer is None else producer, p.epoch + epoch, sequence)
    records = batch([(None, b"x")], producer=who, attributes=0x10)
    until = time.monotonic() + 20
    while True:
        answer = c.ask(
            PRODUCE,
            version,
            True,
            ("s", "h", "i", [("s", [("i", "y")])]),
            (p.name if name is None else name, -1, 10000, [(topic, [(partition, records)])]),
            ([("s", [("i", "h", "q", "q", "q", [("i", "s")], "s")])], "i"),
            node=leader_of(c, topic, partition),
        )
        code = ERRORS[answer[0][0][1][0][1]]
        if code not in ("CONCURRENT_TRANSACTIONS", "NOT_ENOUGH_REPLICAS", "NOT_LEADER_OR_FOLLOWER") or time.monotonic() > until:
            return code
        time.sleep(0.05)


def leader_of(c, topic, partition):
    return next(row[2] for row in c.metadata([topic])[4][0][3] if row[1] == partition)


def new(c, name):
    p = Producer(c, name)
    p.init()
    return p


def raised(what, name):
    def keep(steps):
        case(f"Transactions of version 2: {what}")(lambda c: " / ".join(steps(c, new(c, name))))

    return keep


@raised("a batch begins one, and joins it", "v2-begin")
def _(c, p):
    return p.state(), written(c, p), written(c, p, partition=1), written(c, p, sequence=1), p.state(), p.end(True, version=5), p.state()


@raised("a batch of the epoch before", "v2-old")
def _(c, p):
    first = written(c, p)
    ended = p.end(True, version=5)
    p.state()  # when its markers are written
    return first, ended, written(c, p, sequence=1), written(c, p, epoch=1), p.state()


@raised("a batch of an epoch that is not there yet", "v2-ahead")
def _(c, p):
    return written(c, p, epoch=1), p.state()


@raised("a batch of a stranger", "v2-stranger")
def _(c, p):
    return written(c, p, name="v2-nobody"), p.state()


@raised("a batch of version 11 that is in none", "v2-eleven")
def _(c, p):
    return written(c, p, version=11), written(c, p, version=10), p.state()


@raised("a batch joins what was begun by hand", "v2-both")
def _(c, p):
    return p.add([0]), written(c, p, version=11), written(c, p, partition=1), p.state(), p.end(False, version=3), p.state()


@raised("InitProducerId with its epoch while one is open", "v2-init")
def _(c, p):
    first = written(c, p)
    return first, p.init((p.producer, p.epoch)), p.state(), written(c, p), p.init(), p.state()


@raised("its time is over, then its abort", "v2-late")
def _(c, p):
    p.init(timeout=1000)
    first = written(c, p)
    for _ in range(400):
        if "CompleteAbort" in p.state():
            break
        time.sleep(0.05)
    return first, p.state(), written(c, p, sequence=1), p.end(True, version=5), p.end(False, version=5), p.end(False, version=5)


@raised("its time is over, then an end of version 3", "v2-late-old")
def _(c, p):
    p.init(timeout=1000)
    first = p.add([0])
    for _ in range(400):
        if "CompleteAbort" in p.state():
            break
        time.sleep(0.05)
    return first, p.end(True, version=3), p.end(False, version=3), p.init((p.producer, p.epoch)), p.state()


def offsets_in(c, p, group, version, epoch=0, producer=None):
    topics = [(f"of-{p.name}", [(0, 7, -1, "")])]
    who = (p.producer if producer is None else producer, p.epoch + epoch)

    def ask(node):
        answer = c.ask(
            COMMIT_IN,
            version,
            True,
            ("s", "s", "q", "h", "i", "s", "s", [("s", [("i", "q", "i", "s")])]),
            (p.name, group, *who, -1, "", None, topics),
            ("i", [("s", [("i", "h")])]),
            node=node,
        )
        code = answer[1][0][1][0][1]
        return ERRORS[code], code

    return asked(c, group, ask)


@raised("offsets of a group take its partition in", "v2-offsets")
def _(c, p):
    return (
        offsets_in(c, p, "v2-group", 5),
        offsets_in(c, p, "v2-group", 5),
        " and ".join(p.state().split(", ")[:1]),
        p.end(True, version=5),
        p.state(),
        offsets_in(c, p, "v2-group", 5),
        offsets_in(c, p, "v2-group", 5, epoch=9),
        offsets_in(c, p, "v2-group", 5, producer=p.producer + 100000),
    )


@raised("offsets of a group by hand, in versions 4 and 3, that are in none", "v2-offsets-none")
def _(c, p):
    return offsets_in(c, p, "v2-none", 4), offsets_in(c, p, "v2-none", 3), p.state()


@raised("AddPartitionsToTxn 4, to be verified", "v2-brokers")
def _(c, p):
    asked = [(p.name, p.producer, p.epoch, True, [(f"of-{p.name}", [0])])]
    node = next(iter(c.addresses))
    request = ([("s", "q", "h", "b", [("s", ["i"])])],)
    answer = c.ask(24, 4, True, request, (asked,), ("i", "h", [("s", [("s", [("i", "h")])])]), node=node)
    return (f"{ERRORS[answer[1]]}, {len(answer[2])} transactions",)
