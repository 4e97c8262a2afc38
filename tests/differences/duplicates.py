"""Cases about what a request names more than once: see cases.py. Answers are said in the order of their names, since Kafka's own order is that of a hash table."""

from differences.cases import (
    ALTER,
    CONFIGS,
    COORDINATOR,
    CREATE,
    DELETE,
    ELECT,
    EPOCH,
    ERRORS,
    INCREMENTAL,
    METADATA,
    NO_ID,
    PARTITIONS,
    case,
    relative,
)

WANTED = "max.message.bytes"


def told(pairs):
    return ", ".join(sorted(f"{name} {ERRORS[error]}" for name, error in pairs)) or "0 answers"


# ---- CreateTopics, CreatePartitions ----


def create(c, *topics):
    answer = c.ask(
        CREATE,
        4,
        False,
        ([("s", "i", "h", [("i", ["i"])], [("s", "s")])], "i", "b"),
        ([(*t, [], []) for t in topics], 15000, False),
        ("i", [("s", "h", "s")]),
    )
    return told((t[0], t[1]) for t in answer[1])


@case("CreateTopics: three times, and another topic")
def _(c):
    said = create(c, ("thrice", 1, 1), ("thrice-beside", 1, 1), ("thrice", 2, 1), ("thrice", 1, 1))
    return said + f"; then {ERRORS[c.metadata(['thrice'])[4][0][0]]}"


@case("CreateTopics: an impossible name twice")
def _(c):
    return create(c, ("a b", 1, 1), ("a b", 1, 1))


@case("CreateTopics: one that exists twice")
def _(c):
    c.make("there-twice")
    return create(c, ("there-twice", 1, 1), ("there-twice", 1, 1))


@case("CreateTopics: two topics twice each")
def _(c):
    return create(c, ("both-a", 1, 1), ("both-b", 1, 1), ("both-a", 1, 1), ("both-b", 1, 1))


def grow(c, *topics):
    answer = c.ask(
        PARTITIONS, 1, False, ([("s", "i", [(["i"],)])], "i", "b"), ([(*t, None) for t in topics], 15000, False), ("i", [("s", "h", "s")])
    )
    return told((t[0], t[1]) for t in answer[1])


@case("CreatePartitions: three times, and another topic")
def _(c):
    c.make("grow-thrice")
    c.make("grow-beside")
    return grow(c, ("grow-thrice", 2), ("grow-beside", 2), ("grow-thrice", 3), ("grow-thrice", 2))


@case("CreatePartitions: an unknown topic twice")
def _(c):
    return grow(c, ("never-made", 2), ("never-made", 2))


# ---- DeleteTopics ----


def id_of(c, name):
    answer = c.ask(
        METADATA,
        12,
        True,
        ([("u", "s")], "b", "b"),
        ([(NO_ID, name)], False, False),
        ("i", [("i", "s", "i", "s")], "s", "i", [("h", "s", "u", "b", [("h", "i", "i", "i", ["i"], ["i"], ["i"])], "i")]),
    )
    return answer[4][0][2]


def delete(c, *topics):
    ids = {topic[1] for topic in topics if topic[1] != NO_ID}
    answer = c.ask(DELETE, 6, True, ([("s", "u")], "i"), (list(topics), 15000), ("i", [("s", "u", "h", "s")]))
    return told(
        (f"{t[0]!r} {'without id' if t[1] == NO_ID else 'with the id' if t[1] in ids else 'with another id'}", t[2]) for t in answer[1]
    )


def then(c, name):
    return f"; then {ERRORS[c.metadata([name])[4][0][0]]}"


@case("DeleteTopics: three times, and another topic")
def _(c):
    c.make("delete-thrice")
    c.make("delete-beside")
    return delete(c, ("delete-thrice", NO_ID), ("delete-beside", NO_ID), ("delete-thrice", NO_ID), ("delete-thrice", NO_ID)) + then(
        c, "delete-thrice"
    )


@case("DeleteTopics: an id twice")
def _(c):
    c.make("delete-id-twice")
    own = id_of(c, "delete-id-twice")
    return delete(c, (None, own), (None, own)) + then(c, "delete-id-twice")


