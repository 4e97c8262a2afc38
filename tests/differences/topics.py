"""Cases about topics and settings: see cases.py."""

from differences.cases import CREATE, ERRORS, INT_MAX, NO_ID, case

# ---- CreateTopics ----


def creates():
    tries = {
        "no partitions": dict(partitions=0),
        "partitions -1": dict(partitions=-1),
        "partitions -2": dict(partitions=-2),
        "2^31-1 partitions": dict(partitions=INT_MAX),
        "10,001 partitions": dict(partitions=10001, validate=True),
        "factor 0": dict(factor=0),
        "factor -1": dict(factor=-1),
        "factor -2": dict(factor=-2),
        "factor 4 of 3 brokers": dict(factor=4),
        "factor 32767": dict(factor=32767),
        "assigned": dict(partitions=-1, factor=-1, assignments=[(0, [1, 2]), (1, [2, 3])]),
        "assigned and partitions": dict(partitions=1, factor=-1, assignments=[(0, [1])]),
        "assigned and factor": dict(partitions=-1, factor=1, assignments=[(0, [1])]),
        "assigned twice to a broker": dict(partitions=-1, factor=-1, assignments=[(0, [1, 1])]),
        "assigned to an unknown broker": dict(partitions=-1, factor=-1, assignments=[(0, [1, 9])]),
        "assigned to broker -1": dict(partitions=-1, factor=-1, assignments=[(0, [-1])]),
        "assigned to nobody": dict(partitions=-1, factor=-1, assignments=[(0, [])]),
        "assigned unevenly": dict(partitions=-1, factor=-1, assignments=[(0, [1]), (1, [1, 2])]),
        "assigned with a gap": dict(partitions=-1, factor=-1, assignments=[(0, [1]), (2, [2])]),
        "assigned not from 0": dict(partitions=-1, factor=-1, assignments=[(1, [1])]),
        "partition assigned twice": dict(partitions=-1, factor=-1, assignments=[(0, [1]), (0, [2])]),
        "partition -1 assigned": dict(partitions=-1, factor=-1, assignments=[(-1, [1])]),
        "only checked": dict(validate=True),
        "only checked, factor 4": dict(factor=4, validate=True),
        "only checked, bad setting": dict(configs=[("foo", "1")], validate=True),
        "unknown setting": dict(configs=[("foo", "1")]),
        "setting without value": dict(configs=[("retention.bytes", None)]),
        "setting with an empty name": dict(configs=[("", "1")]),
        "setting twice": dict(configs=[("preallocate", "false"), ("preallocate", "false")]),
        "setting with NUL": dict(configs=[("preallocate\0", "false")]),
        "value with NUL": dict(configs=[("cleanup.policy", "delete\0")]),
        "value with blanks": dict(configs=[("cleanup.policy", " delete ")]),
        "number with blanks": dict(configs=[("max.message.bytes", " 1000 ")]),
        "number with a plus": dict(configs=[("max.message.bytes", "+1000")]),
        "min.insync.replicas above the replicas": dict(configs=[("min.insync.replicas", "2")]),
        "min.insync.replicas 0": dict(configs=[("min.insync.replicas", "0")]),
        "min.insync.replicas 1000": dict(configs=[("min.insync.replicas", "1000")]),
        "max.message.bytes 0": dict(configs=[("max.message.bytes", "0")]),
        "max.message.bytes -1": dict(configs=[("max.message.bytes", "-1")]),
        "max.message.bytes 2^31-1": dict(configs=[("max.message.bytes", str(INT_MAX))]),
        "max.message.bytes abc": dict(configs=[("max.message.bytes", "abc")]),
        "compression.type none": dict(configs=[("compression.type", "none")]),
        "compression.type GZIP": dict(configs=[("compression.type", "GZIP")]),
        "message.timestamp.type x": dict(configs=[("message.timestamp.type", "x")]),
        "cleanup.policy delete": dict(configs=[("cleanup.policy", "delete")]),
        "cleanup.policy compact": dict(configs=[("cleanup.policy", "compact")]),
        "cleanup.policy nothing": dict(configs=[("cleanup.policy", "")]),
        "retention.ms -1": dict(configs=[("retention.ms", "-1")]),
        "retention.ms 604800000": dict(configs=[("retention.ms", "604800000")]),
        "retention.ms -2": dict(configs=[("retention.ms", "-2")]),
        "unclean.leader.election.enable FALSE": dict(configs=[("unclean.leader.election.enable", "FALSE")]),
        "unclean.leader.election.enable true": dict(configs=[("unclean.leader.election.enable", "true")]),
        "flush.messages 1": dict(configs=[("flush.messages", "1")]),
        "flush.messages 10000": dict(configs=[("flush.messages", "10000")]),
        "segment.bytes 52428800": dict(configs=[("segment.bytes", "52428800")]),
        "remote.storage.enable true": dict(configs=[("remote.storage.enable", "true")]),
        "internal.segment.bytes": dict(configs=[("internal.segment.bytes", "1048576")]),
    }
    for place, (what, arguments) in enumerate(tries.items()):
        case(f"CreateTopics: {what}")(lambda c, place=place, arguments=arguments: c.create(f"create-{place}", **arguments))
    names = {
        "empty": "",
        "dot": ".",
        "two dots": "..",
        "250 letters": "a" * 250,
        "249 letters": "a" * 249,
        "blank": "a b",
        "slash": "a/b",
        "NUL": "a\0b",
        "umlaut": "\u00e4",
        "colon": "a:b",
    }
    for what, name in names.items():
        case(f"CreateTopics: name {what}")(lambda c, name=name: c.create(name))


