"""Cases about fetch sessions, topics by id, and leaders that are told: see cases.py."""

import time

from differences.cases import ERRORS, FETCH, INT_MAX, NO_ID, PRODUCE, case, relative

from harness.raw import batch

SMALL = batch([(None, b"x")])
FAR = 1 << 20
NOWHERE = bytes(range(16))


def topic_id(c, name):
    answer = c.ask(
        3,
        10,
        True,
        ([("u", "s")], "b", "b", "b"),
        ([(NO_ID, name)], False, False, False),
        ("i", [("i", "s", "i", "s")], "s", "i", [("h", "s", "u", "b", [("h", "i", "i", "i", ["i"], ["i"], ["i"])], "i")], "i"),
    )
    return answer[4][0][2]


def make(c, name, partitions):
    """All of its partitions are led by the first broker."""
    said = c.create(name, -1, -1, [(p, [1, 2, 3]) for p in range(partitions)])
    assert said == "NONE", said
    for _ in range(200):
        topic = c.metadata([name])[4][0]
        if [p[2] for p in topic[3]] == [1] * partitions and all(c.list_at(1, name, p)[1] == 0 for p in range(partitions)):
            return
        time.sleep(0.05)
    raise TimeoutError(f"{name} is not led by broker 1")


def lost_leader(c, name):
    """A broker that has no replica of the topic, which has one."""
    leader, _ = c.leader(name)
    return next(node for node in c.addresses if node != leader)


class Client:
    """A consumer with a session: parts are (partition, offset) each, topics by name up to version 12, by id from 13 on."""

    def __init__(self, c, name, version=11, partitions=2):
        self.c, self.version, self.session, self.epoch = c, version, 0, 0
        if name is not None:
            make(c, name, partitions)
            self.name, (self.node, self.present) = name, c.leader(name)
            self.key = topic_id(c, name) if version >= 13 else name

    def ask(self, parts=(), forgotten=(), key=None, session=None, epoch=None, version=None, last=-1, node=None):
        version = version or self.version
        key = self.key if key is None else key
        named, name = version >= 13, "u" if version >= 13 else "s"
        flexible = version >= 12
        part = ("i", "i", "q", "i", "q", "i") if flexible else ("i", "i", "q", "q", "i")
        rows = [(p, -1, offset, last, -1, FAR) if flexible else (p, -1, offset, -1, FAR) for p, offset in parts]
        head = ("i", "i", "i", "c", "i", "i", [(name, [part])], [(name, ["i"])], "s")
        value = (0, 0, INT_MAX, 0, self.session if session is None else session, self.epoch if epoch is None else epoch)
        value += ([(key, rows)] if rows else [], [(key, list(forgotten))] if forgotten else [], "")
        if version < 15:
            head, value = ("i", *head), (-1, *value)
        out = ("i", "h", "q", "q", "q", [("q", "q")], "i", "y")
        tags = {0: ("i", "q"), 1: ("i", "i")}
        answer = self.c.ask(
            FETCH,
            version,
            flexible,
            head,
            value,
            ("i", "h", "i", [(name, [(*out, tags)])], {0: [("i", "s", "i", "s")]}) if flexible else ("i", "h", "i", [(name, [out])]),
            node=node or self.node,
        )
        assert not named or all(len(t[0]) == 16 for t in answer[3])
        return answer

    def said(self, *arguments, **named):
        answer = self.ask(*arguments, **named)
        code, given = answer[1], answer[2]
        session = "no session" if given == 0 else "the session" if given == self.session else "a session"
        if code == 0 and given != 0:
            self.epoch = self.epoch + 1 if given == self.session else 1
            self.session = given
        rows = sorted((p for t in answer[3] for p in t[1]), key=lambda p: p[0])
        return f"{ERRORS[code]}, {session}: " + ("; ".join(map(self.row, rows)) or "nothing")

    def row(self, p):
        text = f"{p[0]} {ERRORS[p[1]]} to {p[2]} from {p[4]}, {len(p[7] or b'') / len(SMALL):g} batches"
        tags = p[8] if len(p) > 8 else {}
        if 0 in tags:
            text += f", diverging in epoch {relative(tags[0][0], self.present)} at {tags[0][1]}"
        if 1 in tags:
            text += f", led by {'the leader' if tags[1][0] == self.node else tags[1][0]} in epoch {relative(tags[1][1], self.present)}"
        return text

    def produce(self, partition=0):
        self.c.put(self.name, SMALL, partition=partition)

    def until_error(self):
        """What is said of the first partition once it is wrong, and not any more of what was."""
        for _ in range(100):
            text = self.said()
            if "_" in text:
                return text
            time.sleep(0.1)
        raise TimeoutError(text)


