"""The contract: everyday jobs of a consumer, each written once, for every client. clients.py says who cannot do which, and why.

A job gets a Job: topics and groups of its own, records to be read, members to start (member.py). It fails with a sentence. In calm weather
a record must come exactly once; while brokers are killed (Job.rough) at least once, and limits are longer.
"""

import itertools
import os
import time

from compat.member import Member, Refused
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

SESSION_MS = 6000
POLL_MS = 300
jobs = {}


def job(*needs):
    """A job of the contract; needs: what a client must be able to do for it."""

    def keep(function):
        jobs[function.__name__] = (function, set(needs))
        return function

    return keep


class Failed(Exception):
    pass


class Cluster:
    """What jobs need of the brokers under test, whoever they are."""

    def __init__(self, bootstrap, replicas):
        self.bootstrap, self.replicas, self.numbers = bootstrap, replicas, itertools.count()
        quiet = {"bootstrap.servers": bootstrap, "log_level": 0, "reconnect.backoff.max.ms": 500}
        self.admin = AdminClient(quiet)
        self.producer = Producer({**quiet, "enable.idempotence": True, "linger.ms": 0, "message.timeout.ms": 120000})

    def retry(self, act, seconds=60):
        end = time.monotonic() + seconds
        while True:
            try:
                return act()
            except Exception:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def create(self, name, partitions):
        def go():
            try:
                self.admin.create_topics([NewTopic(name, partitions, self.replicas)], operation_timeout=15)[name].result(20)
            except Exception as e:
                if "exists" not in str(e):  # the answer to the first try was lost
                    raise

        self.retry(go)
        self.wait_known(name, partitions)

    def wait_known(self, name, partitions):
        """Until the producer knows them with their leaders: it fails what it is given for others."""

        def known():
            topic = self.producer.list_topics(name, timeout=10).topics[name]
            if len(topic.partitions) != partitions or any(p.leader < 0 for p in topic.partitions.values()):
                raise Failed(f"{name} has not got {partitions} partitions with leaders")

        self.retry(known)

    def grow(self, name, partitions):
        self.retry(lambda: self.admin.create_partitions([NewPartitions(name, partitions)], operation_timeout=15)[name].result(20))
        self.wait_known(name, partitions)

    def send(self, topic, value, partition, told):
        try:
            self.producer.produce(topic, value, partition=partition, on_delivery=lambda e, m: told.append(e))
        except KafkaException:  # a partition that it has not heard of yet
            self.producer.list_topics(topic, timeout=10)
            raise

    def produce(self, topic, count, partitions):
        """Values, each acknowledged. Other lanes use the producer, too, so each counts what it was told itself."""
        told, values = [], [f"v{next(self.numbers)}" for _ in range(count)]
        for i, value in enumerate(values):
            self.retry(lambda: self.send(topic, value, partitions[i % len(partitions)], told), 20)
        end = time.monotonic() + 130
        while len(told) < count and time.monotonic() < end:
            self.producer.poll(0.05)
        failed = [e for e in told if e]
        if failed or len(told) < count:
            raise Failed(f"records could not be produced: {failed[:1] or 'no answer'}")
        return values