creates()


@case("CreateTopics: exists")
def _(c):
    c.make("exists")
    return c.create("exists")


@case("CreateTopics: exists, only checked")
def _(c):
    c.make("exists-checked")
    return c.create("exists-checked", validate=True)


@case("CreateTopics: exists, and a bad setting")
def _(c):
    c.make("exists-bad")
    return c.create("exists-bad", configs=[("foo", "1")])


@case("CreateTopics: a name that differs in '.' and '_'")
def _(c):
    c.make("col.lide")
    return c.create("col_lide")


@case("CreateTopics: twice in a request")
def _(c):
    return c.create("twice", also=[("twice", 1, 1, [], [])])


@case("CreateTopics: nothing in a request")
def _(c):
    answer = c.ask(
        CREATE, 4, False, ([("s", "i", "h", [("i", ["i"])], [("s", "s")])], "i", "b"), ([], 15000, False), ("i", [("s", "h", "s")])
    )
    return f"{len(answer[1])} answers"


@case("CreateTopics: name null")
def _(c):
    return c.create(None)


@case("CreateTopics: topics null")
def _(c):
    answer = c.ask(
        CREATE, 4, False, ([("s", "i", "h", [("i", ["i"])], [("s", "s")])], "i", "b"), (None, 15000, False), ("i", [("s", "h", "s")])
    )
    return f"{len(answer[1])} answers"


@case("CreateTopics: version 2 with -1 partitions")
def _(c):
    answer = c.ask(
        CREATE,
        2,
        False,
        ([("s", "i", "h", [("i", ["i"])], [("s", "s")])], "i", "b"),
        ([("v2", -1, -1, [], [])], 15000, False),
        ("i", [("s", "h", "s")]),
    )
    return ERRORS[answer[1][0][1]]


@case("CreateTopics: what version 7 tells")
def _(c):
    answer = c.ask(
        CREATE,
        7,
        True,
        ([("s", "i", "h", [("i", ["i"])], [("s", "s")])], "i", "b"),
        ([("v7", 2, 2, [], [("max.message.bytes", "1000")])], 15000, False),
        ("i", [("s", "u", "h", "s", "i", "h", [("s", "s", "b", "c", "b")])]),
    )
    topic = answer[1][0]
    own = [(k[0], k[1], k[3]) for k in topic[6] if k[3] == 1]
    return f"{ERRORS[topic[2]]}, {topic[4]} partitions, factor {topic[5]}, own {own}, id {'given' if topic[1] != NO_ID else 'none'}"


