"""Cases about what interfaces for people ask for: directories, producers, the quorum, quotas, users, ACLs, moves, transactions. See cases.py."""

from differences.cases import ERRORS, INIT, case

from harness.cluster import wait_until
from harness.raw import batch

ACLS, DIRS, MOVES, QUOTAS, USERS, QUORUM, PRODUCERS, TXN_DESCRIBE, TXN_LIST, RESOURCES = 29, 35, 46, 48, 50, 55, 61, 65, 66, 74


def told(code, message):
    """Sentences are everybody's own."""
    return ERRORS[code] + (", said why" if message else "")


# ---- DescribeLogDirs ----


def directories():
    def ask(c, topics, version=5):
        end = {1: (), 3: (), 4: ("q", "q"), 5: ("q", "q", "b")}[version]
        top = ("i", "h") if version >= 3 else ("i",)
        result = ("h", "s", [("s", [("i", "q", "q", "b")])], *end)
        answer = c.ask(DIRS, version, version >= 2, ([("s", ["i"])],), (topics,), (*top, [result]))
        return answer

    def said(c, topics, version=5):
        answer = ask(c, topics, version)
        parts = []
        for row in answer[-1]:
            topics = [
                f"{t[0]}: {', '.join(f'{p[0]} lag {p[2]} future {p[3]}' for p in sorted(t[1]))}" for t in sorted(row[2]) if t[0][:2] != "__"
            ]
            room = f", room {row[3] > 0} {0 < row[4] <= row[3]}" if version >= 4 else ""
            parts.append(f"{ERRORS[row[0]]}, absolute {row[1][:1] == '/'}{room}, {'; '.join(topics) or 'no topics'}")
        return " / ".join(([ERRORS[answer[1]]] if version >= 3 else []) + parts)

    def prepared(c):
        if c.metadata(["dirs"])[4][0][0] != 0:
            c.make("dirs", 2)
            wait_until(
                "both partitions at the broker that is asked", lambda: sum(len(t[1]) for t in ask(c, [("dirs", [0, 1])])[2][0][2]) == 2
            )

    tries = {
        "a topic": [("dirs", [0, 1])],
        "a partition": [("dirs", [1])],
        "an unknown topic": [("never-made", [0])],
        "an unknown partition": [("dirs", [7])],
        "partition -1": [("dirs", [-1])],
        "a partition twice": [("dirs", [0, 0])],
        "a topic twice": [("dirs", [0]), ("dirs", [0, 1])],
        "an empty name": [("", [0])],
        "an impossible name": [("a b", [0])],
        "a topic without partitions": [("dirs", [])],
        "nothing": [],
    }
    for what, topics in tries.items():

        def run(c, topics=topics):
            prepared(c)
            return said(c, topics)

        case(f"DescribeLogDirs: {what}")(run)

    for version in (1, 3, 4):

        def run(c, version=version):
            prepared(c)
            return said(c, [("dirs", [0, 1])], version)

        case(f"DescribeLogDirs: version {version}")(run)

    @case("DescribeLogDirs: all")
    def _(c):
        prepared(c)
        answer = ask(c, None)
        return f"{ERRORS[answer[1]]}, {len(answer[2])} directory, {[sorted(p[0] for p in t[1]) for t in answer[2][0][2] if t[0] == 'dirs']}"


directories()


# ---- DescribeProducers ----


def producers():
    def prepared(c):
        if c.metadata(["producers"])[4][0][0] == 0:
            return
        c.make("producers", 2)
        answer = c.ask(INIT, 1, False, ("s", "i"), (None, 60000), ("i", "h", "q", "h"))
        while ERRORS[answer[1]] == "COORDINATOR_LOAD_IN_PROGRESS":
            answer = c.ask(INIT, 1, False, ("s", "i"), (None, 60000), ("i", "h", "q", "h"))
        for n in range(2):
            records = batch([(None, b"x"), (None, b"y")], producer=(answer[2], answer[3], 2 * n), timestamp=1_700_000_000_000 + n)
            # the timestamp is years old: message.timestamp.before.max.ms has no limit by default
            c.put("producers", records)

    def said(c, topics):
        prepared(c)
        node, _ = c.leader("producers")
        schema = [("s", [("i", "h", "s", [("q", "i", "i", "q", "i", "q")])])]
        answer = c.ask(PRODUCERS, 0, True, ([("s", ["i"])],), (topics,), ("i", schema), node=node)
        rows = []
        for name, partitions in answer[1]:
            for p in partitions:
                known = [f"epoch {a[1]}, sequence {a[2]}, time {a[3]}, coordinator {a[4]}, open {a[5]}" for a in p[3]]
                rows.append(f"{name}-{p[0]} {ERRORS[p[1]]} {known}")
        return "; ".join(rows) or "nothing"

    tries = {
        "a partition": [("producers", [0])],
        "an unknown topic": [("never-made", [0])],
        "an unknown partition": [("producers", [7])],
        "partition -1": [("producers", [-1])],
        "an empty name": [("", [0])],
        "an impossible name": [("a b", [0])],
        "a partition twice": [("producers", [7, 7])],
        "a topic twice": [("never-made", [0]), ("never-made", [0])],
        "nothing": [],
    }
    for what, topics in tries.items():
        case(f"DescribeProducers: {what}")(lambda c, topics=topics: said(c, topics))