class Job:
    def __init__(self, cluster, client, name, rough=False, logs=None):
        self.cluster, self.client, self.rough, self.logs = cluster, client, rough, logs
        self.name = f"{client.name}-{name}-{os.getpid()}"
        self.group, self.members, self.partitions, self.seen = f"g-{self.name}", [], {}, {}
        self.limit = 90 if rough else 30  # of each wait

    # ---- Topics and records ----

    def topic(self, partitions=1, suffix=""):
        name = f"t-{self.name}{suffix}"
        self.cluster.create(name, partitions)
        self.partitions[name] = partitions
        return name

    def grow(self, topic, partitions):
        self.cluster.grow(topic, partitions)
        self.partitions[topic] = partitions

    def produce(self, topic, count, only=None):
        """Values, spread over the partitions in turn (or over `only`)."""
        return self.cluster.produce(topic, count, only if only is not None else list(range(self.partitions[topic])))

    # ---- Members ----

    def member(self, topics=None, pattern=None, group=None, **more):
        """A member that has subscribed. It does what consumers do by default, but for what `more` says."""
        settings = {"group": group or self.group, **self.settings(), **more}
        m = self.process(settings)
        m.ask("open", topics=topics, pattern=pattern)
        return m

    def settings(self):
        return {
            "bootstrap": self.cluster.bootstrap,
            "reset": "earliest",
            "auto_commit": not self.client.can("commit"),
            "isolation": "read_committed",
            "session_ms": SESSION_MS,
            "protocol": self.client.protocol,
            "cooperative": self.client.cooperative,
        }

    def process(self, settings):
        log = f"{self.logs}/{self.name}-{len(self.members)}.log" if self.logs else None
        m = Member(self.client.command, settings, self.client.environment, log)
        self.members.append(m)
        return m

    def simple(self, partitions):
        """A consumer that is given its partitions: [[topic, partition, offset or None: the committed one]]."""
        m = self.process({"group": self.group, **self.settings()})
        m.ask("assign", partitions=partitions)
        return m

    def admin(self, do, group=None, **more):
        """One question of administration; until `until(answer)` holds, where given."""
        until = more.pop("until", lambda answer: True)
        m = self.process({"group": group or self.group, **self.settings()})
        try:
            end = time.monotonic() + self.limit
            while True:
                try:
                    answer = m.ask(do, **more)
                    if until(answer):
                        return answer
                    said = answer
                except Refused as e:
                    if not self.rough:
                        raise
                    said = e
                if time.monotonic() > end:
                    raise Failed(f"{do}: still {said}")
                time.sleep(0.1)
        finally:
            m.kill()

    def end(self):
        for m in self.members:
            m.kill()

    # ---- Reading ----

    def poll(self, members, count=500, timeout_ms=POLL_MS):
        """One poll of each, at the same time: [(member, topic, partition, offset, value)]."""
        for m in members:
            m.send("poll", count=count, timeout_ms=timeout_ms)
        return [(m, *r) for m in members for r in m.receive("poll")["records"]]

    def read(self, members, values, not_these=(), again=False):
        """Polls until all the values have come; each once, in the order of its partition, and none of `not_these`.
        again: what was read before may come once more."""
        left, got, began = set(values), [], time.monotonic()
        while left:
            for row in self.poll(members, count=len(left) if len(members) == 1 else 500):
                _, topic, partition, offset, value = row
                at = (topic, partition, offset)
                if value in not_these:
                    raise Failed(f"{value} came ({topic}-{partition}, offset {offset}), and should not")
                if value not in left and not again and not self.rough:
                    raise Failed(f"{value} ({topic}-{partition}, offset {offset}) came {'twice' if at in self.seen else 'unasked'}")
                if self.seen.setdefault(at, value) != value:
                    raise Failed(f"offset {offset} of {topic}-{partition} was {self.seen[at]} and is {value}")
                left.discard(value)
                got.append(row)
            if left and time.monotonic() - began > self.limit:
                raise Failed(f"{len(left)} of {len(values)} records did not come within {self.limit} s; there are {self.owned(members)}")
        offsets = {}
        for m, topic, partition, offset, _ in got:
            if offset <= offsets.get((id(m), topic, partition), -1) and not self.rough and not again:
                raise Failed(f"{topic}-{partition}: offset {offset} came after {offsets[id(m), topic, partition]}")
            offsets[id(m), topic, partition] = offset
        return got

    def take(self, member, count):
        """Exactly `count` records, whichever."""
        rows, began = [], time.monotonic()
        while len(rows) < count:
            rows += self.poll([member], count=count - len(rows))
            if time.monotonic() - began > self.limit:
                raise Failed(f"only {len(rows)} of {count} records came within {self.limit} s")
        return rows

    def owned(self, members):
        return [[tuple(p) for p in m.ask("assigned")["partitions"]] for m in members]

    def settle(self, members, fair, what):
        """Polls until the assignment is right; everything has been read by now, so nothing comes."""
        began = time.monotonic()
        while True:
            rows = self.poll(members)
            if rows and not self.rough:
                raise Failed(f"{rows[0]} came while the group was settling")
            owned = self.owned(members)
            if fair(owned):
                return owned
            if time.monotonic() - began > self.limit:
                raise Failed(f"{what}: after {self.limit} s the members have {owned}")

    def all_of(self, topic):
        return {(topic, p) for p in range(self.partitions[topic])}

    def shared(self, topic, members):
        """Each has as many as the next, none twice, none missing."""

        def fair(owned):
            flat = [p for o in owned for p in o]
            return len(flat) == len(set(flat)) and set(flat) == self.all_of(topic) and max(map(len, owned)) - min(map(len, owned)) <= 1

        return self.settle(members, fair, f"{len(members)} members should share {topic}")

    def commit(self, members, how=False):
        """Each commits what it has taken; a rebalance in between is answered by polling on, as programs do."""
        for m in members:
            if not self.client.can("commit"):
                continue
            end = time.monotonic() + self.limit
            while True:
                try:
                    m.ask("commit", **{"async": how})
                    break
                except Refused:
                    if not self.rough or time.monotonic() > end:
                        raise
                    self.poll([m])


