"""Cases about groups of the classic protocol and their members: see cases.py. Ids that the coordinator makes are told by the order in which they came."""

import time
from concurrent.futures import ThreadPoolExecutor

from differences.cases import ERRORS, case
from differences.frames import Connection
from differences.offsets import RETRIED, commit, coordinator, fetch

JOIN, BEAT, LEAVE, SYNC, DESCRIBE, LIST = 11, 12, 13, 14, 15, 16
MADE = 36  # characters of the random part of an id


class Group:
    """A group, asked on one connection for each request that waits; connections stay open, for ids that were told go with theirs."""

    def __init__(self, c, name):
        self.c, self.name, self.labels, self.kept = c, name, {}, []
        self.pool = ThreadPoolExecutor(4)

    def label(self, member):
        return self.labels.setdefault(member, f"m{len(self.labels) + 1}") if len(member) > MADE else repr(member)

    def ask(self, key, version, flexible, request, values, response, code):
        for _ in range(100):
            connection = Connection(*self.c.addresses[coordinator(self.c, self.name)])
            self.kept.append(connection)
            answer = connection.ask(key, version, flexible, request, values, response)
            if answer[code] not in RETRIED:
                return answer
            time.sleep(0.1)
        raise TimeoutError(f"the coordinator of {self.name} is not there")

    def close(self):
        self.pool.shutdown()
        for connection in self.kept:
            connection.close()

    def join(self, member="", version=9, session=20_000, instance=None, kind="consumer", protocols=(("range", b"meta"),)):
        """(what is said, member id, generation)."""
        old = version < 9
        head = ("s", "i", "i", "s", "s", "s", [("s", "y")])
        values = (self.name, session, 5_000, member, instance, kind, list(protocols))
        answer = self.ask(
            JOIN,
            version,
            not old,
            head if old else (*head, "s"),
            values if old else (*values, None),
            ("i", "h", "i", "s", "s", "s", [("s", "s", "y")]) if old else ("i", "h", "i", "s", "s", "s", "b", "s", [("s", "s", "y")]),
            1,
        )
        code, generation, protocol, leader, own = (
            (*answer[1:5], answer[5]) if old else (answer[1], answer[2], answer[4], answer[5], answer[7])
        )
        skips = "" if old else f", skips {answer[6]}"
        members = ", ".join(sorted(f"{self.label(m[0])} {m[1]} {m[2].decode()}" for m in answer[-1]))
        said = f"{ERRORS[code]}, generation {generation}, {protocol}, leader {self.label(leader)}{skips}, I am {self.label(own)}, members [{members}]"
        return said, own, generation

    def enter(self, **more):
        said, member, generation = self.join(**more)
        if said.startswith("MEMBER_ID_REQUIRED"):
            return self.join(member, **more)
        return said, member, generation

    def wait(self, state):
        for _ in range(200):
            if self.describe().startswith(f"NONE, {state}"):
                return
            time.sleep(0.05)
        raise TimeoutError(f"{self.name} does not become {state}")

    def sync(self, member, generation, assignments=(), instance=None, kind="consumer", protocol="range"):
        request = ("s", "i", "s", "s", "s", "s", [("s", "y")])
        values = (self.name, generation, member, instance, kind, protocol, list(assignments))
        answer = self.ask(SYNC, 5, True, request, values, ("i", "h", "s", "s", "y"), 1)
        return f"{ERRORS[answer[1]]} {answer[2]} {answer[3]} {answer[4].decode()}"

    def beat(self, member, generation, instance=None):
        answer = self.ask(BEAT, 4, True, ("s", "i", "s", "s"), (self.name, generation, member, instance), ("i", "h"), 1)
        return ERRORS[answer[1]]

    def leave(self, *members):
        values = (self.name, [(*m, None) for m in members])
        answer = self.ask(LEAVE, 5, True, ("s", [("s", "s", "s")]), values, ("i", "h", [("s", "s", "h")]), 1)
        return f"{ERRORS[answer[1]]}: " + ", ".join(f"{self.label(m[0])} {m[1]} {ERRORS[m[2]]}" for m in answer[2])

    def describe(self):
        group = ("h", "s", "s", "s", "s", [("s", "s", "s", "s", "y", "y")], "i")
        code, _, state, kind, protocol, members, _ = self.ask(DESCRIBE, 5, True, (["s"], "b"), ([self.name], False), ("i", [group]), 0)[1][
            0
        ]
        shown = sorted(f"{self.label(m[0])} {m[1]} {m[2]} {m[4].decode(errors='replace')} {m[5].decode(errors='replace')}" for m in members)
        return f"{ERRORS[code]}, {state}, {kind!r} {protocol!r} [{', '.join(shown)}]"

    def listed(self, states=(), kinds=()):
        answer = self.ask(LIST, 5, True, (["s"], ["s"]), (list(states), list(kinds)), ("i", "h", [("s", "s", "s", "s")]), 1)
        return f"{ERRORS[answer[1]]} {[g[1:] for g in answer[2] if g[0] == self.name]}"

    def commit(self, member, generation, instance=None, version=8):
        return commit(self.c, self.name, "classic", [(0, 7, "")], version=version, generation=generation, member=member, instance=instance)