producers()


# ---- DescribeQuorum ----


def quorum():
    REPLICA = {0: ("i", "q"), 1: ("i", "q", "q", "q"), 2: ("i", "u", "q", "q", "q")}

    def said(c, topics, version=2):
        replica = REPLICA[version]
        why = ("s",) if version == 2 else ()
        nodes = ([("i", [("s", "s", "h")])],) if version == 2 else ()
        rows = [("s", [("i", "h", *why, "i", "i", "q", [replica], [replica])])]
        asked = [(name, [(p,) for p in partitions]) for name, partitions in topics]
        answer = c.ask(QUORUM, version, True, ([("s", [("i",)])],), (asked,), ("h", *why, rows, *nodes))
        parts = [told(answer[0], answer[1]) if why else ERRORS[answer[0]]]
        for name, partitions in answer[1 + len(why)]:
            for row in partitions:
                index, error, *rest = row
                reason = rest.pop(0) if why else None
                leader, epoch, watermark, voters, observers = rest
                ends = [v[2] if version == 2 else v[1] for v in voters]
                parts.append(
                    f"{name}-{index} {told(error, reason)}, leader {'one of them' if leader in [v[0] for v in voters] else leader}, "
                    f"epoch {epoch > 0}, watermark {watermark > 0}, voters {sorted(v[0] for v in voters)} far {all(e >= watermark - 50 for e in ends)}, "
                    f"observers {len(observers)}"
                )
        if nodes:
            parts.append(f"nodes {sorted(n[0] for n in answer[-1])} of {sum(len(n[1]) for n in answer[-1])} listeners")
        return "; ".join(parts)

    tries = {
        "the metadata": [("__cluster_metadata", [0])],
        "another partition": [("__cluster_metadata", [1])],
        "another topic": [("orders", [0])],
        "two partitions": [("__cluster_metadata", [0, 1])],
        "the metadata twice": [("__cluster_metadata", [0]), ("__cluster_metadata", [0])],
        "no partition": [("__cluster_metadata", [])],
        "nothing": [],
    }
    for what, topics in tries.items():
        case(f"DescribeQuorum: {what}")(lambda c, topics=topics: said(c, topics))
    for version in (0, 1):
        case(f"DescribeQuorum: version {version}")(lambda c, version=version: said(c, [("__cluster_metadata", [0])], version))


quorum()


# ---- ListConfigResources ----


def resources():
    def said(c, types):
        if c.metadata(["resources"])[4][0][0] != 0:
            c.make("resources", configs=[("max.message.bytes", "1000000")])
        answer = c.ask(RESOURCES, 1, True, (["c"],), (types,), ("i", "h", [("s", "c")]))
        rows = sorted((kind, name) for name, kind in answer[2])
        kept = [f"{kind} {name}" for kind, name in rows if kind != 2 or name == "resources"]
        return f"{ERRORS[answer[1]]}: {', '.join(kept) or 'nothing'}"

    tries = {"all": [], "topics": [2], "brokers": [4], "loggers": [8], "client metrics": [16], "groups": [32]}
    tries |= {"topics twice": [2, 2], "two kinds": [2, 4], "an unknown kind": [99], "an unknown kind among others": [4, 99], "kind 0": [0]}
    for what, types in tries.items():
        case(f"ListConfigResources: {what}")(lambda c, types=types: said(c, types))

    @case("ListConfigResources: version 0")
    def _(c):
        answer = c.ask(RESOURCES, 0, True, (), (), ("i", "h", [("s",)]))
        return f"{ERRORS[answer[1]]}: {len(answer[2])}"


resources()


# ---- Quotas, users, ACLs ----


def quotas():
    def said(c, components, strict=False, version=1):
        schema = ("i", "h", "s", [([("s", "s")], [("s", "d")])])
        answer = c.ask(QUOTAS, version, version == 1, ([("s", "c", "s")], "b"), (components, strict), schema)
        return f"{told(answer[1], answer[2])}, entries {answer[3] if answer[3] is None else len(answer[3])}"

    tries = {
        "all": [],
        "a user": [("user", 0, "alice")],
        "the default user": [("user", 1, None)],
        "any user": [("user", 2, None)],
        "a client": [("client-id", 0, "c")],
        "a user and a client": [("user", 0, "alice"), ("client-id", 2, None)],
        "an address": [("ip", 0, "10.0.0.1")],
        "an address and a user": [("ip", 2, None), ("user", 2, None)],
        "a user twice": [("user", 0, "alice"), ("user", 1, None)],
        "an unknown kind": [("group", 0, "g")],
        "an empty kind": [("", 0, "g")],
        "a name that is null": [("user", 0, None)],
        "the default with a name": [("user", 1, "alice")],
        "any with a name": [("user", 2, "alice")],
        "way 9": [("user", 9, None)],
    }
    for what, components in tries.items():
        case(f"DescribeClientQuotas: {what}")(lambda c, components=components: said(c, components))
    case("DescribeClientQuotas: strict")(lambda c: said(c, [("user", 0, "alice")], True))
    case("DescribeClientQuotas: version 0")(lambda c: said(c, [("user", 2, None)], version=0))