# ---- Reading and going on ----


@job("subscribe")
def reads_from_earliest(j):
    t = j.topic(3)
    values = j.produce(t, 90)
    m = j.member([t])
    rows = j.read([m], values)
    for p in range(3):
        offsets = [r[3] for r in rows if r[2] == p]
        if not j.rough and offsets != list(range(30)):
            raise Failed(f"partition {p} was read as {offsets}")
    m.close()


@job("subscribe")
def reads_from_latest(j):
    t = j.topic(2)
    old = j.produce(t, 20)
    m = j.member([t], reset="latest")
    new, began = [], time.monotonic()
    while not j.poll([m], count=1):  # where the end lies is asked some time after the assignment
        new += j.produce(t, 2)
        if time.monotonic() - began > j.limit:
            raise Failed(f"nothing of {len(new)} new records came within {j.limit} s")
    after = j.produce(t, 20)
    j.read([m], after, not_these=set(old), again=True)
    m.close()


def restarts(j, how):
    t = j.topic(3)
    values = j.produce(t, 90)
    m = j.member([t])
    taken = {r[4] for r in j.take(m, 40)}
    j.commit([m], how)
    m.close()
    m = j.member([t])
    j.read([m], set(values) - taken, not_these=set() if j.rough else taken)
    m.close()


@job("commit")
def restarts_from_a_synchronous_commit(j):
    restarts(j, False)


@job("commit async")
def restarts_from_an_asynchronous_commit(j):
    restarts(j, True)


@job("subscribe", "auto-commit")
def restarts_from_an_automatic_commit(j):
    t = j.topic(3)
    first = j.produce(t, 60)
    m = j.member([t], auto_commit=True)
    j.read([m], first)
    m.close()
    second = j.produce(t, 30)
    m = j.member([t], auto_commit=True)
    j.read([m], second, not_these=set() if j.rough else set(first))
    m.close()


@job("commit", "committed")
def committed_offsets_are_told(j):
    t = j.topic(2)
    values = j.produce(t, 10, only=[0])
    m = j.member([t])
    j.read([m], values)
    j.commit([m])
    told = m.ask("committed", partitions=[[t, 0], [t, 1]])["offsets"]
    if told not in ([10, None], [10, 0]):  # some commit the position of a partition that gave nothing
        raise Failed(f"committed offsets are {told}, not 10 and none")
    m.close()


@job("subscribe")
def two_groups_are_independent(j):
    t = j.topic(2)
    values = j.produce(t, 40)
    for group in (j.group + "-a", j.group + "-b"):
        m = j.member([t], group=group)
        j.read([m], values, again=True)
        j.commit([m])
        m.close()


@job("seek")
def seeks(j):
    t = j.topic(1)
    values = j.produce(t, 30)
    m = j.member([t])
    j.read([m], values)
    m.ask("seek", topic=t, partition=0, offset=5)
    rows = j.read([m], values[5:], again=True)
    if rows[0][3] != 5:
        raise Failed(f"after a seek to 5 came offset {rows[0][3]}")
    m.close()


@job("pause")
def pauses_and_resumes(j):
    t = j.topic(2)
    m = j.member([t])
    j.settle([m], lambda owned: set(owned[0]) == j.all_of(t), "one member should have all")
    first = j.produce(t, 20)
    j.read([m], first)
    m.ask("pause", partitions=[[t, 0]])
    zero, one = j.produce(t, 10, only=[0]), j.produce(t, 10, only=[1])
    j.read([m], one, not_these=set(zero))
    m.ask("resume", partitions=[[t, 0]])
    j.read([m], zero)
    m.close()