def sessions():
    for version in (11, 13):
        by = "by name" if version < 13 else "by id"

        @case(f"Fetch: a session {by}")
        def _(c, version=version, by=by):
            client = Client(c, f"session-{version}", version)
            texts = [client.said([(0, 0), (1, 0)]), client.said()]
            client.produce()
            texts += [client.said(), client.said(), client.said([(0, 1)]), client.said()]
            client.produce(1)
            texts += [client.said([(0, 0)]), client.said([(0, 1), (1, 1)]), client.said()]
            return " | ".join(texts)

        @case(f"Fetch: a session {by} with errors")
        def _(c, version=version):
            client = Client(c, f"session-errors-{version}", version)
            texts = [client.said([(0, 0), (1, 5), (9, 0)]), client.said(), client.said([(1, 0)], [9]), client.said()]
            return " | ".join(texts)

        @case(f"Fetch: a session {by} forgets")
        def _(c, version=version):
            client = Client(c, f"session-forgets-{version}", version)
            texts = [client.said([(0, 0), (1, 0)]), client.said((), [0, 0, 7])]
            client.produce()
            texts += [client.said(), client.said([(0, 0)]), client.said([(0, 0)], [0, 1]), client.said()]
            return " | ".join(texts)

        @case(f"Fetch: a session {by}, epochs")
        def _(c, version=version):
            client = Client(c, f"session-epochs-{version}", version)
            texts = [client.said([(0, 0)])]
            texts += [client.said(epoch=epoch) for epoch in (2, -2, INT_MAX)]
            texts += [client.said(), client.said(epoch=1), client.said(session=client.session ^ 1), client.said(session=0)]
            other = 13 if version < 13 else 11
            texts += [client.said(version=other, key=NOWHERE if other == 13 else client.name), client.said()]
            return " | ".join(texts)

        @case(f"Fetch: a session {by} is replaced, and ended")
        def _(c, version=version):
            client = Client(c, f"session-ends-{version}", version)
            texts = [client.said([(0, 0)])]
            first = client.session
            texts += [client.said([(1, 0)], epoch=0), client.said(session=first, epoch=1), client.said()]
            texts += [client.said([(0, 0)], epoch=-1), client.said(epoch=2)]
            return " | ".join(texts)

        @case(f"Fetch: a session {by} of nothing")
        def _(c, version=version):
            client = Client(c, f"session-empty-{version}", version)
            return " | ".join([client.said(), client.said(), client.said()])

        @case(f"Fetch: a session {by} names one partition twice")
        def _(c, version=version):
            client = Client(c, f"session-twice-{version}", version)
            client.produce()
            return " | ".join([client.said([(0, 5), (0, 1), (0, 0)]), client.said([(0, 0), (0, 1)])])

        @case(f"Fetch: a session {by} of a topic that goes")
        def _(c, version=version):
            client = Client(c, f"session-gone-{version}", version, 1)
            texts = [client.said([(0, 0)])]
            assert c.delete(client.name) == "NONE"
            texts += [client.until_error(), client.said()]
            return " | ".join(texts)

        @case(f"Fetch: a session {by} of a topic that is another one")
        def _(c, version=version):
            client = Client(c, f"session-again-{version}", version, 1)
            client.produce()
            texts = [client.said([(0, 1)])]
            assert c.delete(client.name) == "NONE"
            client.until_error()
            make(c, client.name, 1)
            texts += [client.said()]
            return " | ".join(texts)

    @case("Fetch: an unknown id")
    def _(c):
        client = Client(c, "id-unknown", 13, 1)
        return " | ".join([client.said([(0, 0)], key=NOWHERE), client.said(), client.said((), [0], key=NOWHERE)])

    @case("Fetch: an unknown id, without a session")
    def _(c):
        return Client(c, "id-unknown-once", 13, 1).said([(0, 0)], key=NOWHERE, epoch=-1)

    @case("Fetch: no id")
    def _(c):
        return Client(c, "id-none", 13, 1).said([(0, 0)], key=NO_ID, epoch=-1)

    @case("Fetch: version 18")
    def _(c):
        client = Client(c, "fetch-18", 18, 1)
        client.produce()
        return client.said([(0, 0)], epoch=-1)

    for version in (15, 16):

        @case(f"Fetch: who leads instead (version {version})")
        def _(c, version=version):
            client = Client(c, None, version)
            client.name, client.key = f"led-{version}", None
            c.make(client.name, factor=1)
            client.node, client.present = c.leader(client.name)
            client.key = topic_id(c, client.name)
            answer = client.ask([(0, 0)], node=lost_leader(c, client.name), epoch=-1)
            hosts = answer[4].get(0, [])
            return (
                client.row(answer[3][0][1][0])
                + f"; {len(hosts)} addresses"
                + ", right" * ([(h[0], h[1], h[2]) for h in hosts] == [(client.node, *c.addresses[client.node])])
            )

    for what, (offset, epoch) in {"newer": (1, 1), "right": (0, 0), "right, above the end": (4, 0)}.items():

        @case(f"Fetch: last epoch {what} (version 16)")
        def _(c, what=what, offset=offset, epoch=epoch):
            client = Client(c, f"epoch-{'-'.join(what.replace(',', '').split())}", 16, 1)
            client.produce()
            return client.said([(0, offset)], last=client.present + epoch, epoch=-1)