quotas()


def users():
    def said(c, names):
        asked = None if names is None else [(n,) for n in names]
        answer = c.ask(USERS, 0, True, ([("s",)],), (asked,), ("i", "h", "s", [("s", "h", "s", [("c", "i")])]))
        rows = [f"{r[0]} {told(r[1], r[2])} {len(r[3])}" for r in sorted(answer[3])]
        return "; ".join([told(answer[1], answer[2]), *rows])

    tries = {
        "all": None,
        "nobody": [],
        "an unknown one": ["alice"],
        "two": ["alice", "bob"],
        "twice": ["alice", "alice", "bob"],
        "no name": [""],
    }
    for what, names in tries.items():
        case(f"DescribeUserScramCredentials: {what}")(lambda c, names=names: said(c, names))


users()


def acls():
    def said(c, version, filter):
        answer = c.ask(
            ACLS,
            version,
            version >= 2,
            ("c", "s", "c", "s", "s", "c", "c"),
            filter,
            ("i", "h", "s", [("c", "s", "c", [("s", "s", "c", "c")])]),
        )
        return f"{ERRORS[answer[1]]} {answer[2]!r}, {len(answer[3])} resources"

    everything = (1, None, 1, None, None, 1, 1)
    for version in (1, 2, 3):
        case(f"DescribeAcls: all (version {version})")(
            lambda c, version=version: said(c, version, (1, None, 3 if version == 1 else 1, *everything[3:]))
        )
    case("DescribeAcls: of a topic")(lambda c: said(c, 3, (2, "orders", 3, None, None, 1, 1)))
    case("DescribeAcls: of an unknown kind")(lambda c: said(c, 3, (99, None, 1, None, None, 1, 1)))
    case("DescribeAcls: kind 0")(lambda c: said(c, 3, (0, None, 1, None, None, 1, 1)))


acls()


# ---- ListPartitionReassignments, ListTransactions, DescribeTransactions ----


def moves():
    def said(c, topics):
        if c.metadata(["still"])[4][0][0] != 0:
            c.make("still", 2)
        answer = c.ask(MOVES, 0, True, ("i", [("s", ["i"])]), (10000, topics), ("i", "h", "s", [("s", [("i", ["i"], ["i"], ["i"])])]))
        return f"{told(answer[1], answer[2])}, topics {answer[3]}"

    tries = {
        "all": None,
        "nothing": [],
        "a topic": [("still", [0, 1])],
        "an unknown topic": [("never-made", [0])],
        "an unknown partition": [("still", [9])],
        "a topic twice": [("still", [0]), ("still", [0])],
        "an impossible name": [("a b", [0])],
    }
    for what, topics in tries.items():
        case(f"ListPartitionReassignments: {what}")(lambda c, topics=topics: said(c, topics))


moves()


def transactions():
    def listed(c, states, ids=(), version=2, longer=-1, pattern=None):
        more = {0: ((), ()), 1: (("q",), (longer,)), 2: (("q", "s"), (longer, pattern))}[version]
        answer = c.ask(
            TXN_LIST, version, True, (["s"], ["q"], *more[0]), (states, list(ids), *more[1]), ("i", "h", ["s"], [("s", "q", "s")])
        )
        return f"{ERRORS[answer[1]]}, unknown {sorted(answer[2])}, {len(answer[3])} transactions"

    every = ["Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit", "CompleteAbort", "Dead", "PrepareEpochFence"]
    tries = {
        "all": dict(states=[]),
        "states": dict(states=every),
        "an unknown state": dict(states=["Ongoing", "ongoing", "", "Never"]),
        "an unknown state twice": dict(states=["Never", "Never"]),
        "of an id": dict(states=[], ids=[1, 1]),
        "longer than 0": dict(states=[], longer=0),
        "a pattern": dict(states=[], pattern="orders-.*"),
        "an empty pattern": dict(states=[], pattern=""),
        "a wrong pattern": dict(states=[], pattern="("),
        "a pattern with a look ahead": dict(states=[], pattern="(?=a)"),
        "version 0": dict(states=[], version=0),
        "version 1": dict(states=["Never"], version=1),
    }
    for what, arguments in tries.items():
        case(f"ListTransactions: {what}")(lambda c, arguments=arguments: listed(c, **arguments))

    def described(c, ids):
        answer = c.ask(TXN_DESCRIBE, 0, True, (["s"],), (ids,), ("i", [("h", "s", "s", "i", "q", "q", "h", [("s", ["i"])])]))
        return "; ".join(f"{t[1]} {ERRORS[t[0]]} {t[2]!r} {t[3:]}" for t in answer[1]) or "nothing"

    case("DescribeTransactions: nothing")(lambda c: described(c, []))
    case("DescribeTransactions: an empty id")(lambda c: described(c, [""]))


transactions()