@job("pattern")
def subscribes_by_pattern(j):
    a, b, other = j.topic(1, "-in-a"), j.topic(2, "-in-b"), j.topic(1, "-out")
    values, unwanted = j.produce(a, 10) + j.produce(b, 20), j.produce(other, 10)
    m = j.member(pattern=f"^t-{j.name.replace('.', '[.]')}-in-.*")
    j.read([m], values, not_these=set(unwanted))
    m.close()


@job("subscribe", "grow")
def finds_new_partitions(j):
    t = j.topic(1)
    first = j.produce(t, 10)
    m = j.member([t])
    j.read([m], first)
    j.commit([m])
    j.grow(t, 3)
    j.read([m], j.produce(t, 30, only=[0, 1, 2]), again=True)  # some give all up for it, and go on from the commit
    m.close()


# ---- Members ----


@job("subscribe", "assigned")
def two_members_share_and_one_leaves(j):
    t = j.topic(4)
    a = j.member([t])
    j.settle([a], lambda owned: set(owned[0]) == j.all_of(t), "one member should have all")
    b = j.member([t])
    j.shared(t, [a, b])
    rows = j.read([a, b], j.produce(t, 80))
    if {id(r[0]) for r in rows} != {id(a), id(b)}:
        raise Failed("one of the two members read nothing")
    j.commit([a, b])
    b.close()
    j.settle([a], lambda owned: set(owned[0]) == j.all_of(t), "the member that stays should have all")
    j.read([a], j.produce(t, 40))
    a.close()


@job("subscribe", "assigned")
def a_killed_member_is_replaced(j):
    t = j.topic(4)
    a, b = j.member([t]), j.member([t])
    j.shared(t, [a, b])
    first = j.produce(t, 40)
    j.read([a, b], first)
    j.commit([a, b])
    b.kill()
    second = j.produce(t, 40)
    j.read([a], second, again=True)  # what was read since the commit comes again with the new assignment
    a.close()


@job("static", "assigned")
def a_static_member_comes_back_unnoticed(j):
    t = j.topic(4)
    a, b = j.member([t], instance="one", session_ms=20000), j.member([t], instance="two", session_ms=20000)
    _, had = j.shared(t, [a, b])
    rebalances = a.ask("assigned")["rebalances"]
    b.close()
    b = j.member([t], instance="two", session_ms=20000)
    j.settle([a, b], lambda owned: owned[1] == had, f"the static member should have {had} again")
    j.read([a, b], j.produce(t, 40))
    after = a.ask("assigned")["rebalances"]
    if after != rebalances and not j.rough:
        raise Failed(f"the other member went through {after - rebalances} rebalance events")
    a.close()
    b.close()


@job("mixed protocols", "assigned")
def a_group_changes_its_protocol_while_it_lives(j):
    t = j.topic(4)
    old = j.member([t], protocol="classic", cooperative=False)
    j.settle([old], lambda owned: set(owned[0]) == j.all_of(t), "one member should have all")
    new = j.member([t], protocol="consumer")
    j.shared(t, [old, new])
    j.read([old, new], j.produce(t, 40))
    j.commit([old, new])
    old.close()
    j.settle([new], lambda owned: set(owned[0]) == j.all_of(t), "the member of the new protocol should have all")
    j.read([new], j.produce(t, 20))
    new.close()


# ---- Without membership, and administration ----


@job("assign")
def a_simple_consumer_commits(j):
    t = j.topic(2)
    values = j.produce(t, 40)
    m = j.simple([[t, 0, 0], [t, 1, 0]])
    taken = {r[4] for r in j.take(m, 15)}
    j.commit([m])
    m.close()
    m = j.simple([[t, 0, None], [t, 1, None]])
    j.read([m], set(values) - taken, not_these=set() if j.rough else taken)
    m.close()


def same_state(state, wanted):
    return str(state).upper().replace("_", "") in (wanted.upper(), "")