@case("CreateTopics: what version 7 tells when only checked")
def _(c):
    answer = c.ask(
        CREATE,
        7,
        True,
        ([("s", "i", "h", [("i", ["i"])], [("s", "s")])], "i", "b"),
        ([("v7-checked", 2, 2, [], [])], 15000, True),
        ("i", [("s", "u", "h", "s", "i", "h", [("s", "s", "b", "c", "b")])]),
    )
    topic = answer[1][0]
    return f"{ERRORS[topic[2]]}, {topic[4]} partitions, factor {topic[5]}, id {'given' if topic[1] != NO_ID else 'none'}"


# ---- DeleteTopics ----


@case("DeleteTopics: unknown")
def _(c):
    return c.delete("never-made")


@case("DeleteTopics: twice in a request")
def _(c):
    c.make("delete-twice")
    return c.delete("delete-twice", "delete-twice") + f"; then {ERRORS[c.metadata(['delete-twice'])[4][0][0]]}"


@case("DeleteTopics: impossible name")
def _(c):
    return c.delete("a b")


@case("DeleteTopics: empty name")
def _(c):
    return c.delete("")


@case("DeleteTopics: nothing")
def _(c):
    return c.delete() or "0 answers"


@case("DeleteTopics: by an unknown id")
def _(c):
    return c.delete_6((None, bytes(range(16))))


@case("DeleteTopics: by name and id")
def _(c):
    return c.delete_6(("by-both", bytes(range(16))))


@case("DeleteTopics: by neither name nor id")
def _(c):
    return c.delete_6((None, NO_ID))


@case("DeleteTopics: by name in version 6")
def _(c):
    c.make("delete-6")
    return c.delete_6(("delete-6", NO_ID))


# ---- CreatePartitions ----


def grows():
    tries = {
        "as many as there are": dict(count=2),
        "fewer": dict(count=1),
        "none": dict(count=0),
        "-1": dict(count=-1),
        "2^31-1": dict(count=INT_MAX),
        "one more": dict(count=3),
        "only checked": dict(count=3, validate=True),
        "assigned": dict(count=3, assignments=[[1, 2, 3]]),
        "too many assigned": dict(count=3, assignments=[[1, 2, 3], [2, 3, 1]]),
        "too few assigned": dict(count=4, assignments=[[1, 2, 3]]),
        "none assigned": dict(count=3, assignments=[]),
        "assigned to fewer brokers": dict(count=3, assignments=[[1]]),
        "assigned to an unknown broker": dict(count=3, assignments=[[1, 2, 9]]),
        "assigned twice to a broker": dict(count=3, assignments=[[1, 1, 2]]),
        "twice in a request": dict(count=3, twice=True),
    }
    for place, (what, arguments) in enumerate(tries.items()):

        def run(c, place=place, arguments=arguments):
            c.make(f"grow-{place}", 2, 3)
            return c.grow(f"grow-{place}", **arguments)

        case(f"CreatePartitions: {what}")(run)


grows()


@case("CreatePartitions: unknown topic")
def _(c):
    return c.grow("never-made", 3)


@case("CreatePartitions: impossible name")
def _(c):
    return c.grow("a b", 3)


# ---- DescribeConfigs ----


def told(results):
    return "; ".join(f"{ERRORS[r[0]]}, {'some' if r[4] else 'no'} settings" for r in results)


@case("DescribeConfigs: unknown topic")
def _(c):
    return told(c.describe(2, "never-made"))


@case("DescribeConfigs: impossible topic name")
def _(c):
    return told(c.describe(2, "a b"))


@case("DescribeConfigs: topic with an empty name")
def _(c):
    return told(c.describe(2, ""))


@case("DescribeConfigs: no keys asked for")
def _(c):
    c.make("no-keys")
    return told(c.describe(2, "no-keys", []))


@case("DescribeConfigs: unknown key")
def _(c):
    c.make("unknown-key")
    return told(c.describe(2, "unknown-key", ["foo"]))


@case("DescribeConfigs: this broker")
def _(c):
    return told(c.describe(4, "1", node=1))


@case("DescribeConfigs: another broker")
def _(c):
    return told(c.describe(4, "2", node=1))


@case("DescribeConfigs: broker x")
def _(c):
    return told(c.describe(4, "x", node=1))


@case("DescribeConfigs: all brokers")
def _(c):
    return told(c.describe(4, "", node=1)).replace("some settings", "settings").replace("no settings", "settings")


@case("DescribeConfigs: kind 0")
def _(c):
    return told(c.describe(0, "x"))


