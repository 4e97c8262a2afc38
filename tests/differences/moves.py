"""Cases about replicas that move (AlterPartitionReassignments), and about brokers that are taken out: see cases.py. Where the replicas are in the end is asked of
those that do not move: Kafka's brokers learn it late."""

from differences.cases import ELECT, ERRORS, INT_MAX, case

MOVE, UNREGISTER = 45, 64


def move(c, *topics, version=1, allow=True):
    """topics: (name, [(partition, brokers or None)]) each."""
    parts = [("s", [("i", ["i"])])]
    flag, value = (("b",), (allow,)) if version >= 1 else ((), ())
    answer = c.ask(
        MOVE,
        version,
        True,
        ("i", *flag, parts),
        (10000, *value, list(topics)),
        ("i", *flag, "h", "s", [("s", [("i", "h", "s")])]),
    )
    rows = [(t[0].rsplit("-", 1)[-1], p[0], p[1]) for t in answer[-1] for p in t[1]]
    return f"{ERRORS[answer[-3]]}: " + ("; ".join(f"{name} {p} {ERRORS[code]}" for name, p, code in rows) or "nothing")


def made(c, name):
    """Two partitions, on brokers 1 and 2."""
    said = c.create(name, -1, -1, [(0, [1, 2]), (1, [1, 2])])
    assert said == "NONE", said
    c.leader(name)
    return name


def moves():
    tries = {
        "nobody": [],
        "one twice": [1, 1],
        "an unknown broker": [1, 9],
        "broker -1": [1, -1],
        "where they are": [1, 2],
        "nothing to cancel": None,
    }
    for version in (0, 1):
        for place, (what, brokers) in enumerate(tries.items()):

            def run(c, version=version, place=place, brokers=brokers):
                return move(c, (made(c, f"move-{version}-{place}"), [(0, brokers)]), version=version)

            case(f"AlterPartitionReassignments: to {what} (version {version})".replace("to nothing", "nothing"))(run)

        @case(f"AlterPartitionReassignments: what is not there (version {version})")
        def _(c, version=version):
            topics = [(made(c, f"move-absent-{version}"), [(7, [1]), (-1, [1]), (8, None)]), ("never-made", [(0, [1])])]
            return move(c, *topics, ("", [(0, [1])]), ("a b", [(0, None)]), version=version)

        @case(f"AlterPartitionReassignments: one good, one bad (version {version})")
        def _(c, version=version):
            return move(c, (made(c, f"move-both-{version}"), [(0, [1, 2]), (1, [9])]), version=version)

        @case(f"AlterPartitionReassignments: nothing (version {version})")
        def _(c, version=version):
            return move(c, version=version) + " / " + move(c, (made(c, f"move-none-{version}"), []), version=version)

    @case("AlterPartitionReassignments: other numbers of replicas, which may not be")
    def _(c):
        return move(c, (made(c, "move-number"), [(0, [1, 2, 3]), (1, [1])]), allow=False)

    @case("AlterPartitionReassignments: nothing to cancel, where numbers may not change")
    def _(c):
        return move(c, (made(c, "move-number-cancel"), [(0, None)]), allow=False)

    @case("AlterPartitionReassignments: a partition twice")
    def _(c):
        return move(c, (made(c, "move-twice"), [(0, [1, 2]), (0, [1, 2])]))

    @case("AlterPartitionReassignments: a topic twice")
    def _(c):
        name = made(c, "move-topic-twice")
        return move(c, (name, [(0, [1, 2])]), (name, [(1, [1, 2])]))


moves()

for broker in (99, -1, INT_MAX):

    @case(f"UnregisterBroker: {broker}")
    def _(c, broker=broker):
        answer = c.ask(UNREGISTER, 0, True, ("i",), (broker,), ("i", "h", "s"))
        return ERRORS[answer[1]] + (", with a sentence" if answer[2] else "")


def elect(c, version, kind, topics):
    at_all, kinds = (("h",), ("c",)) if version >= 1 else ((), ())
    request, values = (*kinds, [("s", ["i"])], "i"), (*((kind,) if kinds else ()), topics, 10000)
    answer = c.ask(ELECT, version, version >= 2, request, values, ("i", *at_all, [("s", [("i", "h", "s")])]))
    rows = "; ".join(f"{t[0]} {p[0]} {ERRORS[p[1]]}" for t in answer[-1] for p in t[1]) or "nothing"
    return f"{ERRORS[answer[1]]}: {rows}" if at_all else rows


for version in (0, 1, 2):

    @case(f"ElectLeaders: what is not there, and what leads (version {version})")
    def _(c, version=version):
        name = made(c, f"elect-{version}")
        said = elect(c, version, 0, [(name, [0, 0, 5, -1]), ("never-made", [0]), ("", [0])])
        return f"{said} / {elect(c, version, 0, [])} / {elect(c, version, 0, [(name, [])])}"
