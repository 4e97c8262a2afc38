"""Cases about the settings of groups: set, checked, shown, listed. See cases.py."""

from differences.cases import ERRORS, case
from differences.consumers import BEAT as BEAT_KEY
from differences.consumers import make
from differences.frames import Connection, Maybe
from differences.offsets import asked
from differences.topics import KINDS

from harness.cluster import wait_until

GROUP = 32
SESSION, BEAT, ASSIGN = "consumer.session.timeout.ms", "consumer.heartbeat.interval.ms", "consumer.assignment.interval.ms"
OF_GROUPS = """consumer.assignment.interval.ms consumer.heartbeat.interval.ms consumer.session.timeout.ms share.assignment.interval.ms share.auto.offset.reset share.delivery.count.limit
    share.heartbeat.interval.ms share.isolation.level share.partition.max.record.locks share.record.lock.duration.ms share.renew.acknowledge.enable share.session.timeout.ms
    streams.assignment.interval.ms streams.heartbeat.interval.ms streams.initial.rebalance.delay.ms streams.num.standby.replicas streams.session.timeout.ms"""
SOURCES = {1: "topic", 2: "broker", 3: "brokers", 4: "file", 5: "default", 6: "logger", 8: "group"}


def shown(c, name, keys):
    error, _, _, _, entries = c.describe(GROUP, name, keys)[0]
    said = []
    for key, value, read_only, source, sensitive, synonyms, kind, _ in entries:
        behind = ", ".join(f"{s[0]}={s[1]} of {SOURCES[s[2]]}" for s in synonyms)
        flags = (", read only" if read_only else "") + (", sensitive" if sensitive else "")
        said.append(f"{key}={value} of {SOURCES[source]}, {KINDS[kind]}{flags} [{behind}]")
    return f"{ERRORS[error]}: {'; '.join(said) or 'nothing'}"


def shown_when(c, name, key, value):
    """Kafka's brokers learn of a change some time after it was answered."""
    wait_until(f"{key}={value} of {name}", lambda: f"{key}={value} " in shown(c, name, [key]), 10, 0.05)
    return shown(c, name, [key])


def shows():
    for name in OF_GROUPS.split():
        case(f"DescribeConfigs: {name} of a group")(lambda c, name=name: shown(c, "never-there", [name]))
    case("DescribeConfigs: how many settings a group has")(lambda c: str(len(c.describe(GROUP, "never-there")[0][4])))
    case("DescribeConfigs: a group without a name")(lambda c: shown(c, "", [SESSION]))
    case("DescribeConfigs: no such setting of a group")(lambda c: shown(c, "never-there", ["nothing"]))
    case("DescribeConfigs: a group at another broker")(lambda c: shown(c, "never-there", [SESSION]))


shows()


