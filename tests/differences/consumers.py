"""Cases about groups of KIP-848: see cases.py. What is said of a message is its text; ids of topics are left out."""

import time

from differences.cases import ERRORS, METADATA, case
from differences.frames import Maybe
from differences.offsets import asked, commit

BEAT, DESCRIBE = 68, 69
FIRST = {}  # of each group: the epoch of its first member


def make(c, name, partitions):
    """A topic that every broker knows: any may be the coordinator."""
    c.make(name, partitions)
    answer = ("i", [("i", "s", "i", "s")], "s", "i", [("h", "s", "b", [("h", "i", "i", "i", ["i"], ["i"], ["i"])], "i")], "i")
    for node in list(c.addresses):
        for _ in range(200):
            topic = c.ask(METADATA, 8, False, (["s"], "b", "b", "b"), ([name], False, False, False), answer, node=node)[4][0]
            if topic[0] == 0 and len(topic[3]) == partitions:
                break
            time.sleep(0.05)
        else:
            raise TimeoutError(f"broker {node} does not know {name}")


def beat(
    c, group, member, epoch, names=None, regex=None, assignor=None, owned=None, timeout=None, instance=None, rack=None, text=True, version=1
):
    """A heartbeat; what is not said is as in one that joins (epoch 0) or in one that goes on. Epochs are said, and told, from the group's first on,
    which is 1 here and 2 at Kafka."""
    if epoch > 0:
        epoch += FIRST.get(group, 1) - 1
    if epoch == 0:
        names = ["consumers"] if names is None and regex is None else names
        owned, timeout = [] if owned is None else owned, 10_000 if timeout is None else timeout
    request = ("s", "s", "i", "s", "s", "i", ["s"], "s", "s", [("u", ["i"])])
    values = (group, member, epoch, instance, rack, -1 if timeout is None else timeout, names, regex, assignor, owned)

    def ask(node):
        answer = c.ask(BEAT, version, True, request, values, ("i", "h", "s", "s", "i", "i", Maybe(([("u", ["i"])],))), node=node)
        code, message, assigned = answer[1], answer[2], answer[6]
        if code:
            return f"{ERRORS[code]}{f': {message}' if text else ''}", code
        if group not in FIRST:
            FIRST[group] = answer[4]
        owns = "as before" if assigned is None else sorted(p for t in assigned[0] for p in t[1])
        return f"epoch {answer[4] if answer[4] <= 0 else answer[4] - FIRST[group] + 1}, owns {owns}", 0

    return asked(c, group, ask)


def describe(c, group):
    def ask(node):
        member = ("s", "s", "s", "i", "s", "s", ["s"], "s", ([("u", "s", ["i"])],), ([("u", "s", ["i"])],), "c")
        answer = c.ask(
            DESCRIBE, 1, True, (["s"], "b"), ([group], False), ("i", [("h", "s", "s", "s", "i", "i", "s", [member], "i")]), node=node
        )
        code, _, _, state, epoch, assigned, assignor, members, _ = answer[1][0]
        if code:
            return ERRORS[code], code
        since = FIRST[group] - 1
        shown = [
            f"{m[0]} at {m[3] - since if m[3] > 0 else m[3]} of {sorted(m[6])} has {sorted(p for t in m[8][0] for p in t[2])} of {sorted(p for t in m[9][0] for p in t[2])}"
            for m in sorted(members, key=lambda m: m[0])
        ]
        if not members:
            return f"{state}, epoch {epoch - since}", 0
        return f"{state}, epoch {epoch - since}, assignment {assigned - since}, {assignor}: {'; '.join(shown)}", 0

    return asked(c, group, ask)


@case("ConsumerGroupHeartbeat: a member joins, goes on, leaves")
def _(c):
    make(c, "consumers", 4)
    said = [beat(c, "consumers-1", "m", 0), beat(c, "consumers-1", "m", 1), describe(c, "consumers-1")]
    return "; ".join([*said, beat(c, "consumers-1", "m", -1), describe(c, "consumers-1")])


@case("ConsumerGroupHeartbeat: what a request must not be")
def _(c):
    group = "consumers-wrong"
    return "; ".join(
        [
            beat(c, group, "", 0),
            beat(c, "", "m", 0),
            beat(c, group, "m", 0, instance=""),
            beat(c, group, "m", 0, rack=""),
            beat(c, group, "m", -3),
            beat(c, group, "m", -2),
            beat(c, group, "m", 0, timeout=-1),
            beat(c, group, "m", 0, owned=[(bytes(16), [1])]),
            beat(c, group, "m", 0, assignor="sticky"),
        ]
    )