@case("DescribeConfigs: kind 99")
def _(c):
    return told(c.describe(99, "x"))


@case("DescribeConfigs: loggers of a broker")
def _(c):
    return told(c.describe(8, "1", node=1))


def shows():
    for name in (
        "max.message.bytes",
        "compression.type",
        "message.timestamp.type",
        "cleanup.policy",
        "retention.ms",
        "retention.bytes",
        "segment.bytes",
        "segment.ms",
        "segment.index.bytes",
        "flush.messages",
        "flush.ms",
        "unclean.leader.election.enable",
        "preallocate",
        "index.interval.bytes",
        "file.delete.delay.ms",
        "min.cleanable.dirty.ratio",
        "delete.retention.ms",
        "remote.storage.enable",
        "local.retention.ms",
        "message.timestamp.after.max.ms",
        "message.timestamp.before.max.ms",
        "leader.replication.throttled.replicas",
    ):

        def run(c, name=name):
            if c.metadata(["shown"])[4][0][0] != 0:
                c.make("shown")
            return c.config("shown", name)

        case(f"DescribeConfigs: {name} of a topic")(run)


shows()


KINDS = {1: "boolean", 2: "string", 3: "int", 4: "short", 5: "long", 6: "double", 7: "list", 8: "class", 9: "password"}
OF_TOPICS = """cleanup.policy compression.gzip.level compression.lz4.level compression.type compression.zstd.level delete.retention.ms file.delete.delay.ms flush.messages flush.ms
    follower.replication.throttled.replicas index.interval.bytes leader.replication.throttled.replicas local.retention.bytes local.retention.ms max.compaction.lag.ms max.message.bytes
    message.timestamp.after.max.ms message.timestamp.before.max.ms message.timestamp.type min.cleanable.dirty.ratio min.compaction.lag.ms min.insync.replicas preallocate remote.log.copy.disable
    remote.log.delete.on.disable remote.storage.enable retention.bytes retention.ms segment.bytes segment.index.bytes segment.jitter.ms segment.ms unclean.leader.election.enable"""
OF_BROKERS = """advertised.listeners authorizer.class.name auto.create.topics.enable auto.leader.rebalance.enable broker.heartbeat.interval.ms broker.rack broker.session.timeout.ms compression.gzip.level
    compression.lz4.level compression.type compression.zstd.level connections.max.idle.ms controlled.shutdown.enable default.replication.factor delete.topic.enable fetch.max.bytes
    leader.imbalance.check.interval.seconds leader.imbalance.per.broker.percentage listener.security.protocol.map listeners log.cleaner.delete.retention.ms log.cleaner.enable
    log.cleaner.max.compaction.lag.ms log.cleaner.min.cleanable.ratio log.cleaner.min.compaction.lag.ms log.cleanup.policy log.flush.interval.messages log.flush.interval.ms log.index.interval.bytes
    log.index.size.max.bytes log.local.retention.bytes log.local.retention.ms log.message.timestamp.after.max.ms log.message.timestamp.before.max.ms log.message.timestamp.type log.preallocate
    log.retention.bytes log.retention.hours log.retention.minutes log.retention.ms log.roll.hours log.roll.jitter.hours log.roll.jitter.ms log.roll.ms log.segment.bytes log.segment.delete.delay.ms
    max.connection.creation.rate max.connections max.connections.per.ip max.connections.per.ip.overrides max.incremental.fetch.session.cache.slots message.max.bytes min.insync.replicas node.id
    num.partitions process.roles producer.id.expiration.ms queued.max.request.bytes remote.log.storage.system.enable security.inter.broker.protocol socket.request.max.bytes ssl.client.auth
    unclean.leader.election.enable"""


def kinds():
    def told_kind(c, kind, resource, name):
        found = c.describe(kind, resource, [name], node=1)[0][4]
        return ", ".join(f"{KINDS.get(s[6], s[6])}{', sensitive' if s[4] else ''}" for s in found) or "nothing"

    for name in OF_TOPICS.split():

        def run(c, name=name):
            if c.metadata(["kinds"])[4][0][0] != 0:
                c.make("kinds")
            return told_kind(c, 2, "kinds", name)

        case(f"DescribeConfigs: kind of value of {name} of a topic")(run)
    for name in OF_BROKERS.split():
        case(f"DescribeConfigs: kind of value of {name} of a broker")(lambda c, name=name: told_kind(c, 4, "1", name))