sessions()


def produce(c, node, version, key, partition=0):
    name = "u" if version >= 13 else "s"
    out = ("i", "h", "q", "q", "q", [("i", "s")], "s", {0: ("i", "i")})
    return c.ask(
        PRODUCE,
        version,
        True,
        ("s", "h", "i", [(name, [("i", "y")])]),
        (None, -1, 10000, [(key, [(partition, SMALL)])]),
        ([(name, [out])], "i", {0: [("i", "s", "i", "s")]}),
        node=node,
    )


def produces():
    for what, partition in {"": 0, ", a partition that is not there": 5}.items():

        @case(f"Produce: by id{what}")
        def _(c, partition=partition):
            name = f"produced-by-id-{partition}"
            c.make(name)
            key = topic_id(c, name)
            answer = produce(c, c.leader(name)[0], 13, key, partition)
            p = answer[0][0][1][0]
            return f"{'its id' if answer[0][0][0] == key else 'another id'}, {ERRORS[p[1]]}, offset {p[2]}"

    for what, key in {"an unknown id": NOWHERE, "no id": NO_ID}.items():

        @case(f"Produce: {what}")
        def _(c, key=key):
            p = produce(c, next(iter(c.addresses)), 13, key)[0][0][1][0]
            return f"{ERRORS[p[1]]}, offset {p[2]}"

    for version in (9, 10, 12):

        @case(f"Produce: who leads instead (version {version})")
        def _(c, version=version):
            name = f"led-elsewhere-{version}"
            c.make(name, factor=1)
            leader, present = c.leader(name)
            answer = produce(c, lost_leader(c, name), version, name)
            p, hosts = answer[0][0][1][0], answer[2].get(0, [])
            hint = p[7].get(0)
            told = "nobody" if hint is None else f"{'the leader' if hint[0] == leader else hint[0]} in epoch {relative(hint[1], present)}"
            right = [(h[0], h[1], h[2]) for h in hosts] == [(leader, *c.addresses[leader])]
            return f"{ERRORS[p[1]]}, led by {told}; {len(hosts)} addresses" + ", right" * right


produces()