@case("ConsumerGroupHeartbeat: a member or group that is not there")
def _(c):
    said = [beat(c, "consumers-none", "m", 5, text=False), beat(c, "consumers-none", "m", -1, text=False)]
    beat(c, "consumers-2", "m", 0)
    return "; ".join([*said, beat(c, "consumers-2", "n", 1, text=False), beat(c, "consumers-2", "n", -1, text=False)])


@case("ConsumerGroupHeartbeat: an epoch that is not the member's")
def _(c):
    beat(c, "consumers-3", "m", 0)
    return "; ".join([beat(c, "consumers-3", "m", 7, text=False), beat(c, "consumers-3", "m", 0)])


@case("ConsumerGroupHeartbeat: an expression that does not compile")
def _(c):
    return beat(c, "consumers-4", "m", 0, regex="(a", text=False)


@case("ConsumerGroupHeartbeat: a static member and another with its instance")
def _(c):
    group, instance = "consumers-5", "one"
    said = [beat(c, group, "a", 0, instance=instance), beat(c, group, "b", 0, instance=instance, text=False)]
    said += [beat(c, group, "a", -2, instance=instance), describe(c, group), beat(c, group, "b", 0, instance=instance), describe(c, group)]
    said += [beat(c, group, "a", 0, instance=instance, text=False), beat(c, group, "a", 1, instance=instance, text=False)]
    return "; ".join([*said, beat(c, group, "b", 1, instance="two", text=False)])


@case("ConsumerGroupHeartbeat: a member joins that is there already")
def _(c):
    beat(c, "consumers-6", "m", 0)
    return "; ".join([beat(c, "consumers-6", "m", 0), beat(c, "consumers-6", "m", 1, timeout=10_000, names=["consumers"], owned=[])])


@case("ConsumerGroupHeartbeat: topics that are not there, then are")
def _(c):
    group, names = "consumers-7", ["consumers-later"]
    said = [beat(c, group, "m", 0, names=names), describe(c, group)]
    make(c, "consumers-later", 2)
    time.sleep(1.2)  # group.consumer.assignment.interval.ms
    return "; ".join([*said, beat(c, group, "m", 1), describe(c, group)])


@case("ConsumerGroupHeartbeat: the assignor range")
def _(c):
    group = "consumers-8"
    return "; ".join([beat(c, group, "a", 0, assignor="range"), describe(c, group)])


@case("DescribeGroups, ConsumerGroupDescribe: of the other protocol, and of nobody, with operations")
def _(c):
    beat(c, "consumers-described", "m", 0)
    commit(c, "classic-described", "consumers", [(0, 5, "")])

    def told(key, version, group, form):
        def ask(node):
            request = (["s"], "b")
            a = c.ask(key, version, True, request, ([group], True), ("i", [form]), node=node)[1][0]
            return f"{ERRORS[a[0]]}: {a[1]} {a[-1]}", a[0]

        return asked(c, group, ask)

    classic = ("h", "s", "s", "s", "s", "s", [("s", "s", "s", "s", "y", "y")], "i")
    member = ("s", "s", "s", "i", "s", "s", ["s"], "s", ([("u", "s", ["i"])],), ([("u", "s", ["i"])],), "c")
    new = ("h", "s", "s", "s", "i", "i", "s", [member], "i")
    said = [told(15, 6, group, classic) for group in ("consumers-described", "classic-described", "nobody-described")]
    return "; ".join(said + [told(DESCRIBE, 1, group, new) for group in ("classic-described", "nobody-described")])


@case("LeaveGroup: members of a consumer group are removed from outside")
def _(c):
    group = "consumers-removed"
    said = [beat(c, group, "a", 0), beat(c, group, "b", 0, instance="one"), beat(c, group, "d", 0, instance="two")]
    leavers = [("a", None), ("a", "one"), ("b", "two"), ("nobody", None), ("", "nobody"), ("", "one"), ("d", "two")]

    def ask(node):
        request = ("s", [("s", "s", "s")])
        answer = c.ask(13, 5, True, request, (group, [(*m, None) for m in leavers]), ("i", "h", [("s", "s", "h")]), node=node)
        return ", ".join(f"{m[0]!r} {m[1]} {ERRORS[m[2]]}" for m in answer[2]), answer[1]

    return "; ".join([*said, asked(c, group, ask), describe(c, group), beat(c, group, "a", 1, text=False)])


@case("ConsumerGroupDescribe: a group that is not there")
def _(c):
    return describe(c, "consumers-nobody")