def grouped(name, group, kind=Group):
    """A case with a group of its own."""

    def add(function):
        @case(name)
        def _(c):
            if c.metadata(["classic"])[4][0][0] != 0:
                c.make("classic")
            g = kind(c, group)
            try:
                return "; ".join(function(g))
            finally:
                g.close()

    return add


@grouped("Classic group: the empty id", "")
def _(g):
    return [g.join()[0], g.sync("m", 1), g.beat("m", 1), g.leave(("m", None))]


@grouped("Classic group: one that is not there", "classic-none")
def _(g):
    said = [g.join(session=session)[0] for session in (5_999, 1_800_001, -1)]
    said += [g.join("nobody")[0], g.join("nobody", instance="one")[0], g.join(protocols=())[0], g.join(kind="")[0]]
    said += [g.sync("m", 1, kind=None), g.sync("m", 1, protocol=None), g.sync("m", 1), g.beat("m", 1), g.beat("", -1)]
    return [*said, g.leave(("m", None), ("", None), ("", "one"), ("m", "one")), g.leave()]


@grouped("Classic group: an id that was told and not used", "classic-told")
def _(g):
    said, member, _ = g.join()
    out = [said, g.beat(member, 0), g.sync(member, 0), g.commit(member, 0)]
    return [*out, g.leave((member, "one")), g.leave((member, None)), g.leave((member, None)), g.join(member)[0]]


@grouped("Classic group: one member, with wrong ids and generations in each state", "classic-one")
def _(g):
    said, m, n = g.enter()
    out = [said, g.describe(), *(g.listed(states) for states in (["completingrebalance"], [" Stable"], ["nonsense"]))]

    def wrong():
        yield from (g.sync("other", n), g.sync(m, n + 1), g.sync(m, n - 1), g.sync(m, n, instance="one"))
        yield from (g.sync(m, n, protocol="other"), g.sync(m, n, kind="other"))
        yield from (g.beat("other", n), g.beat(m, n + 1), g.beat(m, -1), g.beat(m, n, "one"), g.beat("", n), g.beat(m, n))
        yield from (g.commit(m, n), g.commit(m, n + 1), g.commit("", -1), g.commit(m, -1), g.commit("other", n), g.commit("", n))
        yield from (g.commit(m, n, "one"), g.commit("", -1, "one"), g.commit(m, n, version=9))
        yield from (g.join("other")[0], g.join(kind="connect")[0], g.join(protocols=(("sticky", b""),))[0])

    out += wrong()
    out += [g.sync(m, n, [(m, b"mine"), ("other", b"nobody's")]), g.sync(m, n, [(m, b"changed")]), g.describe()]
    out += wrong()
    out += [g.listed(kinds=kinds) for kinds in (["Classic"], ["consumer"], ["nonsense"], [""])]
    out += [g.leave(("other", None), ("", "one"), (m, "one")), g.leave((m, None)), g.describe(), g.listed(["empty"])]
    out += wrong()
    return [*out, fetch(g.c, g.name, None)]


@grouped("Classic group: a second member comes, and the first must join again", "classic-two")
def _(g):
    _, one, n = g.enter()
    g.sync(one, n, [(one, b"all")])
    later = g.pool.submit(g.enter)
    g.wait("PreparingRebalance")
    out = [g.beat(one, n), g.sync(one, n), g.commit(one, n), g.commit(one, n + 1)]
    out += [g.join(one)[0]]
    said, two, n = later.result()
    out += [said, g.beat(two, n), g.beat(one, n - 1), g.describe(), g.join(two)[0], g.commit(two, n)]
    later = g.pool.submit(g.sync, two, n)
    out += [g.sync(one, n, [(one, b"half"), (two, b"other half")]), later.result(), g.describe()]
    out += [g.join(two)[0]]  # who follows and says the same changes nothing
    later = g.pool.submit(g.join, two, protocols=(("range", b"new"),))
    g.wait("PreparingRebalance")
    out += [g.join(one)[0], later.result()[0], g.leave((two, None)), g.beat(one, n + 1), g.join(one)[0], g.leave((one, None))]
    return [*out, g.describe()]


def static(version):
    @grouped(f"Classic group: static members come back (version {version})", f"classic-static-{version}")
    def _(g):
        said, one, n = g.join(instance="one", version=version)
        out = [said, str(one.startswith("one-")), g.sync(one, n, [(one, b"all")], instance="one")]
        said, again, _ = g.join(instance="one", version=version)  # the leader
        out += [said, g.sync(again, n, [(again, b"changed")], instance="one"), g.describe()]
        out += [g.beat(one, n), g.beat(one, n, "one"), g.sync(one, n, instance="one"), g.commit(one, n, "one"), g.leave((one, "one"))]
        out += [g.beat(again, n), g.beat(again, n, "one"), g.beat(again, n, "two"), g.join(one, instance="one", version=version)[0]]
        later = g.pool.submit(g.join, instance="two", version=version)
        g.wait("PreparingRebalance")
        out += [g.join(again, instance="one", version=version)[0]]
        said, two, n = later.result()
        later = g.pool.submit(g.sync, two, n, instance="two")
        out += [said, g.sync(again, n, [(again, b"a"), (two, b"b")], instance="one"), later.result()]
        out += [g.join(instance="two", version=version)[0]]  # a follower
        out += [g.leave(("", "two"), ("", "nobody"), ("", "one")), g.describe()]
        return out


static(5)
static(9)
