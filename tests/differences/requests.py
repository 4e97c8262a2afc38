"""Cases about offsets, producers, the cluster and versions: see cases.py."""

import struct
import time

from differences.cases import CLUSTER, COORDINATOR, ERRORS, INIT, INT_MAX, LONG_MAX, METADATA, NO_ID, PRODUCE, VERSIONS, case

from harness.raw import batch

# ---- ListOffsets ----


def lists():
    def prepared(c):
        if c.metadata(["listed"])[4][0][0] != 0:
            c.make("listed")
            for n in range(3):
                c.put("listed", batch([(None, b"x")], timestamp=int(time.time()) // 86400 * 86400000 + n * 1000))

    def plain(said, c):
        return said.replace(str(int(time.time()) // 86400 * 86400000)[:-4], "today")

    tries = {
        "latest": (0, -1),
        "earliest": (0, -2),
        "time 0": (0, 0),
        "a time in the future": (0, LONG_MAX),
        "earliest local (-4)": (0, -4),
        "largest timestamp (-3) in version 5": (0, -3),
        "-5": (0, -5),
        "-99": (0, -99),
        "an unknown partition": (7, -1),
        "partition -1": (-1, -1),
    }
    for what, (partition, timestamp) in tries.items():

        def run(c, partition=partition, timestamp=timestamp):
            prepared(c)
            return plain(c.list_offsets("listed", partition, timestamp), c)

        case(f"ListOffsets: {what}")(run)
    for what, arguments in {
        "a newer epoch": dict(epoch=1),
        "the present epoch": dict(epoch=0),
        "twice in a request": dict(twice=True),
        "replica id 2": dict(replica=2),
        "replica id -2": dict(replica=-2),
    }.items():

        def run(c, arguments=arguments):
            prepared(c)
            return plain(c.list_offsets("listed", 0, -1, **arguments), c)

        case(f"ListOffsets: {what}")(run)
    for what, timestamp in {"largest timestamp (-3)": -3, "-4": -4, "-5": -5}.items():

        def run(c, timestamp=timestamp):
            prepared(c)
            return plain(c.list_offsets_7("listed", timestamp), c)

        case(f"ListOffsets: {what} in version 7")(run)

    @case("ListOffsets: an unknown topic")
    def _(c):
        return ERRORS[c.list_at(1, "never-made")[1]]

    @case("ListOffsets: isolation level 9")
    def _(c):
        prepared(c)
        return ERRORS[c.list_at(c.leader("listed")[0], "listed", isolation=9)[1]]


lists()


# ---- OffsetForLeaderEpoch ----


def epochs():
    def prepared(c):
        if c.metadata(["epochs"])[4][0][0] != 0:
            c.make("epochs")
            c.put("epochs", batch([(None, b"x")]))

    tries = {
        "present": dict(epoch=0),
        "future": dict(epoch=1),
        "far future": dict(epoch=INT_MAX, absolute=True),
        "-1": dict(epoch=-1, absolute=True),
        "-2": dict(epoch=-2, absolute=True),
        "current epoch newer": dict(epoch=0, current=1),
        "current epoch right": dict(epoch=0, current=0),
        "unknown partition": dict(epoch=0, partition=5),
        "partition -1": dict(epoch=0, partition=-1),
    }
    for what, arguments in tries.items():

        def run(c, arguments=arguments):
            prepared(c)
            return c.epoch_end("epochs", **arguments)

        case(f"OffsetForLeaderEpoch: {what}")(run)

    @case("OffsetForLeaderEpoch: an empty partition")
    def _(c):
        c.make("epochs-empty")
        return c.epoch_end("epochs-empty", 0)


epochs()


# ---- InitProducerId, Metadata, DescribeCluster, FindCoordinator, ApiVersions ----


def init(c, schema, version, flexible, value, response):
    for _ in range(100):
        answer = c.ask(INIT, version, flexible, schema, value, response)
        if ERRORS[answer[1]] != "COORDINATOR_LOAD_IN_PROGRESS":
            break
        time.sleep(0.1)  # the first ids are being fetched
    return f"{ERRORS[answer[1]]}, id {'given' if answer[2] >= 0 else answer[2]}, epoch {answer[3]}"


@case("InitProducerId: idempotent")
def _(c):
    return init(c, ("s", "i"), 1, False, (None, 60000), ("i", "h", "q", "h"))


@case("InitProducerId: idempotent, timeout 0")
def _(c):
    return init(c, ("s", "i"), 1, False, (None, 0), ("i", "h", "q", "h"))


@case("InitProducerId: empty transactional id")
def _(c):
    return init(c, ("s", "i"), 1, False, ("", 60000), ("i", "h", "q", "h"))


@case("InitProducerId: transactional, timeout 0")
def _(c):
    return init(c, ("s", "i"), 1, False, ("t", 0), ("i", "h", "q", "h"))


@case("InitProducerId: idempotent with an id and an epoch")
def _(c):
    return init(c, ("s", "i", "q", "h"), 3, True, (None, 60000, 5, 3), ("i", "h", "q", "h"))


@case("InitProducerId: idempotent with an id alone")
def _(c):
    return init(c, ("s", "i", "q", "h"), 3, True, (None, 60000, 5, -1), ("i", "h", "q", "h"))


def topics_told(answer):
    return "; ".join(f"{t[1]!r} {ERRORS[t[0]]}" for t in answer[4]) or "no topics"


@case("Metadata: unknown topic")
def _(c):
    return topics_told(c.metadata(["never-made"]))


@case("Metadata: impossible name, creation allowed")
def _(c):
    return topics_told(c.metadata(["a b"], allow=True))


@case("Metadata: empty name")
def _(c):
    return topics_told(c.metadata([""], allow=True))


@case("Metadata: twice in a request")
def _(c):
    return topics_told(c.metadata(["never-made", "never-made"]))


@case("Metadata: nothing asked for")
def _(c):
    return topics_told(c.metadata([]))


@case("Metadata: creation allowed")
def _(c):
    first = topics_told(c.metadata(["made-by-asking"], allow=True)).replace("NONE", "LEADER_NOT_AVAILABLE")
    c.leader("made-by-asking")
    return first + ", then made"


def metadata_12(c, topics):
    answer = c.ask(
        METADATA,
        12,
        True,
        ([("u", "s")], "b", "b"),
        (topics, False, False),
        ("i", [("i", "s", "i", "s")], "s", "i", [("h", "s", "u", "b", [("h", "i", "i", "i", ["i"], ["i"], ["i"])], "i")]),
    )
    return "; ".join(f"{t[1]!r} {ERRORS[t[0]]}" for t in answer[4])


@case("Metadata: by an unknown id")
def _(c):
    return metadata_12(c, [(bytes(range(16)), None)])


@case("Metadata: by neither name nor id")
def _(c):
    return metadata_12(c, [(NO_ID, None)])


@case("Metadata: by name and an unknown id")
def _(c):
    return metadata_12(c, [(bytes(range(16)), "never-made")])


@case("DescribeCluster")
def _(c):
    answer = c.ask(CLUSTER, 0, True, ("b",), (False,), ("i", "h", "s", "s", "i", [("i", "s", "i", "s")], "i"))
    return f"{ERRORS[answer[1]]}, {len(answer[5])} brokers, controller {'one of them' if answer[4] in [b[0] for b in answer[5]] else answer[4]}, operations {answer[6]}"


@case("DescribeCluster: of controllers (version 1)")
def _(c):
    answer = c.ask(CLUSTER, 1, True, ("b", "c"), (False, 2), ("i", "h", "s", "c", "s", "i", [("i", "s", "i", "s")], "i"))
    return f"{ERRORS[answer[1]]}, {len(answer[6])} brokers"


@case("DescribeCluster: of kind 9 (version 1)")
def _(c):
    answer = c.ask(CLUSTER, 1, True, ("b", "c"), (False, 9), ("i", "h", "s", "c", "s", "i", [("i", "s", "i", "s")], "i"))
    return f"{ERRORS[answer[1]]}, {len(answer[6])} brokers"


@case("FindCoordinator: kind 9")
def _(c):
    answer = c.ask(COORDINATOR, 2, False, ("s", "c"), ("g", 9), ("i", "h", "s", "i", "s", "i"))
    return ERRORS[answer[1]]


@case("FindCoordinator: empty group")
def _(c):
    answer = c.ask(COORDINATOR, 2, False, ("s", "c"), ("", 0), ("i", "h", "s", "i", "s", "i"))
    return ERRORS[answer[1]].replace("COORDINATOR_NOT_AVAILABLE", "NONE")


@case("FindCoordinator: no keys (version 4)")
def _(c):
    answer = c.ask(COORDINATOR, 4, True, ("c", ["s"]), (0, []), ("i", [("s", "i", "s", "i", "h", "s")]))
    return f"{len(answer[1])} answers"


@case("ApiVersions: version 2")
def _(c):
    answer = c.ask(VERSIONS, 2, False, (), (), ("h", [("h", "h", "h")], "i"))
    return f"{ERRORS[answer[0]]}, {'some' if answer[1] else 'no'} keys"


@case("ApiVersions: version 99")
def _(c):
    answer = c.ask(VERSIONS, 99, True, ("s", "s"), ("a", "1"), ("h", [("h", "h", "h")]), False)
    keys = [k[0] for k in answer[1]]
    return f"{ERRORS[answer[0]]}, {'every key' if len(keys) > 1 else f'key {keys[0]}'}"


@case("ApiVersions: a client with an impossible name (version 3)")
def _(c):
    answer = c.ask(VERSIONS, 3, True, ("s", "s"), ("a b", "1"), ("h", [("h", "h", "h")], "i"))
    return ERRORS[answer[0]]


@case("ApiVersions: a client without a name (version 3)")
def _(c):
    answer = c.ask(VERSIONS, 3, True, ("s", "s"), ("", ""), ("h", [("h", "h", "h")], "i"))
    return ERRORS[answer[0]]


@case("A request of an unknown key")
def _(c):
    return str(c.ask(999, 0, False, (), (), ("h",)))


@case("A request of an unknown version")
def _(c):
    return str(c.ask(METADATA, 99, False, (), (), ("h",)))


# ---- Produce ----


def changed(data, at, form, value):
    return data[:at] + struct.pack(form, value) + data[at + struct.calcsize(form) :]


def produces():
    good = batch([(None, b"x")])
    tries = {
        "acks 2": dict(acks=2),
        "acks -2": dict(acks=-2),
        "unknown partition": dict(partition=9),
        "partition -1": dict(partition=-1),
        "nothing": dict(records=b""),
        "null records": dict(records=None),
        "cut": dict(records=good[:-1]),
        "a header alone": dict(records=good[:61]),
        "two batches": dict(records=good + good),
        "wrong checksum": dict(records=changed(good, 17, ">I", 1)),
        "magic 1": dict(records=changed(good, 16, ">b", 1)),
        "magic 3": dict(records=changed(good, 16, ">b", 3)),
        "a transactional id on plain batches": dict(transactional="t"),
        "twice in a request": dict(twice=True),
        "min.insync.replicas above the replicas": dict(configs=[("min.insync.replicas", "3")], factor=2),
        "min.insync.replicas above the replicas, acks 1": dict(configs=[("min.insync.replicas", "3")], factor=2, acks=1),
        "too large": dict(configs=[("max.message.bytes", "100")], records=batch([(None, bytes(200))])),
    }
    for place, (what, arguments) in enumerate(tries.items()):

        def run(c, place=place, arguments=arguments):
            options = dict(arguments)
            c.make(f"produce-{place}", 1, options.pop("factor", 3), configs=options.pop("configs", ()))
            return c.produce(f"produce-{place}", options.pop("records", good), **options)

        case(f"Produce: {what}")(run)

    @case("Produce: unknown topic")
    def _(c):
        answer = c.ask(
            PRODUCE,
            8,
            False,
            ("s", "h", "i", [("s", [("i", "y")])]),
            (None, -1, 10000, [("never-made", [(0, good)])]),
            ([("s", [("i", "h", "q", "q", "q", [("i", "s")], "s")])], "i"),
        )
        return ERRORS[answer[0][0][1][0][1]]


produces()
