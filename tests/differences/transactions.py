"""Cases about transactions: what their coordinator answers, state by state. See cases.py."""

import time

from differences.cases import COORDINATOR, ERRORS, INIT, case

ADD, OFFSETS, END, DESCRIBE, LIST = 24, 25, 26, 65, 66
AGAIN = {"COORDINATOR_LOAD_IN_PROGRESS", "COORDINATOR_NOT_AVAILABLE", "NOT_COORDINATOR", "CONCURRENT_TRANSACTIONS"}


class Producer:
    """A transactional id, and who has it as far as it has heard. Kafka refuses for the moment what drave lets wait, so that is asked again."""

    def __init__(self, cluster, name, topic=True):
        self.cluster, self.name, self.producer, self.epoch, self.first = cluster, name, -1, -1, None
        if topic and cluster.metadata([f"of-{name}"])[4][0][0] != 0:
            cluster.make(f"of-{name}", 2)

    def ask(self, key, version, flexible, request, values, response, code):
        for _ in range(100):
            found = self.cluster.ask(COORDINATOR, 1, False, ("s", "c"), (self.name, 1), ("i", "h", "s", "i", "s", "i"))
            if found[1] == 0:
                answer = self.cluster.ask(key, version, flexible, request, values, response, node=found[3])
                if code(answer) not in AGAIN:
                    return answer
            time.sleep(0.05)
        raise TimeoutError(self.name)

    def shown(self, producer, epoch):
        if self.first is None and producer >= 0:
            self.first = producer
        return f"{'the same' if producer == self.first else 'none' if producer < 0 else 'another'} producer id, epoch {epoch}"

    def init(self, given=None, version=4, timeout=60000):
        answer = self.ask(
            INIT,
            version,
            True,
            ("s", "i", "q", "h"),
            (self.name, timeout, *(given or (-1, -1))),
            ("i", "h", "q", "h"),
            lambda a: ERRORS[a[1]],
        )
        if answer[1] == 0:
            self.producer, self.epoch = answer[2:4]
        return f"{ERRORS[answer[1]]}, {self.shown(*answer[2:4])}"

    def add(self, partitions=(0,), version=3, topics=(), epoch=0, producer=None):
        asked = [(f"of-{self.name}", list(partitions)), *topics]
        answer = self.ask(
            ADD,
            version,
            version >= 3,
            ("s", "q", "h", [("s", ["i"])]),
            (self.name, self.producer if producer is None else producer, self.epoch + epoch, asked),
            ("i", [("s", [("i", "h")])]),
            lambda a: ERRORS[a[1][0][1][0][1]] if a[1] and a[1][0][1] else "NONE",
        )
        return "; ".join(f"{p[0]} {ERRORS[p[1]]}" for t in sorted(answer[1]) for p in sorted(t[1])) or "nothing"

    def offsets(self, group, version=3):
        answer = self.ask(
            OFFSETS,
            version,
            version >= 3,
            ("s", "q", "h", "s"),
            (self.name, self.producer, self.epoch, group),
            ("i", "h"),
            lambda a: ERRORS[a[1]],
        )
        return ERRORS[answer[1]]

    def end(self, commit, version=3, epoch=0, producer=None):
        answer = self.ask(
            END,
            version,
            version >= 3,
            ("s", "q", "h", "b"),
            (self.name, self.producer if producer is None else producer, self.epoch + epoch, commit),
            ("i", "h", *(("q", "h") if version >= 5 else ())),
            lambda a: ERRORS[a[1]],
        )
        if version < 5:
            return ERRORS[answer[1]]
        return f"{ERRORS[answer[1]]}, {self.shown(*answer[2:4])}"

    def state(self):
        """Not while it is being ended."""
        for _ in range(200):
            answer = self.ask(
                DESCRIBE,
                0,
                True,
                (["s"],),
                ([self.name],),
                ("i", [("h", "s", "s", "i", "q", "q", "h", [("s", ["i"])])]),
                lambda a: ERRORS[a[1][0][0]],
            )
            row = answer[1][0]
            if not row[2].startswith("Prepare"):
                break
            time.sleep(0.02)
        topics = ", ".join(f"{t[0]} {sorted(t[1])}" for t in sorted(row[7])) or "no topics"
        return f"{ERRORS[row[0]]} {row[2]!r}, timeout {row[3]}, begun {row[4] > 0}, epoch {row[6]}, {topics}"


def begun(c, name, version=4):
    producer = Producer(c, name)
    producer.init()
    producer.add()
    return producer


def raised(c, name, commit=True):
    producer = begun(c, name)
    producer.end(commit, version=5)
    return producer


