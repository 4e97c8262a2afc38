"""The contract, transactions: committed, aborted, fenced, timed out, with offsets of a group, and what readers see of them meanwhile.

In calm weather every call must succeed. While brokers are killed a call may be refused: then what is open is aborted, or another producer of the same
id takes over, as programs do; what was to be committed then is there as a whole, or not at all, and everything else is as exact as ever.
"""

import time

from compat.job import Failed, Jobs
from compat.member import Refused

LONG_MS, SHORT_MS = 120000, 2000  # transaction.timeout.ms: never reached, and reached
ROUGH_S = 45  # how long a job goes on while brokers are killed every 20 s
PATIENCE_S = 60  # there: a program that makes no headway is started again. kafka-python 3.0.12 may wait for ever: a request of a transaction is forgotten
# when its coordinator is down just then

job = Jobs()


class Asked:
    """Whoever asks `member` for something of a transaction."""

    def ask(self, do, **more):
        return self.member.ask(do, seconds=PATIENCE_S if self.j.rough else None, **more)


class Writer(Asked):
    """A transactional producer of the client, and what has become of its values."""

    def __init__(self, j, name="w", timeout_ms=LONG_MS):
        self.j, self.asked = j, {"id": f"x-{j.name}-{name}", "txn_timeout_ms": timeout_ms}
        self.committed, self.aborted, self.gone, self.unknown = [], [], [], []  # unknown: sets, each there as a whole or not at all
        self.start()

    def start(self):
        self.member = self.j.started({"group": self.j.group, **self.j.settings(), **self.asked}, "producer")

    def send(self, topic, count):
        values = self.j.cluster.values(count)
        partitions = self.j.partitions[topic]
        self.sent += values
        self.ask("send", records=[[topic, i % partitions, v] for i, v in enumerate(values)])

    def begin(self, topic, count):
        """Begins one and sends into it; what was sent."""

        def go():
            self.sent = []
            self.ask("begin")
            self.send(topic, count)

        self.insist(go)
        return self.sent

    def end(self, commit=True):
        if commit:
            self.unknown.append(set(self.sent))
        self.ask("end", commit=commit)
        if commit:
            self.unknown.pop()
        (self.committed if commit else self.aborted).extend(self.sent)

    def transaction(self, topic, count, commit=True):
        """A whole one; done anew while it is refused."""

        def go():
            self.begin(topic, count)
            self.end(commit)

        self.insist(go)

    def insist(self, go):
        end = time.monotonic() + 3 * self.j.limit
        while True:
            try:
                return go()
            except Refused:
                if not self.j.rough or time.monotonic() > end:
                    raise
                self.gone += self.sent
                self.go_on()

    def go_on(self):
        try:
            self.ask("end", commit=False)
        except Refused:
            self.member.kill()
            self.start()

    def unread(self):
        return set(self.aborted) | set(self.gone) - set().union(*self.unknown)


def while_it_lasts(j, times):
    """So many times in calm weather; else as long as some brokers are killed."""
    end = time.monotonic() + ROUGH_S
    while time.monotonic() < end if j.rough else times:
        times -= 1
        yield


def is_exact(j, topic, writers):
    """Another client's judgement: of what was committed all is there, once; of what is unknown all of a transaction or nothing; nothing else is."""
    found = [v for values in j.cluster.committed_values(topic, j.partitions[topic], j.limit).values() for v in values]
    left, had = set(found), [v for w in writers for v in w.committed]
    if len(found) != len(left):
        raise Failed(f"{len(found) - len(left)} values are there twice: {[v for v in left if found.count(v) > 1][:5]}")
    if lost := set(had) - left:
        raise Failed(f"{len(lost)} of {len(had)} committed values are lost: {sorted(lost)[:5]}")
    left -= set(had)
    for values in (u for w in writers for u in w.unknown):
        if values & left and values - left:
            raise Failed(f"of a transaction {len(values & left)} values are there, and {len(values - left)} are not")
        left -= values
    if left:
        raise Failed(f"{len(left)} values were not committed, and are there: {sorted(left)[:5]}")


def must_be_refused(j, writer, what, **more):
    try:
        writer.member.ask(what, **more)
    except Refused as e:
        j.notes.append(str(e))
        return
    raise Failed(f"{what} was not refused")


@job("transactions")
def transactions_are_committed(j):
    """One after the other: each is read as a whole, and its end takes an offset in each of its partitions."""
    t, w = j.topic(2), Writer(j)
    for _ in while_it_lasts(j, 3):
        w.transaction(t, 10)
    is_exact(j, t, [w])
    m = j.member([t])
    rows = j.read([m], w.committed, not_these=w.unread())
    offsets = [r[3] for r in rows if r[2] == 1]
    if not j.rough and offsets != [*range(5), *range(6, 11), *range(12, 17)]:
        raise Failed(f"partition 1 was read as {offsets}")
    j.close(m)


@job("transactions")
def an_aborted_transaction_is_not_read(j):
    t, w = j.topic(2), Writer(j)
    for commit in (True, False, True):
        w.transaction(t, 10, commit)
    m = j.member([t])
    j.read([m], w.committed, not_these=w.unread())
    is_exact(j, t, [w])
    j.close(m)


@job("transactions", "aborts in a row")
def what_is_aborted_is_read_by_those_who_ask_for_it(j):
    t, w = j.topic(2), Writer(j)
    for _ in while_it_lasts(j, 2):
        w.transaction(t, 10)
        w.transaction(t, 10, commit=False)
        w.transaction(t, 10, commit=False)
    behind = j.produce(t, 2)
    m = j.member([t])
    j.read([m], w.committed + behind, not_these=w.unread())
    loose = j.member([t], group=j.group + "-loose", isolation="read_uncommitted")
    j.read([loose], w.committed + w.aborted + behind)
    w.committed += behind
    is_exact(j, t, [w])
    j.close(m)
    j.close(loose)