def changes():
    tries = {
        "set": dict(configs=[(SESSION, 0, "50000")]),
        "set to nothing": dict(configs=[(SESSION, 0, None)]),
        "set to an empty value": dict(configs=[(SESSION, 0, "")]),
        "set to a value with blanks": dict(configs=[(SESSION, 0, " 50000\t")]),
        "set to nothing but a blank": dict(configs=[(SESSION, 0, " ")]),
        "below the brokers' limit": dict(configs=[(SESSION, 0, "44999")]),
        "above the brokers' limit": dict(configs=[(SESSION, 0, "60001")]),
        "heartbeats below the brokers' limit": dict(configs=[(BEAT, 0, "4999")]),
        "heartbeats above the brokers' limit": dict(configs=[(BEAT, 0, "15001")]),
        "assignments above the brokers' limit": dict(configs=[(ASSIGN, 0, "15001")]),
        "assignments at once": dict(configs=[(ASSIGN, 0, "0")]),
        "no number": dict(configs=[(SESSION, 0, "soon")]),
        "unknown setting": dict(configs=[("session.timeout.ms", 0, "50000")]),
        "delete": dict(configs=[(SESSION, 1, None)]),
        "delete an unknown one": dict(configs=[("session.timeout.ms", 1, None)]),
        "append to a number": dict(configs=[(SESSION, 2, "1")]),
        "one setting twice": dict(configs=[(SESSION, 0, "50000"), (SESSION, 0, "51000")]),
        "nothing": dict(configs=[]),
        "only checked": dict(configs=[(SESSION, 0, "50000")], validate=True),
        "only checked, impossible": dict(configs=[(SESSION, 0, "1")], validate=True),
        "twice": dict(configs=[(SESSION, 0, "50000")], twice=True),
        "one good, one bad": dict(configs=[(SESSION, 0, "50000"), (BEAT, 0, "1")]),
        "a setting of share groups": dict(configs=[("share.isolation.level", 0, "read_committed")]),
        "a setting of share groups that is so": dict(configs=[("share.isolation.level", 0, "read_uncommitted")]),
        "a setting of streams groups": dict(configs=[("streams.num.standby.replicas", 0, "1")]),
    }
    for place, (what, arguments) in enumerate(tries.items()):
        case(f"IncrementalAlterConfigs of a group: {what}")(
            lambda c, place=place, arguments=arguments: c.change(GROUP, f"set-{place}", **arguments)
        )
    case("IncrementalAlterConfigs of a group: without a name")(lambda c: c.change(GROUP, "", [(SESSION, 0, "50000")]))
    case("IncrementalAlterConfigs of a group: a strange name")(lambda c: c.change(GROUP, "gr\u00fcn und\n blau", [(SESSION, 1, None)]))

    @case("IncrementalAlterConfigs of a group: what is shown then")
    def _(c):
        said = c.change(GROUP, "shown", [(SESSION, 0, "50000"), (BEAT, 0, "6000")])
        return f"{said}: {shown_when(c, 'shown', SESSION, 50000)}"

    @case("IncrementalAlterConfigs of a group: what is shown when it is deleted")
    def _(c):
        c.change(GROUP, "deleted", [(SESSION, 0, "50000")])
        shown_when(c, "deleted", SESSION, 50000)
        said = c.change(GROUP, "deleted", [(SESSION, 1, None)])
        return f"{said}: {shown_when(c, 'deleted', SESSION, 45000)}"

    @case("AlterConfigs of a group: what is left out goes")
    def _(c):
        c.change(GROUP, "replaced", [(SESSION, 0, "50000")])
        shown_when(c, "replaced", SESSION, 50000)
        said = c.alter(GROUP, "replaced", [(BEAT, "6000")])
        return f"{said}: {shown_when(c, 'replaced', SESSION, 45000)} {shown_when(c, 'replaced', BEAT, 6000)}"


changes()


@case("ConsumerGroupHeartbeat: a group whose interval is set")
def _(c):
    make(c, "timed", 1)
    # over one connection: behind one that closes drave asks members to come sooner (decision 32)
    group, epoch, kept = "timed-group", 0, {}

    def told(node):
        nonlocal epoch
        request = ("s", "s", "i", "s", "s", "i", ["s"], "s", "s", [("u", ["i"])])
        values = (group, "m", epoch, None, None, 10_000, ["timed"], None, None, [])
        if node not in kept:
            kept[node] = Connection(*c.addresses[node])
        answer = kept[node].ask(BEAT_KEY, 1, True, request, values, ("i", "h", "s", "s", "i", "i", Maybe(([("u", ["i"])],))))
        epoch = answer[4]
        return f"{ERRORS[answer[1]]} {answer[5]}", answer[1]

    said = [asked(c, group, told)]
    c.change(GROUP, group, [(BEAT, 0, "7000")])
    shown_when(c, group, BEAT, 7000)
    wait_until("the new interval", lambda: asked(c, group, told) != said[0], 10, 0.05)
    said.append(asked(c, group, told))
    epoch = -1
    asked(c, group, told)
    for connection in kept.values():
        connection.close()
    return " then ".join(said)