def beginnings():
    names = iter(f"begins-{n}" for n in range(100))

    def told(what):
        def keep(steps):
            name = next(names)
            case(f"Transactions: {what}")(lambda c: " / ".join(steps(c, name)))

        return keep

    @told("InitProducerId twice")
    def _(c, name):
        p = Producer(c, name, False)
        return p.init(), p.init(), p.state()

    @told("InitProducerId with its epoch, again, and with the one before")
    def _(c, name):
        p = Producer(c, name, False)
        p.init()
        mine = (p.producer, p.epoch)
        return p.init(mine), p.init(mine), p.init((mine[0], 7)), p.init((mine[0] + 100000, 0)), p.init((mine[0], 7), version=3)

    @told("InitProducerId, timeout 15 minutes and 1 ms more")
    def _(c, name):
        p = Producer(c, name, False)
        return p.init(timeout=900000), p.init(timeout=900001), p.init(timeout=-1)

    @told("InitProducerId of an id that is forgotten")
    def _(c, name):
        return (Producer(c, name, False).init((5, 5)),)

    @told("InitProducerId while one is open")
    def _(c, name):
        p = begun(c, name)
        return p.init(), p.state(), p.add(epoch=-2), p.end(True, epoch=-2)

    @told("partitions, again, and more")
    def _(c, name):
        p = Producer(c, name)
        p.init()
        return p.state(), p.add(), p.add(), p.add([1, 0]), p.state()

    @told("partitions that do not exist")
    def _(c, name):
        p = Producer(c, name)
        p.init()
        return p.add([0, 9]), p.add(topics=[("never-made", [0])]), p.state()

    @told("no partitions")
    def _(c, name):
        p = Producer(c, name)
        p.init()
        return p.add([]), p.state()

    @told("partitions of another epoch and id")
    def _(c, name):
        p = Producer(c, name)
        p.init()
        return p.add(epoch=1), p.add(epoch=-1), p.add(epoch=1, version=1), p.add(producer=p.producer + 100000)

    @told("what an unknown id may do")
    def _(c, name):
        p = Producer(c, name)
        p.producer, p.epoch = 5, 0
        return p.add(), p.end(True), p.end(False, version=5), p.offsets("g")

    @told("offsets of a group")
    def _(c, name):
        p = Producer(c, name, False)
        p.init()
        c.ask(COORDINATOR, 1, False, ("s", "c"), ("g", 0), ("i", "h", "s", "i", "s", "i"))
        time.sleep(0.5)
        return p.offsets("g"), p.offsets("g", version=0), p.end(True)


def ends():
    names = iter(f"ends-{n}" for n in range(100))

    def told(what):
        def keep(steps):
            name = next(names)
            case(f"EndTxn: {what}")(lambda c: " / ".join(steps(c, name)))

        return keep

    @told("commit, and again, and abort")
    def _(c, name):
        p = begun(c, name)
        return p.end(True), p.end(True), p.state(), p.end(False), p.end(True, version=1)

    @told("abort, and again, and commit")
    def _(c, name):
        p = begun(c, name)
        return p.end(False), p.end(False), p.state(), p.end(True), p.end(False, version=1)

    @told("of nothing")
    def _(c, name):
        p = Producer(c, name)
        p.init()
        return p.end(True), p.end(False)

    @told("of another epoch and id")
    def _(c, name):
        p = begun(c, name)
        return p.end(True, epoch=1), p.end(True, epoch=-1), p.end(True, epoch=-1, version=1), p.end(True, producer=p.producer + 100000)

    @told("a second transaction")
    def _(c, name):
        p = begun(c, name)
        return p.end(True), p.add(), p.state(), p.end(False), p.state()

    @told("5, commit, again, and otherwise")
    def _(c, name):
        p = begun(c, name)
        return p.end(True, version=5), p.end(True, version=5), p.end(False, version=5), p.end(True, version=5, epoch=1), p.state()

    @told("5, abort, again, and otherwise")
    def _(c, name):
        p = begun(c, name)
        return p.end(False, version=5), p.end(False, version=5), p.end(True, version=5, epoch=1), p.state()

    @told("5, of nothing")
    def _(c, name):
        p = Producer(c, name)
        p.init()
        return p.end(True, version=5), p.end(False, version=5), p.end(False, version=5), p.end(False, version=5, epoch=1), p.state()

    @told("5, of nothing behind a commit and an abort")
    def _(c, name):
        p = raised(c, name)
        return p.end(False, version=5, epoch=1), p.end(False, version=5, epoch=2), p.end(True, version=5, epoch=3), p.state()

    @told("5, with an old epoch and a stranger's")
    def _(c, name):
        p = raised(c, name)
        return p.end(True, version=5, epoch=-1), p.end(True, version=5, epoch=9), p.end(True, version=5, producer=p.producer + 100000)

    @told("5, of one whose id another has taken")
    def _(c, name):
        p = raised(c, name)
        old = (p.producer, p.epoch)
        said = [p.init()]
        p.producer, p.epoch = old[0], old[1] + 1
        return *said, p.end(True, version=5), p.end(False, version=5), p.end(True), p.state()

    @told("5, then 3 with the new epoch")
    def _(c, name):
        p = raised(c, name)
        p.epoch += 1
        return p.add(), p.end(True), p.end(True), p.state()


def looks():
    def listed(c, name, states=(), longer=-1, pattern=None):
        p = begun(c, name)
        pattern = f"{name}.*" if pattern is None else pattern
        answer = p.ask(
            LIST,
            2,
            True,
            (["s"], ["q"], "q", "s"),
            (list(states), [], longer, pattern),
            ("i", "h", ["s"], [("s", "q", "s")]),
            lambda a: ERRORS[a[1]],
        )
        p.end(False)
        return f"{ERRORS[answer[1]]}, unknown {sorted(answer[2])}, " + (
            ", ".join(f"{t[0]} {p.shown(t[1], 0)} {t[2]}" for t in sorted(answer[3]) if t[0].startswith("looks-")) or "none"
        )

    tries = {
        "of one": {},
        "of states that it has not": dict(states=["Empty"]),
        "of states that it has": dict(states=["Ongoing", "Never"]),
        "of states that do not exist": dict(states=["Never"]),
        "that last for an hour": dict(longer=3600000),
        "by a part of its id": dict(pattern="looks"),
    }
    for n, (what, arguments) in enumerate(tries.items()):
        case(f"ListTransactions: {what}, one is open")(lambda c, n=n, arguments=arguments: listed(c, f"looks-{n}", **arguments))


beginnings()
ends()
looks()