@job("transactions", "aborts in a row", "interleaved transactions")
def transactions_share_a_partition(j):
    t, writers = j.topic(1), [Writer(j, name) for name in "abc"]
    for _ in while_it_lasts(j, 2):
        for w in writers:
            w.begin(t, 3)
        for i, w in enumerate(writers):
            try:
                w.send(t, 2)
                w.end(commit=i != 1)
            except Refused:
                if not j.rough:
                    raise
                w.gone += w.sent
                w.go_on()
    behind = j.produce(t, 1)
    m = j.member([t])
    j.read([m], [v for w in writers for v in w.committed] + behind, not_these=set().union(*(w.unread() for w in writers)))
    writers[0].committed += behind
    is_exact(j, t, writers)
    j.close(m)


@job("transactions")
def an_open_transaction_holds_up_committed_readers(j):
    t, w = j.topic(1), Writer(j)
    before, inside = j.produce(t, 5), w.begin(t, 5)
    after = j.produce(t, 5)
    loose = j.member([t], group=j.group + "-loose", isolation="read_uncommitted")
    j.read([loose], before + inside + after)
    m = j.member([t])
    j.read([m], before, not_these={*inside, *after})
    for _ in range(3):
        for row in j.poll([m]):
            if row[4] not in before:
                raise Failed(f"{row[4]} came while the transaction before it was open")
    try:
        w.end()
    except Refused:
        if not j.rough:
            raise
        w.go_on()
        j.read([m], after)
    else:
        j.read([m], inside + after)
    j.close(m)
    j.close(loose)


@job("transactions")
def a_newer_producer_fences_the_older(j):
    t = j.topic(1)
    old = Writer(j, "twin")
    old.transaction(t, 5)
    stale = old.begin(t, 5)
    new = Writer(j, "twin")
    new.transaction(t, 5)
    must_be_refused(j, old, "end", commit=True)
    new.transaction(t, 5)
    behind = j.produce(t, 1)
    m = j.member([t])
    j.read([m], old.committed + new.committed + behind, not_these=set(stale))
    new.committed += behind
    is_exact(j, t, [old, new])
    j.close(m)


@job("transactions")
def an_abandoned_transaction_times_out(j):
    """Readers go on then; whoever left it open cannot commit it any more, and another producer of its id can write."""
    t = j.topic(1)
    w = Writer(j, timeout_ms=SHORT_MS)
    late = w.begin(t, 5)
    behind = j.produce(t, 1)
    m = j.member([t])
    j.read([m], behind, not_these=set(late))
    must_be_refused(j, w, "end", commit=True)
    w.member.kill()
    again = Writer(j)
    again.transaction(t, 5)
    j.read([m], again.committed, not_these=set(late))
    again.committed += behind
    is_exact(j, t, [again])
    j.close(m)


class Copier(Asked):
    """Reads, writes what it has read, and commits how far it is, in one transaction."""

    def __init__(self, j, source, target):
        self.j, self.target = j, target
        settings = {"group": j.group, **j.settings(), "id": f"x-{j.name}", "txn_timeout_ms": LONG_MS, "session": True}
        self.member = j.started(settings, "producer")
        self.member.ask("open", topics=[source])

    def copy(self, rows):
        self.ask("begin")
        self.ask("send", records=[[self.target, p, f"copy of {v}"] for _, _, p, _, v in rows])
        self.ask("add_offsets")

    def end(self, commit):
        self.ask("end", commit=commit)


def copies(j, source, target, values):
    """Until all that there is has been copied, by one copier after the other where brokers are killed."""
    end, copier = time.monotonic() + 2 * j.limit, None
    while True:
        try:
            copier = copier or Copier(j, source, target)
            if rows := j.poll([copier.member], count=7):
                copier.copy(rows)
                copier.end(commit=True)
                continue
        except Refused:
            if not j.rough or time.monotonic() > end:
                raise
            if copier:
                copier.member.kill()
            copier = None
        found = j.cluster.committed_values(target, j.partitions[target], j.limit)
        if sum(map(len, found.values())) >= len(values):
            return copier
        if time.monotonic() > end:
            offsets = j.cluster.committed(j.group, source, j.partitions[source])
            owned = copier and j.owned([copier.member])
            raise Failed(f"{ {p: len(v) for p, v in found.items()} } values were copied; committed is {offsets}; the copier has {owned}")


@job("transactions", "offsets in transactions")
def what_is_read_is_written_once(j):
    """Whatever is aborted, and whoever dies with a transaction open, the offsets go with what was written."""
    t, out = j.topic(2), j.topic(2, "-copy")
    values = j.produce(t, 40)
    if not j.rough:
        copier = Copier(j, t, out)
        copier.copy(j.take(copier.member, 15))
        copier.end(commit=False)
        j.close(copier.member)
        copier = Copier(j, t, out)
        copier.copy(j.take(copier.member, 10))
        copier.member.kill()
    copier = None
    for _ in while_it_lasts(j, 2):
        values += j.produce(t, 10)
        if copier:
            copier.member.kill()
        copier = copies(j, t, out, values)
    found = j.cluster.committed_values(out, 2, j.limit)
    wanted = {p: [f"copy of {v}" for v in j.produced[t][p]] for p in range(2)}
    if found != wanted:
        raise Failed(f"{ {p: (len(found[p]), len(wanted[p])) for p in found} } values are there and wanted: {found} {wanted}")
    if j.client.can("aborts in a row"):
        m = j.member([out], group=j.group + "-judge")
        j.read([m], wanted[0] + wanted[1])
        j.close(m)
    if copier:
        j.close(copier.member)