@case("DeleteTopics: a name and its id")
def _(c):
    c.make("delete-name-and-id")
    return delete(c, ("delete-name-and-id", NO_ID), (None, id_of(c, "delete-name-and-id"))) + then(c, "delete-name-and-id")


@case("DeleteTopics: an unknown name twice")
def _(c):
    return delete(c, ("never-made", NO_ID), ("never-made", NO_ID))


@case("DeleteTopics: an unknown id twice")
def _(c):
    return delete(c, (None, bytes(range(16))), (None, bytes(range(16))))


@case("DeleteTopics: neither name nor id, twice")
def _(c):
    return delete(c, (None, NO_ID), (None, NO_ID))


# ---- Metadata, FindCoordinator ----


@case("Metadata: a topic twice")
def _(c):
    c.make("asked-twice")
    answer = c.metadata(["asked-twice", "asked-twice"])
    return told((t[1], t[0]) for t in answer[4])


@case("Metadata: an unknown topic three times, and another")
def _(c):
    answer = c.metadata(["never-made", "never-made-too", "never-made", "never-made"])
    return told((t[1], t[0]) for t in answer[4])


@case("Metadata: an impossible name twice")
def _(c):
    answer = c.metadata(["a b", "a b"])
    return told((t[1], t[0]) for t in answer[4])


def metadata_12(c, topics):
    answer = c.ask(
        METADATA,
        12,
        True,
        ([("u", "s")], "b", "b"),
        (topics, False, False),
        ("i", [("i", "s", "i", "s")], "s", "i", [("h", "s", "u", "b", [("h", "i", "i", "i", ["i"], ["i"], ["i"])], "i")]),
    )
    return told((t[1], t[0]) for t in answer[4])


@case("Metadata: an id twice")
def _(c):
    c.make("asked-by-id")
    own = id_of(c, "asked-by-id")
    return metadata_12(c, [(own, None), (own, None)])


@case("Metadata: an unknown id twice")
def _(c):
    return metadata_12(c, [(bytes(range(16)), None), (bytes(range(16)), None)])


@case("Metadata: by name and by id")
def _(c):
    c.make("asked-by-both")
    return metadata_12(c, [(NO_ID, "asked-by-both"), (id_of(c, "asked-by-both"), None)])


@case("FindCoordinator: a key twice (version 4)")
def _(c):
    answer = c.ask(COORDINATOR, 4, True, ("c", ["s"]), (0, ["g", "g"]), ("i", [("s", "i", "s", "i", "h", "s")]))
    return f"{len(answer[1])} answers"


# ---- DescribeConfigs, AlterConfigs, IncrementalAlterConfigs ----


def describe(c, *resources):
    answer = c.ask(
        CONFIGS,
        3,
        False,
        ([("c", "s", ["s"])], "b", "b"),
        (list(resources), False, False),
        ("i", [("h", "s", "c", "s", [("s", "s", "b", "c", "b", [("s", "s", "c")], "c", "s")])]),
        node=1,
    )
    return ", ".join(f"{r[3]} {ERRORS[r[0]]} {len(r[4]) if len(r[4]) < 5 else 'all'} settings" for r in answer[1])


@case("DescribeConfigs: a topic twice")
def _(c):
    c.make("shown-twice")
    return describe(c, (2, "shown-twice", None), (2, "shown-twice", None))


@case("DescribeConfigs: a topic twice, other settings")
def _(c):
    c.make("shown-two-ways")
    return describe(c, (2, "shown-two-ways", [WANTED]), (2, "shown-two-ways", ["preallocate", "flush.ms"]))


@case("DescribeConfigs: a setting twice")
def _(c):
    c.make("shown-once")
    return describe(c, (2, "shown-once", [WANTED, WANTED]))


@case("DescribeConfigs: a broker twice")
def _(c):
    return describe(c, (4, "1", None), (4, "1", None))


@case("DescribeConfigs: an unknown topic twice")
def _(c):
    return describe(c, (2, "never-made", None), (2, "never-made", None))