@job("describe", "commit")
def a_group_is_listed_and_described(j):
    t = j.topic(2)
    m = j.member([t])
    j.read([m], j.produce(t, 20))
    j.commit([m])
    j.admin("list", until=lambda answer: j.group in answer["groups"])
    j.admin("describe", until=lambda answer: same_state(answer["state"], "Stable") and answer["members"] == 1)
    m.close()
    j.admin("describe", until=lambda answer: same_state(answer["state"], "Empty") and answer["members"] == 0)


@job("delete", "commit", "list")
def a_group_is_deleted_when_it_is_empty(j):
    t = j.topic(2)
    values = j.produce(t, 20)
    m = j.member([t])
    j.read([m], values)
    j.commit([m])
    try:
        j.admin("delete")
        raise Failed("a group with a member was deleted")
    except Refused:
        pass
    except Failed as e:
        if "still" not in str(e):
            raise
    m.close()
    j.admin("list", until=lambda answer: j.group in answer["groups"])
    end = time.monotonic() + j.limit
    while True:
        try:
            j.admin("delete")
            break
        except Refused:  # the leave may still be on its way
            if time.monotonic() > end:
                raise
    j.admin("list", until=lambda answer: j.group not in answer["groups"])
    m = j.member([t])
    j.read([m], values, again=True)  # from the beginning: nothing is committed
    m.close()


@job("alter", "offsets", "commit")
def offsets_of_an_empty_group_are_reset(j):
    t = j.topic(2)
    values = j.produce(t, 40)  # in turn: partition 0 has those with an even place
    m = j.member([t])
    j.read([m], values)
    j.commit([m])
    m.close()
    j.admin("offsets", until=lambda answer: answer["offsets"] == [[t, 0, 20], [t, 1, 20]])
    end = time.monotonic() + j.limit
    while True:
        try:
            j.admin("alter", offsets=[[t, 0, 3], [t, 1, 15]])
            break
        except Refused:
            if time.monotonic() > end:
                raise
    j.admin("offsets", until=lambda answer: answer["offsets"] == [[t, 0, 3], [t, 1, 15]])
    wanted = values[6::2] + values[31::2]
    m = j.member([t])
    j.read([m], wanted, again=True, not_these=set() if j.rough else set(values) - set(wanted))
    m.close()


@job("tool", "commit")
def the_command_line_tool_does_all(j):
    """kafka-consumer-groups: list, describe, reset in every way, delete."""
    t = j.topic(2)
    m = j.member([t])
    j.read([m], j.produce(t, 40))
    j.commit([m])
    text = j.admin("tool", words=["--describe", "--group", j.group])["text"]
    rows = [line.split() for line in text.splitlines() if line.startswith(j.group)]
    if sorted(r[2:6] for r in rows) != [["0", "20", "20", "0"], ["1", "20", "20", "0"]]:
        raise Failed(f"--describe says {text!r}")
    for more, word in ((["--state"], "Stable"), (["--members", "--verbose"], t)):
        text = j.admin("tool", words=["--describe", "--group", j.group, *more])["text"]
        if word not in text:
            raise Failed(f"--describe {' '.join(more)} says {text!r}")
    m.close()
    j.admin("tool", words=["--describe", "--group", j.group, "--state"], until=lambda answer: "Empty" in answer["text"])
    ways = (
        (["--to-earliest"], 0),
        (["--shift-by", "7"], 7),
        (["--to-offset", "12"], 12),
        (["--to-latest"], 20),
        (["--by-duration", "PT1H"], 0),
    )
    for way, offset in ways:
        j.admin("tool", words=["--reset-offsets", "--group", j.group, "--topic", t, *way, "--execute"])
        found = j.admin("offsets")["offsets"]
        if found != [[t, 0, offset], [t, 1, offset]]:
            raise Failed(f"after {' '.join(way)} the offsets are {found}")
    if j.group not in j.admin("tool", words=["--list"])["text"]:
        raise Failed("--list does not have the group")
    j.admin("tool", words=["--delete-offsets", "--group", j.group, "--topic", f"{t}:0"])
    found = j.admin("offsets")["offsets"]
    if found != [[t, 1, 0]]:
        raise Failed(f"after --delete-offsets of partition 0 they are {found}")
    j.admin("tool", words=["--delete", "--group", j.group])
    if j.group in j.admin("tool", words=["--list"])["text"]:
        raise Failed("--list still has the deleted group")
