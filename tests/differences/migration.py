"""Cases about groups with members of both protocols: how they are upgraded and downgraded. See cases.py, classic.py, consumers.py."""

import struct
import time

from differences.cases import ERRORS
from differences.classic import SYNC, Group, grouped
from differences.consumers import FIRST, beat, describe, make

TOPIC = "consumers-migrated"


def text(s):
    return struct.pack(">h", len(s)) + s.encode()


def partitions(numbers):
    return struct.pack(">i", 1) + text(TOPIC) + struct.pack(f">i{len(numbers)}i", len(numbers), *numbers) if numbers else bytes(4)


def subscription(owned=(), version=1, topics=(TOPIC,)):
    names = b"".join(map(text, topics))
    return struct.pack(">hi", version, len(topics)) + names + bytes(4) + (partitions(list(owned)) if version else b"")


def assignment(numbers):
    return struct.pack(">h", 1) + partitions(list(numbers)) + bytes(4)


class Mixed(Group):
    """Members of the classic protocol that say and hear what consumers do. Generations of a consumer group are told as its epochs are."""

    def label(self, member):
        made = len(member) > 20  # Kafka's are shorter in a consumer group than in a classic one
        return self.labels.setdefault(member, f"m{len(self.labels) + 1}") if made else repr(member)

    def join(self, *arguments, **more):
        said, member, n = super().join(*arguments, **more)
        if n > 0 and self.name in FIRST:
            said = said.replace(f"generation {n}", f"generation {n - FIRST[self.name] + 1}")
        return said, member, n

    def enter(self, owned=(), name="range", metadata=None, **more):
        return super().enter(protocols=((name, metadata or subscription(owned)),), **more)

    def again(self, member, owned=(), name="range", metadata=None, **more):
        said, _, generation = self.join(member, protocols=((name, metadata or subscription(owned)),), **more)
        return said, generation

    def fetch(self, member, generation, give=(), instance=None, kind="consumer", protocol="range"):
        """A Sync; the assignment is told as numbers of partitions."""
        request = ("s", "i", "s", "s", "s", "s", [("s", "y")])
        values = (self.name, generation, member, instance, kind, protocol, [(m, assignment(p)) for m, p in give])
        answer = self.ask(SYNC, 5, True, request, values, ("i", "h", "s", "s", "y"), 1)
        if answer[1]:
            return ERRORS[answer[1]]
        count, at, has = struct.unpack(">i", answer[4][2:6])[0], 6, []
        for _ in range(count):
            at += 2 + struct.unpack(">h", answer[4][at : at + 2])[0]
            (some,) = struct.unpack(">i", answer[4][at : at + 4])
            has += struct.unpack(f">{some}i", answer[4][at + 4 : at + 4 + 4 * some])
            at += 4 + 4 * some
        return f"{answer[2]} {answer[3]} version {answer[4][1]} {sorted(has)}"

    def state(self):
        return self.describe().split(" [")[0]


def mixed(name, group):
    """A case with a group of its own, whose topic has four partitions."""

    def add(function):
        def run(g):
            make(g.c, TOPIC, 4) if g.c.metadata([TOPIC])[4][0][0] else None
            return function(g)

        return grouped(name, group, Mixed)(run)

    return add


def members(c, group, g):
    """ConsumerGroupDescribe, with the names of members that the coordinator made."""
    said = describe(c, group)
    for member, label in g.labels.items():
        said = said.replace(member, label)
    return said


def stable(g, **more):
    """One member of the classic protocol, which has all."""
    _, one, n = g.enter(**more)
    g.fetch(one, n, [(one, range(4))], instance=more.get("instance"))
    return one, n