kinds()


# ---- AlterConfigs, IncrementalAlterConfigs ----


def changes():
    wanted = "max.message.bytes"
    tries = {
        "set": dict(configs=[(wanted, 0, "2000")]),
        "set to nothing": dict(configs=[(wanted, 0, None)]),
        "set to an impossible value": dict(configs=[(wanted, 0, "-1")]),
        "set to a value with blanks": dict(configs=[(wanted, 0, " 2000\t")]),
        "unknown setting": dict(configs=[("foo", 0, "1")]),
        "delete": dict(configs=[(wanted, 1, None)]),
        "delete what was not set": dict(configs=[("retention.bytes", 1, None)]),
        "delete an unknown one": dict(configs=[("foo", 1, None)]),
        "append to a number": dict(configs=[(wanted, 2, "1")]),
        "append to a list": dict(configs=[("cleanup.policy", 2, "delete")]),
        "subtract from a number": dict(configs=[(wanted, 3, "1")]),
        "operation 9": dict(configs=[(wanted, 9, "1")]),
        "one setting twice": dict(configs=[(wanted, 0, "2000"), (wanted, 0, "3000")]),
        "nothing": dict(configs=[]),
        "only checked": dict(configs=[(wanted, 0, "2000")], validate=True),
        "only checked, impossible": dict(configs=[(wanted, 0, "x")], validate=True),
        "one topic twice": dict(configs=[(wanted, 0, "2000")], twice=True),
        "empty setting name": dict(configs=[("", 0, "1")]),
        "one good, one bad": dict(configs=[(wanted, 0, "2000"), ("foo", 0, "1")]),
    }
    for place, (what, arguments) in enumerate(tries.items()):

        def run(c, place=place, arguments=arguments):
            c.make(f"change-{place}")
            return c.change(2, f"change-{place}", **arguments)

        case(f"IncrementalAlterConfigs: {what}")(run)
    for what, (kind, name) in {
        "unknown topic": (2, "never-made"),
        "impossible topic name": (2, "a b"),
        "empty topic name": (2, ""),
        "kind 0": (0, "x"),
        "kind 99": (99, "x"),
        "broker x": (4, "x"),
    }.items():
        case(f"IncrementalAlterConfigs: {what}")(lambda c, kind=kind, name=name: c.change(kind, name, [(wanted, 0, "2000")]))
    tries = {
        "set": dict(configs=[(wanted, "2000")]),
        "unknown setting": dict(configs=[("foo", "1")]),
        "set to nothing": dict(configs=[(wanted, None)]),
        "one setting twice": dict(configs=[(wanted, "2000"), (wanted, "3000")]),
        "nothing": dict(configs=[]),
        "one topic twice": dict(configs=[(wanted, "2000")], twice=True),
        "only checked": dict(configs=[(wanted, "2000")], validate=True),
    }
    for place, (what, arguments) in enumerate(tries.items()):

        def run(c, place=place, arguments=arguments):
            c.make(f"alter-{place}")
            return c.alter(2, f"alter-{place}", **arguments)

        case(f"AlterConfigs: {what}")(run)
    case("AlterConfigs: unknown topic")(lambda c: c.alter(2, "never-made", [(wanted, "2000")]))


changes()


# ---- ElectLeaders ----


@case("ElectLeaders: the preferred one leads")
def _(c):
    c.make("elect")
    return c.elect(0, [("elect", [0])])


@case("ElectLeaders: unclean, where a leader is")
def _(c):
    c.make("elect-unclean")
    return c.elect(1, [("elect-unclean", [0])])


@case("ElectLeaders: kind 9")
def _(c):
    c.make("elect-9")
    return c.elect(9, [("elect-9", [0])])


@case("ElectLeaders: unknown partition")
def _(c):
    c.make("elect-5")
    return c.elect(0, [("elect-5", [5])])


@case("ElectLeaders: unknown topic")
def _(c):
    return c.elect(0, [("never-made", [0])])


@case("ElectLeaders: nothing")
def _(c):
    return c.elect(0, [])