@case("DescribeConfigs: kind 99 twice")
def _(c):
    return describe(c, (99, "x", None), (99, "x", None))


def change(c, *resources):
    answer = c.ask(INCREMENTAL, 0, False, ([("c", "s", [("s", "c", "s")])], "b"), (list(resources), False), ("i", [("h", "s", "c", "s")]))
    return told((r[3], r[0]) for r in answer[1])


@case("IncrementalAlterConfigs: a topic three times, and another")
def _(c):
    c.make("change-thrice")
    c.make("change-beside")
    one = [(WANTED, 0, "2000")]
    said = change(
        c,
        (2, "change-thrice", one),
        (2, "change-beside", one),
        (2, "change-thrice", [("preallocate", 0, "false")]),
        (2, "change-thrice", one),
    )
    return said + f"; then {c.config('change-thrice', WANTED)}"


@case("IncrementalAlterConfigs: an unknown topic twice")
def _(c):
    return change(c, (2, "never-made", [(WANTED, 0, "2000")]), (2, "never-made", [(WANTED, 0, "2000")]))


@case("IncrementalAlterConfigs: an impossible topic name twice")
def _(c):
    return change(c, (2, "a b", [(WANTED, 0, "2000")]), (2, "a b", [(WANTED, 0, "2000")]))


@case("IncrementalAlterConfigs: kind 99 twice")
def _(c):
    return change(c, (99, "x", []), (99, "x", []))


@case("AlterConfigs: an unknown topic twice")
def _(c):
    answer = c.ask(
        ALTER,
        1,
        False,
        ([("c", "s", [("s", "s")])], "b"),
        ([(2, "never-made", [(WANTED, "2000")])] * 2, False),
        ("i", [("h", "s", "c", "s")]),
    )
    return told((r[3], r[0]) for r in answer[1])


# ---- ElectLeaders, OffsetForLeaderEpoch ----


def elect(c, topics):
    answer = c.ask(ELECT, 1, False, ("c", [("s", ["i"])], "i"), (0, topics, 10000), ("i", "h", [("s", [("i", "h", "s")])]))
    return f"{ERRORS[answer[1]]}: " + told((f"{t[0]}-{p[0]}", p[1]) for t in answer[2] for p in t[1])


@case("ElectLeaders: a partition twice")
def _(c):
    c.make("elect-twice")
    return elect(c, [("elect-twice", [0, 0])])


@case("ElectLeaders: a topic twice")
def _(c):
    c.make("elect-topic-twice", 2)
    return elect(c, [("elect-topic-twice", [0]), ("elect-topic-twice", [1, 0])])


@case("ElectLeaders: an unknown partition twice")
def _(c):
    c.make("elect-unknown-twice")
    return elect(c, [("elect-unknown-twice", [5, 5])])


@case("OffsetForLeaderEpoch: a partition twice")
def _(c):
    c.make("epoch-twice")
    node, present = c.leader("epoch-twice")
    answer = c.ask(
        EPOCH,
        3,
        False,
        ("i", [("s", [("i", "i", "i")])]),
        (-1, [("epoch-twice", [(0, -1, present), (0, -1, present)])]),
        ("i", [("s", [("h", "i", "i", "q")])]),
        node=node,
    )
    return "; ".join(f"{ERRORS[p[0]]}, epoch {relative(p[2], present)}, end {p[3]}" for t in answer[1] for p in t[1])


@case("OffsetForLeaderEpoch: a topic twice")
def _(c):
    c.make("epoch-topic-twice")
    node, present = c.leader("epoch-topic-twice")
    answer = c.ask(
        EPOCH,
        3,
        False,
        ("i", [("s", [("i", "i", "i")])]),
        (-1, [("epoch-topic-twice", [(0, -1, present)])] * 2),
        ("i", [("s", [("h", "i", "i", "q")])]),
        node=node,
    )
    return f"{len(answer[1])} topics: " + "; ".join(
        f"{ERRORS[p[0]]}, epoch {relative(p[2], present)}, end {p[3]}" for t in answer[1] for p in t[1]
    )