@mixed("Migration: a classic group is upgraded and downgraded", "migrated")
def _(g):
    c, name = g.c, g.name
    one, n = stable(g)
    out = [beat(c, name, "new", 0, names=[TOPIC]), members(c, name, g), g.state()]
    out += [g.beat(one, n), g.fetch(one, n), g.commit(one, n), g.commit(one, n + 1), g.commit(one, n, version=9)]
    said, n = g.again(one)
    out += [said, g.commit(one, n), g.commit(one, n - 1), g.beat(one, n), g.fetch(one, n)]
    out += [beat(c, name, "new", 1), beat(c, name, "new", 1, owned=[]), members(c, name, g), g.beat(one, n), g.listed()]
    out += [g.beat("new", n), g.beat("nobody", n), g.beat(one, n + 1), g.beat(one, n, "one"), g.fetch("new", n), g.fetch(one, n + 1)]
    out += [g.fetch(one, n, kind="connect"), g.fetch(one, n, protocol="sticky"), g.again("nobody", instance="one")[0]]
    out += [g.again(one, name="sticky")[0], g.join(one, kind="connect")[0]]
    out += [beat(c, name, "new", -1), g.state(), g.beat(one, n), g.fetch(one, n)]
    said, n = g.again(one)
    return [*out, said, g.fetch(one, n, [(one, range(4))]), g.state(), g.beat(one, n)]


@mixed("Migration: a cooperative member gives back before another gets", "migrated-cooperative")
def _(g):
    c, name = g.c, g.name
    one, n = stable(g)
    out = [beat(c, name, "new", 0, names=[TOPIC])]
    said, n = g.again(one, owned=range(4))
    out += [said, g.fetch(one, n), members(c, name, g), beat(c, name, "new", 1), g.beat(one, n)]
    said, n = g.again(one, owned=(0, 1))
    return [*out, said, g.fetch(one, n), beat(c, name, "new", 1), g.beat(one, n), members(c, name, g)]


@mixed("Migration: members of the classic protocol join and leave a consumer group", "migrated-joined")
def _(g):
    c, name = g.c, g.name
    beat(c, name, "new", 0, names=[TOPIC])
    time.sleep(1.2)  # group.consumer.assignment.interval.ms
    said, one, n = g.join(protocols=(("range", subscription()),))
    out = [said, g.beat(one, 1), g.leave((one, None))]
    said, n = g.again(one)
    out += [said, g.fetch(one, n), members(c, name, g), g.leave((one, "one"), (one, None), (one, None))]
    time.sleep(1.2)
    said, two, n = g.enter(version=5, metadata=subscription(version=0))
    return [*out, said, g.state(), beat(c, name, "new", 1, owned=[], text=False)]


@mixed("Migration: a static member changes its protocol", "migrated-static")
def _(g):
    c, name = g.c, g.name
    one, n = stable(g, instance="one")
    out = [
        beat(c, name, "new", 0, names=[TOPIC], instance="one"),
        members(c, name, g),
        g.beat(one, n, "one"),
        g.fetch(one, n, instance="one"),
    ]
    said, two, n = g.enter(instance="one")
    out += [said, g.state(), g.fetch(two, n, instance="one"), g.beat(two, n, "one"), beat(c, name, "new", 1, instance="one", text=False)]
    return [*out, g.beat(one, n, "one")]


@mixed("Migration: a member of KIP-848 that a classic group does not know", "migrated-unknown")
def _(g):
    stable(g)
    return [beat(g.c, g.name, "asleep", 5, text=False)]


@mixed("Migration: groups that are not upgraded", "migrated-refused")
def _(g):
    said, _, _ = g.enter(kind="connect")
    other = Mixed(g.c, "migrated-malformed")
    g.kept.append(other)
    _, one, n = other.enter(metadata=b"\x00")
    other.fetch(one, n, [(one, range(4))])
    out = [beat(g.c, g.name, "new", 0, names=[TOPIC], text=False), beat(g.c, other.name, "new", 0, names=[TOPIC], text=False)]
    custom = Mixed(g.c, "migrated-custom")
    g.kept.append(custom)
    _, one, n = custom.enter(name="custom")
    values = (custom.name, n, one, None, "consumer", "custom", [(one, assignment(range(4))[:-4] + struct.pack(">i", 1) + b"x")])
    custom.ask(SYNC, 5, True, ("s", "i", "s", "s", "s", "s", [("s", "y")]), values, ("i", "h", "s", "s", "y"), 1)
    return [*out, beat(g.c, custom.name, "new", 0, names=[TOPIC], text=False)]
